"""The MLLP listener: one handler for each message, several in flight, answers in order, after the commit.

`handle(message, peer)` decides what became of a message; the answer it deserves follows from MSH-15 and
MSH-16 (`codecs.hl7v2.ack`). Reading stops while too much is in flight, so a slow store slows the
senders and memory stays bounded. Junk goes to `quarantine` with the reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, tzinfo

import msgspec
import structlog

from wardbridge.core.clock import Clock
from wardbridge.core.ids import Ids
from wardbridge.exchange.codecs.hl7v2.ack import (
    NO_HEADER,
    Disposition,
    build_ack,
    plan_acks,
)
from wardbridge.exchange.codecs.hl7v2.batch import is_batch, split_messages
from wardbridge.exchange.codecs.hl7v2.errors import INTERNAL, Hl7Error, Problem
from wardbridge.exchange.codecs.hl7v2.msh import Msh, read_msh
from wardbridge.exchange.mllp.frames import MAX_FRAME, TOO_LONG, FrameReader, Junk, frame

log = structlog.get_logger(__name__)

CHUNK = 64 * 1024
CR_GRACE = 0.2
"""Seconds to wait for the CR after an end block before the frame counts as ended."""
HOLD_PAUSE = 1.0
"""Seconds between a message that could not be taken and the closing of its connection."""


class Peer(msgspec.Struct, frozen=True):
    """Who is at the other end. `number` counts connections since start; `subject` is the common name
    of a TLS client certificate, '' without one."""

    host: str
    port: int
    number: int
    subject: str = ""


Handle = Callable[[bytes, Peer], Awaitable[Disposition]]
Quarantine = Callable[[Junk, Peer], Awaitable[None]]
_Answer = tuple[bytes, "asyncio.Task[Disposition]"]


class Listener:
    """Serves one port. Made with its handler and everything else that tests must control."""

    def __init__(
        self,
        handle: Handle,
        quarantine: Quarantine,
        *,
        clock: Clock,
        ids: Ids,
        host: str = "127.0.0.1",
        port: int = 2575,
        application: str = "WARDBRIDGE",
        zone: tzinfo = UTC,
        max_connections: int = 1024,
        in_flight: int = 32,
        in_flight_total: int = 1024,
        max_frame: int = MAX_FRAME,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._handle = handle
        self._quarantine = quarantine
        self._clock = clock
        self._ids = ids
        self._host = host
        self._port = port
        self._application = application
        self._zone = zone
        self._max_connections = max_connections
        self._in_flight = in_flight
        self._total = asyncio.Semaphore(in_flight_total)
        self._max_frame = max_frame
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._peers: dict[int, Peer] = {}
        self.counts: Counter[str] = Counter()

    @property
    def port(self) -> int:
        """The port that is listened on (the real one where 0 was asked for)."""
        if self._server is None or not self._server.sockets:
            return self._port
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def peers(self) -> list[Peer]:
        """The connections of this moment."""
        return list(self._peers.values())

    async def start(self) -> None:
        """Begin to listen. Raises OSError where the address cannot be bound."""
        self._server = await asyncio.start_server(
            self._accept, self._host, self._port, ssl=self._tls, limit=2 * CHUNK, backlog=1024
        )
        log.info("mllp listening", port=self.port, tls=self._tls is not None)

    async def run(self) -> None:
        """Listen until cancelled."""
        if self._server is None:
            await self.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop listening and close every connection; what is being handled is not waited for."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._peers) >= self._max_connections:
            self.counts["refused"] += 1
            log.warning("mllp connection refused", reason="too many", limit=self._max_connections)
            writer.transport.abort()
            return
        self.counts["connections"] += 1
        number = self.counts["connections"]
        peer = _peer(writer, number)
        self._tasks.add(task)
        self._peers[number] = peer
        try:
            await self._serve(reader, writer, peer)
        except (ConnectionError, ssl.SSLError, TimeoutError) as error:
            self.counts["lost"] += 1
            log.info("mllp connection lost", connection=number, reason=type(error).__name__)
        except asyncio.CancelledError:
            pass  # close() is ending us; the stream's own callback must not see it
        finally:
            self._peers.pop(number, None)
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer) -> None:
        waiting: asyncio.Queue[_Answer | None] = asyncio.Queue()
        room = asyncio.Semaphore(self._in_flight)
        answering = asyncio.create_task(self._answer(waiting, room, writer, peer))
        reading = asyncio.create_task(self._read(reader, waiting, room, peer))
        try:
            await asyncio.wait({answering, reading}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and not answering.done():
                reading.result()
                await answering
            else:
                answering.result()
        finally:
            for task in (reading, answering):
                task.cancel()
            await asyncio.gather(reading, answering, return_exceptions=True)
            while not waiting.empty():
                item = waiting.get_nowait()
                if item is not None:
                    item[1].cancel()
                    self._release(room)

    async def _read(
        self,
        reader: asyncio.StreamReader,
        waiting: asyncio.Queue[_Answer | None],
        room: asyncio.Semaphore,
        peer: Peer,
    ) -> None:
        frames = FrameReader(self._max_frame)
        try:
            while True:
                if frames.waits_for_cr:
                    data = await self._read_within(reader, CR_GRACE)
                    found = frames.finish_frame() if data is None else frames.feed(data)
                    if data == b"":
                        break
                else:
                    data = await reader.read(CHUNK)
                    if not data:
                        break
                    found = frames.feed(data)
                for item in found:
                    await self._take(item, waiting, room, peer)
        finally:
            rest = frames.close()
            for item in rest:
                if isinstance(item, Junk):
                    await self._junk(item, peer)
        for item in rest:
            if not isinstance(item, Junk):
                await self._take(item, waiting, room, peer)
        await waiting.put(None)

    async def _read_within(self, reader: asyncio.StreamReader, seconds: float) -> bytes | None:
        """The next bytes, or None when none came in time."""
        read = asyncio.create_task(reader.read(CHUNK))
        timer: asyncio.Task[None] = asyncio.create_task(_sleep(self._clock, seconds))
        try:
            await asyncio.wait({read, timer}, return_when=asyncio.FIRST_COMPLETED)
            return read.result() if read.done() else None
        finally:
            timer.cancel()
            if not read.done():
                read.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await read

    async def _take(
        self,
        item: bytes | Junk,
        waiting: asyncio.Queue[_Answer | None],
        room: asyncio.Semaphore,
        peer: Peer,
    ) -> None:
        if isinstance(item, Junk):
            await self._junk(item, peer)
            if item.reason == TOO_LONG:
                await self._queue(item.data, waiting, room, self._too_long())
            return
        messages = list(split_messages(item)) if is_batch(item) else [item]
        for message in messages or [item]:
            await self._queue(message, waiting, room, self._ask(message, peer))

    async def _queue(
        self,
        message: bytes,
        waiting: asyncio.Queue[_Answer | None],
        room: asyncio.Semaphore,
        asked: Awaitable[Disposition],
    ) -> None:
        await room.acquire()
        await self._total.acquire()
        self.counts["messages"] += 1
        task = asyncio.ensure_future(asked)
        waiting.put_nowait((message[: 64 * 1024], task))

    def _release(self, room: asyncio.Semaphore) -> None:
        room.release()
        self._total.release()

    async def _ask(self, message: bytes, peer: Peer) -> Disposition:
        try:
            return await self._handle(message, peer)
        except Exception as error:
            # Whatever went wrong, the sender must not believe that we have its message.
            self.counts["failed"] += 1
            log.error("mllp handler failed", connection=peer.number, reason=type(error).__name__)
            problem = Problem("the message could not be processed", "", INTERNAL)
            return Disposition("error", "error", (problem,))

    async def _too_long(self) -> Disposition:
        return Disposition("reject", "reject", (Problem("the message is too long", "", "104"),))

    async def _junk(self, junk: Junk, peer: Peer) -> None:
        self.counts["junk"] += 1
        log.warning("mllp junk", connection=peer.number, reason=junk.reason, size=junk.size)
        try:
            await self._quarantine(junk, peer)
        except Exception as error:
            self.counts["quarantine_failed"] += 1
            log.error("quarantine failed", connection=peer.number, reason=type(error).__name__)

    async def _answer(
        self,
        waiting: asyncio.Queue[_Answer | None],
        room: asyncio.Semaphore,
        writer: asyncio.StreamWriter,
        peer: Peer,
    ) -> None:
        while True:
            item = await waiting.get()
            if item is None:
                return
            message, task = item
            try:
                disposition = await task
            finally:
                self._release(room)
            if disposition.hold:
                self.counts["held"] += 1
                await self._clock.sleep(HOLD_PAUSE)
                return
            answers = self.answers(message, disposition)
            if answers:
                writer.write(answers)
                await writer.drain()

    def answers(self, message: bytes, disposition: Disposition) -> bytes:
        """The framed acknowledgements of a message, '' where it asks for none."""
        msh: Msh
        try:
            msh = read_msh(message)
        except Hl7Error as error:
            msh = NO_HEADER
            disposition = Disposition("reject", "reject", (error.problem(),))
        out = b""
        for ack in plan_acks(msh, disposition):
            self.counts[ack.code] += 1
            now = self._clock.now()
            out += frame(build_ack(msh, ack, self._ids(), now, self._application, self._zone))
        return out


async def _sleep(clock: Clock, seconds: float) -> None:
    await clock.sleep(seconds)


def _peer(writer: asyncio.StreamWriter, number: int) -> Peer:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            # An acknowledgement is one small packet: Nagle would hold it for a delayed ACK.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    host, port = (writer.get_extra_info("peername") or ("", 0))[:2]
    certificate = writer.get_extra_info("peercert") or {}
    names = [value for rdn in certificate.get("subject", ()) for key, value in rdn if key == "commonName"]
    return Peer(str(host), int(port), number, names[0] if names else "")
