"""The API with bulk data over a fresh database, and a worker that does its jobs when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import HTTPConnection

from wardbridge.core.clock import SystemClock
from wardbridge.core.errors import Unauthenticated
from wardbridge.fhir.bulk.front import Front
from wardbridge.fhir.bulk.kickoff import Kickoff
from wardbridge.fhir.bulk.operations import operations
from wardbridge.fhir.bulk.work import Worker
from wardbridge.fhir.json import loads
from wardbridge.fhir.rest.application import Application
from wardbridge.fhir.rest.audit_events import SecurityAudit
from wardbridge.fhir.rest.repository import StoreRepository
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.validate import validate_base
from wardbridge.security.audit import Audit
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal

BASE = "http://test/fhir"
WHO = {
    "service": Principal("ehr", "EHR", "service", frozenset({"service"}), ("system/*.cruds",)),
    "other": Principal("lab", "Lab", "service", frozenset({"service"}), ("system/*.cruds",)),
    "reader": Principal("viewer", "Viewer", "service", frozenset({"service"}), ("system/Patient.rs",)),
    "nurse": Principal("nora", "Nora", "user", frozenset({"nurse"})),
    "administrator": Principal("admin", "Admin", "user", frozenset({"administrator"})),
}


async def authenticate(request: HTTPConnection) -> Principal:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in WHO:
        raise Unauthenticated("please send a bearer token")
    return WHO[token]


class Strict(SystemClock):
    """Real time in milliseconds of which none comes twice: what is written later has a later time."""

    def __init__(self) -> None:
        self._last = 0
        self._sleeps = asyncio.Event()

    def now(self) -> int:
        self._last = max(super().now() // 1000 * 1000, self._last + 1000)
        return self._last

    async def sleep(self, seconds: float) -> None:
        self._sleeps.set()
        await super().sleep(seconds)

    async def slept(self) -> None:
        """Wait until somebody sleeps again."""
        self._sleeps.clear()
        await self._sleeps.wait()


@dataclass
class Bulk:
    clock: Strict
    client: httpx.AsyncClient
    worker: Worker
    record: Record
    pool: Any
    audit: Audit
    sources: Path

    def again(self, **changes: Any) -> Worker:
        """Another worker, as a process that was started anew has it."""
        return replace(self.worker, **changes)

    async def put(self, *resources: dict[str, Any]) -> None:
        for one in resources:
            answer = await self.client.put(f"/{one['resourceType']}/{one['id']}", json=one)
            assert answer.status_code in (200, 201), answer.text

    async def kick(self, path: str, **more: Any) -> str:
        """The status URL of a job that has begun."""
        answer = await self.client.request("POST" if more else "GET", path, headers={"prefer": "respond-async"}, **more)
        assert answer.status_code == 202, answer.text
        return answer.headers["content-location"]

    async def done(self, status: str, worker: Worker | None = None) -> dict[str, Any]:
        """The manifest once the job is done."""
        assert await (worker or self.worker).do(status.rsplit("/", 1)[1])
        answer = await self.client.get(status)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def export(self, path: str, **more: Any) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
        """(manifest, resources by type)."""
        manifest = await self.done(await self.kick(path, **more))
        return manifest, await self.read(manifest, "output")

    async def read(self, manifest: dict[str, Any], kind: str) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for row in manifest[kind]:
            answer = await self.client.get(row["url"])
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"] == "application/fhir+ndjson"
            lines = answer.content.split(b"\n")
            assert lines.pop() == b""
            assert len(lines) == row["count"]
            found.setdefault(row["type"], []).extend(loads(line) for line in lines)
        return found


def client_of(app: Any, who: str = "service") -> httpx.AsyncClient:
    async def rooted(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": "/fhir"}, receive, send)

    return httpx.AsyncClient(
        transport=httpx.ASGITransport(rooted),
        base_url=BASE,
        headers={"authorization": f"Bearer {who}", "content-type": "application/fhir+json"},
    )


@pytest.fixture
async def bulk(database: Any, tmp_path: Path) -> AsyncIterator[Bulk]:
    clock = Strict()
    record = Record(database.pool, clock, bases=(BASE,))
    await record.load()
    audit = Audit(database.pool, clock)
    sources = tmp_path / "sources"
    sources.mkdir()
    kickoff = Kickoff(record, clock, tmp_path / "bulk", decide, lambda: None, sources)
    app = Application(
        StoreRepository(record, audit), authenticate, decide, audit, clock, validate_base, SecurityAudit(audit),
        operations(kickoff), base=BASE,
    )  # fmt: skip
    worker = Worker(record, clock, tmp_path / "bulk", audit, decide, validate_base, lambda: None)
    async with client_of(Front(app, kickoff)) as client:
        yield Bulk(clock, client, worker, record, database.pool, audit, sources)
