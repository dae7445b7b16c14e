"""Infusion and syringe pumps: PCD-01 with pump containment, PCD-10 events, PCD-04 occlusion alarm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from wardbridge.devices.sim import rows, terms
from wardbridge.devices.sim.alert import Cause
from wardbridge.devices.sim.machine import Identity, Machine
from wardbridge.devices.sim.rows import Outgoing, Tree
from wardbridge.devices.sim.terms import Term

PRESSURE_BUILDS: Final = 8.0  # ward seconds from a closed clamp to the alarm
REFILL: Final = 90.0  # ward seconds that an ended infusion waits for its next bag or syringe
EVERY: Final = 10  # wall seconds between reports


@dataclass(frozen=True)
class Program:
    """What a pump is to give: ``rate`` in mL/h, ``volume`` in mL, ``concentration`` in mg/mL.

    ``weight`` in kg makes it a weight-based dose in ug/kg/min; 0 leaves the dose out.
    """

    drug: str
    rate: float
    volume: float
    concentration: float = 0.0
    weight: float = 0.0
    given: float = 0.0

    def dose(self, rate: float) -> float:
        """ug/kg/min at ``rate`` mL/h."""
        return rate * self.concentration * 1000.0 / 60.0 / self.weight if self.weight else 0.0


class Pump(Machine):
    """One pump. ``fault`` tells of scripted faults; ``rate`` of the rate in mL/h that is set at a time."""

    def __init__(
        self,
        identity: Identity,
        start: int,
        speed: float,
        program: Program,
        fault: Callable[[str, float], bool],
        rate: Callable[[float, float], float] = lambda _t, usual: usual,
    ) -> None:
        super().__init__(identity, start, speed)
        self.program = program
        syringe = identity.kind == "syringe"
        self.system: Term = terms.SYRINGE_MDS if syringe else terms.LVP_MDS
        self.vmd: Term = terms.SYRINGE_VMD if syringe else terms.LVP_VMD
        self._fault = fault
        self._rate = rate
        self.status = "idle"
        self.rate = 0.0
        self.given = program.given
        self.charge = 96.0
        self._closed = 0.0
        self._ended = 0.0
        self._last: float | None = None
        self._steps = 0

    def step(self, t: float) -> list[Outgoing]:
        passed = 0.0 if self._last is None else (t - self._last) * self.speed
        self._last = t
        self._infuse(t, passed)
        said = self._events(t)
        said += self._alerts_at(t)
        changed = any(message.kind == "event" for message in said)
        if changed or self._steps % EVERY == 0:
            said.append(self.observation(t, self.system, self._values(self.whole(self._steps % 60 == 0))))
        self._steps += 1
        return said

    def _infuse(self, t: float, passed: float) -> None:
        self._closed = self._closed + passed if self._fault("occlusion", t) else 0.0
        if self.status == "infusing" and not self._closed:
            self.given = min(self.given + self.rate * passed / 3600.0, self.program.volume)
        on_battery = self.identity.battery and self._fault("battery", t)
        self.charge += passed * (-0.5 if on_battery else 0.2)
        self.charge = min(max(self.charge, 3.0), 96.0)
        self._ended = self._ended + passed if self.status == "ended" else 0.0

    def _events(self, t: float) -> list[Outgoing]:
        """Delivery segments: a rate change is a stop and a start (IPEC supplement)."""
        wanted = self._rate(t, self.program.rate)
        if self.status == "infusing":
            if self._closed >= PRESSURE_BUILDS:
                return [self._to(t, "paused", terms.DELIVERY_STOP)]
            if self.given >= self.program.volume:
                return [self._to(t, "ended", terms.DELIVERY_DONE)]
            if wanted != self.rate:
                stop = self._to(t, "paused", terms.DELIVERY_STOP)
                self.rate = wanted
                return [stop, self._to(t, "infusing", terms.DELIVERY_START)]
            return []
        if self.status == "paused" and self._closed:
            return []
        if self.status == "ended":
            if self._ended < REFILL:
                return []
            self.given = 0.0
        self.rate = wanted
        return [self._to(t, "infusing", terms.DELIVERY_START)]

    def _to(self, t: float, status: str, event: Term) -> Outgoing:
        self.status = status
        return self._event(t, event)

    def _alerts_at(self, t: float) -> list[Outgoing]:
        path = (self.system, self.vmd, terms.DELIVERY)
        left = (self.program.volume - self.given) / self.rate * 60.0 if self.rate else 999.0
        occluded = self.status == "paused" and self._closed >= PRESSURE_BUILDS
        near = self.status == "infusing" and left < 5.0
        low = self.charge < 20.0
        said = self.alert(t, "occlusion", occluded, Cause(terms.OCCLUSION, "Occlusion downstream", "PH", "ST", path))
        said += self.alert(t, "near", near, Cause(terms.NEAR_EMPTY, "Infusion near end", "PL", "ST", path))
        return said + self.alert(t, "battery", low, Cause(terms.BATTERY_LOW, "Battery low", "PM", "ST", path))

    def _values(self, whole: bool) -> Tree:
        program = self.program
        running = self.rate if self.status == "infusing" else 0.0
        left = program.volume - self.given
        tree = self.tree(self.system, whole)
        if self.identity.battery:
            tree.attribute(terms.BATTERY, f"{self.charge:.0f}", terms.PERCENT, "NM")
            power = "onBattery" if self._last is not None and self._fault("battery", self._last) else "onMains"
            tree.attribute(terms.POWER, power)
        tree.vmd(self.vmd).channel(terms.DELIVERY)
        tree.coded(terms.PUMP_STATUS, f"^pump-status-{self.status}")
        tree.coded(terms.PUMP_MODE, "^pump-mode-continuous")
        tree.number(terms.RATE_NOW, f"{running:.1f}", terms.ML_H)
        tree.coded(terms.CARE_AREA, "ADULT ICU", "ST")
        tree.coded(terms.LIBRARY, "2026.2", "ST")
        tree.channel(terms.PRIMARY)
        tree.coded(terms.DRUG, rows.text(program.drug), "ST")
        if program.concentration:
            tree.number(terms.CONCENTRATION, f"{program.concentration:g}", terms.MG_ML, method="MSET")
        tree.number(terms.RATE, f"{self.rate:.1f}", terms.ML_H, method="MSET")
        if program.weight:
            tree.number(terms.DOSE, f"{program.dose(running):.3f}", terms.UG_KG_MIN)
        tree.number(terms.VTBI, f"{program.volume:.1f}", terms.ML, method="MSET")
        tree.number(terms.VTBI_LEFT, f"{left:.1f}", terms.ML)
        tree.number(terms.DELIVERED, f"{self.given:.1f}", terms.ML)
        if running:
            tree.number(terms.TIME_LEFT, f"{left / running * 60.0:.0f}", terms.MIN)
        return tree

    def _event(self, t: float, event: Term) -> Outgoing:
        """One infusion event (PCD-10, ORU^R42)."""
        tree = self.tree(self.system).vmd(self.vmd).channel(terms.DELIVERY)
        tree.coded(terms.EVENT, event)
        tree.coded(terms.EVENT_SOURCE, "1.1.1.0", "ST")
        tree.coded(terms.PUMP_STATUS, f"^pump-status-{self.status}")
        tree.number(terms.RATE_NOW, f"{self.rate if self.status == 'infusing' else 0.0:.1f}", terms.ML_H)
        tree.channel(terms.PRIMARY)
        tree.coded(terms.DRUG, rows.text(self.program.drug), "ST")
        tree.number(terms.RATE, f"{self.rate:.1f}", terms.ML_H, method="MSET")
        tree.number(terms.VTBI_LEFT, f"{self.program.volume - self.given:.1f}", terms.ML)
        control = self.control()
        filler = f"{control}^{self.sender.name}^{self.sender.eui}^EUI-64"
        drug = f"^{rows.text(self.program.drug)}"
        body = [
            *rows.patient_rows(self.identity.place),
            rows.group(1, "", filler, drug, self.stamp(t)),
            *tree.rows,
        ]
        payload = rows.message(self.sender, control, self.stamp(t), ("ORU", "R42", "ORU_R01"), rows.PCD_10, body)
        return Outgoing("event", control, payload)
