"""The supervisor: links live and die on their own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import structlog.testing

from wardbridge.core.clock import FakeClock, settle
from wardbridge.core.errors import SettingsError
from wardbridge.devices.driver import DriverContext, Health
from wardbridge.devices.kit.sinks import RecordingSink
from wardbridge.devices.supervisor import Link, Pauses, Supervisor, pause


class Probe:
    """A driver that does what its link's configuration says."""

    def __init__(self, context: DriverContext, log: list[str]) -> None:
        self.context = context
        self.log = log
        self.running = False

    async def run(self) -> None:
        self.log.append(f"run {self.context.link}")
        self.running = True
        try:
            match self.context.config.get("does", "serve"):
                case "crash":
                    raise RuntimeError("SECRET-17")
                case "end":
                    return
                case "last":
                    await self.context.clock.sleep(self.context.config["seconds"])
                    raise OSError("gone")
                case "stray":
                    raise asyncio.CancelledError
                case "stubborn":
                    while True:
                        with contextlib.suppress(asyncio.CancelledError):
                            await asyncio.get_running_loop().create_future()
                        if self.context.config["let"].is_set():
                            return
                case _:
                    await asyncio.get_running_loop().create_future()
        finally:
            self.running = False
            self.log.append(f"stop {self.context.link}")

    def health(self) -> Health:
        if self.context.config.get("does") == "sick":
            raise ValueError("no health")
        return Health("up", "fine", 5, 7, {"messages": 3})


class Ward:
    """A supervisor with probes, a fake clock and steady dice."""

    def __init__(self, random: Callable[[], float] = lambda: 0.5) -> None:
        self.clock = FakeClock()
        self.log: list[str] = []
        pauses = Pauses(stop=0.05)
        self.supervisor = Supervisor(self.clock, RecordingSink(), random, self.build, pauses)

    def build(self, name: str, context: DriverContext) -> Probe:
        if name == "wrong":
            raise SettingsError("port must be a number", where=f"links.{context.link}.port")
        if name == "broken":
            raise KeyError("oops")
        return Probe(context, self.log)

    def state(self, name: str) -> tuple[str, str]:
        health = self.supervisor.health()[name]
        return health.state, health.text

    def runs(self, name: str) -> int:
        return self.log.count(f"run {name}")


@pytest.fixture
async def ward() -> AsyncIterator[Ward]:
    made = Ward()
    yield made
    await made.supervisor.stop()


def link(name: str, does: str = "serve", **more: Any) -> Link:
    return Link(name, "probe", {"does": does, **more})


async def test_links_run_and_tell_their_drivers_health(ward: Ward) -> None:
    await ward.supervisor.apply([link("a"), link("b")])
    await settle()
    health = ward.supervisor.health()
    assert health["a"] == Health("up", "fine", 5, 7, {"messages": 3, "restarts": 0, "failures": 0})
    assert ward.log == ["run a", "run b"]


async def test_a_crashing_link_backs_off_and_hurts_nobody(ward: Ward) -> None:
    await ward.supervisor.apply([link("good"), link("bad", "crash")])
    await settle()
    times = []
    for _ in range(200):
        if ward.runs("bad") > len(times):
            times.append(ward.clock.monotonic())
        await ward.clock.advance(1.0)
    gaps = [round(b - a) for a, b in itertools.pairwise(times)]
    assert gaps[:6] == [1, 2, 4, 8, 16, 32]
    assert max(gaps) <= 61
    assert ward.state("bad")[0] == "down"
    assert ward.runs("good") == 1
    assert ward.state("good") == ("up", "fine")
    assert ward.supervisor.health()["bad"].counts["failures"] == len(times)


async def test_an_ending_or_strayed_driver_is_started_again(ward: Ward) -> None:
    await ward.supervisor.apply([link("end", "end"), link("stray", "stray")])
    await ward.clock.advance(10)
    assert ward.runs("end") == 4
    assert ward.runs("stray") == 4


async def test_a_run_that_lasted_resets_the_pause(ward: Ward) -> None:
    await ward.supervisor.apply([link("a", "last", seconds=100)])
    await ward.clock.advance(5 * 101.5)
    assert ward.runs("a") == 6


async def test_a_wrong_configuration_is_told_and_not_retried(ward: Ward) -> None:
    await ward.supervisor.apply([Link("a", "wrong"), Link("b", "broken"), link("c")])
    await ward.clock.advance(30)
    assert ward.state("a") == ("down", "configuration: port must be a number")
    assert ward.supervisor.health()["a"].counts["restarts"] == 0
    assert "KeyError" in ward.state("b")[1]
    assert ward.state("c") == ("up", "fine")
    await ward.supervisor.put(link("a"))
    await settle()
    assert ward.state("a") == ("up", "fine")


async def test_apply_touches_only_what_changed(ward: Ward) -> None:
    await ward.supervisor.apply([link("a"), link("b"), link("c")])
    await settle()
    await ward.supervisor.apply([link("a"), link("b", port=2), link("d")])
    await settle()
    assert (ward.runs("a"), ward.runs("b"), ward.runs("c"), ward.runs("d")) == (1, 2, 1, 1)
    assert set(ward.supervisor.health()) == {"a", "b", "d"}
    assert "stop c" in ward.log


async def test_two_links_of_one_name_are_refused(ward: Ward) -> None:
    with pytest.raises(SettingsError, match="'a'"):
        await ward.supervisor.apply([link("a"), link("a")])


async def test_remove_restart_and_switch_off(ward: Ward) -> None:
    await ward.supervisor.put(link("a"))
    await settle()
    await ward.supervisor.restart("a")
    await settle()
    assert ward.runs("a") == 2
    await ward.supervisor.remove("a")
    await ward.supervisor.remove("nobody")
    assert ward.supervisor.health() == {}
    await ward.supervisor.put(Link("b", "probe", {}, enabled=False))
    await settle()
    assert ward.state("b") == ("down", "switched off")
    assert ward.runs("b") == 0


async def test_a_stubborn_driver_does_not_hold_up_the_others(ward: Ward) -> None:
    let = asyncio.Event()
    await ward.supervisor.apply([link("a"), link("s", "stubborn", let=let)])
    await settle()
    stuck = next(task for task in asyncio.all_tasks() if task.get_name() == "link s")
    with structlog.testing.capture_logs() as entries:
        await ward.supervisor.stop()
    assert any(entry["event"] == "link_does_not_stop" for entry in entries)
    assert "stop a" in ward.log
    let.set()
    stuck.cancel()
    await asyncio.wait({stuck}, timeout=5)
    assert stuck.done()
    assert ward.runs("s") == 1


async def test_a_broken_health_report_is_a_fault(ward: Ward) -> None:
    await ward.supervisor.apply([link("a", "sick"), link("b")])
    await settle()
    assert ward.state("a") == ("degraded", "health fails: ValueError")
    assert ward.state("b") == ("up", "fine")


async def test_nothing_a_driver_raised_is_logged(ward: Ward) -> None:
    with structlog.testing.capture_logs() as entries:
        await ward.supervisor.apply([link("bad", "crash")])
        await ward.clock.advance(5)
    assert any(entry["event"] == "link_fell" for entry in entries)
    assert "SECRET-17" not in repr(entries)
    assert "SECRET-17" not in repr(ward.supervisor.health())


async def test_stopping_leaves_no_task(ward: Ward) -> None:
    before = len(asyncio.all_tasks())
    await ward.supervisor.apply([link(str(n), does) for n, does in enumerate(("serve", "crash", "end") * 5)])
    await ward.clock.advance(3)
    await ward.supervisor.stop()
    assert len(asyncio.all_tasks()) == before
    assert ward.supervisor.health() == {}


@pytest.mark.parametrize(("failures", "seconds"), [(1, 1.0), (2, 2.0), (5, 16.0), (9, 60.0), (10_000, 60.0)])
def test_pauses_double_up_to_the_longest(failures: int, seconds: float) -> None:
    assert pause(failures, Pauses(), lambda: 0.5) == seconds


def test_jitter_spreads_by_a_quarter() -> None:
    assert pause(3, Pauses(), lambda: 0.0) == 3.0
    assert pause(3, Pauses(), lambda: 1.0) == 5.0
