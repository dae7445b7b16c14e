"""``/equipment/oncall`` and ``/equipment/load``: who is called, what is handed over, and whether it is too much."""

from __future__ import annotations

from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response

from wardbridge.core.clock import DAY, to_datetime
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.crew import calendar, handover, load, oncall, strain
from wardbridge.equipment.crew.load import Limit
from wardbridge.equipment.crew.rota import EVERY_DAY, SIDES, Rota
from wardbridge.equipment.crew.store import load as load_store
from wardbridge.equipment.crew.store import rota as store
from wardbridge.equipment.signing.sign import SIDES as DEPARTMENTS
from wardbridge.equipment.signing.sign import sides_of
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.knowledge import whole
from wardbridge.web.room import Room
from wardbridge.web.words import _

ONCALL, LOAD = "/equipment/oncall", "/equipment/load"
AHEAD = 28


def day_of(text: str, name: str) -> date:
    """A date field. Raises Invalid."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(_("This is not a date."), name) from None


async def show_oncall(call: Call) -> Response:
    """Who is called now, the next four weeks, gaps, swaps, hand-overs."""
    return await _oncall(call)


async def _oncall(call: Call, address: str = "") -> Response:
    pool, now = call.shop.pool, call.shop.clock.now()
    rotas = await store.rotas(pool, since=now)
    duties = await oncall.duties(pool, now, now + AHEAD * DAY)
    people = await store.people(pool)
    now_on = sorted((one for one in duties if one.start <= now and one.person_id), key=lambda one: one.level)
    used = {one.side for one in rotas}
    mine = sides_of(call.who)
    return call.page(
        "equipment/crew_oncall.html", rotas=rotas, duties=duties,
        names={ident: one[0] for ident, one in people.items()},
        sides=SIDES, now_on={side: [one for one in now_on if one.side == side] for side in SIDES},
        gaps={side: await oncall.gaps(pool, now, now + AHEAD * DAY, side) for side in sorted(used)},
        absent=await oncall.absent(pool, rotas), swaps=await store.open_swaps(pool, call.who.id, now), mine=mine,
        colleagues=sorted(((ident, name) for ident, (name, roles) in people.items() if ident != call.who.id
                           and set(sides_of_roles(roles)) & set(mine)), key=lambda row: row[1].lower()),
        crew=sorted(((ident, name, "/".join(sides_of_roles(roles))) for ident, (name, roles) in people.items()
                     if sides_of_roles(roles)), key=lambda row: (row[2], row[1].lower())),
        handovers=[one for one in await store.handovers(pool, limit=12) if one.side in mine or not one.accepted_at],
        previews={side: await handover.preview(pool, side) for side in mine},
        has_calendar=await store.has_token(pool, call.who.id), address=address, days=EVERY_DAY, ahead=AHEAD,
        today=to_datetime(now).astimezone(call.room.zone).date().isoformat(),
    )  # fmt: skip


def sides_of_roles(roles: frozenset[str]) -> list[str]:
    """The departments of somebody with these roles."""
    return [side for side, allowed in DEPARTMENTS.items() if roles & allowed]


async def put_rota(call: Call) -> Response:
    """A new rota."""
    first, last = call.field("first", required=True), call.field("last")
    one = Rota(
        rota_id="", side=call.field("side", required=True), title=call.field("title", required=True),
        zone=call.room.zone.key, first=day_of(first, "first"), last=day_of(last, "last") if last else None,
        people=tuple(name for name in call.fields("people") if name), level=whole(call.field("level"), "level", 1),
        from_time=call.field("from_time") or "08:00", to_time=call.field("to_time") or "08:00",
        days=tuple(sorted({whole(text, "days") for text in call.fields("days")})),
        turn_days=whole(call.field("turn_days"), "turn_days", 7), rank=whole(call.field("rank"), "rank", 0),
    )  # fmt: skip
    async with call.shop.acting(call.who) as conn:
        await oncall.put(call.shop, conn, one)
    return call.back(ONCALL, "saved")


async def end_rota(call: Call) -> Response:
    """The last day of a rota."""
    async with call.shop.acting(call.who) as conn:
        last = day_of(call.field("last", required=True), "last")
        await oncall.end(call.shop, conn, call.path("rota"), last)
    return call.back(ONCALL, "saved")


async def exchange(call: Call) -> Response:
    """Somebody else for a while."""
    async with call.shop.acting(call.who, call.field("reason")) as conn:
        await oncall.exchange(
            call.shop, conn, call.field("rota", required=True), call.time("start", required=True),
            call.time("stop", required=True), call.field("person"), call.field("reason"),
        )  # fmt: skip
    return call.back(ONCALL, "saved")


async def swap(call: Call) -> Response:
    """Ask a colleague to take over."""
    back = (call.time("back_start"), call.time("back_stop"))
    async with call.shop.acting(call.who) as conn:
        await oncall.ask(
            call.shop, conn, call.field("rota", required=True), call.field("asked_of", required=True),
            call.time("start", required=True), call.time("stop", required=True), by=call.who, back=back,
            note=call.field("note"),
        )  # fmt: skip
    return call.back(ONCALL, "asked")


async def answer_swap(call: Call) -> Response:
    """Agree, refuse or withdraw."""
    async with call.shop.acting(call.who) as conn:
        await oncall.answer(call.shop, conn, call.path("swap"), call.field("answer", required=True), by=call.who)
    return call.back(ONCALL, "answered")


async def address(call: Call) -> Response:
    """A new secret address of one's calendar, shown this once; or none any more."""
    async with call.shop.acting(call.who) as conn:
        if call.field("close"):
            await calendar.close_address(conn, by=call.who)
            return call.back(ONCALL, "saved")
        token = await calendar.open_address(call.shop, conn, by=call.who)
    base = call.shop.url or str(call.request.base_url).rstrip("/")
    return await _oncall(call, f"{base}{ONCALL}/calendar/{token}.ics")


async def calendar_file(room: Room, request: Request) -> Response:
    """A person's duties for their calendar program: whoever has the secret address may read it, and nothing else."""
    if room.shop is None:
        raise NotFound(_("There is no such page."))
    token = str(request.path_params["token"])
    text = await calendar.of_token(room.shop.pool, token, room.site, room.clock.now())
    return Response(text, media_type="text/calendar", headers={"cache-control": "private, max-age=600"})


async def give(call: Call) -> Response:
    """Hand over."""
    async with call.shop.acting(call.who) as conn:
        await handover.give(call.shop, conn, call.field("side", required=True), call.field("remarks"), by=call.who,
                            to_id=call.field("to"))  # fmt: skip
    return call.back(ONCALL, "saved")


async def accept(call: Call) -> Response:
    """Accept a hand-over."""
    async with call.shop.acting(call.who) as conn:
        await handover.accept(call.shop, conn, call.path("handover"), by=call.who, answer=call.field("answer"))
    return call.back(ONCALL, "saved")


async def show_load(call: Call) -> Response:
    """One's own load; for administrators sums and warnings of the sides, and the limits."""
    pool, now, zone = call.shop.pool, call.shop.clock.now(), call.room.zone
    leads = "administrator" in call.who.roles
    teams, warned = await strain.team(pool, call.who, now, zone) if leads else ([], [])
    today = to_datetime(now).astimezone(zone).date()
    return call.page(
        "equipment/crew_load.html", own=await strain.own(pool, call.who, now, zone), leads=leads, teams=teams,
        warned=warned, limits=await load_store.limits(pool), term_names=load.NAMES, kinds=strain.KINDS,
        today=today.isoformat(), earliest=(today - timedelta(days=60)).isoformat(),
    )  # fmt: skip


async def interrupted(call: Call) -> Response:
    """Note an interrupt of one's own."""
    async with call.shop.acting(call.who) as conn:
        await strain.interrupted(call.shop, conn, call.field("kind", required=True), call.time("at"),
                                 whole(call.field("minutes"), "minutes", 0), by=call.who)  # fmt: skip
    return call.back(LOAD, "saved")


async def worked(call: Call) -> Response:
    """Note the hours of a day of one's own."""

    def minutes(name: str) -> int:
        try:
            return round(float(call.field(name, required=True).replace(",", ".")) * 60)
        except (ValueError, OverflowError):
            raise Invalid(_("This is not a number of hours."), name) from None

    today = to_datetime(call.shop.clock.now()).astimezone(call.room.zone).date()
    async with call.shop.acting(call.who) as conn:
        await strain.worked(conn, day_of(call.field("day", required=True), "day"), minutes("planned"),
                            minutes("worked"), night=bool(call.field("night")), by=call.who, today=today)  # fmt: skip
    return call.back(LOAD, "saved")


async def limits(call: Call) -> Response:
    """The site's limits."""
    async with call.shop.acting(call.who) as conn:
        for term in load.NAMES:
            if call.field(f"warn-{term}"):
                one = Limit(term=term, warn=whole(call.field(f"warn-{term}"), term),
                            high=whole(call.field(f"high-{term}"), term),
                            weight=whole(call.field(f"weight-{term}"), term, 1))  # fmt: skip
                await strain.limit(conn, one, by=call.who)
    return call.back(LOAD, "saved")


GET, POST = ["GET"], ["POST"]
PAGES: Pages = (
    (ONCALL, GET, show_oncall, "equipment", ""),
    (f"{ONCALL}/rotas", POST, put_rota, "equipment", "crew.write"),
    (f"{ONCALL}/rotas/{{rota}}/end", POST, end_rota, "equipment", "crew.write"),
    (f"{ONCALL}/exceptions", POST, exchange, "equipment", "crew.write"),
    (f"{ONCALL}/swaps", POST, swap, "equipment", "knowledge.write"),
    (f"{ONCALL}/swaps/{{swap}}", POST, answer_swap, "equipment", "knowledge.write"),
    (f"{ONCALL}/calendar", POST, address, "equipment", "knowledge.write"),
    (f"{ONCALL}/handovers", POST, give, "equipment", "knowledge.write"),
    (f"{ONCALL}/handovers/{{handover}}", POST, accept, "equipment", "knowledge.write"),
    (LOAD, GET, show_load, "crew", ""),
    (f"{LOAD}/interrupts", POST, interrupted, "crew", "crew.write"),
    (f"{LOAD}/days", POST, worked, "crew", "crew.write"),
    (f"{LOAD}/limits", POST, limits, "crew", "crew.write"),
)
OPEN = ((f"{ONCALL}/calendar/{{token}}.ics", GET, calendar_file),)
"""Reached without a session: path, methods, handler."""
