"""The end of a campaign: every machine came to an end, both sides sign what stands there, and the proof is kept."""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.core.clock import iso
from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import Conflict, NotFound
from wardbridge.equipment.campaigns import course, store
from wardbridge.equipment.campaigns.values import ENDED, Campaign, Item, Step
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing import sign as signing
from wardbridge.equipment.signing import store as signatures
from wardbridge.equipment.signing.values import Signature
from wardbridge.security.principal import Principal

SUBJECT, MEANING = "campaign", "every machine accounted for"


def content(campaign: Campaign, items: list[Item], steps: list[Step]) -> dict[str, Any]:
    """What is signed and kept: the campaign, and each machine with its end and what led there; pure."""
    of: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        of.setdefault(step.device_id, []).append(
            {
                "step": step.step,
                "at": iso(step.at),
                "by": step.display,
                "note": step.note,
                **({"detail": step.detail} if step.detail else {}),
            }
        )
    return {
        "campaign": campaign.campaign_id, "title": campaign.title, "kind": campaign.kind,
        "advisory": campaign.advisory_id or "", "document": campaign.seen, "cve": campaign.cve,
        "machines": [
            {"device": one.device_id, "end": one.state, "reason": one.reason, "decided_by": one.decided_by,
             "decided_at": iso(one.decided_at) if one.decided_at else "", "done_by": one.done_by,
             "done_at": iso(one.done_at) if one.done_at else "", "work": one.work_id,
             "steps": of.get(one.device_id, [])}
            for one in items
        ],
    }  # fmt: skip


async def standing(source: Connection | Pool, campaign_id: str) -> tuple[dict[str, Any], str, list[Signature]]:
    """What would be signed now, its digest, and the signatures over exactly that. Raises NotFound."""
    campaign = await store.get(source, campaign_id)
    if campaign is None:
        raise NotFound("there is no such campaign", campaign_id)
    if campaign.state == "closed":
        told = (campaign.proof or {}).get("content", {})
    else:
        told = content(campaign, await store.items(source, campaign_id), await store.steps(source, campaign_id))
    mark = signing.digest(told)
    found = await signatures.of(source, SUBJECT, campaign_id)
    return told, mark, [one for one in found if one.digest == mark and one.meaning == MEANING]


async def sign(shop: Shop, conn: Connection, campaign_id: str, side: str, by: Principal, note: str = "") -> Signature:
    """Sign that every machine is accounted for. Raises Conflict while one is open, and what signing raises."""
    await course.locked(conn, campaign_id)
    await _ended(conn, campaign_id)
    told, _, _ = await standing(conn, campaign_id)
    return await signing.sign(shop, conn, SUBJECT, campaign_id, told, meaning=MEANING, side=side, by=by, note=note)


async def close(shop: Shop, conn: Connection, campaign_id: str, by: Principal) -> Campaign:
    """Close a campaign and keep the proof.

    Raises Conflict while a machine is open, or while a campaign for security lacks the signature of biomed or IT.
    """
    campaign = await course.locked(conn, campaign_id)
    await _ended(conn, campaign_id)
    told, mark, signed = await standing(conn, campaign_id)
    lacking = [side for side in signing.BOTH if side not in {one.side for one in signed}] if campaign.security else []
    if lacking:
        raise Conflict(f"the signature of {' and of '.join(lacking)} is missing", "signature")
    about = await store.account(conn, campaign_id)
    proof = {
        "content": told, "digest": mark,
        "counts": {"total": about.total, "done": about.done, "not_affected": about.clear},
        "signatures": [{"side": one.side, "person": one.person_id, "name": one.display, "at": iso(one.at)}
                       for one in signed],
    }  # fmt: skip
    closed = msgspec.structs.replace(campaign, state="closed", closed_at=shop.clock.now(), closed_by=by.display,
                                     proof=proof,
                                     digest=mark)  # fmt: skip
    await store.put(conn, closed)
    await course.note(shop, conn, campaign_id, "closed", f"closed: {about.done} done, {about.clear} not affected", by)
    await course.tell(shop, conn, closed)
    return closed


async def _ended(conn: Connection, campaign_id: str) -> None:
    open_ = [one for one in await store.items(conn, campaign_id) if one.state not in ENDED]
    if open_:
        raise Conflict(f"{len(open_)} machines are still open", campaign_id)
