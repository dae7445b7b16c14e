"""Batches and files of messages: FHS/BHS ... BTS/FTS (HL7 v2.9 section 2.10.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_STARTS = re.compile(rb"(?:^|(?<=[\r\n\x0b]))MSH(?=[^A-Za-z0-9\r\n])")
_TRAILER = re.compile(rb"(?:^|(?<=[\r\n]))(?:BTS|FTS|BHS|FHS)(?=[^A-Za-z0-9]|$)")


def is_batch(raw: bytes) -> bool:
    """Whether the bytes open with a file or batch header, or hold more than one MSH."""
    # Nearly every frame is one message: a plain count costs a hundredth of the pattern.
    return raw[:3] in (b"FHS", b"BHS") or (raw.count(b"MSH") > 1 and len(_STARTS.findall(raw)) > 1)


def split_messages(raw: bytes) -> Iterator[bytes]:
    """Each message of a batch, file or plain run of messages, as the bytes it has there.

    Batch and file headers and trailers belong to no message and are not yielded; callers keep `raw`.
    """
    starts = [found.start() for found in _STARTS.finditer(raw)]
    for at, begin in enumerate(starts):
        end = starts[at + 1] if at + 1 < len(starts) else len(raw)
        trailer = _TRAILER.search(raw, begin, end)
        yield raw[begin : trailer.start() if trailer else end]


def declared_count(raw: bytes) -> int | None:
    """The message count of the first BTS (BTS-1), None where there is none to check."""
    found = re.search(rb"(?:^|[\r\n])BTS.(\d+)", raw)
    return int(found.group(1)) if found else None
