"""The ward on the wire: every HL7 device and the HIS as tasks of one loop, the ventilators beside it.

The ward knows the gateway's host and port and nothing else of Wardbridge.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TextIO

import msgspec

from wardbridge.core.clock import SECOND, Clock
from wardbridge.devices.sim import bench
from wardbridge.devices.sim.cast import Cast, assemble, hl7_machines
from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.sim.his import Receiver, Registrar
from wardbridge.devices.sim.link import Connect, Link
from wardbridge.devices.sim.machine import Machine

# Devices report at their own moment of the second. The slot is a multiple of the slowest sample period
# (16 ms), so that every wave window begins on a sample.
SLOT = 0.016
SLOTS = 60


class Ward:
    """A running ward. ``connect`` replaces the network in tests."""

    def __init__(self, config: WardConfig, clock: Clock, connect: Connect | None = None) -> None:
        self.config = config
        self._clock = clock
        self._connect = connect
        self.cast: Cast = assemble(config, config.start or clock.now())
        self.machines = hl7_machines(self.cast, config)
        self.registrar = Registrar(self.cast.script, self.cast.people, self.cast.start, config.speed)
        self.receiver = Receiver(clock)
        self.receiver.dead = config.oru_dead
        self.links: dict[str, Link] = {}
        self.behind = 0
        self.oru_port = 0
        self.bench: asyncio.Server | None = None

    async def run(self) -> None:
        """Run until cancelled. Raises OSError when the HIS's own port is taken."""
        began = self._clock.monotonic() - (self._clock.now() - self.cast.start) / SECOND
        if self.config.oru_port is not None:
            self.oru_port = await self.receiver.start(self.config.host, self.config.oru_port)
        if self.config.bench_port is not None:
            self.bench = await bench.serve(self.machines, self.config.host, self.config.bench_port)
        try:
            async with asyncio.TaskGroup() as tasks:
                his = self._link("his", 0.0)
                tasks.create_task(his.run())
                tasks.create_task(self._steps(began, 0.0, self.registrar.step, his, lambda _t: False))
                for number, machine in enumerate(self.machines):
                    name = machine.identity.name
                    link = self._link(name, (number % 7) / 20.0)
                    tasks.create_task(link.run())
                    # Every monitor needs a slot of its own; pumps share the rest.
                    phase = SLOT * ((number * 7) % SLOTS)
                    tasks.create_task(self._steps(began, phase, machine.step, link, self._cut(machine)))
                if self.config.status_every:
                    tasks.create_task(self._tell(sys.stderr))
        finally:
            await self.receiver.stop()
            if self.bench is not None:
                self.bench.close()

    def _link(self, name: str, jitter: float) -> Link:
        link = Link(self.config.host, self.config.mllp_port, self._clock, jitter, self._connect)
        self.links[name] = link
        return link

    def _cut(self, machine: Machine) -> Callable[[float], bool]:
        who = machine.identity
        return lambda t: self.cast.fault(who.bed, who.kind, "silent", t)

    async def _steps(
        self,
        began: float,
        phase: float,
        step: Callable[[float], list[Any]],
        link: Link,
        cut: Callable[[float], bool],
    ) -> None:
        """Step one device each second, at the second and not when the loop gets to it."""
        k = 1 if phase else 0
        k = max(k, int(self._clock.monotonic() - began - phase) + 1)
        while True:
            t = k + phase
            await self._clock.sleep(began + t - self._clock.monotonic())
            late = self._clock.monotonic() - began - t
            if late > 3.0:
                # The machine slept: samples that nobody took do not exist.
                k += int(late)
                self.behind += int(late)
                continue
            for outgoing in step(t):
                # A cut cable loses what is said, and leaves the connection open.
                if not cut(t):
                    link.offer(outgoing)
            k += 1

    def status(self) -> dict[str, Any]:
        """The state in one row: what was sent and acknowledged, what waits, who is connected."""
        total: Counter[str] = Counter()
        for link in self.links.values():
            total.update(link.counts)
        return {
            "ward_seconds": round((self._clock.now() - self.cast.start) / SECOND * self.config.speed),
            "devices": len(self.machines),
            "connected": sum(link.connected for link in self.links.values()),
            "waiting": sum(link.waiting for link in self.links.values()),
            **{name: total[name] for name in ("sent", "acked", "rejected", "errors", "resent", "dropped")},
            "behind": self.behind,
            "results": self.receiver.counts["messages"],
            "cpu_seconds": round(time.process_time(), 1),
        }

    async def _tell(self, out: TextIO) -> None:
        while True:
            await self._clock.sleep(self.config.status_every)
            out.write(msgspec.json.encode(self.status()).decode() + "\n")
            out.flush()


async def run(config: WardConfig, clock: Clock, connect: Connect | None = None) -> None:
    """Run a ward until cancelled: HL7 devices and HIS here, the ventilators in a process beside it.

    Raises OSError when the HIS's own port is taken.
    """
    ward = Ward(config, clock, connect)
    if not config.ventilators:
        await ward.run()
        return
    providers = await start_ventilators(config, ward.cast.start)
    try:
        await ward.run()
    finally:
        await stop_process(providers)


async def start_ventilators(config: WardConfig, start: int) -> asyncio.subprocess.Process:
    """The SDC providers of the same ward, in a process of their own that ends with its SIGTERM."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "wardbridge.devices.sim.ventilators",
        "--with-parent",
        *("--beds", str(config.beds), "--seed", str(config.seed), "--speed", str(config.speed)),
        *("--start", str(start), "--status-every", str(config.status_every)),
    )


async def stop_process(process: asyncio.subprocess.Process, patience: float = 10.0) -> None:
    """End a child politely, then for certain."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), patience)
    except TimeoutError:
        process.kill()
        await process.wait()
