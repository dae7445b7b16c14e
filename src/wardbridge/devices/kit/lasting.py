"""Kit classes about a driver's life: its folder, start and stop, the log, its health, a lost peer."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import logging
import os
import threading
from pathlib import Path

import pytest
import structlog.testing

from wardbridge.core.clock import FakeClock, settle
from wardbridge.devices.kit.rig import Rig, heard, running
from wardbridge.devices.kit.sinks import FailingSink, RecordingSink
from wardbridge.devices.manifest import DRIVERS
from wardbridge.devices.quality import check_driver


class FolderKit:
    """manifest.toml, quality.toml, mapping and layout say nothing that is not so."""

    def test_folder_keeps_its_claims(self, rig: Rig) -> None:
        assert [str(problem) for problem in check_driver(DRIVERS / rig.name, rig.tests)] == []


def _held() -> tuple[int, set[str], int]:
    """Tasks, living threads and open files of this process."""
    gc.collect()
    tasks = {task for task in asyncio.all_tasks() if not task.done()}
    files = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    threads = {t.name for t in threading.enumerate() if not t.name.startswith("asyncio_")}
    return len(tasks), threads, files


class LifeKit:
    """A driver can be started and stopped any number of times and leaves nothing behind."""

    async def test_start_and_stop_leave_nothing(self, rig: Rig) -> None:
        async with running(rig, rig.build(RecordingSink(), FakeClock())):
            pass  # the first start may fill caches that stay
        before = _held()
        for _ in range(2):
            async with running(rig, rig.build(RecordingSink(), FakeClock())):
                await settle()
        await settle()
        tasks, threads, files = _held()
        assert tasks <= before[0]
        assert threads <= before[1]
        assert files <= before[2]

    async def test_the_same_driver_starts_again(self, rig: Rig) -> None:
        driver = rig.build(RecordingSink(), FakeClock())
        for _ in range(2):
            async with running(rig, driver):
                await settle()

    async def test_two_instances_live_side_by_side(self, rig: Rig) -> None:
        first, second = RecordingSink(), RecordingSink()
        one, two = rig.build(first, FakeClock(), "one"), rig.build(second, FakeClock(), "two")
        chunks = rig.chunks(rig.captures()[0].read_bytes())
        async with running(rig, one), running(rig, two):
            await rig.replay(two, chunks)
            assert not any(batch.link == "two" for batch in first.batches)
            assert {batch.link for batch in second.batches} == {"two"}

    async def test_cancelled_at_once(self, rig: Rig) -> None:
        task = asyncio.create_task(rig.build(RecordingSink(), FakeClock()).run())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


class LogKit:
    """Nothing that came off the wire gets into a log."""

    async def test_no_secret_is_logged(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        everything = b"".join(path.read_bytes() for path in rig.captures())
        assert rig.secrets
        for secret in rig.secrets:
            assert secret.encode() in everything, f"{secret!r} is in no capture, so it proves nothing"
        caplog.set_level(logging.DEBUG)
        with structlog.testing.capture_logs() as entries:
            for path in rig.captures():
                data = path.read_bytes()
                for chunks in (rig.chunks(data), [part[: len(part) // 2] for part in rig.chunks(data)]):
                    await heard(rig, chunks)
        written = repr(entries) + caplog.text
        for secret in rig.secrets:
            assert secret not in written


class HealthKit:
    """Health tells the truth: before, while and after; with good and with bad input."""

    async def test_health_follows_what_happens(self, rig: Rig) -> None:
        clock, sink = FakeClock(), RecordingSink()
        driver = rig.build(sink, clock)
        assert driver.health().state in {"waiting", "down"}
        async with running(rig, driver):
            await clock.advance(1)
            await rig.replay(driver, rig.chunks(rig.captures()[0].read_bytes()))
            good = driver.health()
            assert good.state in {"up", "degraded"}
            assert good.last_message == clock.now()
            assert good.counts["messages"] > 0
        assert driver.health().state in {"waiting", "down"}

    async def test_health_tells_of_a_refusing_sink(self, rig: Rig) -> None:
        sink = FailingSink()
        driver = rig.build(sink, FakeClock())
        async with running(rig, driver):
            peer = asyncio.create_task(rig.replay(driver, rig.chunks(rig.captures()[0].read_bytes())))
            await sink.tried()
            await settle()
            health = driver.health()
            assert health.state == "degraded"
            assert health.text
            peer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await peer


class PeerLossKit:
    """A dialling driver tries again, with growing pauses, on the given clock."""

    async def test_pauses_grow_and_stay_bounded(self, rig: Rig) -> None:
        clock = FakeClock()
        driver = rig.unreachable(RecordingSink(), clock)
        tries: list[float] = []
        task = asyncio.create_task(driver.run())
        try:
            await settle()
            for _ in range(900):
                while len(tries) < driver.health().counts["attempts"]:
                    tries.append(clock.monotonic())
                await clock.advance(1.0)
            health = driver.health()
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        gaps = [b - a for a, b in itertools.pairwise(tries)]
        assert health.state in {"waiting", "down"}
        assert health.text
        assert gaps[0] <= 5
        assert gaps[1] > gaps[0]
        assert 10 <= max(gaps) <= 120
        assert len(tries) < 120
