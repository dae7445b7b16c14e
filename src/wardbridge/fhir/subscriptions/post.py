"""All subscriptions of the house at work: the reader of the log, and a courier for each that is sent something."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

import structlog

from wardbridge.core.clock import DAY, SECOND, Clock
from wardbridge.core.db import AWAY, transaction
from wardbridge.core.errors import WardbridgeError
from wardbridge.fhir.rest.hooks import Audit, Decide
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.subscriptions.channels.sender import Sender
from wardbridge.fhir.subscriptions.courier import Courier, Patience, Tools
from wardbridge.fhir.subscriptions.follow import Follower
from wardbridge.fhir.subscriptions.ledger import Ledger
from wardbridge.fhir.subscriptions.registry import Served
from wardbridge.fhir.subscriptions.rules import unseal
from wardbridge.fhir.subscriptions.seal import Seal
from wardbridge.fhir.subscriptions.standing import stand
from wardbridge.fhir.subscriptions.store import events, grants, state

log = structlog.get_logger(__name__)

BUSY, QUIET, NOBODY = 0.02, 0.05, 0.5
"""Seconds between two looks at the log: after something was found, otherwise, and while there is no subscription."""


class Post:
    """Runs in the one leader. ``senders`` by channel; ``base`` is the URL of our API, ``days`` how long events stay."""

    def __init__(
        self, record: Record, audit: Audit, clock: Clock, decide: Decide, seal: Seal,
        senders: Mapping[str, Sender], patience: Patience, base: str, days: int = 30,
    ) -> None:  # fmt: skip
        self._record = record
        self._audit = audit
        self._clock = clock
        self._senders = senders
        self._days = days
        self._couriers: dict[str, tuple[Courier, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sockets: set[str] = set()
        self.ledger = Ledger(record.pool, audit, clock)
        self.follower = Follower(record, clock, decide, self)
        self._tools = Tools(
            record, clock, self.ledger, self._stand, lambda sealed: unseal(seal, sealed), patience, base
        )  # fmt: skip

    def works(self) -> list[Coroutine[Any, Any, None]]:
        """What runs side by side, for ever."""
        return [self.follow(), self.ledger.run()]

    async def follow(self) -> None:
        """Read the log; a fault of the database only delays."""
        try:
            while True:
                try:
                    moved = await self.follower.step()
                except (*AWAY, WardbridgeError) as error:
                    log.info("subscriptions.wait", reason=type(error).__name__)
                    moved = 0
                except Exception:
                    log.exception("subscriptions.failed")
                    moved = 0
                    await self._clock.sleep(1.0)
                # Each look that finds changes is a commit: without anybody to tell, few looks are enough.
                anybody = bool(self.follower.registry.served)
                pause = BUSY if moved == 2 or (moved and anybody) else QUIET if anybody else NOBODY
                await self._clock.sleep(pause)
        finally:
            self._tasks.update(task for _, task in self._couriers.values())
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- what the reader of the log says -------------------------------------------------------------------------

    def served(self, served: Served) -> None:
        """A subscription is to be served: start a courier, or go on with the one that has said so itself."""
        plan = served.plan
        sender = self._senders.get(plan.channel.kind)
        if plan.channel.kind == "websocket":
            self._sockets.add(plan.id)
            if plan.status == "requested":
                self._do(self._stand(plan.id, plan.version, "active", ""))
            return
        known = self._couriers.get(plan.id)
        if known is not None and plan.status != "requested" and not known[1].done():
            known[0].renew(served)
            return
        self.ended(plan.id)
        if sender is None:
            self.wrong(plan.id, plan.version, f"the channel {plan.channel.kind} is not set up here")
            return
        if plan.status in ("requested", "active"):
            courier = Courier(served, sender, self._tools)
            self._couriers[plan.id] = courier, asyncio.create_task(courier.run())

    def ended(self, id_: str) -> None:
        self._sockets.discard(id_)
        known = self._couriers.pop(id_, None)
        if known is not None:
            known[1].cancel()
            self._tasks.add(known[1])
            known[1].add_done_callback(self._tasks.discard)

    def wrong(self, id_: str, version: int, reason: str) -> None:
        self._do(self._stand(id_, version, "error", reason))

    def told(self, ids: Iterable[str]) -> None:
        """Events were written for these."""
        bell = False
        for id_ in ids:
            known = self._couriers.get(id_)
            if known is not None:
                known[0].wake.set()
            bell = bell or id_ in self._sockets
        if bell:
            self._do(state.ring(self._record.pool))

    def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        async def done() -> None:
            try:
                await work
            except (*AWAY, WardbridgeError) as error:
                log.warning("subscriptions.not_done", reason=type(error).__name__)

        task = asyncio.create_task(done())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stand(self, id_: str, version: int, status: str, reason: str) -> int:
        return await stand(self._record, self._audit, id_, version, status, reason)

    # --- upkeep and what operators see ---------------------------------------------------------------------------

    async def upkeep(self) -> None:
        """Forget old events, tokens and secrets that nobody uses; end what is past its end.

        A subscription that could not be told of events for so long that they are gone is put to ``off``.
        """
        if not self.follower.ready:
            return
        now = self._clock.now()
        async with transaction(self._record.pool) as conn:
            lost = await events.retain(conn, now - self._days * DAY)
            await grants.forget_tokens(conn, now)
        served = dict(self.follower.registry.served)
        for id_ in lost:
            if id_ in served:
                reason = f"events were not taken for {self._days} days and are gone"
                await self._stand(id_, served[id_].plan.version, "off", reason)
        for id_, one in served.items():
            if one.plan.end and one.plan.end <= now and (one.plan.channel.kind == "websocket" or id_ not in lost):
                await self._stand(id_, one.plan.version, "off", "")
        used = [one.plan.grant for one in served.values()]
        if self.follower.ready:
            await grants.sweep(self._record.pool, used, now - DAY)

    async def gauges(self) -> dict[str, Any]:
        """Counts of subscriptions by status, of events that wait, and the age (s) of the longest failure."""
        found = (await state.states(self._record.pool)).values()
        by_status = dict.fromkeys(("requested", "active", "error", "off"), 0)
        for one in found:
            by_status[one.status] = by_status.get(one.status, 0) + 1
        now = self._clock.now()
        return {
            "subscriptions": by_status,
            "subscription_events_pending": sum(one.pending for one in found if one.status != "off"),
            "subscription_failing_seconds": max(
                (now - s.failing_since) / SECOND if s.failing_since else 0 for s in found
            )
            if found
            else 0,
        }

    def counters(self) -> dict[str, Any]:
        return {
            "subscription_events_total": self.follower.events,
            "subscription_notifications_total": self.ledger.sent,
            "subscription_criteria_failed_total": self.follower.registry.failed,
        }
