"""A small listening driver of a made-up line protocol, to try the kit on: good, and bad in chosen ways.

Each line ``PATIENT number value\\n`` is answered ``ok number\\n`` or ``no number\\n``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import structlog

from wardbridge.core.clock import Clock
from wardbridge.core.errors import Unavailable
from wardbridge.devices.driver import DriverContext, Health, Sink
from wardbridge.devices.kit.suite import Rig
from wardbridge.devices.values import Batch, Reading


class Liner:
    """``fault`` names one thing that it does wrong."""

    def __init__(self, context: DriverContext, fault: str) -> None:
        self.context = context
        self.fault = fault
        self.port = 0
        self.counts = Counter({"messages": 0, "quarantined": 0})
        self.state, self.text, self.last = "waiting", "", 0
        self.listening = asyncio.Event()
        self.leaked: list[Any] = []
        self.room = asyncio.Semaphore(10_000 if fault == "unbounded" else 32)

    async def run(self) -> None:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self.listening.set()
        if self.fault == "leak":
            self.leaked.append(asyncio.create_task(asyncio.sleep(3600)))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            server.close()
            self.state = "up" if self.fault == "health" else "waiting"
            self.listening.clear()

    def health(self) -> Health:
        return Health(self.state, self.text, 0, self.last, dict(self.counts))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                if self.fault == "split":
                    line = await reader.read(4096)
                else:
                    line = await reader.readline()
                if not line:
                    break
                writer.write(await self.take(line))
                await writer.drain()
        finally:
            writer.close()

    async def take(self, line: bytes) -> bytes:
        self.counts["messages"] += 1
        self.last = now = self.context.clock.now()
        parts = line.split()
        number = parts[1] if len(parts) > 1 else b"?"
        if self.fault == "log":
            self.context.log.info("line", line=line.decode("latin-1"))
        try:
            _patient, number, text = line.decode("ascii").split()
            reading = Reading("1", 0, "LINE", text, float(text), system="line")
        except ValueError:
            if self.fault == "crash":
                raise
            if self.fault != "silent":
                self.counts["quarantined"] += 1
            else:
                self.counts["messages"] -= 1
            return b"no\n"
        batch = Batch(self.context.link, "liner", now, (reading,), line, "liner", str(number))
        if self.fault == "early":
            self.leaked.append(asyncio.ensure_future(self.context.sink.put(batch)))
            return f"ok {number}\n".encode()
        try:
            async with self.room:
                await self.context.sink.put(batch)
        except Unavailable:
            self.state, self.text = "degraded", "the intake refuses"
            return f"ok {number}\n".encode() if self.fault == "lie" else f"no {number}\n".encode()
        self.state, self.text = "up", ""
        return f"ok {number}\n".encode()


class LinerRig(Rig):
    name = "liner"
    tests = Path(__file__).parent
    secrets: ClassVar = ("MUSTERMANN",)
    fault = ""

    def build(self, sink: Sink, clock: Clock, link: str = "kit", log: Any = None) -> Liner:
        context = DriverContext(link, {}, clock, sink, log or structlog.get_logger("liner"))
        return Liner(context, self.fault)

    async def ready(self, driver: Any) -> None:
        await driver.listening.wait()

    async def replay(self, driver: Any, chunks: Sequence[bytes]) -> list[bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", driver.port)
        try:
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            writer.write_eof()
            async with asyncio.timeout(10):
                return (await reader.read()).splitlines(keepends=True)
        finally:
            writer.close()

    def positive(self, answer: bytes) -> bool:
        return answer.startswith(b"ok")
