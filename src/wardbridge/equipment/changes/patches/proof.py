"""What the end of a patch on a machine means elsewhere: its order and its place in a campaign are done, with proof; or
a joint ticket says what went wrong."""

from __future__ import annotations

from wardbridge.core.db import Connection
from wardbridge.core.errors import WardbridgeError
from wardbridge.equipment.campaigns import course, run
from wardbridge.equipment.campaigns.values import CANDIDATE, OPEN
from wardbridge.equipment.changes.patches import store
from wardbridge.equipment.changes.patches.values import Item
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk as work
from wardbridge.equipment.work.store import orders
from wardbridge.security.principal import SYSTEM, Principal


async def report(shop: Shop, conn: Connection, item: Item, by: Principal) -> None:
    """Close the order of a verified machine and finish it in its campaign; a joint ticket for one that failed."""
    if item.state == "failed":
        await work.order(
            shop, conn, item.device_id, "security", "A patch failed", item.reason, SYSTEM, side="both",
            priority="urgent", source="behaviour", source_id=f"{item.change_id}-{item.started_at}",
        )  # fmt: skip
    if item.state != "verified":
        return
    if item.work_id and any(not one.ended for one in await orders.locked(conn, [item.work_id])):
        await work.resolve(shop, conn, item.work_id, f"patched: {item.evidence}"[:2000], by)
    campaign_id = (await store.campaigns(conn, [item.change_id])).get(item.change_id, "")
    if campaign_id:
        await _campaign(shop, conn, campaign_id, item, by)


async def _campaign(shop: Shop, conn: Connection, campaign_id: str, item: Item, by: Principal) -> None:
    """The machine is affected and done, proven by what it reported. Where the campaign is closed, does not have the
    machine or asks for more, it stays as it is: a proof is never lost for that."""
    devices, note = [item.device_id], f"patched: {item.evidence}"[:2000]
    try:
        async with conn.transaction():
            (mine,) = await course.items(conn, campaign_id, devices)
            if mine.state == CANDIDATE:
                await run.decide(shop, conn, campaign_id, devices, True, note, by)
            elif mine.state != OPEN:
                return
            for step in ("work", "verify"):
                await run.record(shop, conn, campaign_id, item.device_id, step, note, by)
    except WardbridgeError:
        return
    try:
        async with conn.transaction():
            await run.finish(shop, conn, campaign_id, devices, by)
    except WardbridgeError:
        return
