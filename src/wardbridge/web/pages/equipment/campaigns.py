"""``/equipment/campaigns``: one remedy over many machines; patients first, closed with proof."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from wardbridge.core.clock import iso
from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.core.sheets import csv_text
from wardbridge.equipment.advisories.store import documents
from wardbridge.equipment.advisories.store.now import Affected, affected_now
from wardbridge.equipment.campaigns import close, run, start, store
from wardbridge.equipment.campaigns.resources import WORDS
from wardbridge.equipment.campaigns.values import CANDIDATE, ENDED, OPEN, STATES, STEPS, Campaign, Step
from wardbridge.equipment.signing.sign import BOTH, sides_of
from wardbridge.fhir.json import dumps
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment import advisories
from wardbridge.web.uploads import takes_files
from wardbridge.web.words import _

ROWS = 300
COLUMNS = ("device", "asset number", "serial", "manufacturer", "model", "firmware", "ward", "room", "bed", "in use",
           "state", "reason", "decided by", "decided at", "work order", "work state")  # fmt: skip
EVIDENCE = 10_000_000
_MEDIA = {"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg"}


async def campaigns(call: Call) -> Response:
    """The list: open ones with machines on patients first."""
    state = call.query("state")
    if state not in ("", "open", "closed"):
        raise Invalid(_("This choice is not offered."), "state")
    return call.page(
        "equipment/campaigns.html", rows=await store.listed(call.shop.pool, state), state=state, steps=STEPS
    )


async def begin(call: Call) -> Response:
    """Open a campaign for an advisory, or by hand over machines named by number."""
    shop, ident = call.shop, call.field("advisory")
    names = [part.strip() for part in call.text("machines", 20_000).replace(",", "\n").splitlines() if part.strip()]
    async with shop.acting(call.who, "campaign opened") as conn:
        known = {name: await store.machine_named(conn, name) for name in names[:2000]}
        missing = [name for name, device_id in known.items() if device_id is None]
        if missing:
            raise Invalid(_("There is no machine of this number: %(n)s") % {"n": ", ".join(missing[:10])}, "machines")
        found = await documents.one(conn, ident) if ident else None
        security = found is not None and found.kind in ("csaf", "kev")
        wanted = start.Start(
            kind="recall" if ident else "hand", title=call.field("title", required=True), advisory_id=ident or None,
            security=call.field("security") == "1" or security, removal=call.field("removal") == "1",
            steps=tuple(step for step in STEPS if step in call.fields("steps")) or ("verify",),
            target=call.field("target"), remedy=call.field("remedy"), due=call.time("due") or None,
            devices={device_id: ("named by hand",) for device_id in known.values() if device_id is not None},
        )  # fmt: skip
        campaign = await start.start(shop, conn, wanted, call.who)
    return call.back(f"/equipment/campaigns/{campaign.campaign_id}", "opened")


async def _campaign(call: Call) -> Campaign:
    found = await store.get(call.shop.pool, call.path("campaign"))
    if found is None:
        raise NotFound(_("There is no such campaign."), call.path("campaign"))
    return found


async def _rows(call: Call, campaign_id: str) -> list[Affected]:
    """The machines as they are now; whom they are on only for those who care for patients, and on record."""
    names = call.may("patient.see")
    rows = await affected_now(call.shop.pool, campaign_id=campaign_id, patients=names)
    for row in rows if names else ():
        call.about(row.patient_id)
    return rows


async def campaign(call: Call) -> Response:
    """One campaign."""
    found, pool = await _campaign(call), call.shop.pool
    ident, shown = found.campaign_id, call.query("state")
    if shown not in ("", "use", *STATES):
        raise Invalid(_("This choice is not offered."), "state")
    rows = await _rows(call, ident)
    steps: dict[str, list[Step]] = {}
    for step in await store.steps(pool, ident):
        steps.setdefault(step.device_id, []).append(step)
    chosen = [
        row for row in rows if shown in ("", row.state) or (shown == "use" and row.in_use and row.state not in ENDED)
    ]
    _told, mark, signed = await close.standing(pool, ident)
    return call.page(
        "equipment/campaign.html", campaign=found, account=await store.account(pool, ident), rows=chosen[:ROWS],
        more=max(0, len(chosen) - ROWS), shown=shown, states=STATES, words=WORDS, steps=steps, ended=ENDED,
        free=[row for row in rows if row.in_use and row.state not in ENDED], names=call.may("patient.see"),
        advisory=await documents.one(pool, found.advisory_id) if found.advisory_id else None,
        notes=await store.notes(pool, ident), mark=mark, signed=signed,
        sides=[side for side in sides_of(call.who) if side in BOTH and side not in {one.side for one in signed}],
    )  # fmt: skip


async def listing(call: Call) -> Response:
    """The machines as CSV: places and use, never patients."""
    found = await _campaign(call)
    rows = await affected_now(call.shop.pool, campaign_id=found.campaign_id)
    text = csv_text(
        COLUMNS,
        [(row.device_id, row.tag, row.serial, row.manufacturer, row.model, row.firmware, row.ward, row.room, row.bed,
          "yes" if row.in_use else "no", row.state, row.reason, row.decided_by,
          iso(row.decided_at) if row.decided_at else "", row.work_id, row.work) for row in rows],
    )  # fmt: skip
    headers = {"content-disposition": f'attachment; filename="campaign-{found.campaign_id[:40]}.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


async def proof(call: Call) -> Response:
    """The proof of a closed campaign as JSON."""
    found = await _campaign(call)
    if found.proof is None:
        raise NotFound(_("The campaign is open: there is no proof yet."), found.campaign_id)
    return Response(dumps(found.proof), media_type="application/json")


async def deed(call: Call) -> Response:
    """One deed on the machines that were chosen: decide, order, quarantine, ask or finish."""
    shop, ident, what = call.shop, call.path("campaign"), call.path("deed")
    chosen = call.fields("device")
    async with shop.acting(call.who, "campaign") as conn:
        if call.field("all") == "1":
            wanted = {"affected": CANDIDATE, "not-affected": CANDIDATE}.get(what, OPEN)
            chosen = [one.device_id for one in await store.items(conn, ident) if one.state == wanted]
        if not chosen:
            raise Invalid(_("Please choose machines."), "device")
        await _deed(call, conn, ident, what, chosen)
    return call.back(f"/equipment/campaigns/{ident}", "noted")


async def _deed(call: Call, conn: Connection, ident: str, what: str, chosen: Sequence[str]) -> None:
    shop, by, reason = call.shop, call.who, call.field("reason")
    match what:
        case "affected" | "not-affected":
            await run.decide(shop, conn, ident, chosen, what == "affected", reason, by)
        case "order":
            await run.order(shop, conn, ident, chosen, by)
        case "quarantine":
            await run.quarantine(shop, conn, ident, chosen, by)
        case "ask":
            await run.ask(shop, conn, ident, chosen, reason, by)
        case "finish":
            await run.finish(shop, conn, ident, chosen, by)
        case "reopen":
            for device_id in chosen:
                await run.reopen(shop, conn, ident, device_id, reason, by)
        case _:
            raise NotFound(_("There is no such page."))


async def free(call: Call) -> Response:
    """A nurse or physician took a machine off the patient."""
    ident = call.path("campaign")
    async with call.shop.acting(call.who, "campaign: machine freed") as conn:
        await run.free(call.shop, conn, ident, call.field("device", required=True), call.who,
                       replaced_by=call.field("replaced_by"), note=call.field("note"))  # fmt: skip
    return call.back(f"/equipment/campaigns/{ident}", "freed")


@takes_files(EVIDENCE)
async def record(call: Call) -> Response:
    """Work, verification or evidence on one machine, in words and perhaps a file."""
    ident = call.path("campaign")
    files = await call.uploads("file", EVIDENCE)
    file = None
    if files:
        media = _MEDIA.get(files[0][0].rpartition(".")[2].casefold())
        if media is None:
            raise Invalid(_("Evidence is a PDF, PNG or JPEG."), "file")
        file = (files[0][0], media, files[0][1])
    async with call.shop.acting(call.who, "campaign: step on record") as conn:
        await run.record(call.shop, conn, ident, call.field("device", required=True), call.field("step", required=True),
                         call.field("note"), call.who, file)  # fmt: skip
    return call.back(f"/equipment/campaigns/{ident}", "noted")


async def evidence(call: Call) -> Response:
    """The file of a step."""
    media, body = await run.evidence(call.shop, call.path("campaign"), call.path("step"))
    return Response(body, media_type=media, headers={"content-disposition": "attachment"})


async def verify(call: Call) -> Response:
    """Verify by what machines say of themselves."""
    ident = call.path("campaign")
    async with call.shop.acting(call.who, "campaign: verified on the wire") as conn:
        found = await run.verify_wire(call.shop, conn, ident, call.who)
    return call.back(f"/equipment/campaigns/{ident}", "verified-wire" if found else "verified-none")


async def sign(call: Call) -> Response:
    """Sign as biomed or IT that every machine is accounted for."""
    ident = call.path("campaign")
    async with call.shop.acting(call.who, "campaign signed") as conn:
        await close.sign(call.shop, conn, ident, call.field("side", required=True), call.who, call.field("note"))
    return call.back(f"/equipment/campaigns/{ident}", "signed")


async def end(call: Call) -> Response:
    """Close with proof."""
    ident = call.path("campaign")
    async with call.shop.acting(call.who, "campaign closed") as conn:
        await close.close(call.shop, conn, ident, call.who)
    return call.back(f"/equipment/campaigns/{ident}", "closed")


GET, POST = ["GET"], ["POST"]
_ONE = "/equipment/campaigns/{campaign}"
PAGES: Pages = (
    *advisories.PAGES,
    ("/equipment/campaigns", GET, campaigns, "campaign", ""),
    ("/equipment/campaigns", POST, begin, "campaign", "campaign.work"),
    (_ONE, GET, campaign, "campaign", ""),
    (f"{_ONE}/list.csv", GET, listing, "campaign", ""),
    (f"{_ONE}/proof.json", GET, proof, "campaign", ""),
    (f"{_ONE}/do/{{deed}}", POST, deed, "campaign", "campaign.work"),
    (f"{_ONE}/free", POST, free, "campaign", "campaign.free"),
    (f"{_ONE}/record", POST, record, "campaign", "campaign.work"),
    (f"{_ONE}/evidence/{{step}}", GET, evidence, "campaign", ""),
    (f"{_ONE}/verify", POST, verify, "campaign", "campaign.work"),
    (f"{_ONE}/sign", POST, sign, "campaign", "joint.sign"),
    (f"{_ONE}/close", POST, end, "campaign", "campaign.work"),
)
