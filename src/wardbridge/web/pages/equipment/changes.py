"""``/equipment/changes``: joint changes, their risk file and signatures, patches machine by machine, the calendar."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from wardbridge.core.clock import DAY
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.changes import desk, store
from wardbridge.equipment.changes.calendar import Absence, bounds, hints, ical, month
from wardbridge.equipment.changes.patches import desk as patches
from wardbridge.equipment.changes.patches import store as items
from wardbridge.equipment.changes.patches.values import Window
from wardbridge.equipment.changes.rules import ENDED
from wardbridge.equipment.changes.values import KINDS, Patch, RiskFile
from wardbridge.equipment.crew import oncall
from wardbridge.equipment.signing.sign import BOTH, sides_of
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.change_form import HAZARDS, SPARE, choices, file_of, number, written
from wardbridge.web.words import _

SHOWN = {
    "open": ("draft", "assessed", "signed", "scheduled", "running", "verified"),
    "ended": tuple(sorted(ENDED)),
    "all": (),
}
SHOWN_ITEMS = 500


async def changes(call: Call) -> Response:
    """The list."""
    shown, kind, text = call.query("show", "open"), call.query("kind"), call.query("q")
    if shown not in SHOWN or kind not in ("", *KINDS):
        raise Invalid(_("This choice is not offered."), "show")
    pool, now = call.shop.pool, call.shop.clock.now()
    found = await store.find(pool, states=SHOWN[shown], kind=kind, text=text)
    windows = [one for one in found if one.start is not None and one.stop is not None]
    since, until = (
        min((one.start or 0 for one in windows), default=now),
        max((one.stop or 0 for one in windows), default=now),
    )
    others = await store.find(pool, states=SHOWN["open"], since=since, until=until) if windows else []
    freezes, absences = await store.freezes(pool, since, until), await _absences(call, since, until)
    return call.page(
        "equipment/changes.html", changes=found, show=shown, kind=kind, asked=text, kinds=KINDS, shown=tuple(SHOWN),
        hints={one.change_id: hints(one, others, freezes, absences) for one in found},
        counts=await items.count(pool, [one.change_id for one in found]),
    )  # fmt: skip


async def _absences(call: Call, since: int, until: int) -> list[Absence]:
    """When within [since, until) and the coming year a side that has a rota has nobody on call."""
    pool, now = call.shop.pool, call.shop.clock.now()
    start, stop = max(since, now), min(until, now + 365 * DAY)
    found = []
    for side in BOTH if start < stop else ():
        if await oncall.duties(pool, start - 14 * DAY, stop + 14 * DAY, side):
            found += [Absence(start=a, stop=b, side=side) for a, b in await oncall.gaps(pool, start, stop, side)]
    return found


async def calendar(call: Call) -> Response:
    """A month as a grid, with freezes."""
    zone, pool = call.room.zone, call.shop.pool
    try:
        first = date.fromisoformat(f"{call.query('month') or call.room.show.field(call.shop.clock.now())[:7]}-01")
    except ValueError as error:
        raise Invalid(_("This is no month (YYYY-MM)."), "month") from error
    if not 2000 <= first.year <= 2200:
        raise Invalid(_("This is no month (YYYY-MM)."), "month")
    start, stop = bounds(first, first, zone)
    start, stop = start - 7 * DAY, stop + 40 * DAY
    found = await store.find(pool, since=start, until=stop, limit=2000)
    found = [one for one in found if one.state not in ("rejected", "cancelled")]
    freezes = await store.freezes(pool, start, stop)
    return call.page(
        "equipment/change_calendar.html", first=first, freezes=freezes, offered=await store.offered(pool),
        weeks=month(first.year, first.month, sorted(found, key=lambda one: one.start or 0), freezes, zone),
        before=_month(first, -1), after=_month(first, 1),
    )  # fmt: skip


def _month(first: date, step: int) -> str:
    at = first.year * 12 + first.month - 1 + step
    return f"{at // 12:04d}-{at % 12 + 1:02d}"


async def feed(call: Call) -> Response:
    """The changes of the last quarter and those to come, for other calendars."""
    now = call.shop.clock.now()
    found = await store.find(call.shop.pool, since=now - 90 * DAY, limit=5000)
    text = ical(found, call.shop.url)
    return Response(text, media_type="text/calendar; charset=utf-8",
                    headers={"content-disposition": 'attachment; filename="changes.ics"'})  # fmt: skip


async def new(call: Call) -> Response:
    """A new change; the query may name kind, device, model, component, version, cve and campaign."""
    kind = call.query("kind", "configuration")
    if kind not in KINDS:
        raise Invalid(_("This choice is not offered."), "kind")
    model = call.query("model")
    patch = None
    if kind == "patch":
        fixes = tuple(part for part in call.query("cve").split(",") if part)
        patch = Patch(model_id=model, version=call.query("version"), component=call.query("component") or "firmware",
                      fixes=fixes, campaign_id=call.query("campaign"))  # fmt: skip
    file = RiskFile(title=call.query("title"), devices=tuple(one for one in call.query("device").split(",") if one),
                    models=(model,) if model else (), patch=patch)  # fmt: skip
    return await _form(call, kind, file, "", 0)


async def _form(call: Call, kind: str, file: RiskFile, change_id: str, version: int) -> Response:
    matrix = file.matrix or await desk.matrix_in_force(call.shop, call.shop.pool)
    return call.page(
        "equipment/change_form.html", kind=kind, kinds=KINDS, file=file, change_id=change_id, version=version,
        matrix=matrix, rows=min(len(file.hazards) + SPARE, HAZARDS), written=lambda many: written(call, many),
        **await choices(call),
    )  # fmt: skip


async def add(call: Call) -> Response:
    """Begin a change."""
    kind, file = call.field("kind", required=True), await file_of(call)
    async with call.shop.acting(call.who) as conn:
        begin = patches.plan(call.shop, conn, file, call.who) if kind == "patch" else desk.draft(
            call.shop, conn, kind, file, call.who)  # fmt: skip
        change = await begin
    return call.back(f"/equipment/changes/{change.change_id}", "written")


async def change(call: Call) -> Response:
    """One change with its file, signatures, machines and course."""
    pool, ident = call.shop.pool, call.path("change")
    sheet = await desk.sheet(pool, ident)
    one = sheet.change
    meets = one.start is not None and one.stop is not None
    others = await store.find(pool, states=SHOWN["open"], since=one.start, until=one.stop) if meets else []
    freezes = await store.freezes(pool, one.start or 0, one.stop or 0) if meets else []
    absences = await _absences(call, one.start or 0, one.stop or 0) if meets else []
    lines = await items.lines(pool, ident, SHOWN_ITEMS) if one.kind == "patch" else []
    open_ = [line.item.device_id for line in lines if line.item.state in ("waiting", "ready")]
    running = one.state in ("scheduled", "running")
    return call.page(
        "equipment/change.html", sheet=sheet, change=one, file=one.file, matrix=one.file.matrix, lines=lines,
        hints=hints(one, others, freezes, absences), steps=await store.steps(pool, [ident]),
        touched=await store.touched(pool, one), machines=await store.names(pool, one.file.devices[:200]),
        counts=(await items.count(pool, [ident])).get(ident, {}),
        windows=await items.windows(pool, change_id=ident) if one.kind == "patch" else [],
        hindered=await patches.hindrances(call.shop, pool, ident, open_) if running and open_ else {},
        mine=[side for side in sides_of(call.who) if side in sheet.missing
              and (side != "clinical" or "physician" in call.who.roles)],
        signed={given.side: given for given in sheet.standing}, offered=await store.offered(pool),
    )  # fmt: skip


async def edit(call: Call) -> Response:
    """Change the file; signatures on the earlier content are void then."""
    ident = call.path("change")
    if call.request.method == "GET":
        one = (await desk.sheet(call.shop.pool, ident)).change
        return await _form(call, one.kind, one.file, ident, one.version)
    file, seen = await file_of(call), number(call, "version", 0, 1_000_000)
    async with call.shop.acting(call.who) as conn:
        known = await desk.locked(conn, ident)
        write = patches.edit if known.kind == "patch" else desk.edit
        await write(call.shop, conn, ident, file, call.who, seen=seen)
    return call.back(f"/equipment/changes/{ident}", "written")


async def sign(call: Call) -> Response:
    """Sign the file as one side; the form carries the digest of what was shown."""
    ident = call.path("change")
    digest = call.field("digest", required=True)
    async with call.shop.acting(call.who, "signed") as conn:
        await desk.sign(call.shop, conn, ident, call.field("side", required=True), call.who, digest=digest,
                        note=call.field("note"))  # fmt: skip
    return call.back(f"/equipment/changes/{ident}", "signed")


async def move(call: Call) -> Response:
    """assess, schedule, start, verify, close, roll-back, reject, cancel."""
    ident = call.path("change")
    async with call.shop.acting(call.who) as conn:
        await desk.move(call.shop, conn, ident, call.path("move"), call.who, call.field("note"))
    return call.back(f"/equipment/changes/{ident}", "moved")


async def item(call: Call) -> Response:
    """What is done with one machine of a patch."""
    ident, device, name = call.path("change"), call.path("device"), call.path("move")
    shop, who, note = call.shop, call.who, call.field("note")
    async with shop.acting(who, f"patch {name}") as conn:
        match name:
            case "start":
                await patches.start(shop, conn, ident, device, who)
            case "verify":
                await patches.verify(shop, conn, ident, device, call.field("version"), note, who)
            case "fail":
                await patches.fail(shop, conn, ident, device, note, who)
            case "roll-back":
                await patches.roll_back(shop, conn, ident, device, note, who)
            case "except":
                await patches.except_(shop, conn, ident, device, note, who)
            case "retry":
                await patches.retry(shop, conn, ident, device, who)
            case _:
                raise NotFound(_("There is no such page."))
    return call.back(f"/equipment/changes/{ident}", "moved")


async def window(call: Call) -> Response:
    """Add a patch window to a change."""
    ident = call.path("change")
    one = Window(
        window_id="", change_id=ident, start=call.time("start", required=True), stop=call.time("stop", required=True),
        ward=call.field("ward"), zone=call.field("zone"), parallel=number(call, "parallel", 1, 1000),
        spares=number(call, "spares", 0, 1000), note=call.field("note"),
    )  # fmt: skip
    async with call.shop.acting(call.who, "patch window") as conn:
        await desk.locked(conn, ident)
        await patches.set_window(call.shop, conn, one)
    return call.back(f"/equipment/changes/{ident}", "written")


async def drop_window(call: Call) -> Response:
    """Take a patch window away."""
    async with call.shop.acting(call.who, "patch window") as conn:
        await patches.drop_window(conn, call.path("window"))
    return call.back(f"/equipment/changes/{call.path('change')}", "moved")


async def freeze(call: Call) -> Response:
    """Say that nothing is changed for a time."""
    start, stop = call.time("start", required=True), call.time("stop", required=True)
    reason = call.field("reason", required=True)
    async with call.shop.acting(call.who) as conn:
        await desk.freeze(call.shop, conn, start, stop, reason, ward=call.field("ward"), zone=call.field("zone"))
    return call.back("/equipment/changes/calendar", "written")


async def thaw(call: Call) -> Response:
    """Lift a freeze."""
    async with call.shop.acting(call.who) as conn:
        await desk.thaw(conn, call.path("freeze"))
    return call.back("/equipment/changes/calendar", "moved")


GET, POST = ["GET"], ["POST"]
_AT = "/equipment/changes"
PAGES: Pages = (
    (_AT, GET, changes, "risk", ""),
    (f"{_AT}/calendar", GET, calendar, "risk", ""),
    (f"{_AT}/calendar.ics", GET, feed, "risk", ""),
    (f"{_AT}/freezes", POST, freeze, "risk", "risk.write"),
    (f"{_AT}/freezes/{{freeze}}/drop", POST, thaw, "risk", "risk.write"),
    (f"{_AT}/new", GET, new, "risk", "risk.write"),
    (f"{_AT}/new", POST, add, "risk", "risk.write"),
    (f"{_AT}/{{change}}", GET, change, "risk", ""),
    (f"{_AT}/{{change}}/edit", ["GET", "POST"], edit, "risk", "risk.write"),
    (f"{_AT}/{{change}}/sign", POST, sign, "risk", ""),
    (f"{_AT}/{{change}}/windows", POST, window, "risk", "patch.work"),
    (f"{_AT}/{{change}}/windows/{{window}}/drop", POST, drop_window, "risk", "patch.work"),
    (f"{_AT}/{{change}}/machines/{{device}}/{{move}}", POST, item, "risk", "patch.work"),
    (f"{_AT}/{{change}}/{{move}}", POST, move, "risk", "risk.write"),
)
