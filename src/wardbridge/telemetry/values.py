"""Samples as values: what is appended, and what is read back. All times are µs since the epoch (UTC)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from wardbridge.core.clock import MINUTE

Times = npt.NDArray[np.int64]

PATIENCE = MINUTE
"""After so long without a newer value, an older device time is taken: the device's clock was set back."""


class ChannelSpec(msgspec.Struct, frozen=True):
    """What a device says about one of its channels. ``kind`` is ``numeric``, ``wave`` or ``text``;
    ``unit`` is the unit as sent, ``ucum`` its UCUM code where known."""

    key: str
    kind: str
    code: int = 0
    refid: str = ""
    system: str = "MDC"
    unit: str = ""
    ucum: str = ""
    label: str = ""


class Channel(msgspec.Struct, frozen=True):
    """A known channel of a device."""

    channel_id: int
    device_id: str
    spec: ChannelSpec


class Numeric(NamedTuple):
    """One value. ``text`` is exactly what was sent; ``number`` the same as a float where it is one.
    ``time`` 0 means that the device gave none: the receive time stands in. ``end`` 0: a time point."""

    channel: int
    time: int
    end: int
    text: str
    number: float | None
    quality: int


class Wave(NamedTuple):
    """A run of samples (little-endian int16); the physical value is ``sample * scale + offset``.

    Sample ``i`` was taken at ``start + round((first + i) * period)``, ``period`` in µs. ``first`` is
    not 0 only for the later parts of a run that was cut. ``sequence`` is the device's counter or -1.
    """

    channel: int
    start: int
    period: float
    scale: float
    offset: float
    samples: bytes
    quality: int
    sequence: int
    first: int = 0

    def times(self) -> Times:
        """The time of every sample."""
        count = len(self.samples) // 2
        steps = np.arange(self.first, self.first + count) * self.period
        times: Times = np.rint(steps).astype(np.int64) + self.start
        return times

    def at(self, index: int) -> int:
        """The time of sample ``index`` (``len`` gives the end of the run)."""
        return self.start + round((self.first + index) * self.period)

    def numbers(self) -> npt.NDArray[np.float64]:
        """The physical values."""
        numbers: npt.NDArray[np.float64] = np.frombuffer(self.samples, "<i2").astype(np.float64)
        return numbers * self.scale + self.offset


class DeviceSlice(msgspec.Struct, frozen=True):
    """All samples of one device in one call."""

    device_id: str
    received: int
    numerics: Sequence[Numeric] = ()
    waves: Sequence[Wave] = ()


class Position(NamedTuple):
    """A place in the stream of hot rows, to go on from. Opaque but comparable."""

    xid: int
    sequence: int


START = Position(0, 0)


class Hot(msgspec.Struct, frozen=True):
    """A hot row as the live stream sees it."""

    position: Position
    slice: DeviceSlice


class Kept(NamedTuple):
    """A numeric read back, with the time it was (first) received."""

    time: int
    end: int
    text: str
    number: float | None
    quality: int
    received: int


class KeptWave(NamedTuple):
    """A run of samples read back, with the time it was (first) received."""

    wave: Wave
    received: int


class Last(msgspec.Struct, frozen=True):
    """The last value of a channel."""

    channel: Channel
    text: str
    number: float | None
    time: int
    end: int
    received: int
    quality: int


class Window(msgspec.Struct, frozen=True):
    """Everything in a span of time, by channel id, in order of device time. Gaps are simply absent."""

    numerics: dict[int, list[Kept]]
    waves: dict[int, list[KeptWave]]


class Span(NamedTuple):
    """One step of a reduced window: lowest and highest value in [time, time + step); ``quality`` has
    every flag that occurred. Steps without a value are absent."""

    time: int
    step: int
    low: float
    high: float
    quality: int


def supersedes(time: int, received: int, old_time: int, old_received: int) -> bool:
    """Whether a value becomes the last one of its channel.

    The newer device time wins, a device time in our future counting as the receive time; at the same
    time the later receipt. Late data never overwrite newer, unless nothing newer came for a minute.
    """
    rank, old_rank = min(time, received), min(old_time, old_received)
    if rank != old_rank:
        return rank > old_rank or received > old_received + PATIENCE
    return received > old_received
