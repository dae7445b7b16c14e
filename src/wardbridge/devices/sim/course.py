"""A physiological variable over time: a baseline, planned moves, and a slow wander around them.

The value is a pure function of the time asked for, so two processes that hold the same seed and the
same plan (the monitors and the ventilators of one ward) see the same patient.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# Periods in seconds of the wander; none divides another, so the sum does not repeat within a shift.
PERIODS = (47.0, 131.0, 389.0)


@dataclass(frozen=True)
class Move:
    """From ``at`` on, go to ``target`` within ``over`` seconds along a smooth step."""

    at: float
    target: float
    over: float


class Course:
    """One variable. ``wander`` is the amplitude of the slow natural variation, in the variable's unit."""

    def __init__(self, base: float, wander: float = 0.0, rng: np.random.Generator | None = None) -> None:
        self.base = base
        self.wander = wander
        phases = rng.uniform(0.0, 2 * math.pi, len(PERIODS)) if rng is not None else np.zeros(len(PERIODS))
        self._phases = tuple(float(phase) for phase in phases)
        self._moves: list[Move] = []

    def steer(self, at: float, target: float, over: float) -> None:
        """Plan a move. Raises ValueError for a move that takes negative time."""
        if over < 0:
            raise ValueError(f"a move cannot take {over} s")
        self._moves.append(Move(at, target, over))
        self._moves.sort(key=lambda move: move.at)

    def level(self, t: float) -> float:
        """The value at ``t`` seconds without the wander."""
        value = self.base
        for move in self._moves:
            if t <= move.at:
                break
            share = 1.0 if t >= move.at + move.over else (t - move.at) / move.over
            value += (move.target - value) * share * share * (3.0 - 2.0 * share)
        return value

    def value(self, t: float) -> float:
        """The value at ``t`` seconds."""
        if not self.wander:
            return self.level(t)
        swing = sum(
            math.sin(2 * math.pi * t / period + phase) for period, phase in zip(PERIODS, self._phases, strict=True)
        )
        return self.level(t) + self.wander * swing / len(PERIODS)
