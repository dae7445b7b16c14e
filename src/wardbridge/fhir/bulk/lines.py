"""NDJSON read from any byte on, a line at a time, whatever its length (https://github.com/ndjson/ndjson-spec)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MOST = 16 * 1024 * 1024
"""Longest line that is read; a longer one is an error of its own and is passed over."""


@dataclass(frozen=True)
class Line:
    """``number`` counts from 1; ``end`` is the byte behind it. ``text`` is None where it is longer than allowed."""

    number: int
    end: int
    text: bytes | None


def lines(path: Path, offset: int, number: int, most: int = MOST) -> Iterator[Line]:
    """The lines behind ``offset``; ``number`` lines come before it. A blank one has the text b""."""
    with path.open("rb") as file:
        file.seek(offset)
        while text := file.readline(most + 1):
            number += 1
            offset += len(text)
            too_long = len(text) > most and not text.endswith(b"\n")
            while too_long and not text.endswith(b"\n") and (text := file.readline(most)):
                offset += len(text)
            if too_long:
                yield Line(number, offset, None)
            elif text := text.strip(b"\r\n\t \xef\xbb\xbf"):
                yield Line(number, offset, text)
            else:
                yield Line(number, offset, b"")
