"""``$status``, ``$events`` and ``$get-ws-binding-token`` of the Backport IG (backport-subscription-*)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from wardbridge.core.clock import MINUTE, Clock, iso
from wardbridge.core.errors import Forbidden, Invalid, NotFound
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.rest.access import check, patients_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.rest.operations import MANY, Operation, Parameter
from wardbridge.fhir.rest.parameters import Given, given
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Stored
from wardbridge.fhir.subscriptions.notification import Told, bundle, status
from wardbridge.fhir.subscriptions.plan import CONTENT, GRANT, Channel, Plan, extension_of, read_plan
from wardbridge.fhir.subscriptions.rules import topics_of
from wardbridge.fhir.subscriptions.store import events, grants, state
from wardbridge.fhir.subscriptions.topic import Topic

DEFINITIONS = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"
TOKEN_MINUTES = 10
PAGE = 200
"""Most events that one answer of ``$events`` has; a ``next`` link leads on."""


@dataclass(frozen=True)
class Subscribing:
    """The operations over a record."""

    record: Record
    clock: Clock
    decide: Decide

    async def status(self, call: Call, type_name: str, id_: str, /) -> Answer:
        """A searchset with the status of one Subscription, or of those that are asked for."""
        asked = given(call, self._operation("status"))
        ids = [id_] if id_ else asked.words("id")
        wanted = () if id_ else asked.words("status")
        found = await self._all(ids)
        if id_ and id_ not in found:
            raise NotFound(f"Subscription/{id_} does not exist")
        states = await state.states(self.record.pool, list(found))
        topics = await topics_of(self.record)
        entries = []
        for key, stored in sorted(found.items()):
            resource = loads(stored.body or b"{}")
            now = states.get(key)
            current = now.status if now is not None and now.version >= stored.version else resource["status"]
            if wanted and current not in wanted:
                continue
            told = Told(
                plan_of(resource, topics, self.clock.now(), self.record.bases, stored.version),
                "query-status",
                current,
                now.events if now else 0,
                call.base,
                self.clock.now(),
                (now.error if now else "") or resource.get("error", ""),
            )
            entries.append(
                {
                    "fullUrl": f"urn:uuid:{status(told, [], '')['id']}",
                    "resource": status(told, [], "id-only", _more(now)),
                    "search": {"mode": "match"},
                }
            )
        body = {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}
        return Answer(200, orjson.dumps(body if entries else {k: v for k, v in body.items() if k != "entry"}))

    async def _all(self, ids: Sequence[str]) -> dict[str, Stored]:
        """These Subscriptions, or all; without those that are deleted."""
        names = ids or list(await state.states(self.record.pool))
        rows = await self.record.read_many([("Subscription", name) for name in dict.fromkeys(names)])
        return {row.id: row for row in rows if not row.deleted}

    async def events(self, call: Call, type_name: str, id_: str, /) -> Answer:
        """What was told, or should have been: a notification of type query-event."""
        asked = given(call, self._operation("events"))
        since, until = _number(asked, "eventsSinceNumber"), _number(asked, "eventsUntilNumber")
        stored = (await self._all([id_])).get(id_)
        if stored is None:
            raise NotFound(f"Subscription/{id_} does not exist")
        topics = await topics_of(self.record)
        plan = plan_of(loads(stored.body or b"{}"), topics, self.clock.now(), self.record.bases, stored.version)
        content = asked.one("content") or plan.channel.content or "id-only"
        if content not in CONTENT:
            raise Invalid(f"content is one of {', '.join(CONTENT)}", "content")
        now = (await state.states(self.record.pool, [id_])).get(id_)
        found = await events.after(
            self.record.pool, self.record.numbers, id_, max((since or 1) - 1, 0), PAGE + 1, until=until
        )
        for name in {event.type for event in found if event.type and content != "empty"}:
            check(self.decide, call, "read", name)
        links = []
        if len(found) > PAGE:
            bound = f"&eventsUntilNumber={until}" if until else ""
            query = f"eventsSinceNumber={found[PAGE].number}{bound}&content={content}"
            links = [{"relation": "next", "url": f"{call.base}/Subscription/{id_}/$events?{query}"}]
            found = found[:PAGE]
        told = Told(
            plan, "query-event", now.status if now else plan.status, now.events if now else 0, call.base,
            self.clock.now(), now.error if now else "",
        )  # fmt: skip
        about = [Stored(e.type, e.id, e.version, e.updated, e.body) for e in found if e.type]
        return Answer(
            200, bundle(told, found, content, links), patients=patients_of(*about) if content != "empty" else ()
        )

    async def token(self, call: Call, type_name: str, id_: str, /) -> Answer:
        """A token by which a WebSocket is bound, for the caller's own subscriptions."""
        ids = [id_] if id_ else given(call, self._operation("get-ws-binding-token")).words("id")
        found = await self._all(ids)
        missing = [name for name in ids if name not in found]
        if missing:
            raise NotFound(f"Subscription/{missing[0]} does not exist")
        mine = await self._mine(call, found, bool(ids))
        token, expires = secrets.token_urlsafe(32), self.clock.now() + TOKEN_MINUTES * MINUTE
        await grants.put_token(self.record.pool, token, call.principal.id, mine, expires)
        out = [
            {"name": "token", "valueString": token},
            {"name": "expiration", "valueDateTime": iso(expires)},
            *({"name": "subscription", "valueString": name} for name in mine),
            {"name": "websocket-url", "valueUrl": socket_url(call.base)},
        ]
        return Answer(200, dumps({"resourceType": "Parameters", "parameter": out}))

    async def _mine(self, call: Call, found: Mapping[str, Stored], named: bool) -> list[str]:
        channels = {name: loads(stored.body or b"{}")["channel"] for name, stored in found.items()}
        handles = {name: str(extension_of(channel, GRANT) or "") for name, channel in channels.items()}
        known = await grants.get(self.record.pool, list(handles.values()))
        mine = []
        for name in sorted(found):
            grant = known.get(handles[name])
            if channels[name].get("type") != "websocket":
                if named:
                    raise Invalid(f"Subscription/{name} has no channel of type websocket", "id")
            elif grant is not None and grant.owner.id == call.principal.id:
                mine.append(name)
            elif named:
                raise Forbidden(f"Subscription/{name} belongs to another")
        if not mine:
            raise NotFound("you have no subscription with a channel of type websocket")
        return mine

    def _operation(self, name: str) -> Operation:
        return next(one for one in self.operations() if one.name == name)

    def operations(self) -> tuple[Operation, ...]:
        """The three operations with their tables."""
        ids = Parameter("id", "id", most=MANY, about="Subscriptions that are meant; at the instance it is ignored.")
        bundle_ = (Parameter("return", "Bundle", 1),)
        return (
            Operation(
                "status", f"{DEFINITIONS}status", self.status, ("Subscription",), type=True, instance=True,
                inputs=(ids, Parameter("status", "code", most=MANY, about="Only those in one of these states.")),
                outputs=bundle_, about="The state of subscriptions: events so far, what waits, the last error.",
            ),
            Operation(
                "events", f"{DEFINITIONS}events", self.events, ("Subscription",), instance=True,
                inputs=(
                    Parameter("eventsSinceNumber", "string", about="The first event, inclusive."),
                    Parameter("eventsUntilNumber", "string", about="The last event, inclusive."),
                    Parameter("content", "code", about="empty, id-only or full-resource."),
                ),
                outputs=bundle_, about="Events of a subscription again, as a notification.",
            ),
            Operation(
                "get-ws-binding-token", f"{DEFINITIONS}get-ws-binding-token", self.token, ("Subscription",), type=True,
                instance=True, inputs=(ids,), about="A token by which a WebSocket is bound to subscriptions.",
                outputs=(
                    Parameter("token", "string", 1),
                    Parameter("expiration", "dateTime", 1),
                    Parameter("subscription", "string", most=MANY),
                    Parameter("websocket-url", "url", 1),
                ),
            ),
        )  # fmt: skip


def plan_of(
    resource: dict[str, Any], topics: Mapping[str, Topic], now: int, bases: tuple[str, ...], version: int
) -> Plan:
    """The plan of a stored Subscription; a bare one where it cannot be served (any more)."""
    try:
        return read_plan(resource, topics, now, bases, version)
    except (Invalid, ValueError):
        channel = Channel(str(resource["channel"]["type"]), content="id-only")
        return Plan(resource["id"], version, resource["status"], resource["criteria"], None, (), channel)


def _number(asked: Given, name: str) -> int | None:
    text = str(asked.one(name, ""))
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Invalid(f"{name} is the number of an event", name)
    return int(text)


def _more(now: state.State | None) -> list[dict[str, Any]]:
    """What an operator wants to know beyond the profile (its slicing is open)."""
    if now is None:
        return []
    out: list[dict[str, Any]] = [{"name": "events-pending", "valueString": str(now.pending)}]
    if now.last_sent:
        out.append({"name": "last-success", "valueInstant": iso(now.last_sent)})
    if now.failing_since:
        out.append({"name": "failing-since", "valueInstant": iso(now.failing_since)})
        out.append({"name": "failures", "valueInteger": now.failures})
    return out


def socket_url(base: str) -> str:
    """Where WebSockets are opened, from the URL of our API."""
    return f"ws{base.removeprefix('http')}/websocket"
