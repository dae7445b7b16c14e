"""What goes into the intake log, and what comes out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

KINDS = frozenset({"device", "adt", "other"})
STATUSES = frozenset({"ok", "quarantined", "uninterpreted"})


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One message or report as it came.

    ``received`` is our receive time in µs since the epoch. ``sender`` and ``control`` (MSH-3..4 and
    MSH-10, or the report id) with the content recognise a repeated message. ``raw`` is the message
    byte for byte, ``payload`` what the driver made of it; ``problems`` is JSON text.
    """

    kind: str
    link: str
    sender: str
    control: str
    received: int
    raw: bytes
    payload: bytes
    profile: str = ""
    patient_ids: tuple[str, ...] = ()
    message_type: str = ""
    status: str = "ok"
    problems: str = ""


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The entry is on disk at ``sequence``. ``duplicate``: it was there before; ``clash``: its control
    id was there before with other content (stored as new)."""

    sequence: int
    duplicate: bool = False
    clash: bool = False


class Row(msgspec.Struct, frozen=True, gc=False):
    """An entry read back. ``raw`` is filled only by :func:`wardbridge.exchange.intake.store.message`."""

    sequence: int
    kind: str
    link: str
    sender: str
    control: str
    received: int
    message_type: str
    profile: str
    status: str
    clash: bool
    patient_ids: tuple[str, ...]
    problems: str
    payload: bytes = b""
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Key:
    """``name`` is a 64-bit hash of (sender, control), ``digest`` 128 bits of (sender, control, content)."""

    name: int
    digest: bytes


def key(entry: Entry, chance: bytes) -> Key:
    """The key that recognises ``entry`` when it comes again.

    Without a control id the content alone decides; without content either, ``chance`` (16 random
    bytes) makes the entry its own, so that only our own retry is recognised.
    """
    sender, control = entry.sender.encode("utf-8", "replace"), entry.control.encode("utf-8", "replace")
    head = b"%d:%d:" % (len(sender), len(control)) + sender + control
    content = entry.raw or entry.payload
    if not control and not entry.raw:
        return Key(int.from_bytes(chance[:8], "big", signed=True), chance)
    digest = hashlib.blake2b(head, digest_size=16)
    digest.update(content)
    code = digest.digest()
    if not control:
        return Key(int.from_bytes(code[:8], "big", signed=True), code)
    return Key(int.from_bytes(hashlib.blake2b(head, digest_size=8).digest(), "big", signed=True), code)
