"""Lowest and highest value of each step of time, for windows too long to read at full rate."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from wardbridge.core.clock import MINUTE, SECOND
from wardbridge.telemetry import columns, zstd
from wardbridge.telemetry.columns import Ints
from wardbridge.telemetry.values import Kept, KeptWave, Span

STEP = {"wave": SECOND, "numeric": MINUTE, "text": MINUTE}
"""The step that is stored with each block, in µs."""


class Level:
    """Columns of steps: their number (time // step), lowest, highest, flags."""

    __slots__ = ("flags", "high", "low", "place")

    def __init__(self, place: Ints, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64], flags: Ints) -> None:
        self.place = place
        self.low = low
        self.high = high
        self.flags = flags

    @classmethod
    def of(cls, times: Ints, numbers: npt.NDArray[np.float64], flags: Ints, step: int) -> Level:
        """The level of single values (any order)."""
        return cls(times // step, numbers, numbers, flags).merged()

    def merged(self) -> Level:
        """Each step once, in order."""
        if len(self.place) == 0:
            return self
        order = np.argsort(self.place, kind="stable")
        place = self.place[order]
        begins = np.flatnonzero(np.concatenate(([True], place[1:] != place[:-1])))
        return Level(
            place[begins],
            np.minimum.reduceat(self.low[order], begins),
            np.maximum.reduceat(self.high[order], begins),
            np.bitwise_or.reduceat(self.flags[order], begins),
        )

    def coarser(self, factor: int) -> Level:
        """The level whose steps are ``factor`` times as long."""
        return Level(self.place // factor, self.low, self.high, self.flags).merged()

    def spans(self, step: int, start: int, end: int) -> list[Span]:
        """The steps that touch [start, end)."""
        chosen = (self.place >= start // step) & (self.place * step < end)
        return [
            Span(place * step, step, low, high, flags)
            for place, low, high, flags in zip(
                self.place[chosen].tolist(),
                self.low[chosen].tolist(),
                self.high[chosen].tolist(),
                self.flags[chosen].tolist(),
                strict=True,
            )
        ]


EMPTY = Level(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0, np.int64))


def merge(levels: Iterable[Level]) -> Level:
    """All ``levels`` of one step as one."""
    every = [level for level in levels if len(level.place)]
    if not every:
        return EMPTY
    return Level(
        *(np.concatenate([getattr(level, name) for level in every]) for name in ("place", "low", "high", "flags"))
    ).merged()


def of_numerics(values: Iterable[Kept], step: int) -> Level:
    """The level of numeric values; texts without a number, infinities and NaN do not count."""
    rows = [row for row in values if row.number is not None and np.isfinite(row.number)]
    return Level.of(
        np.array([row.time for row in rows], np.int64),
        np.array([row.number for row in rows], np.float64),
        np.array([row.quality for row in rows], np.int64),
        step,
    )


def of_waves(runs: Iterable[KeptWave], step: int) -> Level:
    """The level of waveform runs, in physical values."""
    parts = []
    for row in runs:
        times = row.wave.times()
        parts.append(Level.of(times, row.wave.numbers(), np.full(len(times), row.wave.quality, np.int64), step))
    return merge(parts)


def encode(level: Level) -> bytes:
    """A level as bytes."""
    head = columns.pack([level.place, level.flags])
    return zstd.squeeze(head + level.low.astype("<f8").tobytes() + level.high.astype("<f8").tobytes(), dense=True)


def decode(data: bytes) -> Level:
    """The inverse of :func:`encode`."""
    plain = zstd.expand(data)
    (place, flags), at = columns.unpack(plain, 2)
    low = np.frombuffer(plain, "<f8", len(place), at)
    return Level(place, low, np.frombuffer(plain, "<f8", len(place), at + low.nbytes), flags)
