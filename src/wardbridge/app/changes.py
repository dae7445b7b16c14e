"""The record's change log as the alarms room reads it: Observations only, parsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wardbridge.core.db import Connection
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.changes import Mark
from wardbridge.fhir.store.record import Record


@dataclass(frozen=True)
class Changed:
    """One change. ``resource`` is None for a deletion; ``mark`` says how far a reader has come."""

    mark: str
    id: str
    resource: dict[str, Any] | None


class ObservationChanges:
    """``alarms.inputs.Changes`` over the record."""

    def __init__(self, record: Record) -> None:
        self._record = record

    async def observations(self, conn: Connection, after: str, limit: int) -> Sequence[Changed]:
        """The next changes of Observations, oldest first."""
        return [
            Changed(
                str(change.mark), change.stored.id, None if change.stored.body is None else loads(change.stored.body)
            )
            for change in await self._record.changes(conn, Mark.parse(after), limit, ("Observation",))
        ]
