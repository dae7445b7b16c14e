"""Slots of the screens: which measured codes stand behind "HR", which of several sources is shown.

A slot lists the ISO/IEEE 11073-10101 codes that may fill it, best source first. A value from a better
source wins while it is fresh; otherwise the freshest one does. Pairs (blood pressure) are filled from
the systolic, diastolic and mean of ONE source and ONE moment, never mixed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from wardbridge.core.clock import SECOND
from wardbridge.terminology.slots import BY_NAME, RANKED, SLOTS, Slot, slot_of

__all__ = ["BY_NAME", "RANKED", "SLOTS", "Filled", "Reading", "Slot", "choose", "fill", "slot_of"]

INVALID = 1 | 4 | 8
"""Quality flags (devices.values.Quality) that make a value unfit to be shown as one: invalid,
unavailable, calibrating."""


WAVES: Mapping[int, str] = {
    131330: "ecg", 131329: "ecg", 131389: "ecg", 131331: "ecg", 131328: "ecg",
    150452: "pleth",
    150036: "abp", 150032: "abp", 150016: "abp", 150084: "cvp", 150044: "pap",
    151780: "resp",
    151700: "co2",
    151792: "paw", 151972: "paw",
    151764: "flow", 151940: "flow",
}  # fmt: skip
WAVE_ORDER = ("ecg", "pleth", "abp", "resp", "co2", "paw", "flow", "pap", "cvp", "other")
LEAD_ORDER = (131330, 131328, 131329, 131389, 131331)
"""Which ECG lead the strip of a tile shows: II first."""

PUMP_RATE = (158014, 157784)
PUMP_DOSE = (157924,)
PUMP_GIVEN = (157864, 157993)
PUMP_LEFT = (157872,)
PUMP_DRUG = (184514,)
PUMP_STATUS = (184519, 184508)


class Reading(msgspec.Struct, frozen=True, gc=False):
    """A value that may fill a slot."""

    code: int
    text: str
    time: int
    received: int
    quality: int
    channel_id: int
    device_id: str
    unit: str = ""


class Filled(msgspec.Struct, frozen=True, gc=False):
    """What a slot shows: ``text`` is ``sys/dia`` for the pair, with the mean in ``extra``."""

    slot: str
    text: str
    time: int
    received: int
    quality: int
    channel_id: int
    device_id: str
    stale_seconds: int
    label: str
    unit: str
    extra: str = ""


def wave_kind(code: int) -> str:
    """The wave kind of a code; ``other`` for what has no own look."""
    return WAVES.get(code, "other")


def stale_seconds(code: int) -> int:
    """After how many seconds a value of this code is no longer shown as live (60 where no slot says)."""
    return BY_NAME[RANKED[code][0]].stale_seconds if code in RANKED else 60


def choose(readings: Iterable[Reading], slot: Slot, now: int) -> Reading | None:
    """The reading that a slot shows at ``now`` (µs): the best-ranked fresh one, else the newest."""
    limit = slot.stale_seconds * SECOND
    best: tuple[tuple[bool, int, int], Reading] | None = None
    for reading in readings:
        if reading.code not in slot.codes:
            continue
        fresh = now - reading.received <= limit
        rank = slot.codes.index(reading.code)
        key = (not fresh, rank if fresh else 0, -reading.received)
        if best is None or key < best[0]:
            best = (key, reading)
    return best[1] if best else None


def fill(readings: Iterable[Reading], now: int) -> dict[str, Filled]:
    """Every slot that the last readings of one bed can fill, with ``bp`` composed of its parts."""
    known = tuple(readings)
    filled: dict[str, Filled] = {}
    for slot in SLOTS:
        chosen = choose(known, slot, now)
        if chosen is not None:
            filled[slot.name] = Filled(
                slot.name, "" if chosen.quality & INVALID else chosen.text, chosen.time, chosen.received,
                chosen.quality, chosen.channel_id, chosen.device_id, slot.stale_seconds, slot.label,
                chosen.unit or slot.unit,
            )  # fmt: skip
    pressure = _pressure(filled, now)
    if pressure is not None:
        filled["bp"] = pressure
    return filled


def _pressure(filled: Mapping[str, Filled], now: int) -> Filled | None:
    """``bp`` from the arterial line while that is fresh, else the newer of line and cuff."""
    line, cuff = _pair(filled, "abp"), _pair(filled, "nibp")
    if line is None or cuff is None:
        return line or cuff
    if now - line.received <= line.stale_seconds * SECOND:
        return line
    return max(line, cuff, key=lambda pair: pair.received)


def _pair(filled: Mapping[str, Filled], source: str) -> Filled | None:
    top, bottom = filled.get(f"{source}-sys"), filled.get(f"{source}-dia")
    if top is None or bottom is None or abs(top.time - bottom.time) > 2 * SECOND:
        return None
    mean = filled.get(f"{source}-mean")
    text = f"{top.text}/{bottom.text}" if top.text and bottom.text else ""
    extra = mean.text if mean is not None and abs(mean.time - top.time) <= 2 * SECOND else ""
    return Filled(
        "bp", text, top.time, top.received, top.quality | bottom.quality, top.channel_id, top.device_id,
        top.stale_seconds, top.label.split()[0], top.unit, extra,
    )  # fmt: skip
