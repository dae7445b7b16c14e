"""What happens to a Subscription (and to a topic) before it is stored: refused, or made ready to be served.

The server owns ``status`` beyond ``requested`` and ``off``, and ``error``. Secrets are taken out: header values and
the key of the signature are sealed and kept under a handle, which the resource carries; a client that writes back what
it has read keeps them. Whoever wrote the Subscription last is its owner: it tells only what the owner may read.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from wardbridge.core.clock import Clock
from wardbridge.core.errors import Forbidden
from wardbridge.fhir.json import loads
from wardbridge.fhir.rest.access import filter_of
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.subscriptions.channels.hosts import Hosts
from wardbridge.fhir.subscriptions.judge import NotJudged
from wardbridge.fhir.subscriptions.plan import GRANT, HEADER, SECRET, extension_of, read_plan
from wardbridge.fhir.subscriptions.seal import Seal
from wardbridge.fhir.subscriptions.store import grants
from wardbridge.fhir.subscriptions.topic import TYPES_SYSTEM, Topic, builtin, is_topic, read_topic
from wardbridge.security.principal import Principal, Target

KEPT = "***"
"""Stands for a header's value in the resource."""
_OURS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection", "x-signature-256"})
_MOST_HEADERS = 20


@dataclass(frozen=True)
class Kept:
    """What is sealed. ``headers`` by name; ``secret`` is the key of the signature, '' for none."""

    headers: Mapping[str, str]
    secret: str = ""


def seal_up(seal: Seal, kept: Kept) -> str:
    return seal.close(orjson.dumps({"headers": dict(kept.headers), "secret": kept.secret}).decode())


def unseal(seal: Seal, sealed: str) -> Kept:
    """Raises ValueError."""
    found = orjson.loads(seal.open(sealed))
    return Kept(found["headers"], found["secret"])


async def topics_of(record: Record) -> dict[str, Topic]:
    """Every topic by its URL: our own, and those of Basic resources. One that cannot be read is left out."""
    found = dict(builtin())
    cursor = ""
    while True:
        pairs = [("code", f"{TYPES_SYSTEM}|SubscriptionTopic"), ("_count", "1000")]
        page = await record.search(record.query(["Basic"], pairs + ([("_cursor", cursor)] if cursor else [])))
        for stored in page.matches:
            try:
                topic = read_topic(loads(stored.body or b"{}"))
            except NotJudged:
                continue
            if topic is not None:
                found.setdefault(topic.url, topic)
        if not page.cursor:
            return found
        cursor = page.cursor


def refusal_of(decide: Decide, owner: Principal, type_name: str) -> str:
    """Why the owner may not be told of a type; '' where it may."""
    decision = decide(owner, "read", Target("fhir", type_name))
    if not decision.permit:
        return decision.reason
    return f"{decision.reason}: limited to a part of the record" if filter_of(decision) else ""


@dataclass(frozen=True)
class Rules:
    """``mail``: whether there is a mail server to send by."""

    record: Record
    clock: Clock
    seal: Seal
    hosts: Hosts
    decide: Decide
    mail: bool = False

    async def topic(self, principal: Principal, resource: dict[str, Any], /) -> dict[str, Any]:
        """A Basic that stands for a topic must be one that can be served. Raises NotJudged (422)."""
        if is_topic(resource):
            topic = read_topic(resource)
            if topic is not None and topic.url in builtin():
                raise NotJudged(f"{topic.url} is a topic of the server itself", "Basic.extension")
        return resource

    async def subscription(self, principal: Principal, resource: dict[str, Any], /) -> dict[str, Any]:
        """Raises NotJudged (422) with the element, Forbidden (403) for what the writer may not read."""
        resource = {key: value for key, value in resource.items() if key != "error"}
        if resource.get("status") == "error":
            raise NotJudged(
                "error is set by the server: ask for requested to start again, or for off", "Subscription.status"
            )
        resource["status"] = "off" if resource.get("status") == "off" else "requested"
        now = self.clock.now()
        plan = read_plan(resource, await topics_of(self.record), now, self.record.bases)
        if plan.end and plan.end <= now and plan.status != "off":
            raise NotJudged("the end is past", "Subscription.end")
        if plan.channel.kind != "websocket":
            self.hosts.check(plan.channel.endpoint, "Subscription.channel.endpoint")
        if plan.channel.kind == "email" and not self.mail:
            raise NotJudged("there is no mail server here (setting smtp_host)", "Subscription.channel.type")
        for type_name in sorted(plan.types):
            reason = refusal_of(self.decide, principal, type_name)
            if reason:
                raise Forbidden(reason, "Subscription.criteria")
        resource["channel"] = await self._keep(principal, resource["channel"], now)
        return resource

    async def _keep(self, principal: Principal, channel: Mapping[str, Any], now: int) -> dict[str, Any]:
        """The channel without its secrets, which are put away."""
        endpoint = str(channel.get("endpoint", ""))
        handle = str(extension_of(channel, GRANT) or "")
        known = (await grants.get(self.record.pool, [handle])).get(handle) if handle else None
        before = Kept({})
        if known is not None and (known.owner.id == principal.id or known.endpoint == endpoint):
            before = unseal(self.seal, known.sealed)
        kept = Kept(_headers(channel.get("header", ()), before.headers), _secret(channel, before.secret))
        handle = secrets.token_hex(16)
        await grants.put(
            self.record.pool, grants.Grant(handle, principal, endpoint, seal_up(self.seal, kept)), now
        )  # fmt: skip
        out = {key: value for key, value in channel.items() if key not in ("header", "extension")}
        others = [e for e in channel.get("extension", ()) if e.get("url") not in (GRANT, SECRET)]
        out["extension"] = [*others, {"url": GRANT, "valueId": handle}]
        if kept.headers:
            out["header"] = [f"{name}: {KEPT}" for name in kept.headers]
        return out


def _headers(written: Any, before: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    if len(written) > _MOST_HEADERS:
        raise NotJudged(f"at most {_MOST_HEADERS} headers", "Subscription.channel.header")
    for at, text in enumerate(written):
        where = f"Subscription.channel.header[{at}]"
        match = HEADER.fullmatch(str(text))
        if match is None:
            raise NotJudged("a header has the form Name: value, in printable ASCII", where)
        name, value = match[1], match[2].strip()
        if name.lower() in _OURS:
            raise NotJudged(f"the header {name} is set by the server", where)
        if value == KEPT:
            if name not in before:
                raise NotJudged(f"the value of {name} is not kept here (any more): send it again", where)
            value = before[name]
        found[name] = value
    return found


def _secret(channel: Mapping[str, Any], before: str) -> str:
    given = extension_of(channel, SECRET)
    if given is None:
        return before
    if not isinstance(given, str) or not 16 <= len(given) <= 512:
        raise NotJudged("the secret has 16 to 512 characters", "Subscription.channel.extension")
    return given
