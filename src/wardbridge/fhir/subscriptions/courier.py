"""One subscription's deliveries: handshake, events in order, heartbeats; one that is dead keeps only itself waiting.

requested ── handshake ──► active ── fails for too long, or 410 ──► error ── a client asks anew ──► requested
Events are written to the log in every state but ``off``, so after ``error`` it goes on where it stopped. A repetition
has the same event numbers.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from wardbridge.core.clock import HOUR, SECOND, Clock
from wardbridge.core.db import AWAY
from wardbridge.core.errors import WardbridgeError
from wardbridge.fhir.rest.access import patients_of
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Stored
from wardbridge.fhir.subscriptions.channels.hosts import Blocked
from wardbridge.fhir.subscriptions.channels.sender import Sender, Undelivered
from wardbridge.fhir.subscriptions.ledger import Ledger
from wardbridge.fhir.subscriptions.notification import Kind, Told
from wardbridge.fhir.subscriptions.registry import Served
from wardbridge.fhir.subscriptions.rules import Kept
from wardbridge.fhir.subscriptions.store import events as log_of
from wardbridge.fhir.subscriptions.store import state
from wardbridge.fhir.subscriptions.store.events import Event
from wardbridge.security.audit import SUCCESS, Access

log = structlog.get_logger(__name__)

Stand = Callable[[str, int, str, str], Awaitable[int]]
"""(id, version, status, reason) → the new version of the resource, 0 where a newer one is there."""


@dataclass(frozen=True)
class Patience:
    """Seconds before the first repetition, doubled each time up to ``longest``; ``chance`` in [0, 1) spreads it.

    After ``hours`` without success the subscription is in error. ``handshakes``: tries of the first contact.
    ``timeout`` in seconds where the subscription names none; ``most`` events a notification likewise.
    """

    chance: Callable[[], float]
    first: float = 1.0
    longest: float = 300.0
    hours: float = 24.0
    handshakes: int = 3
    timeout: float = 20.0
    most: int = 50
    ahead: int = 200
    idle: float = 60.0

    def pause(self, failures: int) -> float:
        return min(self.first * 2.0 ** min(failures - 1, 30), self.longest) * (0.5 + self.chance() / 2)


@dataclass(frozen=True)
class Tools:
    """What every courier works with. ``base`` is the URL of our API."""

    record: Record
    clock: Clock
    ledger: Ledger
    stand: Stand
    unseal: Callable[[str], Kept]
    patience: Patience
    base: str


class Courier:
    """Run it once a version of the subscription that a client wrote; ``renew`` it for versions of our own."""

    def __init__(self, served: Served, sender: Sender, tools: Tools) -> None:
        self.served = served
        self.wake = asyncio.Event()
        self._sender = sender
        self._tools = tools
        self._status = served.plan.status
        self._version = served.plan.version
        self._failures = 0
        self._total = 0

    def renew(self, served: Served) -> None:
        """Our own word on the subscription has come by: the same content, a new version and status."""
        self.served = served
        self._version = max(self._version, served.plan.version)

    async def run(self) -> None:
        """Until the subscription is in error, off, or the task is cancelled."""
        while True:
            try:
                if self._status == "requested":
                    await self._start()
                elif self._status == "active":
                    await self._serve()
                else:
                    return
            except (*AWAY, WardbridgeError) as error:
                log.info("subscription.waits", id=self.served.plan.id, reason=type(error).__name__)
                await self._tools.clock.sleep(1.0)
            except Exception:
                log.exception("subscription.failed", id=self.served.plan.id)
                await self._tools.clock.sleep(self._tools.patience.longest)

    async def _start(self) -> None:
        """The handshake; R4's own way has none (a plain POST would look like an event)."""
        plan, reason = self.served.plan, ""
        if plan.channel.content or plan.channel.kind == "email":
            for attempt in range(1, self._tools.patience.handshakes + 1):
                reason = (await self._hand("handshake", [])).reason
                if not reason:
                    break
                if attempt < self._tools.patience.handshakes:
                    await self._tools.clock.sleep(self._tools.patience.pause(attempt))
        await self._stand("error" if reason else "active", f"the handshake failed: {reason}" if reason else "")

    async def _serve(self) -> None:
        plan = self.served.plan
        found = await self._state()
        if found is None:
            self._status = "off"
            return
        delivered, since = found.delivered, found.failing_since
        spoken = self._tools.clock.now()
        ready: list[Event] = []
        while self._status == "active":
            if plan.end and self._tools.clock.now() >= plan.end:
                await self._stand("off", "")
                return
            self.wake.clear()
            if not ready:
                ready = await self._next(delivered)
            chunk = ready[: self._most()]
            if not chunk and not self._heartbeat(spoken):
                await self._rest(spoken)
                continue
            kind: Kind = "event-notification" if chunk else "heartbeat"
            outcome = await self._hand(kind, chunk)
            if not outcome.reason:
                spoken, since, self._failures = self._tools.clock.now(), 0, 0
                if chunk:
                    delivered = chunk[-1].number
                    ready = ready[len(chunk) :]
                continue
            ready = []
            since = await self._failed(outcome, since)

    async def _state(self) -> state.State | None:
        id_ = self.served.plan.id
        found = (await state.states(self._tools.record.pool, [id_])).get(id_)
        self._total = found.events if found else self._total
        return found

    async def _next(self, delivered: int) -> list[Event]:
        tools = self._tools
        found = await log_of.after(
            tools.record.pool, tools.record.numbers, self.served.plan.id, delivered, tools.patience.ahead
        )
        if len(found) == tools.patience.ahead:
            await self._state()
        elif found:
            self._total = found[-1].number
        return found

    def _most(self) -> int:
        channel = self.served.plan.channel
        if not channel.content and channel.kind == "rest-hook":
            return 1
        return channel.most or self._tools.patience.most

    def _heartbeat(self, spoken: int) -> bool:
        period = self.served.plan.channel.heartbeat
        return bool(period) and self._tools.clock.now() - spoken >= period * SECOND

    async def _rest(self, spoken: int) -> None:
        """Wait for an event, the next heartbeat, the end."""
        plan, now = self.served.plan, self._tools.clock.now()
        seconds = self._tools.patience.idle
        if plan.channel.heartbeat:
            seconds = min(seconds, plan.channel.heartbeat - (now - spoken) / SECOND)
        if plan.end:
            seconds = min(seconds, (plan.end - now) / SECOND)
        await first_of(self.wake.wait(), self._tools.clock.sleep(max(seconds, 0.0)))

    async def _failed(self, outcome: Outcome, since: int) -> int:
        """Say so, wait, or give up; since when there is no success."""
        tools, plan = self._tools, self.served.plan
        self._failures += 1
        if self._failures == 1:
            log.warning("subscription.undelivered", id=plan.id, reason=outcome.reason.partition(":")[0])
        now = tools.clock.now()
        since = await state.failed(tools.record.pool, plan.id, outcome.reason, now) or since or now
        if outcome.final or now - since >= tools.patience.hours * HOUR:
            await self._stand("error", outcome.reason)
        else:
            await tools.clock.sleep(tools.patience.pause(self._failures))
        return since

    async def _hand(self, kind: Kind, events: Sequence[Event]) -> Outcome:
        """One notification; what became of it."""
        tools, plan = self._tools, self.served.plan
        if not events:
            await self._state()
        told = Told(plan, kind, self._status, self._total, tools.base, tools.clock.now())
        try:
            kept = tools.unseal(self.served.sealed)
        except ValueError as error:
            return Outcome(str(error), final=True)
        try:
            async with asyncio.timeout(plan.channel.timeout or tools.patience.timeout):
                await self._sender.send(told, events, kept)
        except Undelivered as error:
            return Outcome(error.reason, error.final)
        except Blocked as error:
            return Outcome(error.message, final=True)
        except TimeoutError:
            return Outcome("no answer in time")
        except OSError as error:
            return Outcome(f"no connection: {error}"[:300])
        except Exception as error:  # what cannot be written will not be next time either, and must not go unseen
            log.exception("subscription.not_written", id=plan.id)
            return Outcome(f"the notification cannot be written: {type(error).__name__}", final=True)
        last = events[-1].number if events else 0
        await tools.ledger.add(plan.id, last, access_of(self.served, kind, events))
        return Outcome("")

    async def _stand(self, status: str, reason: str) -> None:
        await self._tools.ledger.flush()
        version = await self._tools.stand(self.served.plan.id, self._version, status, reason)
        if version:
            self._version, self._status = version, status
        else:
            self._status = "off"  # a client has written it anew: the log brings that version, and a new courier
        log.info("subscription.stands", id=self.served.plan.id, status=status)


@dataclass(frozen=True)
class Outcome:
    """``reason`` '' for success; ``final``: trying again makes no sense."""

    reason: str
    final: bool = False


def access_of(served: Served, kind: str, events: Sequence[Event]) -> Access:
    """The audit entry of a notification: who is told, about whom."""
    stored = [Stored(e.type, e.id, e.version, e.updated, e.body) for e in events if e.type]
    told = stored if served.plan.channel.content != "empty" else []
    about = f"{kind} {events[0].number}-{events[-1].number}" if events else kind
    return Access(served.owner, "notify", "Subscription", served.plan.id, patients_of(*told), SUCCESS, about)


async def first_of(*waits: Awaitable[object]) -> None:
    """Return when the first of these is done; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
