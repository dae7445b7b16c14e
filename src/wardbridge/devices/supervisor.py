"""Runs the configured links: each driver on its own, restarted with growing pauses, never hurting another.

A link is a name, a driver and its configuration. A driver that ends or fails is started again after a
pause that doubles from ``first`` to ``longest`` seconds, spread by jitter so that a hundred links do not
come back at the same moment; a run that lasted ``settled`` seconds resets the pause. A wrong
configuration is not retried: it stays ``down`` with the reason until it is changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from wardbridge.core.clock import Clock
from wardbridge.core.errors import SettingsError
from wardbridge.devices import registry
from wardbridge.devices.driver import Driver, DriverContext, Health, Sink

Build = Callable[[str, DriverContext], Driver]
STATES = ("up", "degraded", "waiting", "down")


@dataclass(frozen=True)
class Link:
    """One configured connection. ``config`` is what the driver's ``Config`` is made from."""

    name: str
    driver: str
    config: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True)
class Pauses:
    """Seconds between restarts."""

    first: float = 1.0
    longest: float = 60.0
    settled: float = 60.0
    stop: float = 15.0


def pause(failures: int, pauses: Pauses, random: Callable[[], float]) -> float:
    """Seconds before restart number ``failures`` (from 1): doubling, capped, then spread over ±25 %."""
    base = min(pauses.first * 2.0 ** min(failures - 1, 32), pauses.longest)
    return base * (0.75 + 0.5 * random())


class _Run:
    """One link while it lives."""

    def __init__(self, link: Link, supervisor: Supervisor) -> None:
        self.link = link
        self.owner = supervisor
        self.driver: Driver | None = None
        self.restarts = 0
        self.failures = 0
        self.state = "waiting"
        self.text = "not started yet"
        self.since = supervisor.clock.now()
        self.stopping = False  # a driver may swallow its cancellation; it must not be started again then
        self.task: asyncio.Task[None] | None = None
        self.log = structlog.get_logger(__name__).bind(link=link.name, driver=link.driver)

    def start(self) -> None:
        self.task = asyncio.create_task(self.live(), name=f"link {self.link.name}")

    def tell(self, state: str, text: str) -> None:
        if state != self.state:
            self.since = self.owner.clock.now()
        self.state, self.text = state, text

    def ended(self) -> bool:
        return self.stopping

    async def live(self) -> None:
        clock = self.owner.clock
        while not self.ended():
            try:
                self.driver = self.build()
            except SettingsError as error:
                self.tell("down", f"configuration: {error.message}")
                self.log.error("link_refused", where=error.where)
                return
            except Exception as error:  # a driver that cannot be built must not end the supervisor
                self.fell(f"cannot start: {type(error).__name__}")
            else:
                begin = clock.monotonic()
                await self.serve()
                if self.ended():
                    return
                if clock.monotonic() - begin >= self.owner.pauses.settled:
                    self.failures = 1
            await clock.sleep(pause(self.failures, self.owner.pauses, self.owner.random))
            self.restarts += 1

    def build(self) -> Driver:
        owner = self.owner
        context = DriverContext(self.link.name, self.link.config, owner.clock, owner.sink, self.log)
        return owner.build(self.link.driver, context)

    async def serve(self) -> None:
        assert self.driver is not None
        self.tell("up", "")
        self.log.info("link_started", restarts=self.restarts)
        try:
            await self.driver.run()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self.fell("ended by a stray cancellation")
        except Exception as error:  # any failure of a driver is its own
            self.fell(f"failed: {type(error).__name__}")
        else:
            self.fell("ended by itself")

    def fell(self, text: str) -> None:
        self.failures += 1
        self.driver = None
        self.tell("down", f"{text}; will be started again")
        # Only the type of an error is logged: its text may carry what a device has sent.
        self.log.warning("link_fell", text=text, failures=self.failures)

    async def stop(self) -> None:
        task = self.task
        self.stopping = True
        if task is None:
            return
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=self.owner.pauses.stop)
        if not done:
            self.log.error("link_does_not_stop", seconds=self.owner.pauses.stop)
        elif not task.cancelled() and task.exception() is not None:
            self.log.error("link_stop_failed", error=type(task.exception()).__name__)
        self.driver = None
        self.tell("waiting", "stopped")

    def health(self) -> Health:
        """The driver's own statement where it runs, the supervisor's where it does not."""
        counts: dict[str, int] = {"restarts": self.restarts, "failures": self.failures}
        if self.driver is None:
            return Health(self.state, self.text, self.since, 0, counts)
        try:
            said = self.driver.health()
        except Exception as error:  # a broken health report is itself a fault to report
            return Health("degraded", f"health fails: {type(error).__name__}", self.since, 0, counts)
        if said.state not in STATES:
            return Health("degraded", f"health says {said.state!r}", self.since, said.last_message, counts)
        counts = {**said.counts, **counts}
        return Health(said.state, said.text, said.since or self.since, said.last_message, counts)


class Supervisor:
    """All links of this process.

    ``random`` gives numbers in [0, 1); ``build`` makes a driver by name (the registry unless set).
    Use as ``async with Supervisor(...)`` or call :meth:`apply` and :meth:`stop`.
    """

    def __init__(
        self,
        clock: Clock,
        sink: Sink,
        random: Callable[[], float],
        build: Build = registry.build,
        pauses: Pauses | None = None,
    ) -> None:
        self.clock = clock
        self.sink = sink
        self.random = random
        self.build = build
        self.pauses = pauses or Pauses()
        self._runs: dict[str, _Run] = {}
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Supervisor:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def apply(self, links: Iterable[Link]) -> None:
        """Make the running links these: start new ones, restart changed ones, stop the others.

        Unchanged links are not touched. Raises SettingsError when two links share a name.
        """
        wanted: dict[str, Link] = {}
        for link in links:
            if link.name in wanted:
                raise SettingsError(f"two links are called {link.name!r}", where=f"links.{link.name}")
            wanted[link.name] = link
        async with self._lock:
            gone = [name for name, run in self._runs.items() if wanted.get(name) != run.link]
            await self._end(gone)
            for name, link in wanted.items():
                if name not in self._runs:
                    self._begin(link)

    async def put(self, link: Link) -> None:
        """Add one link, or change the one of that name."""
        async with self._lock:
            await self._end([link.name])
            self._begin(link)

    async def remove(self, name: str) -> None:
        """Stop and forget a link; one that does not exist is no error."""
        async with self._lock:
            await self._end([name])

    async def restart(self, name: str) -> None:
        """Stop a link and start it at once. Raises KeyError for an unknown one."""
        await self.put(self._runs[name].link)

    async def stop(self) -> None:
        """Stop every link and wait until each has released what it held."""
        async with self._lock:
            await self._end(list(self._runs))

    def links(self) -> list[Link]:
        return [run.link for run in self._runs.values()]

    def health(self) -> dict[str, Health]:
        """Every link's health by name. ``counts`` adds ``restarts`` and ``failures`` to the driver's own."""
        return {name: run.health() for name, run in self._runs.items()}

    def _begin(self, link: Link) -> None:
        run = _Run(link, self)
        self._runs[link.name] = run
        if link.enabled:
            run.start()
        else:
            run.tell("down", "switched off")

    async def _end(self, names: list[str]) -> None:
        await asyncio.gather(*(self._runs[name].stop() for name in names if name in self._runs))
        for name in names:
            self._runs.pop(name, None)
