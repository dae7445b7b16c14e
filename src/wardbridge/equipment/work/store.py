"""SQL of the equipment room."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.work.values import Work

Source = Connection | Pool
_FIELDS = Work.__struct_fields__
_COLUMNS = ", ".join(_FIELDS)


async def put(conn: Connection, work: Work) -> bool:
    """Insert or replace one row; False where an equal piece of work is open already (same code or plan)."""
    values = [getattr(work, name) for name in _FIELDS]
    marks = ", ".join(f"${at + 1}" for at in range(len(_FIELDS)))
    sets = ", ".join(f"{name} = excluded.{name}" for name in _FIELDS if name != "work_id")
    if await conn.fetchval("SELECT 1 FROM work WHERE work_id = $1", work.work_id):
        await conn.execute(
            f"INSERT INTO work ({_COLUMNS}) VALUES ({marks}) ON CONFLICT (work_id) DO UPDATE SET {sets}", *values
        )
        return True
    done = await conn.fetchval(
        f"INSERT INTO work ({_COLUMNS}) VALUES ({marks}) ON CONFLICT DO NOTHING RETURNING 1", *values
    )
    return done is not None


async def locked(conn: Connection, work_id: str) -> Work | None:
    """One piece of work, locked until the transaction ends."""
    row = await conn.fetchrow(f"SELECT {_COLUMNS} FROM work WHERE work_id = $1 FOR UPDATE", work_id)
    return Work(**dict(row)) if row else None


async def of_devices(source: Source, device_ids: Sequence[str] | None = None, *, open_only: bool = False) -> list[Work]:
    """Work on these devices (all where None), newest report first."""
    rows = await source.fetch(
        f"""SELECT {_COLUMNS} FROM work WHERE ($1::text[] IS NULL OR device_id = ANY($1))
            AND (NOT $2 OR state <> 'resolved') ORDER BY reported_at DESC, work_id""",
        None if device_ids is None else list(device_ids),
        open_only,
    )
    return [Work(**dict(row)) for row in rows]


async def open_fault(conn: Connection, device_id: str, code: str) -> Work | None:
    """The open fault that a device reported under this code."""
    row = await conn.fetchrow(
        f"""SELECT {_COLUMNS} FROM work WHERE kind = 'fault' AND device_id = $1 AND code = $2
            AND state <> 'resolved' FOR UPDATE""",
        device_id,
        code,
    )
    return Work(**dict(row)) if row else None
