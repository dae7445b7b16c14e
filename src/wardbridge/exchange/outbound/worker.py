"""A destination's worker: sends the head of the queue until it is answered, then the next.

Every message is sent at least once, always with the same MSH-10, in the order of the queue. Nobody
answers: the queue waits and tries again. The answer is no: the message becomes a dead letter, at once
for a rejection (CR, AR), after some attempts for an error (CE, AE), and the queue goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from wardbridge.core.clock import Clock
from wardbridge.core.db import AWAY, Pool
from wardbridge.core.errors import WardbridgeError
from wardbridge.exchange.codecs.hl7v2.ack import Answer
from wardbridge.exchange.codecs.hl7v2.errors import Hl7Error
from wardbridge.exchange.outbound.message import Queued
from wardbridge.exchange.outbound.store import queue

log = structlog.get_logger(__name__)


class Sender(Protocol):
    """The way to one destination, such as an MLLP client."""

    async def send(self, message: bytes) -> Answer:
        """Send ``message`` (no framing) and return the acknowledgement that comes back.

        Raises OSError, TimeoutError, EOFError, Hl7Error or WardbridgeError when there is none; the
        connection is then made anew at the next call.
        """
        ...


class Patience(msgspec.Struct, frozen=True):
    """When to try again: seconds before the first repetition, doubled each time up to ``longest``.

    ``errors``: how often a CE or AE is tried before it is a dead letter. ``idle``: how long to wait in
    seconds when nothing is queued and nobody rings.
    """

    first: float = 1.0
    longest: float = 60.0
    errors: int = 3
    idle: float = 5.0

    def pause(self, failures: int, chance: float) -> float:
        """Seconds before the next attempt, ``chance`` in [0, 1) spreading it over half of its length."""
        return min(self.first * 2.0 ** min(failures - 1, 30), self.longest) * (0.5 + chance / 2)


class Worker:
    """Serves one destination until cancelled. ``wake`` is set when something may have been queued."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        destination: str,
        sender: Sender,
        chance: Callable[[], float],
        patience: Patience | None = None,
    ) -> None:
        self.pool = pool
        self.clock = clock
        self.destination = destination
        self.sender = sender
        self.chance = chance
        self.patience = patience or Patience()
        self.wake = asyncio.Event()
        self._failures = 0

    async def run(self) -> None:
        """Work; a fault of the database or of the peer only delays."""
        ready = False
        while True:
            try:
                if not ready:
                    await queue.ensure(self.pool, self.destination)
                    ready = True
                self.wake.clear()
                pause = await self.step()
            except (*AWAY, WardbridgeError) as error:
                log.warning("outbound.database_away", destination=self.destination, error=type(error).__name__)
                self._failures += 1
                pause = self.patience.pause(self._failures, self.chance())
            except Exception:
                log.exception("outbound.failed", destination=self.destination)
                self._failures += 1
                pause = self.patience.pause(self._failures, self.chance())
            if self._failures:
                await self.clock.sleep(pause)
            elif pause:
                await self._idle(pause)

    async def _idle(self, seconds: float) -> None:
        bell = asyncio.ensure_future(self.wake.wait())
        sleep = asyncio.ensure_future(self.clock.sleep(seconds))
        try:
            await asyncio.wait({bell, sleep}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (bell, sleep):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def step(self) -> float:
        """Deal with the head of the queue; seconds until the next step, 0 for at once."""
        message = await queue.head(self.pool, self.destination)
        if message is None:
            self._failures = 0
            return self.patience.idle
        try:
            answer = await self.sender.send(message.body)
            _check(answer, message)
        except (OSError, TimeoutError, EOFError, Hl7Error, WardbridgeError) as error:
            return await self._unanswered(
                message, f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            )
        now = self.clock.now()
        reason = " ".join(filter(None, (answer.code, answer.text, *answer.errors)))
        raw = queue.clean(reason).encode()
        if answer.result == "accept":
            await queue.sent(self.pool, self.destination, message.id, raw, now)
            self._failures = 0
            return 0.0
        dead = answer.result == "reject" or message.attempts + 1 >= self.patience.errors
        await queue.refused(self.pool, self.destination, message.id, raw, reason, dead, now)
        if dead:
            log.warning("outbound.dead_letter", destination=self.destination, id=message.id, code=answer.code)
            self._failures = 0
            return 0.0
        self._failures += 1
        return self.patience.pause(self._failures, self.chance())

    async def _unanswered(self, message: Queued, reason: str) -> float:
        self._failures += 1
        if self._failures == 1:
            log.warning("outbound.no_answer", destination=self.destination, reason=reason.partition(":")[0])
        await queue.unanswered(self.pool, self.destination, message.id, reason, self.clock.now())
        return self.patience.pause(self._failures, self.chance())


class Mismatch(WardbridgeError):
    """What came back is no acknowledgement of what was sent."""


def _check(answer: Answer, message: Queued) -> None:
    if answer.control_id != message.control:
        raise Mismatch("the answer is for another control id")
    if answer.code not in ("CA", "AA", "CE", "AE", "CR", "AR"):
        raise Mismatch("the answer has a code that table 0008 does not know")
