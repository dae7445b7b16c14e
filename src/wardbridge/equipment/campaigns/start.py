"""Opening a campaign: for an advisory, a CVE, a patch or by hand, over machines that are written down one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.advisories import ranges
from wardbridge.equipment.advisories.store import candidates, documents
from wardbridge.equipment.advisories.values import Candidate
from wardbridge.equipment.campaigns import course, store
from wardbridge.equipment.campaigns.values import CANDIDATE, CLEAR, KINDS, OPEN, STEPS, Campaign, Item
from wardbridge.equipment.register.store import assets
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign begins with. ``devices``: machine -> why it is in it; those of an advisory join by themselves."""

    kind: str
    title: str
    advisory_id: str | None = None
    cve: str = ""
    source_id: str = ""
    security: bool = False
    removal: bool = True
    steps: tuple[str, ...] = ("work", "verify")
    target: str = ""
    remedy: str = ""
    due: int | None = None
    devices: Mapping[str, tuple[str, ...]] = {}


async def start(shop: Shop, conn: Connection, wanted: Start, by: Principal) -> Campaign:
    """Open a campaign. Raises Invalid, NotFound, and Conflict where one is open for the same advisory or CVE."""
    _check(wanted)
    advisory = await documents.one(conn, wanted.advisory_id) if wanted.advisory_id else None
    if wanted.advisory_id and advisory is None:
        raise NotFound("there is no such advisory", wanted.advisory_id)
    now = shop.clock.now()
    campaign = Campaign(
        campaign_id=shop.ids(), kind=wanted.kind, title=wanted.title.strip(), advisory_id=wanted.advisory_id,
        cve=wanted.cve.strip(), source_id=wanted.source_id, security=wanted.security, removal=wanted.removal,
        steps=wanted.steps, target=wanted.target.strip(), remedy=wanted.remedy.strip(), due=wanted.due,
        seen=advisory.digest if advisory else "", created_at=now, created_by=by.display,
    )  # fmt: skip
    await store.put(conn, campaign)
    known = await candidates.of(conn, [wanted.advisory_id]) if wanted.advisory_id else []
    rows = {one.device_id: item_of(campaign.campaign_id, one, now) for one in known if one.verdict != "gone"}
    there = {one.device_id for one in await assets(conn, list(wanted.devices)) if one.merged_into is None}
    missing = sorted(set(wanted.devices) - there)
    if missing:
        raise NotFound("there is no such machine in the register", f"Device/{missing[0]}")
    for device_id, why in wanted.devices.items():
        item = Item(
            campaign_id=campaign.campaign_id, device_id=device_id, state=CANDIDATE, why=tuple(why), joined_at=now
        )
        rows.setdefault(device_id, item)
    await course.put(shop, conn, campaign, list(rows.values()))
    await course.note(shop, conn, campaign.campaign_id, "opened", f"opened with {len(rows)} machines", by)
    await course.tell(shop, conn, campaign)
    return campaign


def _check(wanted: Start) -> None:
    if wanted.kind not in KINDS:
        raise Invalid(f"a campaign is one of: {', '.join(KINDS)}", "kind")
    if not 3 <= len(wanted.title.strip()) <= 300:
        raise Invalid("a campaign has a title of 3 to 300 characters", "title")
    if any(step not in STEPS for step in wanted.steps) or not wanted.steps:
        raise Invalid(f"steps are: {', '.join(STEPS)}", "steps")
    if wanted.target.strip() and ranges.parse(wanted.target).problem:
        raise Invalid("the version that remedied machines run cannot be read", "target")
    if wanted.advisory_id is None and not wanted.devices:
        raise Invalid("a campaign has machines or an advisory", "devices")


def item_of(campaign_id: str, one: Candidate, at: int) -> Item:
    """A candidate as a machine of the campaign, as far as it is decided."""
    item = Item(campaign_id=campaign_id, device_id=one.device_id, state=CANDIDATE, certainty=one.certainty, why=one.why,
                joined_at=at)  # fmt: skip
    if one.decision == "affected":
        return msgspec.structs.replace(item, state=OPEN, decided_by=one.decided_by, decided_at=one.decided_at)
    if one.decision == "not-affected":
        return msgspec.structs.replace(item, state=CLEAR, reason=one.decided_why, decided_by=one.decided_by,
                                       decided_at=one.decided_at)  # fmt: skip
    if one.verdict == "excluded":
        return msgspec.structs.replace(item, state=CLEAR, reason=one.reason, decided_by="matching", decided_at=at)
    return item


async def add(
    shop: Shop, conn: Connection, campaign_id: str, devices: Mapping[str, Sequence[str]], by: Principal
) -> int:
    """Take more machines into an open campaign; those in it stay as they are. Gives how many are new."""
    campaign = await course.locked(conn, campaign_id)
    there = {one.device_id for one in await store.items(conn, campaign_id, list(devices))}
    now = shop.clock.now()
    new = [Item(campaign_id=campaign_id, device_id=ident, state=CANDIDATE, why=tuple(why), joined_at=now)
           for ident, why in devices.items() if ident not in there]  # fmt: skip
    if new:
        await course.put(shop, conn, campaign, new)
        await course.note(shop, conn, campaign_id, "joined", f"{len(new)} machines joined", by)
        await course.tell(shop, conn, campaign)
    return len(new)
