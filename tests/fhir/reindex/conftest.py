"""A record with a reindexer that works when the test says so, and rows as the tables have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import transaction
from wardbridge.fhir.definitions.search import set_custom
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.reindex import Reindexer
from wardbridge.fhir.store.statement import SEARCH
from wardbridge.fhir.store.values import Delete, Put, Stored


class Quick(SystemClock):
    """Real time, of which a sleeper of seconds need not wait: each sleep moves the monotonic clock on."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        self.ahead += seconds
        await super().sleep(0)


@dataclass
class Index:
    pool: Any
    record: Record
    reindexer: Reindexer

    async def write(self, *items: dict[str, Any] | Delete, record: Record | None = None) -> list[Stored]:
        async with transaction(self.pool) as conn:
            return await (record or self.record).write(conn, [i if isinstance(i, Delete) else Put(i) for i in items])

    async def other(self) -> Record:
        """The record as another process has it."""
        record = Record(self.pool, self.record.clock)
        await record.load()
        return record

    async def find(self, type_name: str, *parameters: tuple[str, str], record: Record | None = None) -> list[str]:
        record = record or self.record
        page = await record.search(record.query([type_name], [*parameters, ("_count", "1000")]))
        return sorted(one.id for one in page.matches)

    async def rows(self, type_name: str, ids: list[str]) -> dict[str, set[tuple[Any, ...]]]:
        """The rows of these resources in all tables, without their keys."""
        out: dict[str, set[tuple[Any, ...]]] = {}
        for id_ in ids:
            key = await self.pool.fetchval(
                "SELECT key FROM fhir_resource WHERE type = $1 AND id = $2", self.record.numbers.types[type_name], id_
            )
            found: set[tuple[Any, ...]] = set()
            for table in SEARCH:
                listed = ", ".join(name for name, _ in SEARCH[table])
                some = await self.pool.fetch(f"SELECT {listed} FROM fhir_{table} WHERE key = $1", key)
                assert len(some) == len({tuple(row) for row in some}), "a row is there twice"
                found |= {(table, *row) for row in some}
            words = await self.pool.fetchval("SELECT words FROM fhir_text WHERE key = $1", key)
            found.add(("text", words))
            out[id_] = found
        return out


def parameter(code: str, expression: str, base: str = "Patient", kind: str = "token", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter",
        "id": code,
        "url": f"urn:test:{code}",
        "name": code,
        "status": "active",
        "description": code,
        "code": code,
        "base": [base],
        "type": kind,
        "expression": expression,
        **more,
    }


@pytest.fixture
async def index(database: Any) -> Any:
    clock = Quick()
    record = Record(database.pool, clock)
    await record.load()
    yield Index(database.pool, record, Reindexer(database.pool, record.numbers, clock))
    set_custom({})
