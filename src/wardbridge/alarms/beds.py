"""What the alarm engine watches, asked of the rooms below: beds, their devices and live values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from wardbridge.core.clock import SECOND
from wardbridge.terminology.slots import BY_NAME, RANKED, Slot

UNFIT = 1 | 4 | 8 | 16 | 32 | 16384
"""Quality flags that keep a value from limits and scores: invalid, unavailable, calibrating, test, demo,
wrong patient."""


class Live(msgspec.Struct, frozen=True, gc=False):
    """The last value of one channel. Times are µs since the epoch."""

    code: int
    text: str
    number: float | None
    time: int
    received: int
    quality: int
    device_id: str


class Machine(msgspec.Struct, frozen=True):
    """One device at a bed. ``standby`` means it said that it rests; ``vital`` that silence is an alarm."""

    device_id: str
    label: str
    last_seen: int
    standby: bool = False


class BedNow(msgspec.Struct, frozen=True):
    """One bed at this moment. ``patient_id`` is empty where nobody lies in it."""

    place_id: str
    ward: str
    patient_id: str
    machines: tuple[Machine, ...] = ()
    values: tuple[Live, ...] = ()


class Beds(Protocol):
    """Where the engine looks."""

    async def now(self) -> Sequence[BedNow]: ...


def pick(values: Iterable[Live], slot: Slot, now: int, within_seconds: int | None = None) -> Live | None:
    """The value that stands for a slot: of those fit and fresh the best source, newest first."""
    limit = (slot.stale_seconds if within_seconds is None else within_seconds) * SECOND
    best: Live | None = None
    best_key: tuple[int, int] | None = None
    for value in values:
        if value.code not in slot.codes or value.number is None or value.quality & UNFIT:
            continue
        if now - value.received > limit:
            continue
        key = (RANKED[value.code][1], -value.received)
        if best_key is None or key < best_key:
            best, best_key = value, key
    return best


def pick_named(values: Iterable[Live], name: str, now: int, within_seconds: int | None = None) -> Live | None:
    """As :func:`pick`, by the slot's name."""
    return pick(values, BY_NAME[name], now, within_seconds)
