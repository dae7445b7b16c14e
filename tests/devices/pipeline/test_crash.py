"""Exactly once, wherever it breaks: a power cut at each step, and kill -9 of a real process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.scene import HR, SPO2, Scene, reading, scene
from wardbridge.core.errors import Unavailable
from wardbridge.devices.charting import issue
from wardbridge.devices.pipeline.batch import Sinks
from wardbridge.devices.store import facts, people, points, registry
from wardbridge.devices.store import pipeline as store
from wardbridge.devices.values import AlertSignal, DeviceEvent
from wardbridge.exchange.intake import store as intake
from wardbridge.telemetry import store as telemetry


class PowerCut(BaseException):
    """Not an error of an entry: nothing may catch it."""


STEPS: list[tuple[Any, str]] = [
    (telemetry, "append"),
    (telemetry, "ensure_channels"),
    (registry, "seen"),
    (registry, "add"),
    (points, "insert"),
    (points, "settled"),
    (issue, "settle"),
    (people, "write_stays"),
    (facts, "write_spans"),
    (intake, "advance"),
    (store, "count"),
]


@pytest.fixture
async def ward(database: Any) -> AsyncIterator[Scene]:
    found = await scene(database.pool)
    yield found
    await found.intake.close()


async def fill(ward: Scene) -> None:
    await ward.adt("A01", "100", 0, "1")
    for n in range(1, 4):
        at = ward.minute(n * 15)
        await ward.put(reading(HR, f"7{n}", at), reading(SPO2, f"9{n}.0", at), received=at)
    await ward.put(reading(HR, "55", ward.minute(5)), device="MON2", received=ward.minute(5))


async def result(ward: Scene) -> tuple[Any, ...]:
    hot = await telemetry.tail(ward.pool, telemetry.Position(0, 0), 10_000)
    texts = sorted(n.text for row in hot for n in row.slice.numerics)
    values = sorted(str(o["valueQuantity"]["value"]) for o in await ward.observations(wrong=True))
    return texts, values, await store.counts(ward.pool), len(await ward.resources("Patient"))


CHARTED = ["71", "72", "73", "91.0", "92.0", "93.0"]
EXPECTED = (sorted([*CHARTED, "55"]), CHARTED)


@pytest.mark.parametrize(("module", "name"), STEPS, ids=[f"{m.__name__.rpartition('.')[2]}.{n}" for m, n in STEPS])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_power_cut_at_any_step_loses_and_doubles_nothing(
    ward: Scene, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, after: bool
) -> None:
    await ward.device()
    await fill(ward)
    real: Callable[..., Any] = getattr(module, name)
    cuts = 0

    async def cut(*args: Any, **more: Any) -> Any:
        nonlocal cuts
        if cuts == 0:
            cuts += 1
            if after:
                await real(*args, **more)
            raise PowerCut
        return await real(*args, **more)

    monkeypatch.setattr(module, name, cut)
    with pytest.raises(PowerCut):
        await ward.work()
    await ward.work()
    texts, values, counts, patients = await result(ward)
    assert cuts == 1
    assert (texts, values) == EXPECTED
    assert (counts["entries_device"], counts["values"], counts.get("refused", 0), patients) == (5, 7, 0, 1)


class Shaky:
    """An alert sink that fails as told, and writes where everybody can count."""

    def __init__(self, error: Exception | None, poison: str = "") -> None:
        self.error = error
        self.poison = poison
        self.got: list[str] = []

    async def apply(
        self, conn: Any, device_id: str, patient_id: str | None, place_id: str | None, value: AlertSignal, received: int
    ) -> None:
        if self.error is not None and value.event_id == self.poison:
            raise self.error
        self.got.append(value.event_id)


def alert(event: str, time: int) -> AlertSignal:
    return AlertSignal(event, event, "start", "active", "PM", "ST", 196616, "MDC_EVT_ALARM", "x", device_time=time)


async def test_an_entry_that_a_sink_cannot_take_is_refused_alone(database: Any) -> None:
    sink = Shaky(RuntimeError("bug"), "e2")
    ward = await scene(database.pool, sinks=Sinks((sink,)))
    await ward.device()
    numbers = [await ward.put(alert(f"e{n}", ward.minute(n)), received=ward.minute(n)) for n in (1, 2, 3)]
    await ward.work()
    assert sink.got[-2:] == ["e1", "e3"]
    assert [(r.sequence, r.stage) for r in await store.refused(ward.pool)] == [(numbers[1], "apply")]
    await ward.intake.close()


async def test_while_the_house_is_away_nothing_is_refused(database: Any) -> None:
    sink = Shaky(Unavailable("the disk of the database is full"), "e1")
    ward = await scene(database.pool, sinks=Sinks((sink,)))
    await ward.device()
    await ward.put(alert("e1", ward.minute(1)), received=ward.minute(1))
    with pytest.raises(Unavailable):
        await ward.work()
    sink.error = None
    await ward.work()
    assert sink.got == ["e1"]
    assert await store.refused(ward.pool) == []
    await ward.intake.close()


class Bell:
    """An event sink that tells when it was called."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()

    async def apply(self, *_: Any) -> None:
        self.rung.set()


async def test_the_doorbell_wakes_and_the_loop_ends_when_cancelled(database: Any) -> None:
    bell = Bell()
    ward = await scene(database.pool, sinks=Sinks(events=(bell,)))
    task = asyncio.create_task(ward.pipeline.run())
    try:
        # The clock is a fake one that nobody moves: only the doorbell can wake the pipeline.
        for n in (1, 2):
            bell.rung.clear()
            await ward.put(DeviceEvent("fault"), received=ward.minute(n))
            async with asyncio.timeout(20):
                await bell.rung.wait()
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await ward.intake.close()


CHILD = """
import asyncio, sys
sys.path.insert(0, {tests!r})
from pipeline.scene import scene
from wardbridge.core.db import open_pool

async def main():
    ward = await scene(await open_pool({dsn!r}, size=3))
    ward.pipeline.limit = 7
    print("ready", flush=True)
    while await ward.pipeline.step():
        print("step", flush=True)
    print("done", flush=True)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_kill_9_of_the_process_loses_and_doubles_nothing(database: Any) -> None:
    ward = await scene(database.pool)
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    count = 400
    for n in range(1, count + 1):
        await ward.put(reading(HR, str(1000 + n), ward.minute(n)), received=ward.minute(n))
    code = CHILD.format(tests=str(Path(__file__).parent.parent), dsn=database.dsn)
    chance = random.Random(7)
    kills, line = 0, b""
    while line != b"done\n":
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout is not None
        await child.stdout.readline()
        steps = chance.randrange(6) if kills < 12 else count
        for _ in range(steps):
            line = await child.stdout.readline()
            if line == b"done\n":
                break
        kills += 1
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGKILL)
        await child.wait()
    assert kills > 10
    hot = await telemetry.tail(ward.pool, telemetry.Position(0, 0), 10_000)
    assert sorted(int(n.text) for row in hot for n in row.slice.numerics) == list(range(1001, 1001 + count))
    charted = sorted(int(o["valueQuantity"]["value"]) for o in await ward.observations(wrong=True))
    assert charted == [1001, *range(1015, 1001 + count, 15)]
    assert (await store.counts(ward.pool))["entries_device"] == count + 1
    await ward.intake.close()
