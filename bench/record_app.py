"""An application of the record alone, for measurements and suites: real store, real audit, no sign-in page."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from starlette.requests import HTTPConnection

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.fhir.bulk.kickoff import Kickoff
from wardbridge.fhir.bulk.operations import operations as bulk_operations
from wardbridge.fhir.graphql.operation import GraphQL
from wardbridge.fhir.rest.application import Application
from wardbridge.fhir.rest.repository import StoreRepository
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.validate import validate_base
from wardbridge.security.audit import Audit
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal
from wardbridge.terminology.operations import operations as terminology_operations
from wardbridge.terminology.service import Service

BENCH = Principal("bench", "Benchmark", "service", frozenset({"service"}), ("system/*.cruds",), "127.0.0.1")


def _room() -> None:
    """There is always enough of it."""


async def anyone(request: HTTPConnection) -> Principal:
    """Every caller is the benchmark: only for loopback."""
    return BENCH


async def build(
    dsn: str, *, validated: bool = True, size: int = 8, base: str = "", lanes: int = 2
) -> tuple[Any, Application]:
    """(pool, application) over a migrated database."""
    pool = await open_pool(dsn, size=size, name="bench")
    clock = SystemClock()
    record = Record(pool, clock, bases=(base,) if base else ())
    await record.load()
    audit = Audit(pool, clock)
    return pool, Application(
        StoreRepository(record, audit, lanes),
        anyone,
        decide,
        audit,
        clock,
        validate=validate_base if validated else None,
        base=base,
        operations=(
            *GraphQL(record, decide, audit).operations(),
            *terminology_operations(Service(pool, record, clock), decide),
            *bulk_operations(Kickoff(record, clock, Path(tempfile.gettempdir(), "wardbridge-bench"), decide, _room)),
        ),
    )
