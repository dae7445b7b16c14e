"""Parameters as people name them: which MDC codes may stand behind "HR", best source first."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Slot(msgspec.Struct, frozen=True):
    """One parameter. ``stale_seconds`` is the age at which a value of it no longer counts as live;
    ``unit`` is for display."""

    name: str
    label: str
    codes: tuple[int, ...]
    stale_seconds: int
    unit: str = ""


SLOTS: tuple[Slot, ...] = (
    Slot("hr", "HR", (147842, 149530, 149514, 149546), 10, "/min"),
    Slot("spo2", "SpO₂", (150456, 160300, 160296), 10, "%"),
    Slot("abp-sys", "ABP sys", (150037, 150033, 150017), 10, "mmHg"),
    Slot("abp-dia", "ABP dia", (150038, 150034, 150018), 10, "mmHg"),
    Slot("abp-mean", "ABP mean", (150039, 150035, 150019), 10, "mmHg"),
    Slot("nibp-sys", "NIBP sys", (150021,), 3600, "mmHg"),
    Slot("nibp-dia", "NIBP dia", (150022,), 3600, "mmHg"),
    Slot("nibp-mean", "NIBP mean", (150023,), 3600, "mmHg"),
    Slot("rr", "RR", (151562, 151594, 151570, 152490, 151586, 151658), 10, "/min"),
    Slot("temp", "T", (150368, 150372, 150348, 150344, 150364, 150380, 188420, 188424, 150392), 900, "°C"),
    Slot("etco2", "etCO₂", (151708,), 10, "mmHg"),
    Slot("cvp", "CVP", (150087, 150084), 10, "mmHg"),
)
BY_NAME: Mapping[str, Slot] = {slot.name: slot for slot in SLOTS}
RANKED: Mapping[int, tuple[str, int]] = {
    code: (slot.name, rank) for slot in SLOTS for rank, code in enumerate(slot.codes)
}


def slot_of(code: int) -> str:
    """The slot that a code may fill; empty when none."""
    return RANKED[code][0] if code in RANKED else ""
