"""``/equipment/advisories``: what is published about products, which machines it may concern, why."""

from __future__ import annotations

import io

from starlette.responses import Response

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.advisories import letters, load, parse, ranges
from wardbridge.equipment.advisories.decide import decide
from wardbridge.equipment.advisories.letters import Letter
from wardbridge.equipment.advisories.rematch import vague
from wardbridge.equipment.advisories.resources import NAMES, document_id
from wardbridge.equipment.advisories.store import candidates, documents
from wardbridge.equipment.advisories.store.now import affected_now, machines_now
from wardbridge.equipment.advisories.values import KINDS
from wardbridge.equipment.campaigns import follow, store, watch
from wardbridge.web.call import Call, Pages
from wardbridge.web.uploads import takes_files
from wardbridge.web.words import _

PAGE = 50
ROWS = 300
FEED = 64_000_000
LETTER = 20_000_000
ONLY = ("", "open", "matched", "kev")


async def advisories(call: Call) -> Response:
    """The list: what is open and exploited first."""
    text, kind, only = call.query("q"), call.query("kind"), call.query("only")
    if kind not in ("", *KINDS) or only not in ONLY:
        raise Invalid(_("This choice is not offered."), "kind")
    skip = int(call.query("skip", "0")) if call.query("skip", "0").isdecimal() else 0
    pool = call.shop.pool
    rows = await documents.listed(pool, text=text, kind=kind, only=only, limit=PAGE + 1, skip=min(skip, 1_000_000))
    return call.page(
        "equipment/advisories.html", rows=rows[:PAGE], more=len(rows) > PAGE, skip=skip, step=PAGE, asked=text,
        kind=kind, only=only, kinds=NAMES, counts=await documents.counts(pool),
        refused=await documents.refused(pool, 20),
        aliases=await documents.aliases(pool) if call.may("advisory.load") else {},
    )  # fmt: skip


async def advisory(call: Call) -> Response:
    """``/equipment/advisories/{advisory}``: facts, products as they were read, machines with why."""
    ident = call.path("advisory")
    pool = call.shop.pool
    found = await documents.one(pool, ident)
    if found is None:
        raise NotFound(_("There is no such advisory."), ident)
    rows = [row for row in await affected_now(pool, advisory_id=ident) if row.verdict != "gone"]
    wide = (await vague(call.shop, [ident])).get(ident, []) if found.broad else []
    there = await machines_now(pool, [one.device_id for one in wide[:ROWS]])
    products = (await documents.products(pool, [ident])).get(ident, [])
    return call.page(
        "equipment/advisory.html", advisory=found, kinds=NAMES, cves=await documents.cves(pool, ident),
        products=[(one, ranges.text(one.range)) for one in products],
        rows=[row for row in rows if row.verdict == "candidate"][:ROWS],
        more=max(0, sum(1 for row in rows if row.verdict == "candidate") - ROWS),
        excluded=[row for row in rows if row.verdict == "excluded"][:ROWS],
        wide=[(there[one.device_id], one) for one in wide[:ROWS] if one.device_id in there],
        history=await documents.kept(pool, [ident], current=False),
        campaign=await store.open_of(pool, ident), document=document_id(ident),
    )  # fmt: skip


async def raw(call: Call) -> Response:
    """The document as it came."""
    body = await load.export(call.shop, call.path("advisory"))
    return Response(body, media_type="application/json", headers={"content-disposition": "attachment"})


async def paper(call: Call) -> Response:
    """The letter as it came."""
    media, body = await letters.file(call.shop, call.path("advisory"))
    return Response(body, media_type=media, headers={"content-disposition": 'attachment; filename="letter.pdf"'})


async def judge(call: Call) -> Response:
    """Decide on machines, one or many."""
    ident, decision = call.path("advisory"), call.field("decision", required=True)
    chosen = call.fields("device")
    async with call.shop.acting(call.who, "advisory") as conn:
        if call.field("all") == "1":
            known = await candidates.of(conn, [ident])
            chosen = [one.device_id for one in known if one.verdict == "candidate" and one.decision == "open"]
        if not chosen:
            raise Invalid(_("Please choose machines."), "device")
        await decide(call.shop, conn, ident, chosen, decision, call.field("reason"), call.who)
        await follow.follow_in(call.shop, conn, [ident], call.who)
    return call.back(f"/equipment/advisories/{ident}", "decided")


@takes_files(FEED)
async def send(call: Call) -> Response:
    """Load a feed file, match, and say what came of it."""
    name, body = await call.upload("file", FEED)
    done = await load.load(call.shop, parse.of_stream(io.BytesIO(body), name), call.who)
    matched = await watch.update(call.shop, call.who, done.changed) if done.changed else None
    return call.page("equipment/advisories_loaded.html", report=done, matched=matched, name=name, kinds=NAMES)


@takes_files(LETTER)
async def letter(call: Call) -> Response:
    """A manufacturer's letter: what a person read off it, with its PDF."""
    typed = Letter(
        publisher=call.field("publisher", required=True), title=call.field("title", required=True),
        number=call.field("number"), product=call.field("product"), version=call.field("version"),
        models=call.field("models"), lots=call.field("lots"), serials=call.field("serials"), di=call.field("di"),
        remedy=call.field("remedy"), published=call.time("published") or None, hazard=call.field("hazard") == "1",
    )  # fmt: skip
    files = await call.uploads("file", LETTER)
    async with call.shop.acting(call.who, "manufacturer's letter") as conn:
        ident = await letters.add(call.shop, conn, typed, files[0] if files else None, call.who)
    await watch.update(call.shop, call.who, [ident])
    return call.back(f"/equipment/advisories/{ident}", "loaded")


async def alias(call: Call) -> Response:
    """A name that stands for a manufacturer, at this site."""
    name, maker = call.field("alias", required=True).casefold(), call.field("maker")
    async with call.shop.acting(call.who, "names of manufacturers") as conn:
        await documents.put_alias(conn, name, maker)
    await watch.update(call.shop, call.who)
    return call.back("/equipment/advisories", "saved")


GET, POST = ["GET"], ["POST"]
PAGES: Pages = (
    ("/equipment/advisories", GET, advisories, "campaign", ""),
    ("/equipment/advisories/feed", POST, send, "campaign", "advisory.load"),
    ("/equipment/advisories/letter", POST, letter, "campaign", "advisory.load"),
    ("/equipment/advisories/makers", POST, alias, "campaign", "advisory.load"),
    ("/equipment/advisories/{advisory}", GET, advisory, "campaign", ""),
    ("/equipment/advisories/{advisory}/document", GET, raw, "campaign", ""),
    ("/equipment/advisories/{advisory}/letter", GET, paper, "campaign", ""),
    ("/equipment/advisories/{advisory}/decide", POST, judge, "campaign", "campaign.work"),
)
