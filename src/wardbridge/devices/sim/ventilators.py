"""The ward's ventilators: SDC providers in a process of their own, since sdc11073 brings threads and XML.

Run as ``python -m wardbridge.devices.sim.ventilators``; the ward starts it with its own seed and start,
so that both processes breathe the same patients.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import signal
import sys
import threading
import time
from functools import partial
from typing import Any

import msgspec
from sdc11073.wsdiscovery import WSDiscovery

from wardbridge.core.clock import SECOND
from wardbridge.devices.sim.cast import Cast, assemble
from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.sim.lungs import Lungs, Setting
from wardbridge.devices.sim.machine import Identity
from wardbridge.devices.sim.ventilator import Fault, Ventilator, no_delay

METRICS_EVERY = 2.0  # s
WAVES_EVERY = 0.5  # s


def fit_out(cast: Cast, discovery: Any, validate: bool = False) -> list[Ventilator]:
    """The ventilators of a ward, not started yet."""
    return [_fit(cast, who, discovery, validate) for who in cast.machines if who.kind == "ventilator"]


def _fit(cast: Cast, who: Identity, discovery: Any, validate: bool) -> Ventilator:
    fitted = dict(cast.script.beds[who.bed - 1].devices["ventilator"])
    identified = fitted.pop("identified", False)
    setting = Setting(**fitted)
    person = cast.people[who.bed - 1] if identified else None
    there = partial(_lungs, cast, who.bed, setting)
    return Ventilator(who, cast.start, there, partial(_fault, cast, who.bed), discovery, person, validate)


def _lungs(cast: Cast, bed: int, setting: Setting, t: float) -> Lungs | None:
    patient = cast.patient_in(bed, t)
    return None if patient is None else Lungs(patient, setting)


def _fault(cast: Cast, bed: int, t: float) -> Fault:
    return Fault(
        kinked=cast.fault(bed, "ventilator", "high_pressure", t),
        open=cast.fault(bed, "ventilator", "disconnect", t),
    )


def serve(cast: Cast, stop: threading.Event, status_every: float = 10.0) -> None:
    """Serve until ``stop`` is set. Waves every half second, metrics every two, spread over the beds."""
    no_delay()
    logging.getLogger("sdc").setLevel(logging.ERROR)
    discovery: Any = WSDiscovery("127.0.0.1")
    discovery.start()
    fitted = fit_out(cast, discovery)
    try:
        for each in fitted:
            each.begin()
        _loop(cast, fitted, stop, status_every)
    finally:
        for each in fitted:
            each.end()
        discovery.stop()


def _loop(cast: Cast, fitted: list[Ventilator], stop: threading.Event, status_every: float) -> None:
    offset = time.monotonic() - (time.time() - cast.start / SECOND)
    wave = [time.monotonic() + 0.09 * n for n in range(len(fitted))]
    metric = [time.monotonic() + 0.31 * n for n in range(len(fitted))]
    tell, reports = time.monotonic() + (status_every or math.inf), 0
    while not stop.wait(max(min([*wave, *metric, tell]) - time.monotonic(), 0.001)):
        for n, each in enumerate(fitted):
            now = time.monotonic()
            if now >= wave[n]:
                each.stream(now - offset)
                wave[n], reports = now + WAVES_EVERY - (now - wave[n]) % WAVES_EVERY, reports + 1
            if now >= metric[n]:
                each.publish(now - offset)
                metric[n], reports = now + METRICS_EVERY - (now - metric[n]) % METRICS_EVERY, reports + 1
        if time.monotonic() >= tell:
            tell += status_every
            row = {
                "ventilators": len(fitted),
                "reports": reports,
                "alerts": sum(sum(each.present.values()) for each in fitted),
                "cpu_seconds": round(time.process_time(), 1),
            }
            sys.stderr.write(msgspec.json.encode(row).decode() + "\n")
            sys.stderr.flush()


def _follow(parent: int, stop: threading.Event) -> None:
    """Stop when ``parent`` is gone: a ward that was killed leaves no ventilators behind."""
    while os.getppid() == parent and not stop.wait(1.0):
        pass
    stop.set()


def main(arguments: list[str] | None = None) -> int:
    """The process. Ends with 0 on SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="wardbridge.devices.sim.ventilators", description=__doc__)
    parser.add_argument("--beds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--start", type=int, default=0, help="the ward's first moment, µs since 1970 UTC")
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started it ends")
    parser.add_argument("--status-every", type=float, default=10.0, help="seconds, 0 for never")
    given = parser.parse_args(arguments)
    config = WardConfig(beds=given.beds, seed=given.seed, speed=given.speed)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if given.with_parent:
        threading.Thread(target=_follow, args=(os.getppid(), stop), daemon=True).start()
    serve(assemble(config, given.start or time.time_ns() // 1000), stop, given.status_every)
    return 0


if __name__ == "__main__":
    sys.exit(main())
