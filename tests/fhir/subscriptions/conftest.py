"""The API with subscriptions over a fresh database, and the engine's post, with real receivers on loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fhir.subscriptions.peers import Receiver, until

from wardbridge.core.clock import SystemClock
from wardbridge.core.errors import Unauthenticated
from wardbridge.fhir.rest.application import Application
from wardbridge.fhir.rest.repository import StoreRepository
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.subscriptions.capability import Declare
from wardbridge.fhir.subscriptions.channels.hosts import Hosts
from wardbridge.fhir.subscriptions.channels.rest_hook import Web
from wardbridge.fhir.subscriptions.courier import Patience
from wardbridge.fhir.subscriptions.ledger import Ledger
from wardbridge.fhir.subscriptions.operations import Subscribing
from wardbridge.fhir.subscriptions.post import Post
from wardbridge.fhir.subscriptions.rules import Rules
from wardbridge.fhir.subscriptions.seal import Seal
from wardbridge.fhir.subscriptions.sockets import Sockets
from wardbridge.fhir.validate import validate_base
from wardbridge.security.audit import Audit
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal

BASE = "http://test/fhir"
WHO = {
    "ehr": Principal("ehr", "EHR", "service", frozenset({"service"}), ("system/*.cruds",)),
    "second": Principal("second", "Second", "service", frozenset({"service"}), ("system/*.cruds",)),
    "orders": Principal(
        "orders", "Orders", "service", frozenset({"service"}),
        ("system/Subscription.cruds", "system/ServiceRequest.rs", "system/MedicationRequest.rs"),
    ),
    "nurse": Principal("nina", "Nina", "user", frozenset({"nurse"})),
}  # fmt: skip


async def authenticate(request: Any) -> Principal:
    """The security hooks are small but real ones of the test."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in WHO:
        raise Unauthenticated("please send a bearer token")
    return WHO[token]


CONTENT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-"


@dataclass
class House:
    """One house. ``start`` and ``stop`` the engine's part as often as is needed."""

    client: httpx.AsyncClient
    application: Application
    record: Record
    pool: Any
    seal: Seal
    senders: dict[str, Any]
    hosts: Hosts
    patience: Patience = field(default_factory=lambda: Patience(lambda: 0.0, first=0.02, longest=0.1, idle=0.2))
    post: Post | None = None
    task: Any = None

    def start(self, **changes: Any) -> Post:
        clock = changes.pop("clock", SystemClock())
        patience = changes.pop("patience", self.patience)
        self.post = Post(
            self.record, Audit(self.pool, clock), clock, decide, self.seal, self.senders, patience, BASE, **changes
        )
        self.task = asyncio.gather(*(asyncio.create_task(work) for work in self.post.works()))
        return self.post

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.task
            self.task = None

    async def make(self, resource: dict[str, Any], status: int = 201) -> dict[str, Any]:
        answer = await self.client.post(f"/{resource['resourceType']}", json=resource)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    async def put(self, resource: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.put(f"/{resource['resourceType']}/{resource['id']}", json=resource)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    async def read(self, type_name: str, id_: str) -> dict[str, Any]:
        return dict((await self.client.get(f"/{type_name}/{id_}")).json())

    async def becomes(self, id_: str, status: str) -> dict[str, Any]:
        """Wait until the Subscription has that status."""

        async def there() -> Any:
            found = await self.read("Subscription", id_)
            return found if found["status"] == status else None

        return dict(await until(there))

    async def status(self, id_: str) -> dict[str, Any]:
        answer = await self.client.get(f"/Subscription/{id_}/$status")
        assert answer.status_code == 200, answer.text
        parts = answer.json()["entry"][0]["resource"]["parameter"]
        return {p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in parts}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


@pytest.fixture
async def house(database: Any, tmp_path: Path) -> AsyncIterator[House]:
    clock = SystemClock()
    record = Record(database.pool, clock, bases=(f"{BASE}/",))
    await record.load()
    seal, hosts = Seal(tmp_path), Hosts(("127.0.0.1", "example.org"))
    rules = Rules(record, clock, seal, hosts, decide, mail=True)
    audit = Audit(database.pool, clock)
    app = Application(
        StoreRepository(record, audit),
        authenticate,
        decide,
        audit,
        clock,
        validate_base,
        base=BASE,
        operations=Subscribing(record, clock, decide).operations(),
        prepare={"Subscription": rules.subscription, "Basic": rules.topic},
        declare=Declare(record),
    )
    web = Web(hosts, clock)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://test",
        headers={"authorization": "Bearer ehr", "content-type": "application/fhir+json"},
    ) as client:
        house = House(client, app, record, database.pool, seal, {"rest-hook": web, "message": web}, hosts)
        try:
            yield house
        finally:
            await house.stop()
            await web.close()


@pytest.fixture
async def sockets(house: House) -> AsyncIterator[Sockets]:
    """The WebSocket endpoint, its works running."""
    ledger = Ledger(house.pool, Audit(house.pool, SystemClock()), SystemClock())
    made = Sockets(house.record, SystemClock(), decide, ledger, authenticate, BASE)
    task = asyncio.create_task(made.works())
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def subscription(criteria: str, endpoint: str, content: str = "id-only", **more: Any) -> dict[str, Any]:
    """A Subscription; ``content`` '' for R4's own way. ``filters``, ``most``, ``heartbeat``, ``timeout``, ``channel``
    (its type), ``payload``, ``header``, ``extension`` of the channel."""
    extension = [dict(e) for e in more.pop("extension", ())]
    names = {"most": "max-count", "heartbeat": "heartbeat-period", "timeout": "timeout"}
    for name, word in names.items():
        kind = "valuePositiveInt" if name == "most" else "valueUnsignedInt"
        if name in more:
            extension.append({"url": f"{CONTENT}{word}", kind: more.pop(name)})
    channel: dict[str, Any] = {
        "type": more.pop("channel", "rest-hook"),
        "payload": more.pop("payload", "application/fhir+json"),
    }
    if endpoint:
        channel["endpoint"] = endpoint
    if content:
        channel["_payload"] = {"extension": [{"url": f"{CONTENT}payload-content", "valueCode": content}]}
    if extension:
        channel["extension"] = extension
    if "header" in more:
        channel["header"] = more.pop("header")
    if not channel["payload"]:
        del channel["payload"]
    out = {"resourceType": "Subscription", "status": "requested", "reason": "test", "criteria": criteria,
           "channel": channel}  # fmt: skip
    if "filters" in more:
        out["_criteria"] = {
            "extension": [{"url": f"{CONTENT}filter-criteria", "valueString": text} for text in more.pop("filters")]
        }
    return out | more


def observation(patient: str, value: float = 72.5, code: str = "8867-4", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": "2026-01-01T10:00:00Z",
        "valueQuantity": {"value": value, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
        **more,
    }  # fmt: skip
