"""The record of every access: one compact append-only row each, in FHIR's AuditEvent terms.

Rows of reads are gathered for a moment and appended together before the answer leaves; rows of writes
are appended in the writer's own transaction. Digests into a Merkle log come with issue "Trust".
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from wardbridge.core.clock import Clock, iso
from wardbridge.core.db import AWAY, Connection, Pool
from wardbridge.core.errors import Unavailable
from wardbridge.security import store
from wardbridge.security.principal import Principal

log = structlog.get_logger(__name__)

ACTIONS = {
    "create": "C",
    "read": "R",
    "vread": "R",
    "history": "R",
    "search": "R",
    "open": "R",
    "update": "U",
    "patch": "U",
    "delete": "D",
}
"""FHIR audit-event-action by interaction; everything else is E (execute)."""
SUCCESS, MINOR, SERIOUS = 0, 4, 8
_QUERY_LIMIT = 2000


@dataclass(frozen=True)
class Access:
    """One access. ``event`` is the interaction or feature; ``patients`` the ids of those concerned;
    ``outcome`` 0 success, 4 refused or failed for the asker's reason, 8 our failure."""

    principal: Principal
    event: str
    target_type: str
    target_id: str = ""
    patients: Sequence[str] = ()
    outcome: int = SUCCESS
    reason: str = ""
    query: str = ""
    id: uuid.UUID = field(default_factory=uuid.uuid4)


class Audit:
    """Appends accesses. ``record`` returns once the row is committed."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._waiting: list[tuple[tuple[Any, ...], asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def within(self, conn: Connection, *accesses: Access) -> None:
        """Append in the caller's transaction: the write and its proof stand or fall together."""
        if accesses:
            await store.append_audit(conn, [self.row(access) for access in accesses])

    def row(self, access: Access) -> tuple[Any, ...]:
        """The row of an access that is made now, ready for JSON, for a statement that writes more than it."""
        return _row(access, self._clock.now())

    async def record(self, access: Access) -> None:
        """Append one access together with all that wait at this moment.

        Raises Unavailable when it cannot be recorded: then the access must not be answered.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((_row(access, self._clock.now()), future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await future

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:500], self._waiting[500:]
            try:
                # A row of a read survives any crash of ours; one of the machine within half a
                # second may take it along. Waiting for the disk here would halve the read rate.
                await store.append_audit_soon(self._pool, [row for row, _ in batch])
            except (Unavailable, *AWAY) as error:
                self._fail(batch, error)
            except Exception as error:
                log.exception("audit.failed")
                self._fail(batch, error)
            else:
                for _, future in batch:
                    if not future.done():
                        future.set_result(None)

    @staticmethod
    def _fail(batch: list[tuple[tuple[Any, ...], asyncio.Future[None]]], error: Exception) -> None:
        for _, future in batch:
            if not future.done():
                future.set_exception(Unavailable(f"the access could not be recorded: {type(error).__name__}"))

    async def find(self, **criteria: Any) -> list[Any]:
        """Rows newest first; see :func:`wardbridge.security.store.find_audit` for the criteria."""
        return await store.find_audit(self._pool, **criteria)


def _clean(text: str) -> str:
    """Text that PostgreSQL and JSON can hold: no NUL, no lone surrogates."""
    if text.isascii():
        return text.replace("\x00", "\ufffd") if "\x00" in text else text
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _row(access: Access, now: int) -> tuple[Any, ...]:
    """In the order of the columns; several roles or patients joined by U+001F."""
    who = access.principal
    return (
        access.id,
        now,
        _clean(who.id),
        who.kind,
        _clean(who.display),
        "\x1f".join(sorted(who.roles)),
        ACTIONS.get(access.event, "E"),
        access.event,
        access.target_type,
        _clean(access.target_id),
        "\x1f".join(_clean(patient) for patient in access.patients),
        access.outcome,
        _clean(access.reason)[:500],
        _clean(access.query)[:_QUERY_LIMIT],
        who.address,
    )


def as_fhir(row: Any) -> dict[str, Any]:
    """One row as an R4 AuditEvent (shape after IHE BALP)."""
    rest = row["event"] in ACTIONS
    entity: list[dict[str, Any]] = [
        {
            "what": {"reference": f"Patient/{patient}"},
            "type": _code("audit-entity-type", "1", "Person"),
            "role": _code("object-role", "1", "Patient"),
        }
        for patient in row["patients"]
    ]
    if row["target_id"] and row["target_type"][:1].isupper():
        entity.append(
            {
                "what": {"reference": f"{row['target_type']}/{row['target_id']}"},
                "type": _code("audit-entity-type", "2", "System Object"),
            }
        )
    if row["query"]:
        entity.append(
            {
                "type": _code("audit-entity-type", "2", "System Object"),
                "role": _code("object-role", "24", "Query"),
                "description": row["query"],
            }
        )
    resource: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": row["audit_id"],
        "meta": {"versionId": "1", "lastUpdated": iso(row["at"] // 1000 * 1000)},
        "type": _code("audit-event-type", "rest", "RESTful Operation")
        if rest
        else {
            "system": "http://dicom.nema.org/resources/ontology/DCM",
            "code": "110100",
            "display": "Application Activity",
        },
        "subtype": [{"system": "http://hl7.org/fhir/restful-interaction", "code": row["event"]}]
        if rest
        else [{"display": row["event"]}],
        "action": row["action"],
        "recorded": iso(row["at"] // 1000 * 1000),
        "outcome": str(row["outcome"]),
        "agent": [
            {
                "who": {"identifier": {"value": row["actor"]}, "display": row["display"] or row["actor"]},
                "role": [{"text": role} for role in row["roles"] or ()] or [{"text": row["actor_kind"]}],
                "requestor": True,
                **({"network": {"address": row["address"], "type": "2"}} if row["address"] else {}),
            }
        ],
        "source": {"observer": {"display": "Wardbridge"}},
    }
    if row["reason"]:
        resource["outcomeDesc"] = row["reason"]
    if entity:
        resource["entity"] = entity
    return resource


def _code(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code, "display": display}
