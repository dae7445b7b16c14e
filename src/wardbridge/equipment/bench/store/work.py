"""SQL of what the bench asks of work orders and machines."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from wardbridge.core.db import Connection
from wardbridge.equipment.bench.values import Movement
from wardbridge.equipment.store.rows import Source, value


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A work order as far as the bench needs it."""

    work_id: str
    device_id: str
    request_id: str
    state: str
    done_at: int | None
    done_by: str

    @property
    def ended(self) -> bool:
        """Done or called off."""
        return self.state in ("resolved", "cancelled")


async def of(source: Source, work_id: str) -> Line | None:
    """One work order."""
    row = await source.fetchrow(
        "SELECT work_id, device_id, request_id, state, done_at, done_by FROM work WHERE work_id = $1", work_id
    )
    return value(row, Line) if row else None


async def issued(conn: Connection, movement_id: str) -> tuple[Movement, Decimal] | None:
    """A part that went out, and how much of it has come back; its part is held until the transaction ends."""
    await conn.execute(
        """SELECT 1 FROM part WHERE part_id = (SELECT part_id FROM stock_movement WHERE movement_id = $1)
           FOR UPDATE""",
        movement_id,
    )
    row = await conn.fetchrow("SELECT * FROM stock_movement WHERE movement_id = $1 AND kind = 'issue'", movement_id)
    if row is None:
        return None
    back = await conn.fetchval(
        "SELECT coalesce(sum(quantity), 0) FROM stock_movement WHERE origin_id = $1 AND kind = 'return'", movement_id
    )
    return value(row, Movement), Decimal(back)


async def asset_of(conn: Connection, model_id: str, serial: str) -> tuple[str, str] | None:
    """(device id, the machine that it is in or '') of the part of this model and serial number."""
    row = await conn.fetchrow(
        """SELECT device_id, coalesce(parent_id, '') AS parent FROM asset
           WHERE model_id = $1 AND serial = $2 AND merged_into IS NULL ORDER BY device_id LIMIT 1""",
        model_id, serial,
    )  # fmt: skip
    return (row["device_id"], row["parent"]) if row else None
