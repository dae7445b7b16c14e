"""``/equipment/cyber``: what is wrong with what, where it stands, who judged it, and the zones of the network."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.campaigns import start
from wardbridge.equipment.cyber import about, desk, export, exposure
from wardbridge.equipment.cyber.mds2 import form
from wardbridge.equipment.cyber.priority import EFFECT, EXPOSURE
from wardbridge.equipment.cyber.sbom.limits import SIZE as FILE
from wardbridge.equipment.cyber.store import flaws, matching, sboms
from wardbridge.equipment.cyber.store.exposure import of_cve
from wardbridge.equipment.cyber.store.zones import Zone
from wardbridge.equipment.cyber.triage import JUSTIFICATIONS, STATES
from wardbridge.equipment.signing.sign import sides_of
from wardbridge.fhir.json import dumps
from wardbridge.web.call import Call, Pages
from wardbridge.web.uploads import takes_files
from wardbridge.web.words import _

SHOWN = 200
ONLY = ("", "kev", "critical", "in-use", "possible", "closed")


async def cyber(call: Call) -> Response:
    """The vulnerabilities of the fleet, the most urgent first."""
    only, text = call.query("only"), call.query("q").strip()
    if only not in ONLY:
        raise Invalid(_("This choice is not offered."), "only")
    pool, now = call.shop.pool, call.shop.clock.now()
    lines = await exposure.overview(pool, now, text=text)
    opened = [line for line in lines if line.open]
    shown = [line for line in lines if _fits(line, only)]
    ending = await sboms.ending(pool, now)
    return call.page(
        "equipment/cyber.html", lines=await exposure.named(pool, shown[:SHOWN]), found=len(shown), only=only,
        asked=text,
        counts=(
            (_("open vulnerabilities"), len(opened)),
            (_("known to be exploited"), sum(line.fact.kev for line in opened)),
            (_("past their due date"), sum(bool(line.fact.due and line.fact.due < now) for line in opened)),
        ),
        ending=ending, loads=await flaws.loads(pool, 8), waiting=await matching.unmatched(pool),
    )  # fmt: skip


def _fits(line: exposure.Line, only: str) -> bool:
    fact = line.fact
    return {
        "": line.open, "kev": line.open and fact.kev, "critical": line.open and (fact.cvss or 0) >= 9,
        "in-use": line.in_use > 0, "possible": line.open and not line.sure, "closed": not line.open,
    }[only]  # fmt: skip


async def flaw(call: Call) -> Response:
    """One vulnerability: what is said of it, every machine that has it, and the form for a judgement."""
    cve, now, pool = call.path("cve"), call.shop.clock.now(), call.shop.pool
    picture = await of_cve(pool, cve, now)
    told = await flaws.of_cve(pool, cve)
    if not picture.findings and not told and not picture.told:
        raise NotFound(_("Nothing is known of this vulnerability."), cve)
    seen = exposure.Seen(picture, now)
    cases: dict[tuple[str, str], list[exposure.Verdict]] = {}
    for row in picture.findings:
        cases.setdefault((row.model_id, row.family), []).append(seen.verdict(row))
    return call.page(
        "equipment/cyber_flaw.html", cve=cve, told=told, fact=picture.facts[0] if picture.facts else None,
        rows=exposure.judged(picture, now, everything=True), cases=list(cases.values()), said=picture.told,
        history=sorted(picture.triages, key=lambda one: -one.at), states=STATES, justifications=JUSTIFICATIONS,
        sides=[side for side in sides_of(call.who) if side in ("biomed", "it")],
        controls=[one for one in picture.controls if one.cve in ("", cve)],
    )  # fmt: skip


async def judge(call: Call) -> Response:
    """A judgement on a vulnerability in one component of one model."""
    cve = call.path("cve")
    picture = await of_cve(call.shop.pool, cve, call.shop.clock.now())
    model_id, family = call.field("model", required=True), call.field("family", required=True)
    found = [row for row in picture.findings if (row.model_id, row.family) == (model_id, family)]
    if not found:
        raise NotFound(_("The vulnerability was not found in this component of this model."), "family")
    kev = any(fact.kev for fact in picture.facts if fact.cve == found[0].cve)
    async with call.shop.acting(call.who, f"judgement on {cve}") as conn:
        await desk.judge(
            call.shop, conn, call.who, cve=found[0].cve, model_id=model_id, family=family,
            state=call.field("state", required=True), justification=call.field("justification"),
            note=call.field("note"), versions=call.field("versions"), until=call.time("until") or None, kev=kev,
        )  # fmt: skip
    return call.back(f"/equipment/cyber/{cve}", "judged")


async def campaign(call: Call) -> Response:
    """A campaign over every machine that the vulnerability is open on."""
    cve, shop = call.path("cve"), call.shop
    async with shop.acting(call.who, f"campaign for {cve}") as conn:
        rows = await exposure.exposed_now(conn, cve, shop.clock.now())
        devices: dict[str, tuple[str, ...]] = {}
        for row in rows:
            found = row.verdict.row
            why = f"{found.component} {found.version} by {found.via}{'' if found.sure else ' (possible)'}"
            devices[row.device_id] = (*devices.get(row.device_id, ()), " ".join(why.split()))
        if not devices:
            raise Invalid(_("No machine has this vulnerability open."), "cve")
        wanted = start.Start(
            kind="cve", title=f"{cve}: {call.field('remedy', required=True)}"[:200], cve=cve, security=True,
            remedy=call.field("remedy"), target=call.field("target"), due=call.time("due") or None, devices=devices,
        )  # fmt: skip
        opened = await start.start(shop, conn, wanted, call.who)
    return call.back(f"/equipment/campaigns/{opened.campaign_id}", "opened")


async def sign(call: Call) -> Response:
    """The other side's signature under an accepted risk."""
    async with call.shop.acting(call.who, "accepted risk") as conn:
        await desk.sign_triage(call.shop, conn, call.path("triage"), call.field("side", required=True), call.who)
    return call.back(f"/equipment/cyber/{call.path('cve')}", "signed")


async def security(call: Call) -> Response:
    """What a model is made of, discloses, is called, and what is wrong with it."""
    found = await about.security(call.shop, call.path("model"))
    text = call.query("q")
    bills = [one for one in found.bills if one.superseded_by is None]
    parts = [(bill, await sboms.components(call.shop.pool, bill.sbom_id, text=text, limit=SHOWN)) for bill in bills]
    return call.page(
        "equipment/cyber_model.html", one=found, parts=parts, asked=text, shown=SHOWN, form=form.form(),
        questions=form.form().labels, 
    )  # fmt: skip


@takes_files(FILE)
async def upload(call: Call) -> Response:
    """A document of a model: SBOM, MDS2 or VEX."""
    model_id, kind = call.path("model"), call.path("kind")
    name, sent = await call.upload("file", FILE)
    async with call.shop.acting(call.who, f"{kind} {name}") as conn:
        match kind:
            case "sbom":
                await desk.add_sbom(call.shop, conn, model_id, sent, call.who, version=call.field("version"))
            case "mds2":
                await desk.add_mds2(call.shop, conn, model_id, sent, call.who, version=call.field("version"))
            case "vex":
                await desk.add_vex(call.shop, conn, sent, call.who)
            case _:
                raise NotFound(_("There is no such page."))
    return call.back(f"/equipment/models/{model_id}/security", "loaded")


async def name_model(call: Call) -> Response:
    """A CPE name of a model, more or fewer."""
    model_id, cpe = call.path("model"), call.field("cpe", required=True)
    async with call.shop.acting(call.who, "names of a model") as conn:
        if call.field("drop"):
            await desk.unname_model(call.shop, conn, model_id, cpe)
        else:
            await desk.name_model(call.shop, conn, model_id, cpe, call.field("fills"))
    return call.back(f"/equipment/models/{model_id}/security", "saved")


async def bill(call: Call) -> Response:
    """A bill of materials as CycloneDX JSON."""
    found = await export.sbom(call.shop, call.path("sbom"))
    return Response(dumps(found), media_type="application/vnd.cyclonedx+json")


async def vex(call: Call) -> Response:
    """What is said and judged on a model, as VEX."""
    found = await export.vex(call.shop, call.path("model"), call.query("format", "cyclonedx"))
    return Response(dumps(found), media_type="application/json")


async def zones(call: Call) -> Response:
    """Zones, conduits and controls; what does not fit its zone."""
    found = await about.network(call.shop)
    return call.page(
        "equipment/cyber_zones.html", network=found, exposures=[name for name in EXPOSURE if name],
        effects=tuple(EFFECT),
    )  # fmt: skip


async def put_zone(call: Call) -> Response:
    """Add or change a zone."""
    zone = Zone(zone=call.field("zone", required=True), level=_level(call), exposure=call.field("exposure"),
                purpose=call.field("purpose"))  # fmt: skip
    async with call.shop.acting(call.who, "zones") as conn:
        await desk.put_zone(call.shop, conn, zone)
    return call.back("/equipment/zones", "saved")


async def put_conduit(call: Call) -> Response:
    """Allow a way between two zones."""
    async with call.shop.acting(call.who, "conduits") as conn:
        await desk.put_conduit(
            call.shop, conn, call.field("source", required=True), call.field("target", required=True),
            service=call.field("service"), purpose=call.field("purpose", required=True), level=_level(call),
        )  # fmt: skip
    return call.back("/equipment/zones", "saved")


async def drop_conduit(call: Call) -> Response:
    """Close a way between two zones."""
    async with call.shop.acting(call.who, "conduits") as conn:
        await desk.drop_conduit(call.shop, conn, call.path("conduit"))
    return call.back("/equipment/zones", "saved")


async def add_control(call: Call) -> Response:
    """A compensating control."""
    fields: dict[str, Any] = {name: call.field(name) for name in
                              ("name", "effect", "cve", "model_id", "zone", "owner", "evidence")}  # fmt: skip
    async with call.shop.acting(call.who, "compensating control") as conn:
        await desk.add_control(call.shop, conn, call.who, until=call.time("until", required=True), **fields)
    return call.back("/equipment/zones", "saved")


async def end_control(call: Call) -> Response:
    """End a control early."""
    async with call.shop.acting(call.who, "compensating control") as conn:
        await desk.end_control(call.shop, conn, call.path("control"))
    return call.back("/equipment/zones", "saved")


def _level(call: Call) -> int:
    text = call.field("level", required=True)
    if text not in {"0", "1", "2", "3", "4"}:
        raise Invalid(_("This choice is not offered."), "level")
    return int(text)


PAGES: Pages = (
    ("/equipment/cyber", ["GET"], cyber, "cyber", ""),
    ("/equipment/cyber/{cve}", ["GET"], flaw, "cyber", ""),
    ("/equipment/cyber/{cve}/judge", ["POST"], judge, "cyber", "cyber.triage"),
    ("/equipment/cyber/{cve}/campaign", ["POST"], campaign, "cyber", "campaign.work"),
    ("/equipment/cyber/{cve}/sign/{triage}", ["POST"], sign, "cyber", "cyber.triage"),
    ("/equipment/models/{model}/security", ["GET"], security, "cyber", ""),
    ("/equipment/models/{model}/security/{kind}", ["POST"], upload, "cyber", "register.write"),
    ("/equipment/models/{model}/names", ["POST"], name_model, "cyber", "cyber.triage"),
    ("/equipment/models/{model}/vex.json", ["GET"], vex, "cyber", ""),
    ("/equipment/sboms/{sbom}.json", ["GET"], bill, "cyber", ""),
    ("/equipment/zones", ["GET"], zones, "cyber", ""),
    ("/equipment/zones", ["POST"], put_zone, "cyber", "cyber.triage"),
    ("/equipment/zones/conduits", ["POST"], put_conduit, "cyber", "cyber.triage"),
    ("/equipment/zones/conduits/{conduit}/drop", ["POST"], drop_conduit, "cyber", "cyber.triage"),
    ("/equipment/zones/controls", ["POST"], add_control, "cyber", "cyber.triage"),
    ("/equipment/zones/controls/{control}/end", ["POST"], end_control, "cyber", "cyber.triage"),
)
