"""What happened to a machine, from every part of the room, as one kind of value."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """``at`` in µs since the epoch; ``kind`` a short word (state, work, version, patient, advisory, signature …)."""

    at: int
    kind: str
    text: str
    by: str = ""
    url: str = ""
