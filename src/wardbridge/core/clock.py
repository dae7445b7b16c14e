"""Time as an argument: a system clock for the product, a fake one for tests."""

from __future__ import annotations

import asyncio
import heapq
import time
from datetime import UTC, datetime
from typing import Protocol

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Clock(Protocol):
    """Wall time in µs since the epoch (UTC), monotonic seconds, and a sleep that tests can drive."""

    def now(self) -> int: ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class FakeClock:
    """A clock that moves only when :meth:`advance` is called. Sleepers wake in order of their time."""

    def __init__(self, now: int = 1_767_225_600 * SECOND) -> None:
        self._now = now
        self._mono = 0.0
        self._order = 0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return self._mono

    def set(self, now: int) -> None:
        """Let the wall clock jump (forwards or back); monotonic time does not move."""
        self._now = now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order += 1
        heapq.heappush(self._sleepers, (self._mono + max(seconds, 0.0), self._order, future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move time on by ``seconds``, waking sleepers at their own moments."""
        await settle()
        end = self._mono + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            self._now += int((due - self._mono) * SECOND)
            self._mono = due
            if not future.done():
                future.set_result(None)
            await settle()
        self._now += int((end - self._mono) * SECOND)
        self._mono = end
        await settle()


async def settle(rounds: int = 10) -> None:
    """Let every task that is ready run, without waiting on the real clock."""
    for _ in range(rounds):
        await asyncio.sleep(0)


def to_datetime(micros: int) -> datetime:
    """µs since the epoch as an aware UTC datetime (exact)."""
    seconds, rest = divmod(micros, SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def from_datetime(moment: datetime) -> int:
    """An aware datetime as µs since the epoch. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no place on the time line")
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def iso(micros: int) -> str:
    """µs since the epoch as a FHIR instant in UTC, milliseconds only where there are any."""
    text = to_datetime(micros).isoformat(timespec="microseconds" if micros % 1000 else "milliseconds")
    return text.replace("+00:00", "Z")
