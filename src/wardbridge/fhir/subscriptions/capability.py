"""What the CapabilityStatement says of subscriptions: topics, profile, WebSocket (Backport IG, conformance)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wardbridge.fhir.store.record import Record
from wardbridge.fhir.subscriptions.notification import PROFILES
from wardbridge.fhir.subscriptions.operations import socket_url
from wardbridge.fhir.subscriptions.rules import topics_of

SERVER = "http://hl7.org/fhir/uv/subscriptions-backport/CapabilityStatement/backport-subscription-server-r4"
TOPIC = f"{PROFILES}capabilitystatement-subscriptiontopic-canonical"
WEBSOCKET = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"


@dataclass(frozen=True)
class Declare:
    """Adds to a CapabilityStatement. ``base`` is the URL of our API."""

    record: Record

    async def __call__(self, statement: dict[str, Any], base: str, /) -> dict[str, Any]:
        urls = sorted(await topics_of(self.record))
        rest = statement["rest"][0]
        statement["instantiates"] = [*statement.get("instantiates", ()), SERVER]
        rest["extension"] = [*rest.get("extension", ()), {"url": WEBSOCKET, "valueUri": socket_url(base)}]
        for resource in rest["resource"]:
            if resource["type"] == "Subscription":
                resource["extension"] = [{"url": TOPIC, "valueCanonical": url} for url in urls]
                resource["supportedProfile"] = [f"{PROFILES}backport-subscription"]
        return statement
