"""Work orders: the list, one order with its procedure, and everything that people do with it."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.core.errors import Forbidden, Invalid, NotFound
from wardbridge.equipment.learning import about as learning
from wardbridge.equipment.register.store import now as machines_now
from wardbridge.equipment.work import desk, procedures, values
from wardbridge.equipment.work.store import orders, requests
from wardbridge.equipment.work.store import procedures as kept
from wardbridge.equipment.work.store.orders import Filter
from wardbridge.web.call import Call, Pages
from wardbridge.web.words import _

PAGE = 50
WORK = "/equipment/work"
GET, POST = ["GET"], ["POST"]
STATES = ("unfinished", "overdue", *values.STATES, "all")
FIELDS = ("state", "kind", "side", "source", "priority", "ward", "team", "person_id", "sort")
MOVES = ("take", "wait", "note", "results", "resolve", "cancel", "defer", "not-found", "procedure")


def number_of(call: Call, name: str, default: int = 0, most: int = 100_000) -> int:
    """A whole number of the query, the default for anything else."""
    text = call.query(name, "")
    return min(int(text), most) if text.isdecimal() else default


def chosen_of(call: Call) -> tuple[Filter, dict[str, str]]:
    """The filter that the address asks for, and the same as words for links. Raises Invalid for what is not offered."""
    asked = {name: call.query(name) for name in FIELDS}
    asked["q"] = call.query("q")
    offered = {"state": ("", *STATES), "kind": ("", *values.KINDS), "side": ("", *values.SIDES),
               "source": ("", *values.SOURCES), "priority": ("", *values.PRIORITIES),
               "sort": ("", *orders.SORTS)}  # fmt: skip
    for name, allowed in offered.items():
        if asked[name] not in allowed:
            raise Invalid(_("This choice is not offered."), name)
    state = {"": "unfinished", "all": ""}.get(asked["state"], asked["state"])
    found = Filter(
        state=state, text=asked["q"], sort=asked["sort"] or "due", kind=asked["kind"], side=asked["side"],
        source=asked["source"], priority=asked["priority"], ward=asked["ward"], team=asked["team"],
        person_id=asked["person_id"],
    )  # fmt: skip
    return found, {name: text for name, text in asked.items() if text}


async def work_list(call: Call) -> Response:
    """``/equipment/work``: the list; its address is the saved view."""
    chosen, asked = chosen_of(call)
    skip, pool = number_of(call, "skip"), call.shop.pool
    lines, total = await orders.find(pool, chosen, call.shop.clock.now(), limit=PAGE, skip=skip)
    return call.page(
        "equipment/work.html", lines=lines, total=total, skip=skip, step=PAGE, asked=asked, states=STATES,
        kinds=values.KINDS, sides=values.SIDES, sources=values.SOURCES, priorities=values.PRIORITIES,
        sorts=orders.SORTS, teams=await orders.teams(pool), people=await _people(call),
        procedures=await kept.current(pool), device=call.query("device"),
    )  # fmt: skip


async def _people(call: Call) -> list[tuple[str, str, str]]:
    return await orders.people(call.shop.pool, ("technician", "operator"))


async def add(call: Call) -> Response:
    """A new order, for the machine with this asset number, serial number or id."""
    shop, named = call.shop, call.field("machine", required=True)
    found = await orders.machine_named(shop.pool, named)
    if len(found) != 1:
        raise Invalid(_("No machine, or more than one, has this number."), "machine")
    async with shop.acting(call.who) as conn:
        made = await desk.order(
            shop, conn, found[0], call.field("kind", required=True), call.field("name", required=True),
            call.field("text"), call.who, due=call.time("due") or None, priority=call.field("priority") or "routine",
            side=call.field("side") or "biomed", procedure_id=call.field("procedure"),
        )  # fmt: skip
    return call.back(f"{WORK}/{made.work_id}", "ordered")


async def work_page(call: Call) -> Response:
    """``/equipment/work/{work}``: one order."""
    shop, work_id = call.shop, call.path("work")
    found = await orders.lines(shop.pool, [work_id])
    if not found:
        raise NotFound(_("There is no such work order."))
    line = found[0]
    work = line.work
    procedure = await kept.version(shop.pool, work.procedure_id, work.procedure_version) if work.procedure_id else None
    return call.page(
        "equipment/work_order.html", line=line, work=work, procedure=procedure, late=values.LATE,
        results={one.step: one for one in await kept.results(shop.pool, [work_id])},
        every=await kept.results(shop.pool, [work_id], every=True), notes=await orders.notes(shop.pool, [work_id]),
        children=await orders.children(shop.pool, work_id), waiting=values.WAITING, tries=values.TRIES,
        said=await requests.of_work(shop.pool, [work_id]), instruments=await kept.instruments(shop.pool),
        fitting=await kept.fitting(shop.pool, work.device_id) if work.device_id and not procedure else [],
        overdue=not work.ended and work.due is not None and (work.due_first or work.due) < shop.clock.now(),
        advice=await learning.advice(shop, work.device_id, work.person_id, work.code),
        mine=_may(call, work.side), known=bool(await machines_now(shop.pool, [work.device_id])),
    )  # fmt: skip


def _may(call: Call, side: str) -> bool:
    """Biomed's work is biomed's; IT works on what is IT's or both's."""
    return call.may("maintenance.work") or (side != "biomed" and call.may("work.order"))


async def move(call: Call) -> Response:
    """Everything that people do with an order."""
    shop, work_id, what = call.shop, call.path("work"), call.path("move")
    if what not in MOVES:
        raise NotFound(_("There is no such page."))
    found = await orders.get(shop.pool, [work_id])
    if not found:
        raise NotFound(_("There is no such work order."))
    if not _may(call, found[0].side):
        raise Forbidden(_("This is the work of clinical engineering."), "role")
    if what == "defer" and not call.may("work.plan"):
        raise Forbidden(_("Work is put off by those who plan it."), "role")
    done = "saved"
    async with shop.acting(call.who) as conn:
        match what:
            case "take":
                await desk.take(shop, conn, work_id, call.who)
            case "wait":
                await desk.wait(shop, conn, work_id, call.field("waiting", required=True), call.who, call.field("text"))
            case "note":
                await desk.note(shop, conn, work_id, call.field("text", required=True), call.who)
            case "results":
                answers = {
                    name.removeprefix("step-"): call.field(name) for name in call.form if name.startswith("step-")
                }
                await procedures.record(
                    shop, conn, work_id, {step: text for step, text in answers.items() if text}, call.who,
                    instrument_id=call.field("instrument"), override=call.field("override"),
                )  # fmt: skip
            case "procedure":
                await procedures.follow(shop, conn, work_id, call.field("procedure", required=True))
            case "resolve":
                await desk.resolve(shop, conn, work_id, call.field("text"), call.who,
                                   late_reason=call.field("late_reason"))  # fmt: skip
                done = "work-done"
            case "cancel":
                await desk.cancel(shop, conn, work_id, call.field("reason"), call.who)
            case "defer":
                await desk.defer(shop, conn, work_id, call.time("due", required=True), call.field("why"),
                                 call.field("text"), call.who)  # fmt: skip
            case _:
                _work, lost = await desk.not_found(shop, conn, work_id, call.field("text"), call.who)
                done = "work-lost" if lost else "saved"
    return call.back(f"{WORK}/{work_id}", done)


PAGES: Pages = (
    (WORK, GET, work_list, "maintenance", ""),
    (WORK, POST, add, "maintenance", "work.order"),
    (f"{WORK}/{{work}}", GET, work_page, "maintenance", ""),
    (f"{WORK}/{{work}}/{{move}}", POST, move, "maintenance", "work.order"),
)
