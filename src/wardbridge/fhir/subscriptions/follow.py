"""The reader of the change log: one in the house. What it reads, the events of it and its mark are one transaction.

Subscriptions and topics are themselves changes in the log: one takes effect at its place there, so what was written
after a Subscription is an event of it, and what was written before is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import structlog

from wardbridge.core.clock import Clock
from wardbridge.core.db import Connection, transaction
from wardbridge.core.errors import WardbridgeError
from wardbridge.fhir.json import loads
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.subscriptions.focus import Focus
from wardbridge.fhir.subscriptions.plan import Plan, read_plan
from wardbridge.fhir.subscriptions.registry import Registry, Served, serve
from wardbridge.fhir.subscriptions.rules import topics_of
from wardbridge.fhir.subscriptions.store import events, grants, state, tail
from wardbridge.fhir.subscriptions.store.tail import Place
from wardbridge.fhir.subscriptions.topic import is_topic

log = structlog.get_logger(__name__)

LIMIT = 500
_OWN = ("Subscription", "Basic")


class Listener(Protocol):
    """Who delivers. Called once the transaction is committed."""

    def served(self, served: Served) -> None: ...

    def ended(self, id_: str) -> None: ...

    def wrong(self, id_: str, version: int, reason: str) -> None: ...

    def told(self, ids: Iterable[str]) -> None: ...


class Follower:
    """``step`` again and again; after any failure it begins anew from what is committed."""

    def __init__(self, record: Record, clock: Clock, decide: Decide, listener: Listener) -> None:
        self._record = record
        self._pool = record.pool
        self._clock = clock
        self._decide = decide
        self._listener = listener
        self._topics: dict[str, Any] = {}
        self._place: Place | None = None
        self.registry = Registry(clock.now)
        self.events = 0
        """Events written since the start."""

    @property
    def ready(self) -> bool:
        """Whether the registry is what is committed."""
        return self._place is not None

    async def load(self) -> None:
        """Begin with the subscriptions that are on record, as of the mark."""
        self.registry = Registry(self._clock.now)
        self._place = Place.parse(await tail.mark(self._pool))
        self._topics = dict(await topics_of(self._record))
        known = await state.states(self._pool)
        for id_, body in (await state.bodies(self._pool, self._record.numbers.types["Subscription"])).items():
            if body is None or known[id_].status == "off":
                continue
            resource = loads(body) | {"status": known[id_].status}
            served, reason = await self._read(resource, known[id_].version)
            if served is not None:
                self.registry.set(served)
                self._listener.served(served)
            elif known[id_].status != "error":
                self._listener.wrong(id_, known[id_].version, reason)

    async def step(self) -> int:
        """Deal with the next changes: 0 where nothing is new, 1 when all of them are read, 2 when there are more."""
        if self._place is None:
            await self.load()
        place = self._place
        assert place is not None
        wanted, back = self.registry.types.union(_OWN), self.registry.back.union(("Basic",))
        reading = await tail.tail(self._pool, self._record.numbers, place, LIMIT, wanted, back)
        behind = reading.place
        if behind == place:
            return 0
        self._place = None  # until it is committed: a failure begins anew
        step = _Step()
        for sequence, focus in reading.found:
            step.events += [(id_, focus) for id_ in self.registry.match(focus)]
            if await self._own(focus, step):
                behind = reading.cut(sequence)  # what follows is to be read with the types that are wanted now
                break
        async with transaction(self._pool) as conn:
            if await tail.mark(conn, lock=True) != str(place):
                return 1  # another process leads now, or did; begin anew from its mark
            await step.write(conn)
            await tail.move(conn, behind)
        self._place = None if step.stale else behind
        self.events += len(step.events)
        for call, arguments in step.calls:
            getattr(self._listener, call)(*arguments)
        if step.events:
            self._listener.told({id_ for id_, _ in step.events})
        return 2 if behind.window else 1

    async def _own(self, focus: Focus, step: _Step) -> bool:
        """Whether the change was one of a Subscription or topic, which is then heeded."""
        if focus.type == "Subscription":
            await self._subscription(focus, step)
            return True
        if focus.type == "Basic" and any(r is not None and is_topic(r) for r in (focus.current, focus.previous)):
            step.stale = True  # all subscriptions are read anew
            return True
        return False

    async def _subscription(self, focus: Focus, step: _Step) -> None:
        resource = focus.current
        if resource is None:
            self.registry.remove(focus.id)
            step.gone.append(focus.id)
            step.calls.append(("ended", (focus.id,)))
            return
        status, channel = resource["status"], resource["channel"]["type"]
        served, reason = (None, "") if status == "off" else await self._read(resource, focus.version)
        step.met.append((focus.id, focus.version, "error" if reason else status, channel))
        if served is not None:
            self.registry.set(served)
            step.calls.append(("served", (served,)))
            return
        self.registry.remove(focus.id)
        step.calls.append(("ended", (focus.id,)))
        if reason and status != "error":
            step.calls.append(("wrong", (focus.id, focus.version, reason)))

    async def _read(self, resource: dict[str, Any], version: int) -> tuple[Served | None, str]:
        """The subscription, or why it cannot be served."""
        try:
            plan: Plan = read_plan(resource, self._topics, self._clock.now(), self._record.bases, version)
        except (WardbridgeError, ValueError, KeyError, TypeError, AttributeError) as error:
            return None, f"it cannot be served: {error}"[:500]
        grant = (await grants.get(self._pool, [plan.grant])).get(plan.grant)
        if grant is None or grant.endpoint != plan.channel.endpoint:
            return None, "nobody has asked for it through the API: write it again"
        return serve(plan, grant.owner, grant.sealed, self._decide), ""


class _Step:
    """What one reading comes to."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Focus]] = []
        self.met: list[tuple[str, int, str, str]] = []
        self.gone: list[str] = []
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.stale = False

    async def write(self, conn: Connection) -> None:
        for id_, version, status, channel in self.met:
            if id_ not in self.gone:
                await state.put(conn, id_, version, status, channel)
        for id_ in self.gone:
            await state.remove(conn, id_)
        if self.events:
            await events.append(conn, self.events)
