"""SQL of the planning board: who has what in which week."""

from __future__ import annotations

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.work.store import orders
from wardbridge.equipment.work.values import Line


async def planned(source: Connection | Pool, start: int, stop: int, limit: int = 2000) -> list[Line]:
    """Unfinished orders that somebody means to start in [start, stop) µs, with their machines, by time."""
    ids = await source.fetch(
        f"""SELECT work_id FROM work w WHERE w.planned >= $1 AND w.planned < $2 AND w.{orders.OPEN}
            ORDER BY w.planned, w.number LIMIT $3""",
        start,
        stop,
        limit,
    )
    found = await orders.lines(source, [row["work_id"] for row in ids])
    return sorted(found, key=lambda line: (line.work.planned or 0, line.work.number))
