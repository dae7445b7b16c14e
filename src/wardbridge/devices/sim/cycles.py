"""Beats and breaths, one after the other: the two clocks that every wave and every numeric shares."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Rate = Callable[[float], float]


@dataclass(frozen=True)
class Breath:
    """``start`` and ``length`` in seconds; ``depth`` is relative to an ordinary breath."""

    start: float
    length: float
    depth: float


@dataclass(frozen=True)
class Beat:
    """``at`` is the R peak in seconds, ``interval`` the time since the one before it.

    ``stroke`` is the pulse that it drives, relative to an ordinary one; ``wide`` marks a ventricular
    premature beat.
    """

    at: float
    interval: float
    stroke: float
    wide: bool = False


class Breathing:
    """Breaths from a rate per minute. ``jitter`` is the relative spread from breath to breath: a
    ventilator keeps time, a person does not."""

    def __init__(self, rate: Rate, jitter: float, rng: np.random.Generator, keep: float = 90.0) -> None:
        self._rate = rate
        self._jitter = jitter
        self._rng = rng
        self._keep = keep
        self.breaths: list[Breath] = []
        self._next = -60.0

    def extend(self, until: float) -> None:
        """Make breaths until one starts after ``until``, and forget those that nobody can ask for."""
        while self._next <= until:
            length = 60.0 / max(self._rate(self._next), 3.0)
            length *= 1.0 + self._jitter * float(np.clip(self._rng.standard_normal(), -2.5, 2.5))
            depth = 1.0 + 1.6 * self._jitter * float(np.clip(self._rng.standard_normal(), -2.5, 2.5))
            self.breaths.append(Breath(self._next, length, depth))
            self._next += length
        drop = 0
        while drop < len(self.breaths) - 1 and self.breaths[drop].start < until - self._keep:
            drop += 1
        del self.breaths[:drop]

    def phase(self, t: float) -> float:
        """Where in its breath ``t`` lies, 0 to 1. Needs :meth:`extend` past ``t`` first."""
        for breath in reversed(self.breaths):
            if breath.start <= t:
                return min((t - breath.start) / breath.length, 1.0)
        return 0.0


class Heart:
    """Beats from a rate per minute, with respiratory sinus arrhythmia, slow variation and ectopy.

    ``rhythm`` is ``sinus``, ``paced`` or ``af`` (atrial fibrillation: no P wave, irregular). ``ectopy``
    gives the share of ventricular premature beats at a time.
    """

    def __init__(
        self,
        rate: Rate,
        ectopy: Rate,
        breathing: Breathing,
        rng: np.random.Generator,
        rhythm: str = "sinus",
        arrhythmia: float = 0.03,
        keep: float = 45.0,
    ) -> None:
        self.rhythm = rhythm
        self._rate = rate
        self._ectopy = ectopy
        self._breathing = breathing
        self._rng = rng
        self._arrhythmia = arrhythmia
        self._keep = keep
        self._pause = False
        self.beats: list[Beat] = [Beat(-30.0, 0.8, 1.0)]

    def extend(self, until: float) -> None:
        """Make beats until one lies after ``until``."""
        while self.beats[-1].at <= until:
            self._breathing.extend(self.beats[-1].at + 2.0)
            self.beats.append(self._beat(self.beats[-1].at))
        drop = 0
        while drop < len(self.beats) - 1 and self.beats[drop].at < until - self._keep:
            drop += 1
        del self.beats[:drop]

    def _beat(self, last: float) -> Beat:
        even = 60.0 / max(self._rate(last), 20.0)
        draw, chance = float(self._rng.standard_normal()), float(self._rng.random())
        if self._pause:
            self._pause = False
            return Beat(last + 1.4 * even, 1.4 * even, 1.12)
        if self.rhythm != "paced" and chance < self._ectopy(last):
            self._pause = True
            return Beat(last + 0.6 * even, 0.6 * even, 0.5, wide=True)
        if self.rhythm == "af":
            interval = even * float(np.clip(1.0 + 0.16 * draw, 0.62, 1.5))
            return Beat(last + interval, interval, 0.75 + 0.25 * interval / even)
        if self.rhythm == "paced":
            return Beat(last + even, even, 1.0)
        breath = math.sin(2 * math.pi * self._breathing.phase(last))
        slow = math.sin(2 * math.pi * 0.1 * last)
        interval = even * (1.0 - self._arrhythmia * breath + 0.012 * slow + 0.006 * draw)
        return Beat(last + interval, interval, 1.0 + 0.02 * breath)
