"""Running a campaign: deciding, asking the ward, freeing, quarantining, remedying, verifying, ending; by machine.

A machine is done only when every step that the campaign asks for is on record, and (where machines must come off)
while it is on nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.devices import binding
from wardbridge.equipment.advisories import decide as advisory
from wardbridge.equipment.advisories import ranges
from wardbridge.equipment.advisories import resources as documents
from wardbridge.equipment.advisories.store import candidates
from wardbridge.equipment.campaigns import course, resources, store
from wardbridge.equipment.campaigns.values import CANDIDATE, CLEAR, DONE, ENDED, OPEN, Campaign, Item, Step
from wardbridge.equipment.lifecycle import moves
from wardbridge.equipment.register.store import assets, now
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk
from wardbridge.equipment.work.desk import Order
from wardbridge.security.policy import decide as permitted
from wardbridge.security.principal import Principal, Target

_MOST_FILE = 10 << 20
_FILES = {"application/pdf": b"%PDF-", "image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff"}


async def decide(
    shop: Shop,
    conn: Connection,
    campaign_id: str,
    device_ids: Sequence[str],
    affected: bool,
    reason: str,
    by: Principal,
) -> None:
    """Say of machines that they are affected, or that they are not and why; also on the advisory's candidates.

    Raises Invalid without a reason, NotFound, Conflict for one that is done or a closed campaign.
    """
    decision = "affected" if affected else "not-affected"
    reason = advisory.checked(decision, reason)
    campaign = await course.locked(conn, campaign_id)
    found = await course.items(conn, campaign_id, device_ids)
    if any(one.state == DONE for one in found):
        raise Conflict("this machine is done; open it again first", "device")
    now_ = shop.clock.now()
    rows = [
        msgspec.structs.replace(one, state=OPEN if affected else CLEAR, reason=reason, decided_by=by.display,
                                decided_at=now_,
                                reopened="")
        for one in found
    ]  # fmt: skip
    if campaign.advisory_id is not None:
        listed = [one.device_id for one in await candidates.of(conn, [campaign.advisory_id], device_ids)]
        await advisory.decide(shop, conn, campaign.advisory_id, listed, decision, reason, by)
    await course.put(shop, conn, campaign, rows)
    await course.tell(shop, conn, campaign)


async def reopen(shop: Shop, conn: Connection, campaign_id: str, device_id: str, reason: str, by: Principal) -> None:
    """Open an ended machine again; its steps begin anew. Raises Invalid without a reason."""
    if len(reason.strip()) < 3:
        raise Invalid("say why it is opened again", "reason")
    campaign = await course.locked(conn, campaign_id)
    (item,) = await course.items(conn, campaign_id, [device_id])
    if item.state not in ENDED:
        raise Conflict("this machine is open", "device")
    await store.void_steps(conn, campaign_id, [device_id])
    await course.put(shop, conn, campaign, [
        Item(campaign_id=campaign_id, device_id=device_id, state=CANDIDATE, joined_at=item.joined_at,
             certainty=item.certainty, why=item.why, reopened=f"{reason.strip()} ({by.display})")
    ])  # fmt: skip
    await course.note(shop, conn, campaign_id, "machine-reopened", f"{device_id}: {reason.strip()}", by)
    await course.tell(shop, conn, campaign)


async def ask(
    shop: Shop, conn: Connection, campaign_id: str, device_ids: Sequence[str], text: str, by: Principal
) -> int:
    """Ask the wards to free machines that are on patients; gives how many were asked. No patient is named."""
    campaign = await course.locked(conn, campaign_id)
    found = {one.device_id: one for one in await course.items(conn, campaign_id, device_ids)}
    used = [one for one in await now(conn, list(found)) if one.in_use and found[one.device_id].state not in ENDED]
    steps = [_step(shop, campaign_id, one.device_id, "ask", by, text.strip()[:500], {"ward": one.ward, "bed": one.bed})
             for one in used]  # fmt: skip
    await store.add_steps(conn, steps)
    await shop.record.put(conn, [resources.asking(campaign, step, step.detail["ward"]) for step in steps])
    return len(steps)


async def free(
    shop: Shop,
    conn: Connection,
    campaign_id: str,
    device_id: str,
    by: Principal,
    *,
    replaced_by: str = "",
    note: str = "",
) -> None:
    """A clinician took the machine off the patient; ``replaced_by`` is the machine (or its number) used instead.

    A machine that speaks is unbound in the same transaction. Raises Forbidden for other roles, Invalid for a
    replacement that is in this campaign and open itself.
    """
    if not permitted(by, "do", Target("feature", "campaign.free")).permit:
        raise Forbidden("nurses and physicians take machines off patients", "role")
    campaign = await course.locked(conn, campaign_id)
    (item,) = await course.items(conn, campaign_id, [device_id])
    if item.state in ENDED:
        raise Conflict("this machine is not waited for any more", "device")
    replacement = await _replacement(conn, campaign_id, device_id, replaced_by.strip())
    (machine,) = await now(conn, [device_id])
    if machine.in_use and machine.patient_id:
        await binding.unbind(shop.parts, conn, device_id, by=by.id, reason=f"campaign: {campaign.title}"[:200])
    step = _step(shop, campaign_id, device_id, "free", by, note.strip()[:500],
                 {"replaced_by": replacement, "ward": machine.ward, "bed": machine.bed})  # fmt: skip
    await store.add_steps(conn, [step])
    asked = await shop.record.current(conn, "Task", f"free-{resources.short(campaign_id, device_id)}")
    if asked is not None:
        await shop.record.put(conn, [resources.freed(asked, step)])


async def _replacement(conn: Connection, campaign_id: str, device_id: str, text: str) -> str:
    if not text:
        return ""
    found = await store.machine_named(conn, text)
    if found is None:
        raise Invalid("there is no machine of this number or id in the register", "replaced_by")
    others = await store.items(conn, campaign_id, [found])
    if found == device_id or any(one.state not in ENDED for one in others):
        raise Invalid("the replacement is under the same campaign", "replaced_by")
    return found


async def quarantine(shop: Shop, conn: Connection, campaign_id: str, device_ids: Sequence[str], by: Principal) -> int:
    """Move affected machines to the life-cycle state "recalled"; gives how many moved. Raises what lifecycle raises."""
    campaign = await course.locked(conn, campaign_id)
    found = {one.device_id for one in await course.items(conn, campaign_id, device_ids) if one.state not in ENDED}
    rows = [one for one in await assets(conn, sorted(found)) if one.state != "recalled"]
    if rows:
        await moves.move_all(
            shop, conn, [one.device_id for one in rows], "recalled", by, {"advisory": campaign.title[:500]}
        )
    await store.add_steps(
        conn, [_step(shop, campaign_id, one, "quarantine", by, "recalled", {}) for one in sorted(found)]
    )
    return len(rows)


async def order(shop: Shop, conn: Connection, campaign_id: str, device_ids: Sequence[str], by: Principal) -> int:
    """Order the remedy for affected machines, once each; gives how many have an order now."""
    campaign = await course.locked(conn, campaign_id)
    found = [one for one in await course.items(conn, campaign_id, device_ids) if one.state == OPEN]
    if not found:
        raise Conflict("work is ordered for machines that are decided to be affected", "device")
    cyber = campaign.security
    works = await desk.order_all(shop, conn, [
        Order(kind="security" if cyber else "recall", source="cve" if cyber else "recall", source_id=campaign_id,
              name=campaign.title, text=campaign.remedy or campaign.title, device_id=one.device_id, due=campaign.due,
              priority="urgent", side="both" if cyber else "biomed")
        for one in found
    ], by)  # fmt: skip
    await course.put(shop, conn, campaign, [msgspec.structs.replace(one, work_id=work.work_id)
                                            for one, work in zip(found, works, strict=True)])  # fmt: skip
    return len(works)


async def record(
    shop: Shop, conn: Connection, campaign_id: str, device_id: str, step: str, note: str, by: Principal,
    file: tuple[str, str, bytes] | None = None,
) -> None:  # fmt: skip
    """Put work, verification or evidence on record; ``file`` is (name, media type, content).

    Raises Invalid without words, for a verification that the wire contradicts, or a file that is not what it says.
    """
    if step not in ("work", "verify", "evidence"):
        raise Invalid("this step is not recorded by hand", "step")
    campaign = await course.locked(conn, campaign_id)
    (item,) = await course.items(conn, campaign_id, [device_id])
    if item.state != OPEN:
        raise Conflict("steps are for machines that are affected and open", "device")
    detail: dict[str, Any] = {}
    (asset,) = await assets(conn, [device_id])
    if step == "verify" and campaign.target:
        detail = {"firmware": asset.firmware, "target": campaign.target}
        if asset.firmware and ranges.within(asset.firmware, ranges.parse(campaign.target)) is False:
            raise Invalid(f"the machine runs {asset.firmware}, not {campaign.target}", "verify")
    if len(note.strip()) < 3 and file is None:
        raise Invalid("say what was done or seen", "note")
    if file is not None:
        detail |= await _file(shop, conn, file)
    await store.add_steps(conn, [_step(shop, campaign_id, device_id, step, by, note.strip()[:2000], detail)])


async def _file(shop: Shop, conn: Connection, file: tuple[str, str, bytes]) -> dict[str, Any]:
    name, media_type, body = file
    if media_type not in _FILES or not body.startswith(_FILES[media_type]) or len(body) > _MOST_FILE:
        raise Invalid(f"evidence is a PDF, PNG or JPEG of at most {_MOST_FILE >> 20} MiB", "file")
    binary, mark = resources.evidence(shop.ids(), media_type, body)
    await shop.record.put(conn, [binary])
    return {"file": name[:200], "binary": binary["id"], "sha256": mark}


async def verify_wire(shop: Shop, conn: Connection, campaign_id: str, by: Principal) -> list[str]:
    """Verify by what machines say themselves: every affected one that now runs the target version; gives their ids."""
    campaign = await course.locked(conn, campaign_id)
    if not campaign.target:
        return []
    want = ranges.parse(campaign.target)
    open_ = [one.device_id for one in await store.items(conn, campaign_id) if one.state == OPEN]
    told = {one.device_id for one in await store.steps(conn, campaign_id, open_) if one.step == "verify"}
    runs = await store.firmware(conn, [one for one in open_ if one not in told])
    found = [one for one in runs if one[1] and ranges.within(one[1], want) is True]
    await store.add_steps(conn, [
        _step(shop, campaign_id, device_id, "verify", by,
              f"{'on the wire' if wire else 'in the register'}: firmware is {text}",
              {"firmware": text, "target": campaign.target, "wire": wire})
        for device_id, text, wire in found
    ])  # fmt: skip
    return [device_id for device_id, _, _ in found]


async def finish(shop: Shop, conn: Connection, campaign_id: str, device_ids: Sequence[str], by: Principal) -> None:
    """Affected machines are done. Raises Conflict naming what is missing: a step, or that it is on a patient."""
    campaign = await course.locked(conn, campaign_id)
    found = await course.items(conn, campaign_id, device_ids)
    lacking = await missing(conn, campaign, found)
    for one in found:
        if one.state != OPEN:
            raise Conflict("only a machine that is affected and open can be done", f"Device/{one.device_id}")
        if lacking[one.device_id]:
            raise Conflict(f"still missing: {', '.join(lacking[one.device_id])}", f"Device/{one.device_id}")
    at = shop.clock.now()
    rows = [msgspec.structs.replace(one, state=DONE, done_by=by.display, done_at=at) for one in found]
    await course.put(shop, conn, campaign, rows)
    back = [one.device_id for one in await assets(conn, list(device_ids)) if one.state == "recalled"]
    if back and permitted(by, "do", Target("feature", "lifecycle.move")).permit:
        await moves.move_all(shop, conn, back, "in-service", by, {"remedy": campaign.title[:500]})
    await course.tell(shop, conn, campaign)


async def missing(conn: Connection, campaign: Campaign, items: Sequence[Item]) -> dict[str, list[str]]:
    """What each machine still lacks to be done."""
    ids = [one.device_id for one in items]
    steps: dict[str, set[str]] = {}
    for step in await store.steps(conn, campaign.campaign_id, ids):
        steps.setdefault(step.device_id, set()).add(step.step)
    works = await store.work_states(conn, [one.work_id for one in items if one.work_id])
    used = await store.in_use(conn, ids) if campaign.removal else set()
    result = {}
    for one in items:
        have = steps.get(one.device_id, set()) | ({"work"} if works.get(one.work_id) == "resolved" else set())
        lack = [step for step in campaign.steps if step not in have]
        result[one.device_id] = lack + (["off the patient"] if one.device_id in used else [])
    return result


def _step(
    shop: Shop, campaign_id: str, device_id: str, step: str, by: Principal, text: str, detail: dict[str, Any]
) -> Step:
    return Step(step_id=shop.ids(), campaign_id=campaign_id, device_id=device_id, step=step, at=shop.clock.now(),
                person_id=by.id, display=by.display, note=text, detail=detail)  # fmt: skip


async def evidence(shop: Shop, campaign_id: str, step_id: str) -> tuple[str, bytes]:
    """Media type and bytes of a step's file. Raises NotFound where it has none."""
    async with shop.pool.acquire() as conn:
        every = await store.steps(conn, campaign_id, void=True)
        ident = next((one.detail.get("binary", "") for one in every if one.step_id == step_id), "")
        binary = await shop.record.current(conn, "Binary", ident) if ident else None
    if binary is None:
        raise NotFound("there is no such evidence", step_id)
    return documents.content(binary)
