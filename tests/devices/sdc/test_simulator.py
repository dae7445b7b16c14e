"""The driver against our own simulated ventilator, in one process: both sides keep to the standard."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import structlog

from wardbridge.core.clock import FakeClock, SystemClock
from wardbridge.devices.driver import DriverContext
from wardbridge.devices.drivers.sdc.driver import Sdc, build
from wardbridge.devices.kit.sinks import RecordingSink
from wardbridge.devices.sim.cast import assemble
from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.sim.mdib import METRICS
from wardbridge.devices.sim.ventilator import Ventilator
from wardbridge.devices.sim.ventilators import fit_out
from wardbridge.devices.values import AlertSignal, Identity, Reading, SubjectHint, Waveform

from .provider import Silent

START = FakeClock().now()


@contextlib.asynccontextmanager
async def bedside(sink: RecordingSink) -> AsyncIterator[tuple[Ventilator, Sdc]]:
    """Bed 2's ventilator, and the driver connected to it by its address."""
    ventilator = fit_out(assemble(WardConfig(beds=2, seed=6), START), Silent(), validate=True)[1]
    await asyncio.to_thread(ventilator.begin)
    config = {"address": ventilator.provider.get_xaddrs()[0]}
    driver = build(DriverContext("sim", config, SystemClock(), sink, structlog.get_logger("sdc")))
    task = asyncio.create_task(driver.run())
    try:
        await sink.wait(lambda s: bool(s.batches), 20)
        yield ventilator, driver
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.to_thread(ventilator.end)


def last(sink: RecordingSink, code: int) -> Reading:
    return [v for v in sink.values if isinstance(v, Reading) and v.code == code and v.text][-1]


async def test_everything_the_ventilator_says_is_understood() -> None:
    sink = RecordingSink()
    async with bedside(sink) as (ventilator, driver):
        await asyncio.to_thread(ventilator.publish, 60.0)
        for step in range(20):
            await asyncio.to_thread(ventilator.stream, 60.0 + step * 0.5)
        waves = sum(metric.kind == "W" for metric in METRICS)
        await sink.wait(lambda s: sum(isinstance(v, Waveform) for v in s.values) >= 19 * waves)
        codes = {v.code for v in sink.values if isinstance(v, Reading | Waveform)}
        assert codes == {metric.code for metric in METRICS}
        assert all(v.refid and (v.ucum or v.number is None) for v in sink.values if isinstance(v, Reading))
        mds = next(v for v in sink.values if isinstance(v, Identity) and not v.parent)
        assert (mds.key, mds.serial) == (ventilator.epr.urn, ventilator.who.serial)
        assert mds.place == ventilator.who.place
        hints = [v for v in sink.values if isinstance(v, SubjectHint)]
        assert hints[-1].place == ventilator.who.place
        readings = ventilator._lungs(60.0).readings(60.0)
        peak = next(metric for metric in METRICS if metric.handle == "peak")
        assert last(sink, peak.code).number == pytest.approx(readings.peak, abs=1.0)
        co2 = next(metric for metric in METRICS if metric.handle == "co2_wave")
        runs = [v for v in sink.values if isinstance(v, Waveform) and v.code == co2.code]
        assert [b.device_time - a.device_time for a, b in itertools.pairwise(runs)] == pytest.approx(
            [len(a.samples) // 2 * a.period for a in runs[:-1]], abs=1500
        )
        counts = driver.health().counts
        assert (counts.get("missed", 0), counts["quarantined"], counts.get("unknown_codes", 0)) == (0, 0, 0)
        assert counts.get("dropped", 0) == 0


async def test_the_scripted_pressure_alarm_comes_and_goes() -> None:
    sink = RecordingSink()
    async with bedside(sink) as (ventilator, _):
        for t in (149.0, 152.0, 154.0, 190.0):
            await asyncio.to_thread(ventilator.publish, t)
        await sink.wait(lambda s: any(isinstance(v, AlertSignal) and v.phase == "end" for v in s.values))
        alerts = [v for v in sink.values if isinstance(v, AlertSignal) and v.alert_id.endswith("/high_pressure")]
        assert [(a.phase, a.state) for a in alerts] == [("start", "active"), ("end", "inactive")]
        assert float(alerts[0].value) > float(alerts[0].high or "1e9") or alerts[0].high == ""
        order: list[Any] = [v for v in sink.values if isinstance(v, Reading | AlertSignal)]
        before = order[: order.index(alerts[0])]
        assert any(isinstance(v, Reading) and v.channel == alerts[0].channel and v.text for v in before)


@pytest.mark.slow
async def test_soak_an_hour_of_waves_without_a_gap() -> None:
    """3,600 s of ward time as fast as it goes: nothing missed, nothing dropped, nothing kept."""
    sink = RecordingSink()
    async with bedside(sink) as (ventilator, driver):
        samples = 0
        for step in range(7_200):
            if step % 10 == 0:
                await asyncio.to_thread(ventilator.publish, 60.0 + step * 0.5)
            await asyncio.to_thread(ventilator.stream, 60.0 + step * 0.5)
            samples += sum(len(v.samples) // 2 for v in sink.values if isinstance(v, Waveform))
            sink.batches.clear()
        counts = driver.health().counts
        assert (counts.get("missed", 0), counts.get("dropped", 0), counts["quarantined"]) == (0, 0, 0)
        assert counts["attempts"] == 1
        expected = 3_599.5 * 50 * sum(metric.kind == "W" for metric in METRICS)
        assert samples == pytest.approx(expected, rel=0.002)
        assert np.isfinite(samples)
