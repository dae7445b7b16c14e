"""What due work does to a machine's life-cycle state: maintenance due when the day has come, in service when done."""

from __future__ import annotations

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict
from wardbridge.equipment.lifecycle import moves
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work.store import life
from wardbridge.equipment.work.values import PLANNED, Work
from wardbridge.security.principal import SYSTEM


async def fall_due(shop: Shop, conn: Connection, now: int, limit: int = 250) -> int:
    """Machines in service whose planned work is due at ``now`` (µs) become ``maintenance-due``; how many."""
    found = await life.due(conn, now, limit)
    for device_id, number, name in found:
        await moves.move(shop, conn, device_id, "maintenance-due", SYSTEM, {"due": f"work order {number}: {name}"})
    return len(found)


async def released(shop: Shop, conn: Connection, done: Work) -> None:
    """The last due work of a machine ended: it is in service again. A move that the life cycle refuses is left to
    people: the work is done all the same."""
    if done.kind not in PLANNED or not done.device_id or not await life.releasable(conn, done.device_id,
                                                                                    shop.clock.now()):  # fmt: skip
        return
    said = {"work": f"work order {done.number}: {done.resolution}"[:2000]}
    try:
        async with conn.transaction():
            await moves.move(shop, conn, done.device_id, "in-service", SYSTEM, said)
    except Conflict:
        return
