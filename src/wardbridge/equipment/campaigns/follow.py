"""Campaigns follow their advisory: new candidates join, decisions are taken over, changed facts open a machine again.

A closed campaign whose advisory brings a new machine, or changed facts for one that was settled, is open again, with
a trace; what was decided on the same facts stays.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection
from wardbridge.equipment.advisories.store import candidates, documents
from wardbridge.equipment.advisories.values import Candidate
from wardbridge.equipment.campaigns import course, store
from wardbridge.equipment.campaigns.start import item_of
from wardbridge.equipment.campaigns.values import CANDIDATE, CLEAR, ENDED, Campaign, Item
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

MATCHING = "matching"


async def follow(shop: Shop, advisory_ids: Sequence[str], by: Principal) -> int:
    """Bring the campaigns of these advisories up to date; gives how many changed."""
    if not advisory_ids:
        return 0
    async with shop.acting(by, "campaigns follow their advisories") as conn:
        return await follow_in(shop, conn, advisory_ids, by)


async def follow_in(shop: Shop, conn: Connection, advisory_ids: Sequence[str], by: Principal) -> int:
    """The same in the caller's transaction."""
    count = 0
    for campaign in await store.of_advisories(conn, advisory_ids):
        assert campaign.advisory_id is not None
        known = await candidates.of(conn, [campaign.advisory_id])
        advisory = await documents.one(conn, campaign.advisory_id)
        digest = advisory.digest if advisory else campaign.seen
        items = {one.device_id: one for one in await store.items(conn, campaign.campaign_id)}
        changed = changes(campaign, known, items, shop.clock.now())
        if not changed and digest == campaign.seen:
            continue
        count += 1
        await _apply(shop, conn, campaign, items, changed, digest, by)
    return count


def changes(campaign: Campaign, known: Sequence[Candidate], items: dict[str, Item], at: int) -> list[Item]:
    """The machines that must change; pure. ``at`` in µs."""
    result = []
    for one in known:
        item = items.get(one.device_id)
        if item is None:
            if one.verdict != "gone" and (campaign.state == "open" or one.verdict == "candidate"):
                result.append(item_of(campaign.campaign_id, one, at))
            continue
        new = _changed(item, one, at)
        if new != item:
            result.append(new)
    return result


def _changed(item: Item, one: Candidate, at: int) -> Item:
    fresh = item_of(item.campaign_id, one, item.joined_at)
    if one.verdict == "gone":
        if item.state != CANDIDATE:
            return item
        return msgspec.structs.replace(item, state=CLEAR, reason="no longer matches the advisory", decided_by=MATCHING,
                                       decided_at=at)  # fmt: skip
    told = msgspec.structs.replace(item, certainty=one.certainty, why=one.why)
    if item.state == CANDIDATE:
        return msgspec.structs.replace(fresh, decided_at=fresh.decided_at and at, reopened=item.reopened)
    by_matching = item.state == CLEAR and item.decided_by == MATCHING
    if one.verdict == "candidate" and one.decision == "open" and (one.reopened or by_matching):
        why = one.reopened or f"was not affected ({item.reason}); now it matches"
        if item.reopened == why and not by_matching:
            return told
        return Item(campaign_id=item.campaign_id, device_id=item.device_id, state=CANDIDATE, joined_at=item.joined_at,
                    certainty=one.certainty, why=one.why, reopened=why)  # fmt: skip
    return told if item.state not in ENDED else item


async def _apply(
    shop: Shop,
    conn: Connection,
    campaign: Campaign,
    items: dict[str, Item],
    changed: list[Item],
    digest: str,
    by: Principal,
) -> None:
    new = [one for one in changed if one.device_id not in items]
    again = [one for one in changed if one.device_id in items and one.state == CANDIDATE
             and items[one.device_id].state != CANDIDATE]  # fmt: skip
    notes = []
    if digest != campaign.seen and campaign.seen:
        notes.append(("document", "the document changed"))
    if campaign.state == "closed" and changed:
        notes.append(("reopened", f"opened again: {len(new)} new machines, {len(again)} with changed facts"))
        campaign = msgspec.structs.replace(campaign, state="open", closed_at=None, closed_by="", proof=None, digest="")
    if new:
        notes.append(("joined", f"{len(new)} machines joined"))
    if again:
        notes.append(("machine-reopened", f"{len(again)} machines are to be decided again"))
    campaign = msgspec.structs.replace(campaign, seen=digest)
    await store.put(conn, campaign)
    if again:
        await store.void_steps(conn, campaign.campaign_id, [one.device_id for one in again])
    await course.put(shop, conn, campaign, changed)
    for kind, text in notes:
        await course.note(shop, conn, campaign.campaign_id, kind, text, by)
    await course.tell(shop, conn, campaign)
