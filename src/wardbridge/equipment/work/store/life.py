"""SQL of what due work means for a machine's state."""

from __future__ import annotations

from wardbridge.core.db import Connection


async def due(conn: Connection, now: int, limit: int) -> list[tuple[str, int, str]]:
    """Machines in service with planned work that has reached its due date: (device, number of the order, its name)."""
    rows = await conn.fetch(
        """SELECT DISTINCT ON (a.device_id) a.device_id, w.number, w.name FROM asset a JOIN work w USING (device_id)
           WHERE a.state = 'in-service' AND a.merged_into IS NULL AND w.due <= $1
             AND w.kind IN ('maintenance', 'inspection', 'calibration') AND w.state NOT IN ('resolved', 'cancelled')
           ORDER BY a.device_id, w.due LIMIT $2""",
        now,
        limit,
    )
    return [(row["device_id"], row["number"], row["name"]) for row in rows]


async def releasable(conn: Connection, device_id: str, now: int) -> bool:
    """Whether a machine is ``maintenance-due`` and nothing planned on it is due any more."""
    return bool(
        await conn.fetchval(
            """SELECT 1 FROM asset a WHERE a.device_id = $1 AND a.state = 'maintenance-due' AND NOT EXISTS (
                   SELECT FROM work w WHERE w.device_id = $1 AND w.due <= $2
                      AND w.kind IN ('maintenance', 'inspection', 'calibration')
                      AND w.state NOT IN ('resolved', 'cancelled'))""",
            device_id,
            now,
        )
    )
