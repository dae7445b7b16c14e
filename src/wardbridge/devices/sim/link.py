"""A device's MLLP connection: one message in flight, kept until it is acknowledged, bounded while away.

HL7 MLLP (0x0B … 0x1C 0x0D). A device has little memory: while the gateway is away it keeps its alarms
and events, a few minutes of numerics and seconds of waves, and drops the oldest of the rest. The
message in flight is repeated with the same MSH-10 after a lost connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from wardbridge.core.clock import Clock
from wardbridge.devices.sim.rows import Outgoing
from wardbridge.exchange.codecs.hl7v2.ack import Answer
from wardbridge.exchange.codecs.hl7v2.answer import read_answer
from wardbridge.exchange.codecs.hl7v2.errors import Hl7Error
from wardbridge.exchange.codecs.hl7v2.message import parse

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[str, int], Awaitable[Streams]]

START, END = b"\x0b", b"\x1c\r"
# What is kept while the gateway is away, by kind; what is not named is kept like alarms.
ROOM: Final = {"numerics": 120, "wave": 5}
PATIENT: Final = 1000
ORDER: Final = ("alarm", "numerics", "wave")
ANSWER_WITHIN: Final = 10.0  # seconds
BACK_OFF: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # seconds, the last one repeated
TRIES: Final = 20  # of a message that the gateway answers with an error (CE, AE)


class Link:
    """One connection to the gateway. ``jitter`` (0 to 1) spreads the reconnects of a whole ward."""

    def __init__(self, host: str, port: int, clock: Clock, jitter: float = 0.0, connect: Connect | None = None) -> None:
        self._host, self._port, self._clock = host, port, clock
        self._jitter = jitter
        self._connect = connect or asyncio.open_connection
        self._queues: dict[str, deque[Outgoing]] = {kind: deque(maxlen=ROOM.get(kind, PATIENT)) for kind in ORDER}
        self._wake = asyncio.Event()
        self._flight: Outgoing | None = None
        self.connected = False
        self.counts: Counter[str] = Counter()

    def offer(self, outgoing: Outgoing) -> None:
        """Queue a message; the oldest of its kind goes when there is no room."""
        queue = self._queues.get(outgoing.kind, self._queues["alarm"])
        if len(queue) == queue.maxlen:
            self.counts["dropped"] += 1
        queue.append(outgoing)
        self._wake.set()

    @property
    def waiting(self) -> int:
        """Messages not yet acknowledged."""
        return sum(map(len, self._queues.values())) + (self._flight is not None)

    async def run(self) -> None:
        """Send until cancelled; a lost or refused connection is tried again with growing pauses."""
        log = structlog.get_logger(__name__)
        failures = 0
        while True:
            try:
                reader, writer = await self._connect(self._host, self._port)
            except OSError:
                self.counts["refused"] += 1
            else:
                self.counts["connects"] += 1
                self.connected, acked = True, self.counts["acked"]
                try:
                    await self._talk(reader, writer)
                except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, Hl7Error) as error:
                    log.info("link lost", reason=type(error).__name__)
                finally:
                    self.connected = False
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
                failures = 0 if self.counts["acked"] > acked else failures
            await self._clock.sleep(BACK_OFF[min(failures, len(BACK_OFF) - 1)] * (1.0 + self._jitter))
            failures += 1

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries = 0
        while True:
            if self._flight is None:
                self._flight = await self._next()
            else:
                self.counts["resent"] += 1
            writer.write(START + self._flight.payload + END)
            await writer.drain()
            self.counts["sent"] += 1
            answer = await self._answer(reader, self._flight.control)
            if answer.code in ("CE", "AE"):
                tries += 1
                self.counts["errors"] += 1
                if tries < TRIES:
                    await self._clock.sleep(1.0)
                    continue
            self.counts["acked" if answer.code in ("CA", "AA") else "rejected"] += 1
            self._flight, tries = None, 0

    async def _next(self) -> Outgoing:
        while True:
            for kind in ORDER:
                if self._queues[kind]:
                    return self._queues[kind].popleft()
            self._wake.clear()
            await self._wake.wait()

    async def _answer(self, reader: asyncio.StreamReader, control: str) -> Answer:
        """The acknowledgement of ``control``; others (late ones) are passed over. Raises TimeoutError."""
        alarm = asyncio.ensure_future(self._clock.sleep(ANSWER_WITHIN))
        frame: asyncio.Future[bytes] | None = None
        try:
            while True:
                frame = asyncio.ensure_future(reader.readuntil(END))
                await asyncio.wait({frame, alarm}, return_when=asyncio.FIRST_COMPLETED)
                if not frame.done():
                    self.counts["timeouts"] += 1
                    raise TimeoutError("no acknowledgement")
                answer = read_answer(parse(frame.result().strip(START + END)))
                if answer is not None and answer.control_id == control:
                    return answer
        finally:
            alarm.cancel()
            if frame is not None and not frame.done():
                frame.cancel()
