"""What the end of a patch on a machine means elsewhere: its order is done, or a joint ticket says what went wrong."""

from __future__ import annotations

from wardbridge.core.db import Connection
from wardbridge.equipment.changes.patches.values import Item
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk as work
from wardbridge.equipment.work.store import orders
from wardbridge.security.principal import SYSTEM


async def report(shop: Shop, conn: Connection, item: Item) -> None:
    """Close the order of a machine that is verified; a joint ticket for one that failed."""
    if item.state == "verified" and item.work_id:
        if any(not one.ended for one in await orders.locked(conn, [item.work_id])):
            await work.resolve(shop, conn, item.work_id, f"patched: {item.evidence}"[:2000], SYSTEM)
    elif item.state == "failed":
        await work.order(
            shop, conn, item.device_id, "security", "A patch failed", item.reason, SYSTEM, side="both",
            priority="urgent", source="behaviour", source_id=f"{item.change_id}-{item.started_at}",
        )  # fmt: skip
