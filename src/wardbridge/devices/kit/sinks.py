"""Sinks for tests: one that remembers, one that waits until told, one that refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wardbridge.core.errors import Unavailable
from wardbridge.devices.driver import Accepted
from wardbridge.devices.values import AnyValue, Batch


class RecordingSink:
    """Accepts everything and remembers it in order."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self._changed = asyncio.Event()
        self._seen: dict[tuple[str, str, bytes], int] = {}

    async def put(self, batch: Batch) -> Accepted:
        self.batches.append(batch)
        self._changed.set()
        key = (batch.sender, batch.control, batch.raw)
        known = bool(batch.control) and key in self._seen
        return Accepted(self._seen.setdefault(key, len(self.batches)), duplicate=known)

    @property
    def values(self) -> list[AnyValue]:
        return [value for batch in self.batches for value in batch.values]

    async def wait(self, done: Callable[[RecordingSink], bool], seconds: float = 30.0) -> None:
        """Wait until ``done(self)``, looking again at each batch. Raises TimeoutError after real ``seconds``."""
        async with asyncio.timeout(seconds):
            while not done(self):
                self._changed.clear()
                await self._changed.wait()


class SlowSink(RecordingSink):
    """Holds every batch until :meth:`release`; ``inside`` counts those that wait, ``most`` their peak."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = 0
        self.most = 0
        self._open = asyncio.Event()
        self._entered = asyncio.Event()

    async def put(self, batch: Batch) -> Accepted:
        self.inside += 1
        self.most = max(self.most, self.inside)
        self._entered.set()
        try:
            await self._open.wait()
        finally:
            self.inside -= 1
        return await super().put(batch)

    async def entered(self, seconds: float = 30.0) -> None:
        """Wait until the driver has handed over something."""
        async with asyncio.timeout(seconds):
            await self._entered.wait()

    def release(self) -> None:
        self._open.set()

    def hold(self) -> None:
        self._open.clear()
        self._entered.clear()


class FailingSink(RecordingSink):
    """Refuses with Unavailable while ``failing``; ``refused`` counts."""

    def __init__(self) -> None:
        super().__init__()
        self.failing = True
        self.refused = 0
        self._tried = asyncio.Event()

    async def put(self, batch: Batch) -> Accepted:
        self._tried.set()
        if self.failing:
            self.refused += 1
            raise Unavailable("the disk is full", where="sink")
        return await super().put(batch)

    async def tried(self, seconds: float = 30.0) -> None:
        """Wait until the driver has tried to hand over something."""
        async with asyncio.timeout(seconds):
            await self._tried.wait()
