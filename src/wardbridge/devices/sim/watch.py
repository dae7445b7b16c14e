"""A monitor's limit alarms: a value outside its limits for a while starts one, back inside ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wardbridge.devices.sim import terms
from wardbridge.devices.sim.alert import Cause
from wardbridge.devices.sim.terms import Term, Unit


@dataclass(frozen=True)
class Limit:
    """Alarm limits of one value. Beyond ``low`` or ``high`` is medium priority, beyond ``crisis_low`` or
    ``crisis_high`` is high. ``delay`` is how long in seconds it must last."""

    label: str
    source: Term
    unit: Unit
    path: tuple[Term, ...]
    low: float
    high: float
    crisis_low: float
    crisis_high: float
    delay: float = 4.0
    digits: int = 0

    def text(self) -> str:
        """As OBX-7 wants it."""
        return f"{self.low:g}-{self.high:g}"


LIMITS: Final = {
    "hr": Limit("HR", terms.HR, terms.BPM, (terms.MONITOR, terms.ECG_VMD, terms.ECG_CHAN), 50, 120, 40, 140),
    "spo2": Limit(
        "SpO2", terms.SPO2, terms.PERCENT, (terms.MONITOR, terms.SPO2_VMD, terms.SPO2_CHAN), 90, 100, 85, 101, 8.0
    ),
    "rr": Limit("RR", terms.RR, terms.BREATHS, (terms.MONITOR, terms.RESP_VMD, terms.RESP_CHAN), 8, 30, 5, 40),
    "sys": Limit(
        "ABP systolic", terms.ABP_SYS, terms.MMHG, (terms.MONITOR, terms.ABP_VMD, terms.ABP_CHAN), 90, 160, 70, 190
    ),
    "etco2": Limit(
        "EtCO2", terms.ETCO2, terms.MMHG, (terms.MONITOR, terms.CO2_VMD, terms.CO2_CHAN), 30, 50, 20, 60, 8.0
    ),
    "temp": Limit(
        "Temperature", terms.TEMP, terms.CEL, (terms.MONITOR, terms.TEMP_VMD, terms.TEMP_CHAN),
        35.5, 39.0, 34.0, 40.5, 15.0, 1,
    ),
}  # fmt: skip


class Watch:
    """One value under watch. Feed it every second."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._outside = -1.0
        self._inside = -1.0
        self._present = False

    def look(self, value: float | None, t: float) -> tuple[bool, Cause | None]:
        """Whether the alert is present at ``t``, and its cause. No value (None) leaves things as they are."""
        limit = self.limit
        if value is None:
            return self._present, None
        shown = round(value, limit.digits)
        outside = shown < limit.low or shown > limit.high
        self._outside = (self._outside if self._outside >= 0 else t) if outside else -1.0
        self._inside = -1.0 if outside else (self._inside if self._inside >= 0 else t)
        if outside and t - self._outside >= limit.delay:
            self._present = True
        elif not outside and t - self._inside >= limit.delay:
            self._present = False
        return self._present, self._cause(shown)

    def _cause(self, shown: float) -> Cause:
        limit = self.limit
        high = shown - limit.high > limit.low - shown
        crisis = shown < limit.crisis_low or shown > limit.crisis_high
        return Cause(
            event=terms.HIGH if high else terms.LOW,
            text=f"{limit.label} {'high' if high else 'low'}",
            priority="PH" if crisis else "PM",
            kind="SP",
            path=limit.path,
            source=limit.source,
            value=f"{shown:.{limit.digits}f}",
            unit=limit.unit,
            limits=limit.text(),
        )
