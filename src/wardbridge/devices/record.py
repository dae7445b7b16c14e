"""The FHIR record behind this room's :class:`wardbridge.devices.ports.Record`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.core.db import Connection
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put


class FhirRecord:
    """Writes through :class:`wardbridge.fhir.store.record.Record` in the caller's transaction."""

    def __init__(self, record: Record) -> None:
        self.record = record

    async def put(self, conn: Connection, resources: Sequence[dict[str, Any]]) -> None:
        """See the protocol. Raises what the record refuses with."""
        if resources:
            await self.record.write(conn, [Put(resource) for resource in resources])

    async def find_or_create(self, conn: Connection, resource: dict[str, Any], query: str) -> str:
        """See the protocol. Raises SeveralMatches."""
        stored = await self.record.write(conn, [Put(resource, if_none_exist=query)])
        return stored[0].id

    async def current(self, conn: Connection, kind: str, ident: str) -> dict[str, Any] | None:
        """See the protocol; a deleted resource is absent."""
        found = await self.record.read(kind, ident, conn)
        return None if found is None or found.body is None else loads(found.body)

    async def current_many(self, conn: Connection, kind: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """See the protocol."""
        found = await self.record.read_many([(kind, ident) for ident in ids], conn)
        return {one.id: loads(one.body) for one in found if one.body is not None}
