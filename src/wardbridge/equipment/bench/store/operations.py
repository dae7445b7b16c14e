"""SQL of the operations of tablets: each is kept once, with what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from wardbridge.core.db import Connection
from wardbridge.equipment.store.rows import Source, append

AGAIN = (
    asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError, asyncpg.InsufficientResourcesError,
)  # fmt: skip
"""What may go well the next time."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``bench_operation``; see :mod:`wardbridge.equipment.bench.protocol`. Times in µs."""

    operation_id: str
    tablet: str
    counter: int
    person_id: str
    display: str
    kind: str
    body: dict[str, Any]
    at: int
    happened: int
    received: int
    offset_us: int
    state: str
    jumped: bool = False
    work_id: str = ""
    device_id: str = ""
    text: str = ""
    there: dict[str, Any] = {}
    settled_at: int | None = None
    settled_by: str = ""
    settlement: str = ""


async def lock(conn: Connection, person_id: str) -> None:
    """One operation of a person at a time, whatever tablets and lost answers do."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('bench/' || $1, 0))", person_id)


async def get(source: Source, operation_id: str) -> Kept | None:
    """What became of an operation."""
    row = await source.fetchrow("SELECT * FROM bench_operation WHERE operation_id = $1", operation_id)
    return _kept(row) if row else None


async def add(conn: Connection, kept: Kept) -> None:
    """Keep an operation. Raises where its id is known: callers hold :func:`lock` and have looked."""
    await append(conn, "bench_operation", [kept])


async def unsettled(source: Source, *, person_id: str | None = None, limit: int = 50, skip: int = 0) -> list[Kept]:
    """Conflicting and refused operations that wait for a person, oldest first."""
    rows = await source.fetch(
        """SELECT * FROM bench_operation WHERE state <> 'done' AND settled_at IS NULL
           AND ($1::text IS NULL OR person_id = $1) ORDER BY received, counter, operation_id LIMIT $2 OFFSET $3""",
        person_id, limit, skip,
    )  # fmt: skip
    return [_kept(row) for row in rows]


async def count_unsettled(source: Source) -> int:
    """How many wait."""
    return int(
        await source.fetchval("SELECT count(*) FROM bench_operation WHERE state <> 'done' AND settled_at IS NULL")
    )


async def settle(conn: Connection, operation_id: str, at: int, by: str, text: str) -> bool:
    """Settle one; False where it is not there, was done, or is settled."""
    done = await conn.fetchval(
        """UPDATE bench_operation SET settled_at = $2, settled_by = $3, settlement = $4
           WHERE operation_id = $1 AND state <> 'done' AND settled_at IS NULL RETURNING 1""",
        operation_id, at, by, text,
    )  # fmt: skip
    return done is not None


async def of_work(source: Source, work_ids: Sequence[str]) -> list[Kept]:
    """Operations on these orders, in the order in which they happened."""
    rows = await source.fetch(
        "SELECT * FROM bench_operation WHERE work_id = ANY($1) ORDER BY happened, tablet, counter", list(work_ids)
    )
    return [_kept(row) for row in rows]


def _kept(row: Any) -> Kept:
    fields = dict(row)
    for name in ("body", "there"):
        if isinstance(fields[name], str):
            fields[name] = msgspec.json.decode(fields[name])
    return msgspec.convert(fields, Kept)
