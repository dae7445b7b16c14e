"""The dialysis machine: PCD-01 treatment data and PCD-04 alarms after the Dialysis Machine HL7 guide rev 4."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from wardbridge.devices.sim import terms
from wardbridge.devices.sim.alert import Cause
from wardbridge.devices.sim.machine import Identity, Machine
from wardbridge.devices.sim.rows import Outgoing, Tree
from wardbridge.devices.sim.terms import Term, Unit

EVERY: Final = 10  # wall seconds between reports
VENOUS_LIMITS: Final = (20.0, 400.0)


def _ucum(unit: str) -> str:
    """Units as that guide writes them: UCUM only."""
    return f"{unit}^{unit}^UCUM"


@dataclass(frozen=True)
class Treatment:
    """What is prescribed: flows in mL/min, UF goal in mL, time in minutes, ``elapsed`` of it already gone."""

    modality: str = "HDF"
    blood: float = 220.0
    dialysate: float = 500.0
    replacement: float = 60.0
    goal: float = 2400.0
    minutes: float = 240.0
    elapsed: float = 60.0
    weight: float = 78.4


class Dialysis(Machine):
    """One machine in treatment. ``fault`` tells of scripted faults (``venous_low``)."""

    def __init__(
        self,
        identity: Identity,
        start: int,
        speed: float,
        treatment: Treatment,
        fault: Callable[[str, float], bool],
        seed: tuple[int, ...] = (0,),
    ) -> None:
        super().__init__(identity, start, speed)
        self.treatment = treatment
        self._fault = fault
        self._rng = np.random.default_rng([*seed, 5])
        self._run = treatment.elapsed * 60.0  # ward seconds of treatment
        self._last: float | None = None
        self._steps = 0
        self.venous = 140.0
        self.pumping = True

    def step(self, t: float) -> list[Outgoing]:
        passed = 0.0 if self._last is None else (t - self._last) * self.speed
        self._last = t
        low = self._fault("venous_low", t)
        swing = 6.0 * math.sin(2 * math.pi * t * self.speed / 70.0) + float(self._rng.normal(0.0, 1.5))
        self.venous += ((8.0 if low else 140.0 + swing) - self.venous) * 0.5
        present = self.venous < VENOUS_LIMITS[0]
        self.pumping = not present
        if self.pumping:
            self._run = min(self._run + passed, self.treatment.minutes * 60.0)
        said = self.alert(t, "venous", present, self._cause())
        if said or self._steps % EVERY == 0:
            said.append(self.observation(t, terms.HD_MDS, self._values(self.whole(self._steps % 60 == 0))))
        self._steps += 1
        return said

    def _cause(self) -> Cause:
        return Cause(
            event=terms.LOW,
            text="Venous pressure low",
            priority="PH",
            kind="SP",
            path=(terms.HD_MDS, terms.HD_VMD, terms.HD_BLOOD),
            source=terms.VENOUS,
            value=f"{self.venous:.0f}",
            unit=terms.MMHG,
            limits="20-400",
        )

    def removed(self) -> float:
        """Fluid removed so far, mL."""
        return self.treatment.goal * self._run / (self.treatment.minutes * 60.0)

    def _values(self, whole: bool) -> Tree:
        plan = self.treatment
        flow = plan.blood if self.pumping else 0.0
        done = self._run / (plan.minutes * 60.0)
        noise = self._rng.normal(0.0, 1.0, 4)
        tree = self.tree(terms.HD_MDS, whole).vmd(terms.HD_VMD)
        tree.channel(terms.HD_MACHINE)
        _text(tree, 158594, "MDC_HDIALY_MACH_MODE_OF_OPERATION", "TX" if done < 1 else "DIS")
        _text(tree, 158598, "MDC_HDIALY_MACH_TX_MODALITY", plan.modality)
        _value(tree, 158720, "MDC_HDIALY_MACH_THERAPY_TIME", f"{self._run / 60.0:.0f}", "min")
        left = plan.minutes - self._run / 60.0
        _value(tree, 158724, "MDC_HDIALY_MACH_TIME_REMAIN", f"{left:.0f}", "min")
        tree.channel(terms.HD_ANTICOAG)
        _text(tree, 158599, "MDC_HDIALY_ANTICOAG_NAME", "heparin")
        _value(tree, 158736, "MDC_HDIALY_ANTICOAG_INFUS_RATE", "1.5", "mL/h")
        tree.channel(terms.HD_BLOOD)
        _value(tree, 158740, "MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE", f"{flow:.0f}", "mL/min")
        _setting(tree, 16935956, "MDC_HDIALY_BLD_PUMP_BLOOD_FLOW_RATE_SETTING", f"{plan.blood:.0f}", "mL/min")
        arterial = -(40.0 + 0.35 * flow) + float(noise[0])
        _value(tree, 158744, "MDC_HDIALY_BLD_PRESS_ART", f"{arterial:.0f}", terms.MMHG, "-200-0")
        _value(tree, 158776, "MDC_HDIALY_BLD_PUMP_PRESS_VEN", f"{self.venous:.0f}", terms.MMHG, "20-400")
        processed = plan.blood * self._run / 60.0 / 1000.0
        _value(tree, 158772, "MDC_HDIALY_BLD_PUMP_BLOOD_PROCESSED_TOTAL", f"{processed:.1f}", "L")
        tree.channel(terms.HD_FLUID)
        conductivity = 13.9 + 0.03 * float(noise[1])
        _value(tree, 158788, "MDC_HDIALY_DIALYSATE_COND", f"{conductivity:.2f}", "mS/cm", "13.5-14.5")
        _setting(tree, 16936004, "MDC_HDIALY_DIALYSATE_COND_SETTING", "13.90", "mS/cm")
        rate = plan.dialysate + float(noise[2])
        _value(tree, 158792, "MDC_HDIALY_DIALYSATE_FLOW_RATE", f"{rate:.0f}", "mL/min")
        _setting(tree, 16936008, "MDC_HDIALY_DIALYSATE_FLOW_RATE_SETTING", f"{plan.dialysate:.0f}", "mL/min")
        _value(tree, 158836, "MDC_HDIALY_DIALYSATE_CONC_K", "2.00", "mmol/L")
        _value(tree, 158840, "MDC_HDIALY_DIALYSATE_CONC_NA", "138", "mmol/L")
        tree.channel(terms.HD_FILTER)
        tmp = 62.0 + 18.0 * done + 1.5 * float(noise[3])
        _value(tree, 158852, "MDC_HDIALY_FILTER_TRANSMEMBRANE_PRESS", f"{tmp:.0f}", terms.MMHG, "-20-250")
        tree.channel(terms.HD_SAFETY)
        _text(tree, 198244, "MDC_EVT_HDIALY_BLOOD_LEAK", "F")
        _text(tree, 198262, "MDC_EVT_HDIALY_SAFETY_VEN_AIR_DETECT", "F")
        _text(tree, 198242, "MDC_EVT_HDIALY_BLD_PUMP_STOP", "F" if self.pumping else "T")
        tree.channel(terms.HD_OUTCOME)
        _value(tree, 158988, "MDC_HDIALY_THERAPY_RATIO_SPKT_OVER_V_DELIVERED", f"{1.35 * done:.2f}", "1")
        _value(tree, 159000, "MDC_HDIALY_THERAPY_BODY_START_WT", f"{plan.weight:.1f}", "kg")
        tree.channel(terms.HD_UF)
        uf = plan.goal / plan.minutes * 60.0
        _value(tree, 159028, "MDC_HDIALY_UF_TARGET_VOL_TO_REMOVE", f"{plan.goal:.0f}", "mL")
        _value(tree, 159032, "MDC_HDIALY_UF_ACTUAL_REMOVED_VOL", f"{self.removed():.0f}", "mL")
        _value(tree, 159036, "MDC_HDIALY_UF_RATE", f"{uf if self.pumping else 0.0:.0f}", "mL/h")
        _setting(tree, 16936252, "MDC_HDIALY_UF_RATE_SETTING", f"{uf:.0f}", "mL/h")
        _text(tree, 198278, "MDC_EVT_HDIALY_UF_GOAL_MET", "T" if done >= 1 else "F")
        return tree


def _value(tree: Tree, code: int, refid: str, value: str, unit: Unit | str, limits: str = "") -> None:
    tree.number(Term(code, refid), value, unit if isinstance(unit, Unit) else _ucum(unit), limits)


def _setting(tree: Tree, code: int, refid: str, value: str, unit: str) -> None:
    tree.number(Term(code, refid), value, _ucum(unit), method="MSET")


def _text(tree: Tree, code: int, refid: str, value: str) -> None:
    tree.coded(Term(code, refid), value, "ST")
