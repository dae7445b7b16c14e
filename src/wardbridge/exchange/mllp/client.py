"""An MLLP client: messages out, answers matched by MSA-2, several in flight.

`send` gives the answer of the level it asks for; time limits run on the given clock. A connection that
breaks fails everything in flight: whoever owns the queue repeats with the same MSH-10.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter, deque
from typing import Any, TypeVar

from wardbridge.core.clock import Clock
from wardbridge.exchange.codecs.hl7v2.ack import Answer, Level
from wardbridge.exchange.codecs.hl7v2.answer import read_answer
from wardbridge.exchange.codecs.hl7v2.errors import Hl7Error
from wardbridge.exchange.codecs.hl7v2.message import parse
from wardbridge.exchange.codecs.hl7v2.msh import read_msh
from wardbridge.exchange.mllp.frames import MAX_FRAME, FrameReader, Junk, frame

T = TypeVar("T")
CHUNK = 64 * 1024


class Lost(ConnectionError):
    """The connection ended with messages in flight: it is unknown whether they arrived."""


class Client:
    """One connection. Make it with `connect`; use it as an async context manager or `close` it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._waiting: dict[str, deque[tuple[Level | None, asyncio.Future[Answer]]]] = {}
        self._lost: Exception | None = None
        self.counts: Counter[str] = Counter()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def connect(
        cls,
        host: str,
        port: int,
        clock: Clock,
        *,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        timeout: float = 10.0,  # noqa: ASYNC109 - runs on the injected clock
    ) -> Client:
        """Open a connection within `timeout` seconds. Raises OSError or TimeoutError."""
        opening = asyncio.ensure_future(
            asyncio.open_connection(host, port, ssl=tls, server_hostname=server_name if tls else None, limit=2 * CHUNK)
        )
        reader, writer = await _within(opening, timeout, clock)
        sock = writer.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(reader, writer, clock)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def connected(self) -> bool:
        """Whether the connection still stands, as far as we have heard."""
        return self._lost is None

    async def send(
        self,
        message: bytes,
        timeout: float = 30.0,  # noqa: ASYNC109 - runs on the injected clock
        level: Level | None = None,
    ) -> Answer:
        """Send and wait for the answer with our MSH-10 in MSA-2.

        `level` waits for the accept or the application acknowledgement; None takes the first that
        comes. Raises TimeoutError (the answer, should it come later, is counted as late), Lost, or
        Hl7Error where the message has no MSH-10 to match.
        """
        control = read_msh(message).control_id.strip()
        if not control:
            raise Hl7Error("a message without control id cannot be answered", "MSH-10", "101")
        framed = frame(message)
        if self._lost is not None:
            raise Lost("the connection is gone") from self._lost
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        queue = self._waiting.setdefault(control, deque())
        queue.append((level, future))
        try:
            self._writer.write(framed)
            await self._writer.drain()
            self.counts["sent"] += 1
            return await _within(future, timeout, self._clock)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Lost("the connection broke while sending") from error
        finally:
            with contextlib.suppress(ValueError):
                queue.remove((level, future))
            if not queue:
                self._waiting.pop(control, None)

    async def close(self) -> None:
        """Close the connection; what is in flight fails with Lost."""
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening
        self._writer.close()
        with contextlib.suppress(Exception):
            await self._writer.wait_closed()

    async def _listen(self) -> None:
        frames = FrameReader(MAX_FRAME)
        reason: Exception = Lost("the peer closed the connection")
        try:
            while data := await self._reader.read(CHUNK):
                for item in frames.feed(data):
                    self._hear(item)
            for item in frames.close():
                self._hear(item)
        except (ConnectionError, ssl.SSLError, TimeoutError) as error:
            reason = error
        finally:
            self._lost = reason
            for queue in self._waiting.values():
                for _, future in queue:
                    if not future.done():
                        future.set_exception(Lost("the connection ended before the answer"))

    def _hear(self, item: bytes | Junk) -> None:
        if isinstance(item, Junk):
            self.counts["junk"] += 1
            return
        try:
            answer = read_answer(parse(item))
        except Hl7Error:
            self.counts["junk"] += 1
            return
        if answer is None:
            self.counts["unasked"] += 1
            return
        for level, future in self._waiting.get(answer.control_id, ()):
            if not future.done() and level in (None, answer.level):
                self.counts[answer.code] += 1
                future.set_result(answer)
                return
            if not future.done() and answer.level == "accept" and answer.result != "accept":
                # Refused at the door: no application answer will follow.
                self.counts[answer.code] += 1
                future.set_result(answer)
                return
            if not future.done():
                self.counts[answer.code] += 1
                return
        self.counts["late"] += 1


async def _within(awaited: asyncio.Future[T], seconds: float, clock: Clock) -> T:
    """The result, or TimeoutError after `seconds` of the clock; the awaited is then cancelled."""
    timer: asyncio.Future[None] = asyncio.ensure_future(clock.sleep(seconds))
    both: list[asyncio.Future[Any]] = [awaited, timer]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not awaited.done():
            raise TimeoutError(f"no answer within {seconds:g} s")
        return awaited.result()
    finally:
        timer.cancel()
        if not awaited.done():
            awaited.cancel()
