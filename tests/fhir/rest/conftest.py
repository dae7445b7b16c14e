"""The API over a fresh database, spoken to in process; the security hooks are small but real ones of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from wardbridge.core.clock import SystemClock
from wardbridge.core.errors import Unauthenticated
from wardbridge.fhir.rest.application import Application
from wardbridge.fhir.rest.audit_events import SecurityAudit
from wardbridge.fhir.rest.repository import StoreRepository
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.validate import validate_base
from wardbridge.security.audit import Audit
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal

WHO = {
    "service": Principal("ehr", "EHR", "service", frozenset({"service"}), ("system/*.cruds",)),
    "second": Principal("lab", "Lab", "service", frozenset({"service"}), ("system/*.cruds",)),
    "reader": Principal("viewer", "Viewer", "service", frozenset({"service"}), ("system/Patient.rs",)),
    "technician": Principal("tech", "Tech", "user", frozenset({"technician"})),
    "administrator": Principal("admin", "Admin", "user", frozenset({"administrator"})),
}


async def authenticate(request: Any) -> Principal:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in WHO:
        raise Unauthenticated("please send a bearer token")
    return WHO[token]


@dataclass
class Api:
    client: httpx.AsyncClient
    application: Application
    record: Record
    pool: Any

    async def make(self, resource: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.post(f"/{resource['resourceType']}", json=resource)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


def application(pool: Any, record: Record, **changes: Any) -> Application:
    audit = Audit(pool, SystemClock())
    given: dict[str, Any] = {
        "validate": validate_base,
        "audit_source": SecurityAudit(audit),
        "base": "http://test/fhir",
        "decide": decide,
    }
    return Application(
        StoreRepository(record, audit), authenticate, audit=audit, clock=SystemClock(), **{**given, **changes}
    )


def client_of(app: Any, who: str = "service") -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://test",
        headers={"authorization": f"Bearer {who}", "content-type": "application/fhir+json"},
    )


@pytest.fixture
async def api(database: Any) -> AsyncIterator[Api]:
    record = Record(database.pool, SystemClock(), bases=("http://test/fhir",))
    await record.load()
    app = application(database.pool, record)
    async with client_of(app) as client:
        yield Api(client, app, record, database.pool)
