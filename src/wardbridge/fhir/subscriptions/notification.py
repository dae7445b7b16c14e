"""Notifications as the Backport IG has them for R4: a ``history`` Bundle whose first entry is a Parameters resource
(profile backport-subscription-status-r4); and the same inside a FHIR message (R4 messaging.html).

Bodies of versions go in as the bytes that are stored.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from wardbridge.core.clock import iso
from wardbridge.fhir.subscriptions.plan import Plan
from wardbridge.fhir.subscriptions.store.events import Event

PROFILES = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
STATUS_PROFILE = f"{PROFILES}backport-subscription-status-r4"
NOTIFICATION_PROFILE = f"{PROFILES}backport-subscription-notification-r4"
Kind = Literal["handshake", "heartbeat", "event-notification", "query-status", "query-event"]
_NAMES = uuid.UUID("5d0a1f0e-3c55-4a1c-9a53-0b6f6b8f8d52")
_METHOD = {"C": ("POST", "201"), "U": ("PUT", "200"), "D": ("DELETE", "204")}


@dataclass(frozen=True)
class Told:
    """What a notification says beside its events. ``total``: events since the start; ``base``: our API's URL."""

    plan: Plan
    kind: Kind
    status: str
    total: int
    base: str
    now: int
    error: str = ""


def name_of(told: Told, events: Sequence[Event]) -> str:
    """A UUID (RFC 9562 version 5) that is the same whenever the same events are told again."""
    about = f"{told.plan.id} {told.kind} {events[0].number}-{events[-1].number}" if events else ""
    return str(uuid.uuid5(_NAMES, about or f"{told.plan.id} {told.kind} {told.now}"))


def status(told: Told, events: Sequence[Event], content: str, more: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """The Parameters resource. With content ``empty`` it names neither topic nor resource."""
    parameters: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": f"{told.base}/Subscription/{told.plan.id}"}}
    ]
    if told.plan.topic is not None and content != "empty":
        parameters.append({"name": "topic", "valueCanonical": told.plan.topic.url})
    parameters += [
        {"name": "status", "valueCode": told.status},
        {"name": "type", "valueCode": told.kind},
        {"name": "events-since-subscription-start", "valueString": str(told.total)},
    ]
    parameters += [{"name": "notification-event", "part": _event(event, content, told.base)} for event in events]
    if told.error:
        parameters.append({"name": "error", "valueCodeableConcept": {"text": told.error}})
    return {
        "resourceType": "Parameters",
        "id": name_of(told, events),
        "meta": {"profile": [STATUS_PROFILE]},
        "parameter": [*parameters, *more],
    }


def _event(event: Event, content: str, base: str) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": iso(event.updated)},
    ]
    if content != "empty" and event.type:
        parts.append({"name": "focus", "valueReference": {"reference": f"{base}/{event.type}/{event.id}"}})
    return parts


def bundle(told: Told, events: Sequence[Event], content: str, links: Sequence[dict[str, str]] = ()) -> bytes:
    """The notification as JSON."""
    return orjson.dumps(_bundle(told, events, content, links))


def _bundle(told: Told, events: Sequence[Event], content: str, links: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    name = name_of(told, events)
    first = {
        "fullUrl": f"urn:uuid:{name}",
        "resource": status(told, events, content),
        "request": {"method": "GET", "url": f"{told.base}/Subscription/{told.plan.id}/$status"},
        "response": {"status": "200"},
    }
    out: dict[str, Any] = {
        "resourceType": "Bundle",
        "id": name,
        "meta": {"profile": [NOTIFICATION_PROFILE]},
        "type": "history",
        "timestamp": iso(told.now),
    }
    if links:
        out["link"] = list(links)
    entries = [_entry(event, told.base) for event in events if event.type] if content == "full-resource" else []
    return {**out, "entry": [first, *entries]}


def _entry(event: Event, base: str) -> dict[str, Any]:
    method, code = _METHOD[event.method]
    named = event.type if method == "POST" else f"{event.type}/{event.id}"
    out: dict[str, Any] = {
        "request": {"method": method, "url": named},
        "response": {"status": code, "etag": f'W/"{event.version}"', "lastModified": iso(event.updated)},
    }
    if event.body is None:
        return out
    return {"fullUrl": f"{base}/{event.type}/{event.id}", "resource": orjson.Fragment(event.body), **out}


def message(told: Told, events: Sequence[Event], content: str) -> bytes:
    """The notification as a FHIR message; Bundle and header have the same ids at every attempt."""
    name = name_of(told, events)
    header = str(uuid.uuid5(_NAMES, f"header {name}"))
    return orjson.dumps(
        {
            "resourceType": "Bundle",
            "id": str(uuid.uuid5(_NAMES, f"message {name}")),
            "type": "message",
            "timestamp": iso(told.now),
            "entry": [
                {
                    "fullUrl": f"urn:uuid:{header}",
                    "resource": {
                        "resourceType": "MessageHeader",
                        "id": header,
                        "eventUri": NOTIFICATION_PROFILE,
                        "destination": [{"endpoint": told.plan.channel.endpoint}],
                        "source": {"name": "Wardbridge", "endpoint": told.base},
                        "focus": [{"reference": f"urn:uuid:{name}"}],
                    },
                },
                {"fullUrl": f"urn:uuid:{name}", "resource": _bundle(told, events, content)},
            ],
        }
    )
