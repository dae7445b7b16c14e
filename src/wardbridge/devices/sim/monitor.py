"""The patient monitor: PCD-01 numerics and waves, PCD-04 alarms, all from one patient's beats and breaths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from wardbridge.devices.sim import rows, terms
from wardbridge.devices.sim.alert import Cause
from wardbridge.devices.sim.machine import Identity, Machine
from wardbridge.devices.sim.patient import Numerics, Patient
from wardbridge.devices.sim.rows import Outgoing, Tree
from wardbridge.devices.sim.shapes import Floats
from wardbridge.devices.sim.watch import LIMITS, Limit, Watch

LEADS: Final = Cause(terms.LEADS_OFF, "ECG leads off", "PL", "ST", (terms.MONITOR, terms.ECG_VMD, terms.ECG_CHAN))
# Every period divides a second-and-phase evenly enough that a window begins on a sample: milliseconds.
FAST, MIDDLE, SLOW = 4, 8, 16


@dataclass(frozen=True)
class Fittings:
    """What is connected at a bed. ``nibp`` is the cuff's interval in ward seconds, 0 for none; ``every``
    the wall seconds between numerics; ``limits`` override the usual alarm limits (low, high)."""

    line: bool = False
    co2: bool = False
    nibp: float = 300.0
    every: int = 1
    waves: bool = True
    limits: Mapping[str, tuple[float, float]] | None = None


def _fitted(fittings: Fittings) -> dict[str, Limit]:
    wanted = {"hr", "spo2", "rr", "temp"} | ({"sys"} if fittings.line else set())
    wanted |= {"etco2"} if fittings.co2 else set()
    limits = {name: limit for name, limit in LIMITS.items() if name in wanted}
    for name, (low, high) in (fittings.limits or {}).items():
        if name in limits:
            limits[name] = replace(limits[name], low=low, high=high)
    return limits


class Monitor(Machine):
    """A bedside monitor. ``patient`` tells who lies in its bed; ``fault`` which scripted faults hold."""

    def __init__(
        self,
        identity: Identity,
        start: int,
        speed: float,
        fittings: Fittings,
        patient: Callable[[float], Patient | None],
        fault: Callable[[str, float], bool],
        seed: tuple[int, ...] = (0,),
    ) -> None:
        super().__init__(identity, start, speed)
        self.fittings = fittings
        self.limits = _fitted(fittings)
        self._patient = patient
        self._fault = fault
        self._watches = {name: Watch(limit) for name, limit in self.limits.items()}
        self._rng = np.random.default_rng([*seed, 4])
        self._steps = 0
        self._cuff = 12.0  # ward second of the next inflation
        self._vacant = False

    def step(self, t: float) -> list[Outgoing]:
        first, self._steps = self._steps % 60 == 0, self._steps + 1
        patient = self._patient(t)
        if patient is None:
            return self._stand_by(t)
        first = self.whole(first)
        if self._vacant:
            self._vacant, self._cuff = False, t * self.speed + 20.0
        patient.extend(t)
        seen = patient.numerics(t)
        leads_off = self._fault("leads_off", t)
        if self._fault("disconnect", t) or not self._has_gas(t):
            seen = replace(seen, etco2=None)
        said = self._alarms(t, seen, leads_off)
        if self._steps % self.fittings.every == 0 or first:
            said.append(self._numerics(t, seen, leads_off, first))
        if self.fittings.nibp and t * self.speed >= self._cuff:
            self._cuff += self.fittings.nibp
            said.append(self._inflate(t, patient))
        if self.fittings.waves:
            said.append(self._waves(t, patient, leads_off))
        return said

    def _stand_by(self, t: float) -> list[Outgoing]:
        """No patient: alerts end, and a sign of life every ten seconds."""
        ended: list[Outgoing] = []
        if not self._vacant:
            self._vacant = True
            for name in sorted(self._alerts):
                ended += self.alert(t, name, False, self._alerts[name].cause)
            self._watches = {name: Watch(limit) for name, limit in self.limits.items()}
        if self._steps % 10 == 1:
            tree = self.tree(terms.MONITOR, whole=True)
            ended.append(self.observation(t, terms.MONITOR, tree.attribute(terms.POWER, "onMains")))
        return ended

    def _alarms(self, t: float, seen: Numerics, leads_off: bool) -> list[Outgoing]:
        said = self.alert(t, "leads", leads_off, LEADS)
        for name, watch in self._watches.items():
            value = getattr(seen, name)
            if leads_off and name in ("hr", "rr"):
                value = None
            present, cause = watch.look(value, t)
            held = self.alarmed(name)
            cause = cause or (held.cause if held else None)
            if cause is not None:
                said += self.alert(t, name, present, cause)
        return said

    def _numerics(self, t: float, seen: Numerics, leads_off: bool, whole: bool) -> Outgoing:
        tree = self.tree(terms.MONITOR, whole)
        lost = "NAV" if leads_off else ""
        ecg = tree.vmd(terms.ECG_VMD).channel(terms.ECG_CHAN)
        self._value(ecg, "hr", terms.HR, seen.hr, terms.BPM, 0, lost)
        ecg.number(terms.VPC, "" if lost else f"{seen.ectopics}", terms.PER_MIN, flags=lost)
        ecg.number(terms.ST_II, "" if lost else f"{seen.st:.2f}", terms.MV, flags=lost)
        resp = tree.vmd(terms.RESP_VMD).channel(terms.RESP_CHAN)
        self._value(resp, "rr", terms.RR, seen.rr, terms.BREATHS, 0, lost)
        oxygen = tree.vmd(terms.SPO2_VMD).channel(terms.SPO2_CHAN)
        self._value(oxygen, "spo2", terms.SPO2, seen.spo2, terms.PERCENT, 0)
        self._value(oxygen, "", terms.PULSE, seen.pulse, terms.BPM, 0)
        oxygen.number(terms.PERFUSION, f"{seen.perfusion:.1f}", terms.DIMLESS)
        if self.fittings.line:
            line = tree.vmd(terms.ABP_VMD).channel(terms.ABP_CHAN)
            self._value(line, "sys", terms.ABP_SYS, seen.sys, terms.MMHG, 0)
            self._value(line, "", terms.ABP_DIA, seen.dia, terms.MMHG, 0)
            self._value(line, "", terms.ABP_MEAN, seen.mean, terms.MMHG, 0)
        warmth = tree.vmd(terms.TEMP_VMD).channel(terms.TEMP_CHAN)
        self._value(warmth, "temp", terms.TEMP, seen.temp, terms.CEL, 1)
        if self._has_gas(t):
            gas = tree.vmd(terms.CO2_VMD).channel(terms.CO2_CHAN)
            self._value(gas, "etco2", terms.ETCO2, seen.etco2, terms.MMHG, 0)
            self._value(gas, "", terms.CO2_RR, seen.rr if seen.etco2 else None, terms.BREATHS, 0)
        return self.observation(t, terms.MONITOR, tree)

    def _has_gas(self, t: float) -> bool:
        """Whether the gas module is in: one that was pulled is not spoken of any more."""
        return self.fittings.co2 and not self._fault("pulled", t)

    def _value(
        self,
        tree: Tree,
        name: str,
        term: terms.Term,
        value: float | None,
        unit: terms.Unit,
        digits: int,
        lost: str = "",
    ) -> None:
        limit = self.limits.get(name)
        limits = limit.text() if limit else ""
        if value is None or lost:
            tree.number(term, "", unit, limits, lost or "NAV")
            return
        flags = ""
        if self.alarmed(name) and limit:
            flags = "H~ALACT" if value > limit.high else "L~ALACT"
        tree.number(term, f"{value:.{digits}f}", unit, limits, flags)

    def _inflate(self, t: float, patient: Patient) -> Outgoing:
        """One cuff measurement, episodic: its time is in OBX-14 (PCD TF-2 B.8)."""
        seen = patient.numerics(t)
        error = self._rng.normal(0.0, 1.5, 2)
        high = (seen.sys or patient.value("sys", t)) + float(error[0])
        low = (seen.dia or patient.value("dia", t)) + float(error[1])
        at = self.stamp(t)
        cuff = self.tree(terms.MONITOR).vmd(terms.NIBP_VMD).channel(terms.NIBP_CHAN)
        cuff.number(terms.NIBP_SYS, f"{high:.0f}", terms.MMHG, "90-160", at=at)
        cuff.number(terms.NIBP_DIA, f"{low:.0f}", terms.MMHG, "50-100", at=at)
        cuff.number(terms.NIBP_MEAN, f"{low + (high - low) / 3.0:.0f}", terms.MMHG, "65-110", at=at)
        if seen.pulse is not None:
            cuff.number(terms.NIBP_PULSE, f"{seen.pulse:.0f}", terms.BPM, at=at)
        return self.observation(t, terms.MONITOR, cuff)

    # waves

    def _waves(self, t: float, patient: Patient, leads_off: bool) -> Outgoing:
        """The last second of every wave; slow ones in a group of their own that begins on their sample."""
        end = round(t * 1000)
        lost = "INV" if leads_off else ""
        fast, middle, slow = (_grid(end, period) for period in (FAST, MIDDLE, SLOW))
        tree = self.tree(terms.MONITOR)
        potential = _hum(fast) if leads_off else patient.ecg(fast)
        ecg = tree.vmd(terms.ECG_VMD).channel(terms.ECG_CHAN)
        ecg.wave(terms.ECG_WAVE, potential, 250, "0.0025", terms.MV, lost)
        pleth = tree.vmd(terms.SPO2_VMD).channel(terms.SPO2_CHAN)
        pleth.wave(terms.PLETH_WAVE, patient.pleth(middle), 125, "0.001", terms.DIMLESS)
        if self.fittings.line:
            line = tree.vmd(terms.ABP_VMD).channel(terms.ABP_CHAN)
            line.wave(terms.ABP_WAVE, patient.abp(middle), 125, "0.1", terms.MMHG)
        calm = self.tree(terms.MONITOR)
        resp = calm.vmd(terms.RESP_VMD).channel(terms.RESP_CHAN)
        resp.wave(terms.RESP_WAVE, patient.resp(slow), 62.5, "0.001", terms.OHM, lost)
        if self._has_gas(t):
            gas = calm.vmd(terms.CO2_VMD).channel(terms.CO2_CHAN)
            breathed = np.zeros(len(slow)) if self._fault("disconnect", t) else patient.co2(slow)
            gas.wave(terms.CO2_WAVE, breathed, 62.5, "0.05", terms.MMHG)
        return self._stream(t, [(fast, FAST, tree), (slow, SLOW, calm)])

    def _stream(self, t: float, groups: list[tuple[Floats, int, Tree]]) -> Outgoing:
        control = self.control()
        body = rows.patient_rows(self.identity.place)
        for number, (times, period, tree) in enumerate(groups, 1):
            begin = self.stamp(float(times[0]))
            end = begin + len(times) * period * 1000
            filler = f"{control}{number}^{self.sender.name}^{self.sender.eui}^EUI-64"
            body += [rows.group(number, "", filler, terms.WAVES, begin, end), *tree.rows]
        payload = rows.message(self.sender, control, self.stamp(t), ("ORU", "R01", "ORU_R01"), rows.PCD_01, body)
        return Outgoing("wave", control, payload)


def _grid(end: int, period: int) -> Floats:
    """The sample times in seconds of the second before ``end``, on a grid of ``period``; both in ms."""
    first, last = -((1000 - end) // period), -(-end // period)
    times: Floats = np.arange(first, last, dtype=np.float64) * (period / 1000.0)
    return times


def _hum(times: Floats) -> Floats:
    """What an open input picks up: mains."""
    wave: Floats = 0.05 * np.sin(2 * np.pi * 50.0 * times)
    return wave
