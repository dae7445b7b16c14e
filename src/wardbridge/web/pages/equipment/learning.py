"""``/equipment/learning``: onboarding paths, sessions in which departments teach each other, competence, thanks."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from wardbridge.core.clock import DAY
from wardbridge.core.errors import Forbidden, Invalid, NotFound
from wardbridge.equipment.learning import competence, competence_table, paths, training
from wardbridge.equipment.learning.store import competence as records
from wardbridge.equipment.learning.store import paths as store
from wardbridge.equipment.learning.store import training as sessions
from wardbridge.equipment.learning.store.competence import Competence, Rule
from wardbridge.equipment.learning.store.paths import Path, Start
from wardbridge.equipment.learning.store.training import Training
from wardbridge.equipment.learning.values import AUDIENCES
from wardbridge.security.principal import ROLES
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.knowledge import whole
from wardbridge.web.uploads import takes_files, takes_long
from wardbridge.web.words import _

START = "/equipment/learning"
MOST_BYTES = 2_000_000
PEOPLE = tuple(sorted(ROLES - {"service"}))


async def learning(call: Call) -> Response:
    """What the reader learns and must hold, what is taught soon, who is on a path with them."""
    pool, now, who = call.shop.pool, call.shop.clock.now(), call.who
    mine = await store.starts(pool, now, person=who.id)
    return call.page(
        "equipment/learning.html", learning=[one for one in mine if one.person_id == who.id],
        mentoring=[one for one in mine if one.mentor_id == who.id and not one.ended],
        needs=await competence.needs(pool, now, person_id=who.id),
        coming=await sessions.listed(pool, who.id, now - DAY, now + 90 * DAY, 12), paths=await store.every(pool),
        everybody=await records.people(pool) if call.may("crew.write") else [],
        running=await store.starts(pool, now, running=True) if "administrator" in who.roles else [],
    )  # fmt: skip


def _seen_by(call: Call, start: Start) -> None:
    """Raises Forbidden: how far somebody is concerns them, their mentor and administrators."""
    if call.who.id not in (start.person_id, start.mentor_id) and "administrator" not in call.who.roles:
        raise Forbidden(_("This is between a newcomer and their mentor."), "person")


async def path(call: Call) -> Response:
    """One path, as a form for those who may change it."""
    ident = call.path("path")
    one = None if ident == "new" else await store.path(call.shop.pool, ident)
    if one is None and ident != "new":
        raise NotFound(_("There is no such page."))
    return call.page("equipment/learning_path.html", trail=one, lines=paths.lines_of(one.items) if one else "",
                     roles=PEOPLE, departments=AUDIENCES, kinds=paths.KINDS)  # fmt: skip


@takes_long(12 * 12_000)
async def put_path(call: Call) -> Response:
    """Add or change a path."""
    ident = call.path("path")
    one = Path(
        path_id="" if ident == "new" else ident, title=call.field("title", required=True), role=call.field("role"),
        department=call.field("department"), note=call.field("note"), retired=bool(call.field("retired")),
        items=paths.items_from(call.text("items", 12_000)),
    )  # fmt: skip
    async with call.shop.acting(call.who) as conn:
        await paths.put(call.shop, conn, one, seen=whole(call.field("version"), "version", 0))
    return call.back(START, "saved")


async def start(call: Call) -> Response:
    """Put somebody on a path."""
    async with call.shop.acting(call.who) as conn:
        ident = await paths.start(call.shop, conn, call.path("path"), call.field("person", required=True),
                                  call.field("mentor", required=True))  # fmt: skip
        begun, _tasks = await paths.read(conn, ident, call.shop.clock.now())
    mine = call.who.id in (begun.person_id, begun.mentor_id) or "administrator" in call.who.roles
    return call.back(f"{START}/starts/{ident}" if mine else START, "started")


async def started(call: Call) -> Response:
    """How far somebody is."""
    one, tasks = await paths.read(call.shop.pool, call.path("start"), call.shop.clock.now())
    _seen_by(call, one)
    signs = call.who.id == one.mentor_id or ("administrator" in call.who.roles and call.who.id != one.person_id)
    return call.page("equipment/learning_start.html", start=one, tasks=tasks, signs=signs)


async def sign(call: Call) -> Response:
    """Sign an item off."""
    ident = call.path("start")
    async with call.shop.acting(call.who) as conn:
        await paths.sign(call.shop, conn, ident, whole(call.path("item"), "item"), by=call.who, note=call.field("note"))
    return call.back(f"{START}/starts/{ident}", "signed")


async def show_sessions(call: Call) -> Response:
    """Sessions to come and held, and the form to plan one."""
    pool, now = call.shop.pool, call.shop.clock.now()
    return call.page(
        "equipment/learning_sessions.html", coming=await sessions.listed(pool, call.who.id, now, now + 400 * DAY),
        held=(await sessions.listed(pool, call.who.id, now - 180 * DAY, now))[::-1],
        everybody=await records.people(pool) if call.may("knowledge.write") else [], departments=AUDIENCES,
        codes=await records.competences(pool),
    )  # fmt: skip


async def plan(call: Call) -> Response:
    """A new session."""
    one = Training(
        training_id="", topic=call.field("topic", required=True), about=call.field("about"),
        department=call.field("department", required=True), state="planned", created_by="",
        audiences=tuple(name for name in AUDIENCES if name in call.fields("audiences")),
        at=call.time("at", required=True), minutes=whole(call.field("minutes"), "minutes", 60),
        seats=whole(call.field("seats"), "seats", 12), place=call.field("place"), code=call.field("code"),
    )  # fmt: skip
    async with call.shop.acting(call.who) as conn:
        ident = await training.plan(call.shop, conn, one, call.fields("teachers"), by=call.who)
    return call.back(f"{START}/sessions/{ident}", "saved")


async def session(call: Call) -> Response:
    """One session: for its teachers with seats and feedback."""
    pool = call.shop.pool
    one = await sessions.training(pool, call.path("training"))
    if one is None:
        raise NotFound(_("There is no such session."))
    teachers, seats = await sessions.teachers(pool, one.training_id), await sessions.seats(pool, one.training_id)
    leads = call.who.id in {person for person, _display in teachers} | {one.created_by} or (
        "administrator" in call.who.roles
    )
    return call.page("equipment/learning_session.html", session=one, teachers=teachers, seats=seats, leads=leads,
                     mine=next((seat for seat in seats if seat.person_id == call.who.id), None),
                     begun=one.at <= call.shop.clock.now())  # fmt: skip


async def attend(call: Call) -> Response:
    """Take or give back a seat, hold or cancel the session, say what one thinks of it."""
    shop, ident, who = call.shop, call.path("training"), call.who
    async with shop.acting(who) as conn:
        match call.path("move"):
            case "sign-up":
                await training.sign_up(shop, conn, ident, by=who)
            case "leave":
                await training.leave(conn, ident, by=who)
            case "hold":
                await training.hold(shop, conn, ident, call.fields("present"), by=who)
            case "cancel":
                await training.cancel(conn, ident, by=who)
            case "rate":
                await training.rate(conn, ident, whole(call.field("rating"), "rating", 0), call.field("feedback"),
                                    by=who)  # fmt: skip
            case _:
                raise NotFound(_("There is no such page."))
    return call.back(f"{START}/sessions/{ident}", "saved")


async def show_competence(call: Call, lines: list[competence_table.Line] | None = None) -> Response:
    """One's own; for the crew also everybody's due list, rules and records."""
    pool, now, crew = call.shop.pool, call.shop.clock.now(), call.may("crew.write")
    state = call.query("state", "open")
    if state not in ("", "open", "good", "due", "overdue", "never"):
        raise Invalid(_("This choice is not offered."), "state")
    return call.page(
        "equipment/learning_competence.html", crew=crew, state=state, lines=lines,
        mine=await competence.needs(pool, now, person_id=call.who.id),
        needs=(await competence.needs(pool, now, state=state))[:300] if crew else [],
        codes=await records.competences(pool), rules=await records.rules(pool), roles=PEOPLE,
        everybody=await records.people(pool) if crew else [],
        proofs=(await records.of_person(pool, call.who.id))[1],
    )  # fmt: skip


async def competence_page(call: Call) -> Response:
    """``/equipment/learning/competence``."""
    return await show_competence(call)


async def assess(call: Call) -> Response:
    """Record an assessment."""
    async with call.shop.acting(call.who) as conn:
        await competence.assess(
            call.shop, conn, call.field("person", required=True), call.field("code", required=True), by=call.who,
            at=call.time("at"), evidence=call.field("evidence"),
        )  # fmt: skip
    return call.back(f"{START}/competence", "saved")


async def change_rules(call: Call) -> Response:
    """A competence, a rule, or one rule less."""
    shop = call.shop
    async with shop.acting(call.who, call.field("reason")) as conn:
        match call.path("what"):
            case "codes":
                months = call.field("months")
                await competence.change(conn, Competence(
                    code=call.field("code", required=True).lower(), title=call.field("title", required=True),
                    months=whole(months, "months") if months else None, note=call.field("note"),
                ))  # fmt: skip
            case "rules":
                await competence.require(shop, conn, Rule(
                    rule_id="", code=call.field("code", required=True), roles=tuple(call.fields("roles")),
                    scope=call.field("scope", required=True), target=call.field("target"),
                ))  # fmt: skip
            case "release":
                await competence.release(conn, call.field("rule", required=True))
            case "revoke":
                await competence.revoke(shop, conn, call.field("record", required=True), call.field("reason"),
                                        by=call.who)  # fmt: skip
            case _:
                raise NotFound(_("There is no such page."))
    return call.back(f"{START}/competence", "saved")


async def export(call: Call) -> Response:
    """Every record that holds, as CSV."""
    people = {ident: login for ident, login, _display, _roles in await records.people(call.shop.pool)}
    text = competence_table.write(await records.records(call.shop.pool), people)
    return Response(text.encode(), media_type="text/csv", headers={
        "content-disposition": 'attachment; filename="competence.csv"', "cache-control": "no-store",
    })  # fmt: skip


@takes_files(MOST_BYTES)
async def load(call: Call) -> Response:
    """A list of records comes in; every line gets its answer."""
    _name, content = await call.upload("file", MOST_BYTES)
    text = competence_table.decoded(content)
    async with call.shop.acting(call.who, "list of competences") as conn:
        lines = await competence_table.load(call.shop, conn, text, by=call.who)
    return await show_competence(call, lines)


async def thanks(call: Call) -> Response:
    """Who taught, wrote, reviewed, answered and helped in a quarter, by name; and the notes of thanks."""
    pool = call.shop.pool
    back = min(whole(call.query("back"), "back", 0), 40)
    name, since, until = training.quarter(call.shop.clock.now(), back)
    return call.page(
        "equipment/learning_thanks.html", quarter=name, back=back, given=await training.recognition(pool, since, until),
        notes=await sessions.thanked(pool, since, until),
        everybody=[one for one in await records.people(pool) if one[0] != call.who.id],
        fields=[field for field in msgspec.structs.fields(sessions.Given) if field.type is int],
    )  # fmt: skip


async def thank(call: Call) -> Response:
    """Say thank you."""
    async with call.shop.acting(call.who) as conn:
        await training.thank(call.shop, conn, call.field("person", required=True), call.field("text", required=True),
                             by=call.who)  # fmt: skip
    return call.back(f"{START}/thanks", "saved")


GET, POST, BOTH = ["GET"], ["POST"], ["GET", "POST"]
PAGES: Pages = (
    (START, GET, learning, "knowledge", ""),
    (f"{START}/paths/{{path}}", GET, path, "knowledge", ""),
    (f"{START}/paths/{{path}}", POST, put_path, "knowledge", "crew.write"),
    (f"{START}/paths/{{path}}/start", POST, start, "knowledge", "crew.write"),
    (f"{START}/starts/{{start}}", GET, started, "knowledge", ""),
    (f"{START}/starts/{{start}}/items/{{item}}", POST, sign, "knowledge", "knowledge.write"),
    (f"{START}/sessions", GET, show_sessions, "knowledge", ""),
    (f"{START}/sessions", POST, plan, "knowledge", "knowledge.write"),
    (f"{START}/sessions/{{training}}", GET, session, "knowledge", ""),
    (f"{START}/sessions/{{training}}/{{move}}", POST, attend, "knowledge", "knowledge.write"),
    (f"{START}/competence", GET, competence_page, "knowledge", ""),
    (f"{START}/competence/records", POST, assess, "knowledge", "crew.write"),
    (f"{START}/competence/records.csv", GET, export, "knowledge", "crew.write"),
    (f"{START}/competence/import", POST, load, "knowledge", "crew.write"),
    (f"{START}/competence/{{what}}", POST, change_rules, "knowledge", "crew.write"),
    (f"{START}/thanks", GET, thanks, "knowledge", ""),
    (f"{START}/thanks", POST, thank, "knowledge", "knowledge.write"),
)
