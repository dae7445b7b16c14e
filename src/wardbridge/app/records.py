"""The record as the rooms above see it: everything that is written is validated first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put
from wardbridge.fhir.validate import validate


def checked(resource: dict[str, Any]) -> dict[str, Any]:
    """``resource`` itself. Raises Invalid with the first problem when it breaks a rule of FHIR."""
    for issue in validate(resource):
        if issue.severity in {"error", "fatal"}:
            raise Invalid(f"{resource.get('resourceType')}: {issue.details}", issue.expression)
    return resource


class Records:
    """The devices room's ``ports.Record`` over the FHIR store."""

    def __init__(self, record: Record) -> None:
        self._record = record

    async def put(self, conn: Connection, resources: Sequence[Mapping[str, Any] | bytes]) -> None:
        """Create or update resources under the ids that they carry. Raises Invalid."""
        values = [loads(item) if isinstance(item, bytes) else dict(item) for item in resources]
        if values:
            await self._record.write(conn, [Put(checked(value)) for value in values])

    async def find_or_create(self, conn: Connection, resource: Mapping[str, Any], query: str) -> str:
        """Conditional create: the id found or made. Raises Conflict when several match."""
        (stored,) = await self._record.write(conn, [Put(checked(dict(resource)), if_none_exist=query)])
        return stored.id

    async def current(self, conn: Connection, kind: str, ident: str) -> dict[str, Any] | None:
        """The present version, None when absent or deleted."""
        stored = await self._record.read(kind, ident, conn)
        return None if stored is None or stored.body is None else loads(stored.body)
