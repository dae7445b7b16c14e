"""SQL of accessories."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.register.parts.values import Accessory
from wardbridge.equipment.store.rows import put as put_rows
from wardbridge.equipment.store.rows import value

Source = Connection | Pool


async def put(conn: Connection, rows: Sequence[Accessory]) -> None:
    """Insert or replace accessories."""
    await put_rows(conn, "accessory", ("accessory_id",), rows)


async def of(source: Source, device_ids: Sequence[str], *, removed: bool = True) -> list[Accessory]:
    """Accessories of machines, those in place first, the newest first; without removed ones where asked."""
    rows = await source.fetch(
        """SELECT * FROM accessory WHERE device_id = ANY($1) AND ($2 OR removed IS NULL)
           ORDER BY device_id, removed IS NOT NULL, kind, fitted DESC, accessory_id""",
        list(device_ids),
        removed,
    )
    return [value(row, Accessory) for row in rows]


async def get(conn: Connection, accessory_id: str) -> Accessory | None:
    """One accessory, locked."""
    row = await conn.fetchrow("SELECT * FROM accessory WHERE accessory_id = $1 FOR UPDATE", accessory_id)
    return None if row is None else value(row, Accessory)


async def expiring(source: Source, before: int) -> list[Accessory]:
    """What is in place and expires before ``before`` (µs)."""
    rows = await source.fetch(
        "SELECT * FROM accessory WHERE removed IS NULL AND expires < $1 ORDER BY expires, accessory_id", before
    )
    return [value(row, Accessory) for row in rows]
