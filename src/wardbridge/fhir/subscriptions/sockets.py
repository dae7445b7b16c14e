"""``websocket``: one connection may serve several subscriptions (Backport IG, channels; R4 subscription.html#2.46.4).

A client asks ``$get-ws-binding-token`` over HTTP and sends ``bind-with-token TOKEN``: a handshake comes for each
subscription, then what it has not been sent yet, then events as they happen. R4's own ``bind ID`` works for a client
that has signed in at the upgrade: it answers ``bound ID`` and, for criteria without payload content, ``ping ID``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from wardbridge.core.clock import SECOND, Clock
from wardbridge.core.db import AWAY
from wardbridge.core.errors import Unauthenticated, WardbridgeError
from wardbridge.core.store import doorbell
from wardbridge.fhir.json import loads
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.subscriptions.courier import access_of, first_of
from wardbridge.fhir.subscriptions.ledger import Ledger
from wardbridge.fhir.subscriptions.notification import Kind, Told, bundle
from wardbridge.fhir.subscriptions.plan import read_plan, written
from wardbridge.fhir.subscriptions.registry import Served, serve
from wardbridge.fhir.subscriptions.rules import topics_of
from wardbridge.fhir.subscriptions.store import events, grants, state
from wardbridge.fhir.subscriptions.store.events import Event
from wardbridge.security.principal import Principal

log = structlog.get_logger(__name__)

Who = Callable[[HTTPConnection], Awaitable[Principal]]
LOOK = 1.0
"""Seconds after which a connection looks by itself, should the bell not have rung."""
MOST_BYTES, MOST_BOUND, AHEAD = 8192, 100, 100
GONE = (WebSocketDisconnect, RuntimeError, OSError)


@dataclass
class _Bound:
    """A subscription on this connection. ``sent``: number of the last event; ``spoken`` in µs."""

    served: Served
    sent: int
    spoken: int


@dataclass(eq=False)
class _Line:
    """One connection. ``who`` None: it has not signed in, so only tokens bind."""

    socket: WebSocket
    who: Principal | None
    bound: dict[str, _Bound] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Sockets:
    """The endpoint, for one web process. ``base`` is the URL of our API; run :meth:`works` beside it."""

    def __init__(self, record: Record, clock: Clock, decide: Decide, ledger: Ledger, who: Who, base: str) -> None:
        self._record = record
        self._clock = clock
        self._decide = decide
        self._ledger = ledger
        self._who = who
        self._base = base
        self._lines: set[_Line] = set()
        self._first = asyncio.Event()

    async def works(self) -> None:
        """Write the ledger, hear the bell (only while somebody is connected)."""
        await asyncio.gather(self._ledger.run(), self._listen())

    async def _listen(self) -> None:
        while True:
            await self._first.wait()
            try:
                async with doorbell(self._record.pool, (state.CHANNEL,), self._ring) as gone:
                    await gone.wait()
            except (*AWAY, WardbridgeError) as error:
                log.info("subscriptions.doorbell_lost", reason=type(error).__name__)
            await self._clock.sleep(1.0)

    def _ring(self, channel: str) -> None:
        for line in self._lines:
            line.wake.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        try:
            who = await self._who(socket)
        except Unauthenticated:
            who = None
        except (WardbridgeError, *AWAY):
            await socket.close(1013)
            return
        await socket.accept()
        line = _Line(socket, who)
        self._lines.add(line)
        self._first.set()
        tasks = [asyncio.create_task(self._read(line)), asyncio.create_task(self._write(line))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                failure = task.exception()
                if failure is not None and not isinstance(failure, GONE):
                    log.warning("subscriptions.socket", cause=type(failure).__name__)
        finally:
            self._lines.discard(line)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(*GONE):
                await socket.close()

    async def _read(self, line: _Line) -> None:
        while True:
            text = await line.socket.receive_text()
            word, _, rest = text.strip().partition(" ")
            if len(text) > MOST_BYTES or not rest:
                await line.socket.send_text("error expected: bind-with-token TOKEN, or bind ID")
                continue
            try:
                if word in ("bind-with-token", "$bind-with-token"):
                    await self._by_token(line, rest.strip())
                elif word == "bind":
                    await self._by_id(line, rest.strip())
                else:
                    await line.socket.send_text("error expected: bind-with-token TOKEN, or bind ID")
            except (*AWAY, WardbridgeError):
                await line.socket.send_text("error not now: try again")

    async def _by_token(self, line: _Line, token: str) -> None:
        ids = await grants.by_token(self._record.pool, token, self._clock.now())
        if not ids:
            await line.socket.send_text("error the token is unknown or has expired")
        for id_ in ids:
            await self._bind(line, id_)

    async def _by_id(self, line: _Line, id_: str) -> None:
        found = await self.load(id_) if line.who is not None else None
        if found is None or line.who is None or found[0].owner.id != line.who.id:
            await line.socket.send_text(f"error {id_[:64]} cannot be bound: sign in as its owner, or use a token")
            return
        await line.socket.send_text(f"bound {id_}")
        await self._bind(line, id_, quiet=True)

    async def _bind(self, line: _Line, id_: str, *, quiet: bool = False) -> None:
        found = await self.load(id_)
        if found is None or len(line.bound) >= MOST_BOUND:
            await line.socket.send_text(f"error {id_} is not served")
            return
        served, now = found
        if not quiet:
            await self._say(line, _Bound(served, now.delivered, 0), "handshake", [], now)
        line.bound[id_] = _Bound(served, now.delivered, self._clock.now())
        line.wake.set()

    async def load(self, id_: str) -> tuple[Served, state.State] | None:
        """A WebSocket subscription as it is now; None where it is not served."""
        now = (await state.states(self._record.pool, [id_])).get(id_)
        stored = await self._record.read("Subscription", id_)
        if now is None or now.status not in ("active", "requested") or stored is None or stored.body is None:
            return None
        try:
            plan = read_plan(
                loads(stored.body), await topics_of(self._record), self._clock.now(), self._record.bases, stored.version
            )
        except WardbridgeError:
            return None
        grant = (await grants.get(self._record.pool, [plan.grant])).get(plan.grant)
        if grant is None or plan.channel.kind != "websocket":
            return None
        return serve(plan, grant.owner, grant.sealed, self._decide), now

    async def _write(self, line: _Line) -> None:
        while True:
            await first_of(line.wake.wait(), self._clock.sleep(LOOK))
            line.wake.clear()
            if not line.bound:
                continue
            try:
                found = await state.states(self._record.pool, list(line.bound))
                for id_, bound in list(line.bound.items()):
                    await self._one(line, id_, bound, found.get(id_))
            except (*AWAY, WardbridgeError) as error:
                if isinstance(error, WebSocketDisconnect):
                    raise
                log.info("subscriptions.socket_waits", reason=type(error).__name__)

    async def _one(self, line: _Line, id_: str, bound: _Bound, now: state.State | None) -> None:
        if now is None or now.status in ("off", "error"):
            del line.bound[id_]
            await line.socket.send_text(f"error {id_} has ended")
            return
        if now.version != bound.served.plan.version:
            found = await self.load(id_)
            if found is None:
                return
            bound.served = found[0]
        while bound.sent < now.events:
            ready = await events.after(self._record.pool, self._record.numbers, id_, bound.sent, AHEAD)
            if not ready:
                bound.sent = now.events
            most = bound.served.plan.channel.most or AHEAD
            for at in range(0, len(ready), most):
                await self._say(line, bound, "event-notification", ready[at : at + most], now)
        period = bound.served.plan.channel.heartbeat
        if period and self._clock.now() - bound.spoken >= period * SECOND:
            await self._say(line, bound, "heartbeat", [], now)

    async def _say(self, line: _Line, bound: _Bound, kind: Kind, told: Sequence[Event], now: state.State) -> None:
        plan = bound.served.plan
        if plan.channel.content:
            about = Told(plan, kind, now.status, max(now.events, bound.sent), self._base, self._clock.now())
            await line.socket.send_text(
                written(bundle(about, told, plan.channel.content), plan.channel.payload).decode()
            )
        elif told:
            await line.socket.send_text(f"ping {plan.id}")
        bound.sent = told[-1].number if told else bound.sent
        bound.spoken = self._clock.now()
        await self._ledger.add(plan.id, bound.sent, access_of(bound.served, kind, told))
