"""The terminology service over a fresh database: in process, and behind the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.requests import HTTPConnection

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import transaction
from wardbridge.fhir.rest.application import Application
from wardbridge.fhir.rest.repository import StoreRepository
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put
from wardbridge.security.audit import Audit
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal
from wardbridge.terminology.operations import operations
from wardbridge.terminology.service import Service

WHO = Principal("ehr", "EHR", "service", frozenset({"service"}), ("system/*.cruds",))
COLOURS = "http://example.org/colours"


def colours(version: str = "1.0.0", **changes: Any) -> dict[str, Any]:
    """A small system: a hierarchy, languages, a property, an abstract and a retired concept."""
    return {
        "resourceType": "CodeSystem",
        "url": COLOURS,
        "version": version,
        "name": "Colours",
        "status": "active",
        "content": "complete",
        "caseSensitive": True,
        "language": "en",
        "property": [
            {"code": "warm", "type": "boolean"},
            {"code": "notSelectable", "uri": "http://hl7.org/fhir/concept-properties#notSelectable", "type": "boolean"},
            {"code": "status", "uri": "http://hl7.org/fhir/concept-properties#status", "type": "code"},
        ],
        "concept": [
            {
                "code": "colour",
                "display": "Colour",
                "property": [{"code": "notSelectable", "valueBoolean": True}],
                "concept": [
                    {
                        "code": "red",
                        "display": "Red",
                        "definition": "as blood",
                        "designation": [{"language": "de", "value": "Rot"}],
                        "property": [{"code": "warm", "valueBoolean": True}],
                        "concept": [{"code": "pink", "display": "Pink colour"}],
                    },
                    {"code": "blue", "display": "Blue", "property": [{"code": "warm", "valueBoolean": False}]},
                    {"code": "mauve", "display": "Mauve", "property": [{"code": "status", "valueCode": "retired"}]},
                ],
            }
        ],
        **changes,
    }


def set_of(name: str, *include: dict[str, Any], **compose: Any) -> dict[str, Any]:
    return {
        "resourceType": "ValueSet",
        "url": f"http://example.org/set/{name}",
        "version": "1",
        "name": name,
        "status": "active",
        "compose": {"include": list(include), **compose},
    }


@dataclass
class Terminology:
    service: Service
    client: httpx.AsyncClient
    record: Record
    pool: Any

    async def put(self, *resources: dict[str, Any]) -> None:
        async with transaction(self.pool) as conn:
            await self.record.write(conn, [Put(resource) for resource in resources])

    async def ask(self, path: str, *parameters: dict[str, Any], status: int = 200, **headers: str) -> dict[str, Any]:
        body = {"resourceType": "Parameters", "parameter": list(parameters)}
        answer = await self.client.post(path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    async def get(self, path: str, status: int = 200) -> dict[str, Any]:
        answer = await self.client.get(path)
        assert answer.status_code == status, answer.text
        return dict(answer.json())


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """The simple parameters of an answer."""
    return {
        p["name"]: next((v for k, v in p.items() if k.startswith("value")), p.get("resource") or p.get("part"))
        for p in answer["parameter"]
    }


def codes(valueset: dict[str, Any]) -> list[str]:
    return [entry["code"] for entry in valueset["expansion"].get("contains", [])]


@pytest.fixture
async def tx(database: Any) -> AsyncIterator[Terminology]:
    clock = SystemClock()
    record = Record(database.pool, clock)
    await record.load()
    service = Service(database.pool, record, clock)
    audit = Audit(database.pool, clock)

    async def anyone(request: HTTPConnection) -> Principal:
        return WHO

    app = Application(
        StoreRepository(record, audit), anyone, decide, audit, clock, operations=operations(service, decide)
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://test",
        headers={"content-type": "application/fhir+json"},
    ) as client:
        yield Terminology(service, client, record, database.pool)
