"""SQL of labour, vendor calls and downtime."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.core.db import Connection
from wardbridge.equipment.bench.values import Call, Downtime, Labour, Rate
from wardbridge.equipment.store.rows import Source, append, put, value

_DOWNTIME = """SELECT d.downtime_id, d.device_id, d.work_id, d.start,
    coalesce(d.stop, CASE WHEN w.state IN ('resolved', 'cancelled') THEN greatest(w.done_at, d.start) END) AS stop,
    d.planned, d.source, d.note, d.by
    FROM downtime d LEFT JOIN work w USING (work_id)"""


async def put_rates(conn: Connection, rows: Sequence[Rate]) -> None:
    await put(conn, "labour_rate", ("person_id", "since"), rows)


async def rate(source: Source, person_id: str, at: int) -> Rate | None:
    """What an hour of this person cost at ``at``: their own rate, else everybody's."""
    row = await source.fetchrow(
        """SELECT * FROM labour_rate WHERE person_id IN ($1, '') AND since <= $2
           ORDER BY person_id = '', since DESC LIMIT 1""",
        person_id, at,
    )  # fmt: skip
    return value(row, Rate) if row else None


async def rates(source: Source) -> list[Rate]:
    """Every rate, newest first."""
    return [value(row, Rate) for row in await source.fetch("SELECT * FROM labour_rate ORDER BY since DESC, person_id")]


async def add_labour(conn: Connection, rows: Sequence[Labour]) -> None:
    await append(conn, "labour", rows)


async def labour(source: Source, work_ids: Sequence[str]) -> list[Labour]:
    """Time worked on these orders, oldest first."""
    rows = await source.fetch(
        "SELECT * FROM labour WHERE work_id = ANY($1) ORDER BY started, labour_id", list(work_ids)
    )
    return [value(row, Labour) for row in rows]


async def put_calls(conn: Connection, rows: Sequence[Call]) -> None:
    await put(conn, "vendor_call", ("call_id",), rows)


async def call(conn: Connection, call_id: str) -> Call | None:
    """One call, locked until the transaction ends."""
    row = await conn.fetchrow("SELECT * FROM vendor_call WHERE call_id = $1 FOR UPDATE", call_id)
    return value(row, Call) if row else None


async def calls(source: Source, since: int, until: int, *, work_ids: Sequence[str] | None = None) -> list[Call]:
    """Calls that were opened in ``[since, until)``, oldest first."""
    rows = await source.fetch(
        """SELECT * FROM vendor_call WHERE opened >= $1 AND opened < $2 AND ($3::text[] IS NULL OR work_id = ANY($3))
           ORDER BY opened, call_id""",
        since, until, None if work_ids is None else list(work_ids),
    )  # fmt: skip
    return [value(row, Call) for row in rows]


async def put_downtime(conn: Connection, rows: Sequence[Downtime]) -> None:
    await put(conn, "downtime", ("downtime_id",), rows)


async def downtime(
    source: Source, device_ids: Sequence[str] | None, since: int, until: int, *, work_ids: Sequence[str] | None = None
) -> list[Downtime]:
    """Intervals that touch ``[since, until)``, by machine and start; ``stop`` None while one lasts."""
    rows = await source.fetch(
        f"""SELECT * FROM ({_DOWNTIME} WHERE ($1::text[] IS NULL OR d.device_id = ANY($1)) AND d.start < $3
                AND ($4::text[] IS NULL OR d.work_id = ANY($4))) t
            WHERE t.stop IS NULL OR t.stop >= $2 ORDER BY device_id, start, downtime_id""",
        None if device_ids is None else list(device_ids), since, until, None if work_ids is None else list(work_ids),
    )  # fmt: skip
    return [value(row, Downtime) for row in rows]


async def running(conn: Connection, device_id: str) -> Downtime | None:
    """The downtime that a machine is in now; two who ask at a time wait for each other."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('downtime/' || $1, 0))", device_id)
    row = await conn.fetchrow(
        f"""SELECT * FROM ({_DOWNTIME} WHERE d.device_id = $1 AND d.stop IS NULL) t WHERE t.stop IS NULL
            ORDER BY start LIMIT 1""",
        device_id,
    )
    return value(row, Downtime) if row else None


async def ended_by_work(source: Source) -> list[tuple[Downtime, str]]:
    """Downtime whose work was done while its own end is still open, with the id of the ServiceRequest."""
    rows = await source.fetch(
        """SELECT d.downtime_id, d.device_id, d.work_id, d.start, greatest(w.done_at, d.start) AS stop, d.planned,
                  d.source, d.note, d.by, w.request_id
           FROM downtime d JOIN work w USING (work_id)
           WHERE d.stop IS NULL AND w.state IN ('resolved', 'cancelled') AND w.done_at IS NOT NULL
           ORDER BY d.start LIMIT 500 FOR UPDATE OF d SKIP LOCKED"""
    )
    return [(value(row, Downtime), row["request_id"]) for row in rows]


async def calls_of(source: Source, device_id: str) -> list[Call]:
    """Calls for one machine, newest first."""
    rows = await source.fetch(
        "SELECT * FROM vendor_call WHERE device_id = $1 ORDER BY opened DESC, call_id LIMIT 500", device_id
    )
    return [value(row, Call) for row in rows]
