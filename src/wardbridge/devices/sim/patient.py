"""One patient as a small physiological model: courses, breaths, beats, and the waves that they make.

Two times, both in seconds since the ward began: beats, breaths and waves live in *wall* time, so a rate
on the screen is the rate on the wire at any speed; courses live in *ward* time (wall × speed), so that
with speed 4 a deterioration of eight minutes takes two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wardbridge.devices.sim import shapes
from wardbridge.devices.sim.course import Course
from wardbridge.devices.sim.cycles import Breathing, Heart
from wardbridge.devices.sim.shapes import Floats, look_up

# Wander per variable: what a resting patient does by himself within minutes.
WANDER: Final = {
    "hr": 2.5, "rr": 0.9, "sys": 4.0, "dia": 2.0, "temp": 0.05, "spo2": 0.5, "etco2": 1.0,
    "perfusion": 0.4, "st": 0.02, "ectopy": 0.0,
}  # fmt: skip
PULSE_DELAY: Final = 0.16  # from the R peak to the onset of the radial pressure pulse, s
PLETH_DELAY: Final = 0.20  # from the R peak to the onset of the pulse at the finger, s


@dataclass(frozen=True)
class Profile:
    """A patient at the start. Rates per minute, pressures in mm[Hg], temperature in Cel, ST in mV.

    ``machine`` says that a ventilator breathes for the patient.
    """

    hr: float = 78.0
    rr: float = 15.0
    sys: float = 122.0
    dia: float = 70.0
    temp: float = 36.9
    spo2: float = 97.0
    etco2: float = 37.0
    perfusion: float = 3.0
    st: float = 0.02
    ectopy: float = 0.0
    rhythm: str = "sinus"
    machine: bool = False


@dataclass(frozen=True)
class Numerics:
    """What a monitor measures at one moment; pressures are of the arterial wave. None: cannot tell."""

    hr: float | None
    pulse: float | None
    rr: float | None
    sys: float | None
    dia: float | None
    mean: float | None
    spo2: float
    perfusion: float
    temp: float
    etco2: float | None
    st: float
    ectopics: int


class Patient:
    """The living model. Every method takes wall seconds since the ward began."""

    def __init__(self, profile: Profile, seed: tuple[int, ...], speed: float = 1.0) -> None:
        self.profile = profile
        self.speed = speed
        # One generator per purpose: who asks for what, and when, must not shift the beats or the breaths.
        beats, breaths, waves, courses = (np.random.default_rng([*seed, purpose]) for purpose in range(4))
        self._noise = waves
        self.courses = {
            # A machine that breathes does not wander.
            name: Course(getattr(profile, name), 0.0 if name == "rr" and profile.machine else amplitude, courses)
            for name, amplitude in WANDER.items()
        }
        jitter = 0.004 if profile.machine else 0.05
        self.breathing = Breathing(lambda t: self.value("rr", t), jitter, breaths)
        self.heart = Heart(
            lambda t: self.value("hr", t),
            lambda t: self.value("ectopy", t),
            self.breathing,
            beats,
            profile.rhythm,
        )

    def steer(self, name: str, at: float, target: float, over: float) -> None:
        """Plan a move of one variable in ward seconds. Raises KeyError for a variable that is not there."""
        self.courses[name].steer(at, target, over)

    def value(self, name: str, t: float) -> float:
        """The underlying variable at wall time ``t``, within what a body can do."""
        value = self.courses[name].value(t * self.speed)
        if name == "spo2":
            return min(max(value, 40.0), 100.0)
        return max(value, 0.0) if name != "st" else value

    def extend(self, until: float) -> None:
        """Let heart and lungs run until after ``until``."""
        self.heart.extend(until + 1.0)
        self.breathing.extend(until + 1.0)

    # waves

    def ecg(self, times: Floats) -> Floats:
        """Lead II in mV."""
        self.extend(float(times[-1]))
        near = [b for b in self.heart.beats if times[0] - 1.2 < b.at < times[-1] + 0.6]
        centres: list[float] = []
        widths: list[float] = []
        heights: list[float] = []
        st = self.value("st", float(times[0]))
        for beat in near:
            stretch = math.sqrt(min(max(beat.interval, 0.35), 1.2))
            parts = [] if beat.wide or self.heart.rhythm == "af" else list(shapes.P_WAVE)
            tail = shapes.WIDE_T if beat.wide else shapes.T_WAVE
            for offset, width, height in shapes.WIDE_QRS if beat.wide else shapes.QRS:
                centres.append(beat.at + offset)
                widths.append(width)
                heights.append(height)
            for offset, width, height in (*parts, *tail, (0.11, 0.04, st)):
                centres.append(beat.at + offset * stretch)
                widths.append(width * stretch)
                heights.append(height)
        wave = shapes.bumps(times, centres, widths, heights)
        if self.heart.rhythm == "af":
            wave += 0.035 * np.sin(2 * np.pi * 6.1 * times) + 0.02 * np.sin(2 * np.pi * 7.7 * times + 1.0)
        wave += 0.04 * np.sin(2 * np.pi * 0.21 * times) + self._noise.normal(0.0, 0.006, len(times))
        return wave

    def abp(self, times: Floats) -> Floats:
        """Arterial pressure in mm[Hg]."""
        self.extend(float(times[-1]))
        return self._pulses(times, PULSE_DELAY, shapes.PRESSURE, *self._pressures())

    def pleth(self, times: Floats) -> Floats:
        """The volume pulse at the finger, relative: 1 is an ordinary beat at a perfusion of 3 %."""
        self.extend(float(times[-1]))
        strength = self.value("perfusion", float(times[0])) / 3.0
        tops = np.array([strength * beat.stroke for beat in self.heart.beats])
        sway = 0.05 * np.sin(2 * np.pi * self._phases(times))
        wave: Floats = self._pulses(times, PLETH_DELAY, shapes.PLETH, tops, np.zeros(len(tops))) + sway
        return wave

    def resp(self, times: Floats) -> Floats:
        """Thoracic impedance change in Ohm."""
        starts, depths = self._breaths(times)
        wave: Floats = 0.9 * depths[starts] * look_up(self._phases(times), shapes.BREATH)
        return wave

    def co2(self, times: Floats) -> Floats:
        """Airway CO2 in mm[Hg]."""
        self._breaths(times)
        wave: Floats = self.value("etco2", float(times[0])) * look_up(self._phases(times), shapes.CAPNOGRAM)
        return wave

    def numerics(self, t: float) -> Numerics:
        """What a monitor shows at ``t``: heart and pulse over 10 s, breaths over 30 s, pressures over 8 s."""
        self.extend(t)
        seen = [b for b in self.heart.beats if t - 10.0 < b.at <= t]
        felt = [b for b in self.heart.beats if t - 10.0 < b.at + PLETH_DELAY <= t]
        breaths = [b for b in self.breathing.breaths if t - 30.0 < b.start <= t]
        tops, bottoms = self._pressures()
        within = [i for i, b in enumerate(self.heart.beats) if t - 8.0 < b.at + PULSE_DELAY <= t - 1.0]
        high = float(np.mean(tops[within])) if within else None
        low = float(np.mean(bottoms[within])) if within else None
        mean = None
        if within:
            mean = self._mean_pressure(within, tops, bottoms)
        return Numerics(
            hr=_rate([b.interval for b in seen]),
            pulse=_rate([b.interval for b in felt]),
            rr=_rate([b.start - a.start for a, b in pairwise(breaths)]),
            sys=high,
            dia=low,
            mean=mean,
            spo2=self.value("spo2", t),
            perfusion=self.value("perfusion", t),
            temp=self.value("temp", t),
            etco2=self.value("etco2", t) if breaths else None,
            st=self.value("st", t),
            ectopics=sum(b.wide for b in self.heart.beats if t - 30.0 < b.at <= t) * 2,
        )

    # inside

    def _mean_pressure(self, within: list[int], tops: Floats, bottoms: Floats) -> float:
        """The mean of the wave over whole beats, weighted by how long each takes."""
        at = np.array([beat.at for beat in self.heart.beats])
        held = np.array(within)
        interval = at[held + 1] - at[held]
        systole = shapes.ejection(interval) / interval
        filled = systole * shapes.SYSTOLE_MEAN + (1.0 - systole) * shapes.RUN_OFF_MEAN
        means = bottoms[held] + (tops - bottoms)[held] * filled
        return float(np.average(means, weights=interval))

    def _pressures(self) -> tuple[Floats, Floats]:
        """Systolic and diastolic pressure of every beat that is held."""
        tops, bottoms = [], []
        for beat in self.heart.beats:
            high, low = self.value("sys", beat.at), self.value("dia", beat.at)
            sway = 1.5 * math.sin(2 * math.pi * self.breathing.phase(beat.at))
            bottoms.append(low + sway)
            tops.append(low + (high - low) * beat.stroke + sway)
        return np.array(tops), np.array(bottoms)

    def _pulses(self, times: Floats, delay: float, table: Floats, tops: Floats, bottoms: Floats) -> Floats:
        beats = self.heart.beats
        onsets = np.array([beat.at + delay for beat in beats])
        index = np.clip(np.searchsorted(onsets, times, side="right") - 1, 0, len(beats) - 2)
        since, interval = times - onsets[index], onsets[index + 1] - onsets[index]
        # The run-off ends where the next beat begins: no step between beats of different pressure.
        share = since / interval
        foot = bottoms[index] * (1.0 - share) + bottoms[index + 1] * share
        height = tops[index] - bottoms[index]
        wave: Floats = foot + height * look_up(shapes.beat_phase(since, interval), table)
        return wave

    def _breaths(self, times: Floats) -> tuple[NDArray[np.intp], Floats]:
        self.extend(float(times[-1]))
        starts = np.array([breath.start for breath in self.breathing.breaths])
        index = np.clip(np.searchsorted(starts, times, side="right") - 1, 0, len(starts) - 1)
        return index, np.array([breath.depth for breath in self.breathing.breaths])

    def _phases(self, times: Floats) -> Floats:
        index, _ = self._breaths(times)
        starts = np.array([breath.start for breath in self.breathing.breaths])
        lengths = np.array([breath.length for breath in self.breathing.breaths])
        phases: Floats = (times - starts[index]) / lengths[index]
        return phases


def _rate(intervals: list[float]) -> float | None:
    """Events a minute from their intervals in seconds."""
    return 60.0 * len(intervals) / sum(intervals) if intervals else None
