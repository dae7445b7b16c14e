"""SQL of requests without a login."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wardbridge.core.db import Connection, Pool

if TYPE_CHECKING:
    from wardbridge.equipment.work.requests import Request

Source = Connection | Pool
FIELDS = ("request_id", "reference", "device_id", "work_id", "text", "at", "joined", "sender", "name", "contact",
          "urgent")  # fmt: skip


async def alone(conn: Connection) -> None:
    """Until this transaction ends nobody else's request is counted or joined."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('equipment requests'))")


async def count(conn: Connection, since: int, *, sender: str = "", device_id: str = "") -> int:
    """Requests since ``since`` (µs), of one sender or on one machine where named."""
    found = await conn.fetchval(
        """SELECT count(*) FROM work_request
           WHERE at > $1 AND ($2 = '' OR sender = $2) AND ($3 = '' OR device_id = $3)""",
        since,
        sender,
        device_id,
    )
    return int(found)


async def running(conn: Connection, device_id: str) -> str | None:
    """The order that an earlier request on this machine opened, while it is open."""
    found = await conn.fetchval(
        """SELECT work_id FROM work WHERE device_id = $1 AND source = 'request'
           AND state NOT IN ('resolved', 'cancelled') ORDER BY reported_at LIMIT 1""",
        device_id,
    )
    return None if found is None else str(found)


async def add(conn: Connection, request: Request) -> None:
    """Append a request."""
    marks = ", ".join(f"${at + 1}" for at in range(len(FIELDS)))
    await conn.execute(
        f"INSERT INTO work_request ({', '.join(FIELDS)}) VALUES ({marks})", *[getattr(request, name) for name in FIELDS]
    )


async def by_reference(source: Source, reference: str) -> tuple[Any, str, str] | None:
    """A request with its machine's name and asset number."""
    row = await source.fetchrow(
        """SELECT r.*, coalesce(nullif(a.label, ''), m.name) AS machine, a.tag
           FROM work_request r JOIN asset a USING (device_id) JOIN model m USING (model_id) WHERE r.reference = $1""",
        reference,
    )
    return (row, row["machine"], row["tag"]) if row else None


async def of_work(source: Source, work_ids: Sequence[str]) -> list[Any]:
    """The requests that led to these orders, oldest first: rows with text, name, contact, at, joined."""
    found: list[Any] = await source.fetch(
        "SELECT text, name, contact, urgent, joined, at FROM work_request WHERE work_id = ANY($1) ORDER BY at",
        list(work_ids),
    )
    return found


async def newest(source: Source, limit: int = 100) -> list[Any]:
    """The last requests with their machine and order: for the workshop."""
    found: list[Any] = await source.fetch(
        """SELECT r.text, r.name, r.contact, r.urgent, r.joined, r.at, r.work_id, w.number, w.state, a.tag,
                  coalesce(nullif(a.label, ''), m.name) AS machine
           FROM work_request r JOIN work w USING (work_id) JOIN asset a ON a.device_id = r.device_id
           JOIN model m USING (model_id) ORDER BY r.at DESC LIMIT $1""",
        limit,
    )
    return found
