"""A bare MLLP server on the loopback: takes frames, answers as told, remembers. Knows no codec of ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

Answering = Callable[[bytes], str]
"""From a message to the code to answer with; '' for no answer, 'hang up' to close."""


def control_of(message: bytes) -> str:
    return message.split(b"\r", 1)[0].split(b"|")[9].decode()


class Gateway:
    """Listens on a free port. ``answering`` may be changed while it runs."""

    def __init__(self, answering: Answering = lambda _message: "CA") -> None:
        self.answering = answering
        self.received: list[bytes] = []
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Gateway:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        await self._server.wait_closed()

    async def until(self, ready: Callable[[], bool], patience: float = 10.0) -> None:
        """Wait for news until ``ready``."""
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(ready), patience)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        async with self._news:
            self.connections += 1
            self._news.notify_all()
        try:
            while True:
                frame = await reader.readuntil(b"\x1c\r")
                assert frame.startswith(b"\x0b")
                message = frame[1:-2]
                code = self.answering(message)
                async with self._news:
                    self.received.append(message)
                    self._news.notify_all()
                if code == "hang up":
                    return
                if code:
                    ack = (
                        f"MSH|^~\\&|GW||||20260101||ACK|{len(self.received)}|P|2.6\rMSA|{code}|{control_of(message)}\r"
                    )
                    writer.write(b"\x0b" + ack.encode() + b"\x1c\r")
                    await writer.drain()
        except (EOFError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
