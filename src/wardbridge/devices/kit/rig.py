"""How the kit holds a driver: where its captures are, how to start it, how to be its peer."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import structlog

from wardbridge.core.clock import Clock, FakeClock, settle
from wardbridge.devices import registry
from wardbridge.devices.driver import Driver, DriverContext, Sink


class Rig(ABC):
    """A driver's test writes one of these and gives it to the kit as the fixture ``rig``.

    name: the driver's folder. tests: the folder of its tests (``captures/``, ``expected/``).
    config: the link's configuration. secrets: texts out of the captures (names, numbers, addresses) that
    must never be logged. bounded: how many messages may wait in the driver while the sink is slow.
    splits: captures up to this many bytes are split at every point, longer ones at this many points.
    """

    name: ClassVar[str]
    tests: ClassVar[Path]
    config: ClassVar[Mapping[str, Any]] = {}
    secrets: ClassVar[tuple[str, ...]] = ()
    bounded: ClassVar[int] = 64
    splits: ClassVar[int] = 400

    def build(self, sink: Sink, clock: Clock, link: str = "kit", log: Any = None) -> Driver:
        """A driver for one link; override to give it a network of your own."""
        context = DriverContext(link, self.config, clock, sink, log or structlog.get_logger(self.name))
        return registry.build(self.name, context)

    def unreachable(self, sink: Sink, clock: Clock) -> Driver:
        """A dialling driver whose peer never answers. ``health().counts["attempts"]`` counts its tries."""
        raise NotImplementedError("a driver with role 'dial' has to tell how its peer is away")

    async def ready(self, driver: Driver) -> None:
        """Wait until a started driver can hear its peer."""
        await settle()

    @abstractmethod
    async def replay(self, driver: Driver, chunks: Sequence[bytes]) -> list[bytes]:
        """Be the peer of a running driver: deliver ``chunks`` over one new connection, each as an arrival of
        its own, and return the answers once the driver has dealt with all of it."""

    def positive(self, answer: bytes) -> bool:
        """Whether this answer tells the peer that it may forget its message."""
        raise NotImplementedError("a driver with delivery 'acknowledged' has to tell a positive answer")

    def captures(self) -> list[Path]:
        """The captures, smallest name first."""
        return sorted(path for path in (self.tests / "captures").glob("*") if path.is_file())

    def chunks(self, data: bytes) -> list[bytes]:
        """A capture as the arrivals it was made of; the whole at once unless your format says more."""
        return [data]


@contextlib.asynccontextmanager
async def running(rig: Rig, driver: Driver) -> AsyncIterator[asyncio.Task[None]]:
    """``driver`` running and ready; on leaving it is cancelled, and a failure of its own is raised."""
    task = asyncio.create_task(driver.run(), name=f"kit {rig.name}")
    try:
        ready = asyncio.create_task(rig.ready(driver))
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        if task.done():
            ready.cancel()
            task.result()
            raise AssertionError("run() ended by itself")
        await ready
        yield task
        assert not task.done() or task.cancelled(), f"run() ended: {task.exception()!r}"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def heard(rig: Rig, chunks: Sequence[bytes], sink: Any = None) -> tuple[Any, list[bytes], Driver]:
    """A fresh driver that heard ``chunks``: its sink, its answers, itself (stopped by now)."""
    from wardbridge.devices.kit.sinks import RecordingSink

    sink = sink or RecordingSink()
    driver = rig.build(sink, FakeClock())
    async with running(rig, driver):
        answers = await rig.replay(driver, chunks)
    return sink, answers, driver
