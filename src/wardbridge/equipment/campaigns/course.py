"""What every change of a campaign has in common: the row, the record and the course, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, NotFound
from wardbridge.equipment.advisories.store import documents
from wardbridge.equipment.campaigns import resources, store
from wardbridge.equipment.campaigns.values import Campaign, Item, Note
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal


async def locked(conn: Connection, campaign_id: str) -> Campaign:
    """An open campaign for change. Raises NotFound, Conflict when it is closed."""
    campaign = await store.get(conn, campaign_id, lock=True)
    if campaign is None:
        raise NotFound("there is no such campaign", campaign_id)
    if campaign.state == "closed":
        raise Conflict("the campaign is closed", campaign_id)
    return campaign


async def items(conn: Connection, campaign_id: str, device_ids: Sequence[str]) -> list[Item]:
    """These machines of a campaign. Raises NotFound for one that is not in it."""
    found = await store.items(conn, campaign_id, device_ids)
    missing = sorted(set(device_ids) - {one.device_id for one in found})
    if missing:
        raise NotFound("this machine is not in the campaign", f"Device/{missing[0]}")
    return found


async def note(shop: Shop, conn: Connection, campaign_id: str, kind: str, text: str, by: Principal) -> None:
    """One more line in the course of a campaign."""
    await store.add_note(conn, Note(event_id=shop.ids(), campaign_id=campaign_id, at=shop.clock.now(), kind=kind,
                                    text=text[:2000], display=by.display))  # fmt: skip


async def put(shop: Shop, conn: Connection, campaign: Campaign, changed: Sequence[Item]) -> None:
    """Write changed machines with their Tasks."""
    await store.put_items(conn, changed)
    now = shop.clock.now()
    await shop.record.put(conn, [resources.task(campaign, one, now) for one in changed])


async def tell(shop: Shop, conn: Connection, campaign: Campaign) -> None:
    """Bring DetectedIssue and Communication up to date."""
    every = await store.items(conn, campaign.campaign_id)
    about = await store.account(conn, campaign.campaign_id)
    advisory = await documents.one(conn, campaign.advisory_id) if campaign.advisory_id else None
    text = (f"{campaign.title}: {about.total} machines; {about.candidate} to be decided, {about.open} affected "
            f"and open, {about.done} done, {about.clear} not affected")  # fmt: skip
    await shop.record.put(
        conn,
        [resources.issue(campaign, [one.device_id for one in every], advisory.url if advisory else ""),
         resources.communication(campaign, text)],
    )  # fmt: skip
