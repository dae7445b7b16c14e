"""SDC reports a second through the driver, with Nagle's algorithm as the library has it and off as we do.

A provider (sdc11073's own) in another process on 127.0.0.1 changes one metric as fast as its reports are
delivered; the driver maps them and a sink counts. Also the latency of single reports at a calm rate.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import time
from typing import Any

import structlog
from tests.devices.sdc.peer import Peer

from wardbridge.core.clock import SystemClock
from wardbridge.devices.driver import DriverContext
from wardbridge.devices.drivers.sdc.driver import Config, Sdc
from wardbridge.devices.drivers.sdc.server import QuickHandler, SlowHandler
from wardbridge.devices.drivers.sdc.session import LiveSession, Target
from wardbridge.devices.kit.sinks import RecordingSink
from wardbridge.devices.values import DeviceEvent, Reading, Waveform


def driver(address: str, sink: RecordingSink, handler: type[Any], validate: bool) -> Sdc:
    context = DriverContext("bench", {}, SystemClock(), sink, structlog.get_logger("bench"))
    target = Target(address=address, validate=validate)
    return Sdc(context, Config(address=address), lambda: LiveSession(target, "bench", handler))


@contextlib.asynccontextmanager
async def linked(peer: Peer, handler: type[Any], validate: bool) -> Any:
    sink = RecordingSink()
    one = driver(peer.address, sink, handler, validate)
    task = asyncio.create_task(one.run())
    await sink.wait(lambda s: any(isinstance(v, DeviceEvent) and v.name == "connected" for v in s.values), 30)
    try:
        yield sink, one
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def flood(seconds: float, handler: type[Any], validate: bool) -> dict[str, Any]:
    async with Peer() as peer, linked(peer, handler, validate) as (sink, one):
        begin = time.process_time()
        sent = await peer.tell("flood", seconds=seconds)
        want = sent["version"]
        await sink.wait(lambda s: f"-{want}/" in s.batches[-1].control, 30)
        heard = sum(isinstance(v, Reading) and v.text != "" for v in sink.values)
        return {
            "bench": "sdc",
            "case": "flood",
            "nagle": handler is SlowHandler,
            "validate": validate,
            "reports_per_second": round(sent["reports"] / sent["seconds"], 1),
            "sent": sent["reports"],
            "heard": heard,
            "dropped": one.health().counts.get("dropped", 0),
            "cpu_ms_per_report": round(1000 * (time.process_time() - begin) / max(sent["reports"], 1), 2),
        }


async def calm(count: int, handler: type[Any]) -> dict[str, Any]:
    """Latency from the provider's determination time to the sink, ten reports a second."""
    async with Peer() as peer, linked(peer, handler, True) as (sink, _):
        ages = []
        for number in range(count):
            text = str(200 + number % 2)
            sink.batches.clear()
            await peer.tell("metrics", values={"hr": text})
            await sink.wait(lambda s, text=text: any(isinstance(v, Reading) and v.text == text for v in s.values))
            told = next(v for v in sink.values if isinstance(v, Reading) and v.text == text)
            ages.append((time.time_ns() // 1000 - told.device_time) / 1000)
            await asyncio.sleep(0.1)
        ages.sort()
        return {
            "bench": "sdc",
            "case": "latency",
            "nagle": handler is SlowHandler,
            "reports": count,
            "p50_ms": round(ages[len(ages) // 2], 1),
            "p99_ms": round(ages[min(len(ages) - 1, int(len(ages) * 0.99))], 1),
        }


async def waves(seconds: int, handler: type[Any]) -> dict[str, Any]:
    """Ten wave reports a second, ECG 250 Hz and pleth 62.5 Hz; no sample may be missing."""
    async with Peer() as peer, linked(peer, handler, True) as (sink, one):
        begin, reports = time.process_time(), seconds * 10
        ecg, pleth = [f"{n * 0.005:.3f}" for n in range(25)], [str(n) for n in range(6)]
        start = time.monotonic()
        for number in range(reports):
            await peer.tell("waves", values={"ecg.ii": ecg, "pleth": pleth})
            await asyncio.sleep(max(0.0, start + number / 10 - time.monotonic()))
        await sink.wait(lambda s: sum(isinstance(v, Waveform) for v in s.values) >= 2 * reports, 30)
        samples = sum(len(v.samples) // 2 for v in sink.values if isinstance(v, Waveform))
        return {
            "bench": "sdc",
            "case": "waveforms",
            "nagle": handler is SlowHandler,
            "reports": reports,
            "samples": samples,
            "expected": reports * 31,
            "missed": one.health().counts.get("missed", 0),
            "cpu_ms_per_report": round(1000 * (time.process_time() - begin) / reports, 2),
        }


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--reports", type=int, default=50)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    print(json.dumps({"bench": "sdc", **machine}), flush=True)
    for handler in (SlowHandler, QuickHandler):
        print(json.dumps(await flood(options.seconds, handler, True)), flush=True)
    print(json.dumps(await flood(options.seconds, QuickHandler, False)), flush=True)
    for handler in (SlowHandler, QuickHandler):
        print(json.dumps(await calm(options.reports, handler)), flush=True)
    print(json.dumps(await waves(int(options.seconds), QuickHandler)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
