"""A ventilated lung: one compartment with resistance and compliance, breathed by the machine's settings.

The breaths are the patient's own cycles, so the ventilator's rate is the monitor's respiratory rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from wardbridge.devices.sim.cycles import Breath
from wardbridge.devices.sim.patient import Patient
from wardbridge.devices.sim.shapes import INSPIRED, Floats

RESISTANCE: Final = 10.0  # cm[H2O]/(L/s)
KINKED: Final = 42.0  # the same while the tube is kinked
HOLD: Final = 0.15  # share of the inspiratory time at the end without flow, where the plateau is read
RISE: Final = 0.04  # s, how fast a constant pressure is reached
VALVE: Final = 0.06  # s, how fast the pressure falls once the expiratory valve opens


@dataclass(frozen=True)
class Setting:
    """What is set: ``rate`` a minute, ``volume`` in mL, ``peep`` in cm[H2O], ``oxygen`` in %, ``compliance``
    of the lung behind it in mL/cm[H2O]. ``mode`` is A/C VC (constant flow) or one with constant pressure."""

    mode: str
    rate: float
    volume: float
    peep: float
    oxygen: float
    compliance: float

    @property
    def constant_flow(self) -> bool:
        return self.mode.endswith("VC")


@dataclass(frozen=True)
class Breathed:
    """What one breath comes to: pressures in cm[H2O], volume in mL."""

    peak: float
    plateau: float
    mean: float
    volume: float


@dataclass(frozen=True)
class Readings:
    """The ventilator's numerics: mean of the last breaths. Rate a minute, ``minute`` in L/min."""

    peak: float
    plateau: float
    mean: float
    peep: float
    volume: float
    minute: float
    rate: float
    compliance: float
    oxygen: float
    etco2: float


class Lungs:
    """The patient's lungs on one ventilator. Times are wall seconds since the ward began."""

    def __init__(self, patient: Patient, setting: Setting) -> None:
        self.patient = patient
        self.setting = setting

    def breath(self, breath: Breath, kinked: bool) -> Breathed:
        """The outcome of one breath, from the same equations as the waves."""
        set_, resistance = self.setting, KINKED if kinked else RESISTANCE
        inspired = INSPIRED * breath.length
        elastance = 1000.0 / set_.compliance  # cm[H2O]/L
        wanted = set_.volume / 1000.0 * breath.depth
        if set_.constant_flow:
            volume = wanted
            pushed = resistance * volume / (inspired * (1.0 - HOLD))
            peak = set_.peep + volume * elastance + pushed
            mean_in = (1.0 - HOLD) * (volume * elastance / 2.0 + pushed) + HOLD * volume * elastance
        else:
            drive = self._drive(breath)
            volume = drive / elastance * (1.0 - np.exp(-inspired * elastance / resistance))
            peak = set_.peep + drive
            mean_in = drive * (1.0 - RISE / inspired)
        plateau = set_.peep + volume * elastance
        mean = set_.peep + INSPIRED * mean_in + volume * elastance * VALVE / breath.length
        return Breathed(float(peak), float(plateau), float(mean), float(volume) * 1000.0)

    def readings(self, t: float, kinked: bool = False, open_: bool = False) -> Readings:
        """The numerics at ``t``. ``open_``: the circuit came off, nothing is breathed."""
        self.patient.extend(t)
        set_ = self.setting
        oxygen = set_.oxygen - 0.4
        whole = [b for b in self.patient.breathing.breaths if t - 20.0 < b.start and b.start + b.length <= t]
        if open_ or not whole:
            return Readings(1.0, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, oxygen, 0.0)
        last = [self.breath(b, kinked) for b in whole]
        rate = 60.0 * len(whole) / sum(b.length for b in whole)
        volume = float(np.mean([b.volume for b in last]))
        plateau = float(np.mean([b.plateau for b in last]))
        return Readings(
            peak=float(np.mean([b.peak for b in last])),
            plateau=plateau,
            mean=float(np.mean([b.mean for b in last])),
            peep=set_.peep,
            volume=volume,
            minute=volume * rate / 1000.0,
            rate=rate,
            compliance=volume / max(plateau - set_.peep, 0.1),
            oxygen=oxygen,
            etco2=self.patient.value("etco2", t),
        )

    def waves(self, times: Floats, kinked: bool = False, open_: bool = False) -> tuple[Floats, Floats, Floats]:
        """Airway pressure in cm[H2O], flow in L/min (in is positive), CO2 in mm[Hg]."""
        if open_:
            leak = 0.4 * np.sin(2 * np.pi * times / 3.0)
            return 1.0 + leak, 55.0 + leak, np.zeros(len(times))
        self.patient.extend(float(times[-1]))
        pressure, flow = np.full(len(times), self.setting.peep), np.zeros(len(times))
        for breath in self.patient.breathing.breaths:
            inside = (times >= breath.start) & (times < breath.start + breath.length)
            if inside.any():
                pressure[inside], flow[inside] = self._shape(times[inside] - breath.start, breath, kinked)
        return pressure, flow * 60.0, self.patient.co2(times)

    def _drive(self, breath: Breath) -> float:
        """The inspiratory pressure that gives the set volume through an open tube, in cm[H2O]."""
        elastance = 1000.0 / self.setting.compliance
        filled = 1.0 - np.exp(-INSPIRED * breath.length * elastance / RESISTANCE)
        return float(self.setting.volume / 1000.0 * breath.depth * elastance / filled)

    def _shape(self, since: Floats, breath: Breath, kinked: bool) -> tuple[Floats, Floats]:
        set_, resistance = self.setting, KINKED if kinked else RESISTANCE
        elastance = 1000.0 / set_.compliance
        inspired = INSPIRED * breath.length
        outcome = self.breath(breath, kinked)
        volume = outcome.volume / 1000.0
        if set_.constant_flow:
            blown = inspired * (1.0 - HOLD)
            flow_in = np.where(since < blown, volume / blown, 0.0)
            filled = volume * np.minimum(since / blown, 1.0)
            pressure_in = set_.peep + elastance * filled + resistance * flow_in
        else:
            drive = outcome.peak - set_.peep
            rate = elastance / resistance
            flow_in = drive / resistance * np.exp(-since * rate)
            pressure_in = set_.peep + drive * (1.0 - np.exp(-since / RISE))
        out = since - inspired
        # Only the tube's own resistance slows expiration: the kink acts as a valve would not.
        rate_out = elastance / RESISTANCE
        flow_out = -volume * rate_out * np.exp(-np.clip(out, 0.0, None) * rate_out)
        pressure_out = set_.peep + (outcome.plateau - set_.peep) * np.exp(-np.clip(out, 0.0, None) / VALVE)
        breathing_in = since < inspired
        return np.where(breathing_in, pressure_in, pressure_out), np.where(breathing_in, flow_in, flow_out)
