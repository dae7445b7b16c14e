"""A receiving system on loopback: hl7's own MLLP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import hl7
from hl7.mllp import start_hl7_server

Judge = Callable[[Any], str]


class Peer:
    """A receiving system. ``judge`` gives MSA-1 for a message; '' closes the connection without an answer."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.controls: list[str] = []
        self.messages: list[Any] = []
        self.port = 0
        self.connections = 0
        self.arrived = asyncio.Semaphore(0)

    async def got(self, count: int) -> None:
        """Wait until ``count`` more messages have come."""
        async with asyncio.timeout(30):
            for _ in range(count):
                await self.arrived.acquire()

    async def serve(self, reader: Any, writer: Any) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                message = await reader.readmessage()
                self.messages.append(message)
                self.controls.append(str(message.segment("MSH")[10]))
                self.arrived.release()
                code = self.judge(message)
                if not code:
                    break
                writer.writemessage(message.create_ack(code))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def peer(judge: Judge = lambda message: "AA") -> AsyncIterator[Peer]:
    receiver = Peer(judge)
    server = await start_hl7_server(receiver.serve, "127.0.0.1", 0, encoding="utf-8")
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()


def parse(body: bytes) -> Any:
    return hl7.parse(body.decode())
