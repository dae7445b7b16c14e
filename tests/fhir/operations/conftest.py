"""The API with the operations of ``fhir/operations`` over a fresh database, spoken to in process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from wardbridge.core.clock import FakeClock, SystemClock
from wardbridge.core.errors import Unauthenticated
from wardbridge.fhir.operations.every import operations
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.rest.application import Application
from wardbridge.fhir.rest.audit_events import SecurityAudit
from wardbridge.fhir.rest.repository import StoreRepository
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.validate.profiles import Profiles
from wardbridge.fhir.validate.validator import Validator
from wardbridge.security.audit import Audit
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal

WHO = {
    "service": Principal("ehr", "EHR", "service", frozenset({"service"}), ("system/*.cruds",)),
    "patients": Principal("viewer", "Viewer", "service", frozenset({"service"}), ("system/Patient.rs",)),
    "vitals": Principal(
        "vitals", "Vitals", "service", frozenset({"service"}), ("system/Patient.rs", "system/Observation.rs")
    ),
    "nurse": Principal("nurse", "Nurse", "user", frozenset({"nurse"})),
    "technician": Principal("tech", "Tech", "user", frozenset({"technician"})),
    "administrator": Principal("admin", "Admin", "user", frozenset({"administrator"})),
}
BASE = "http://test/fhir"


async def authenticate(request: Any) -> Principal:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in WHO:
        raise Unauthenticated("please send a bearer token")
    return WHO[token]


@dataclass
class Api:
    client: httpx.AsyncClient
    audit: Audit
    record: Record
    clock: FakeClock

    async def put(self, resource: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.put(f"/{resource['resourceType']}/{resource['id']}", json=resource)
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    async def get(self, url: str, who: str = "service", status: int = 200) -> Any:
        answer = await self.client.get(url, headers={"authorization": f"Bearer {who}"})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, url: str, body: Any, who: str = "service", status: int = 200) -> Any:
        answer = await self.client.post(url, json=body, headers={"authorization": f"Bearer {who}"})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def audited(self, event: str) -> list[tuple[str, str, list[str], int]]:
        """(type, id, patients, outcome) of the entries of one event, newest first."""
        rows = await self.audit.find(limit=50)
        return [
            (row["target_type"], row["target_id"], list(row["patients"]), row["outcome"])
            for row in rows
            if row["event"] == event
        ]


def application(pool: Any, record: Record, expunge: bool = True) -> tuple[Application, Audit]:
    audit = Audit(pool, SystemClock())
    repository = StoreRepository(record, audit)
    validator = Validator(Profiles())
    services = Services(record, repository, decide, audit, validator.check, expunge)
    app = Application(
        repository,
        authenticate,
        decide,
        audit,
        SystemClock(),
        validate=validator.written,
        audit_source=SecurityAudit(audit),
        operations=operations(services),
        base=BASE,
    )
    return app, audit


def client_of(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://test",
        headers={"authorization": "Bearer service", "content-type": "application/fhir+json"},
    )


@pytest.fixture
async def api(database: Any, clock: FakeClock) -> AsyncIterator[Api]:
    record = Record(database.pool, clock, bases=(BASE,))
    await record.load()
    app, audit = application(database.pool, record)
    async with client_of(app) as client:
        yield Api(client, audit, record, clock)


def issues(outcome: Any) -> list[tuple[str, str]]:
    """(severity, text) of an OperationOutcome."""
    assert outcome["resourceType"] == "OperationOutcome", outcome
    return [(i["severity"], i.get("details", {}).get("text") or i.get("diagnostics", "")) for i in outcome["issue"]]


def named(bundle: Any) -> list[str]:
    """Type/id of every resource of a Bundle, in order."""
    assert bundle["resourceType"] == "Bundle", bundle
    return [f"{e['resource']['resourceType']}/{e['resource'].get('id')}" for e in bundle.get("entry", ())]


def observation(id_: str, value: Any = None, **more: Any) -> dict[str, Any]:
    out: dict[str, Any] = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": "Patient/ada"},
    }
    if value is not None:
        out["valueQuantity"] = {
            "value": value,
            "unit": "/min",
            "system": "http://unitsofmeasure.org",
            "code": "/min",
        }
    return out | more
