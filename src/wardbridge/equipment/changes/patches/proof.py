"""What the end of a patch on a machine means elsewhere: its order and its place in a campaign are done, with proof; or
a joint ticket says what went wrong."""

from __future__ import annotations

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.campaigns import course, run
from wardbridge.equipment.campaigns.values import CANDIDATE, ENDED
from wardbridge.equipment.changes.patches import store
from wardbridge.equipment.changes.patches.values import Item
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk as work
from wardbridge.equipment.work.store import orders
from wardbridge.security.principal import SYSTEM, Principal


async def report(shop: Shop, conn: Connection, item: Item, by: Principal) -> None:
    """Close the order of a verified machine; a joint ticket for one that failed."""
    if item.state == "verified" and item.work_id:
        if any(not one.ended for one in await orders.locked(conn, [item.work_id])):
            await work.resolve(shop, conn, item.work_id, f"patched: {item.evidence}"[:2000], by)
    elif item.state == "failed":
        await work.order(
            shop, conn, item.device_id, "security", "A patch failed", item.reason, SYSTEM, side="both",
            priority="urgent", source="behaviour", source_id=f"{item.change_id}-{item.started_at}",
        )  # fmt: skip


async def follow(shop: Shop) -> int:
    """Machines that are verified become affected and done in the campaigns that asked for their patches; how many.

    In transactions of their own, so that whoever verified (the pipeline, too) never waits for a campaign. One that the
    campaign cannot end yet (a step more, on a patient) is tried again.
    """
    told = 0
    for item, campaign_id in await store.untold(shop.pool):
        try:
            async with shop.acting(SYSTEM, "patched") as conn:
                if await _finish(shop, conn, campaign_id, item):
                    await store.put(conn, [msgspec.structs.replace(item, told=True)])
                    told += 1
        except Invalid:
            continue
    return told


async def _finish(shop: Shop, conn: Connection, campaign_id: str, item: Item) -> bool:
    """Whether the campaign has nothing left to hear of this machine."""
    device, note = item.device_id, f"patched: {item.evidence}"[:2000]
    try:
        campaign = await course.locked(conn, campaign_id)
        (mine,) = await course.items(conn, campaign_id, [device])
    except (NotFound, Conflict):
        return True
    if mine.state in ENDED:
        return True
    if mine.state == CANDIDATE:
        await run.decide(shop, conn, campaign_id, [device], True, note, SYSTEM)
        (mine,) = await course.items(conn, campaign_id, [device])
    for step in ("work", "verify"):
        if step in (await run.missing(conn, campaign, [mine]))[device]:
            await run.record(shop, conn, campaign_id, device, step, note, SYSTEM)
    if (await run.missing(conn, campaign, [mine]))[device]:
        return False
    await run.finish(shop, conn, campaign_id, [device], SYSTEM)
    return True
