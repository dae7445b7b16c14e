"""Planning: the board of weeks and people, schedules, and the key figures of maintenance."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.core.clock import DAY, HOUR
from wardbridge.core.errors import Invalid
from wardbridge.core.sheets import csv_text
from wardbridge.equipment.register.store import models as models_of
from wardbridge.equipment.work import board, desk, plans, schedules, values
from wardbridge.equipment.work.plans import Schedule
from wardbridge.equipment.work.store import figures, orders, planning
from wardbridge.equipment.work.store import procedures as kept
from wardbridge.equipment.work.store import schedules as store
from wardbridge.equipment.work.store.orders import Filter
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.work import GET, POST, number_of
from wardbridge.web.words import _

BOARD, SCHEDULES, KPI = "/equipment/planning", "/equipment/schedules", "/equipment/kpi"
WEEKS, WAITING = 4, 60


async def planner(call: Call) -> Response:
    """``/equipment/planning``: who does what in which week, and what nobody has."""
    shop = call.shop
    now, skip = shop.clock.now(), number_of(call, "weeks", most=60)
    across = board.weeks(now, call.room.zone, WEEKS, skip)
    people = [(ident, name) for ident, name, _role in await orders.people(shop.pool, ("technician", "operator"))]
    lines = await planning.planned(shop.pool, across[0].start, across[-1].stop)
    side = call.query("side") if call.query("side") in values.SIDES else ""
    waiting, total = await orders.find(
        shop.pool, Filter(state="unfinished", unplanned=True, side=side), now, limit=WAITING
    )
    _first, behind = await orders.find(shop.pool, Filter(state="overdue"), now, limit=1)
    return call.page(
        "equipment/planning.html", weeks=across, rows=board.rows(people, lines, across), waiting=waiting, total=total,
        people=people, teams=await orders.teams(shop.pool), capacity=board.CAPACITY, usual=board.USUAL, skip=skip,
        step=WEEKS, side=side, sides=values.SIDES, behind=behind,
    )  # fmt: skip


async def assign(call: Call) -> Response:
    """Give the chosen orders to somebody, in a week."""
    shop, chosen = call.shop, call.fields("work")
    if not chosen:
        raise Invalid(_("Choose at least one work order."), "work")
    who, team = call.field("person"), call.field("team")
    known = {ident: name for ident, name, _role in await orders.people(shop.pool, ("technician", "operator"))}
    if (who and who not in known) or not (who or team):
        raise Invalid(_("Choose a person or name a team."), "person")
    minutes = call.field("minutes")
    if minutes and not (minutes.isdecimal() and 1 <= int(minutes) <= 10_000):
        raise Invalid(_("Minutes are a number from 1 to 10000."), "minutes")
    week = call.field("week", required=True)
    if not week.isdecimal() or len(week) > 17:
        raise Invalid(_("This choice is not offered."), "week")
    planned = max(int(week) + 8 * HOUR, shop.clock.now())
    async with shop.acting(call.who) as conn:
        await desk.assign(shop, conn, chosen, call.who, person_id=who, person=known.get(who, ""), team=team,
                          planned=planned, minutes=int(minutes) if minutes else None)  # fmt: skip
    return call.back(BOARD, "planned")


async def schedule_list(call: Call) -> Response:
    """``/equipment/schedules``."""
    shop = call.shop
    return call.page(
        "equipment/planning_schedules.html", found=await store.every(shop.pool), models=await models_of(shop.pool),
        procedures=await kept.current(shop.pool), sides=values.SIDES, priorities=values.PRIORITIES,
    )  # fmt: skip


async def schedule_add(call: Call) -> Response:
    """A new schedule for a model or for one machine."""
    shop = call.shop
    machine = call.field("machine")
    found = await orders.machine_named(shop.pool, machine) if machine else []
    if machine and len(found) != 1:
        raise Invalid(_("No machine, or more than one, has this number."), "machine")
    now = shop.clock.now()
    every = call.field("every").replace(",", ".")
    try:
        limit = float(every) if every else None
    except ValueError:
        raise Invalid(_("This is not a number."), "every") from None
    ahead = _whole(call, "ahead_days")
    schedule = Schedule(
        schedule_id=shop.ids(), name=call.field("name", required=True), kind=call.field("kind") or "maintenance",
        device_id=found[0] if found else None, model_id=None if found else call.field("model") or None,
        procedure_id=call.field("procedure"), months=_whole(call, "months"), fixed=bool(call.field("fixed")),
        anchor=call.time("anchor") or None, meter=(call.field("meter") or "use") if limit is not None else "",
        every=limit, ahead_days=30 if ahead is None else ahead,
        minutes=_whole(call, "minutes"), side=call.field("side") or "biomed", team=call.field("team"),
        priority=call.field("priority") or "routine", aem=call.field("aem") or None, created=now,
    )  # fmt: skip
    async with shop.acting(call.who) as conn:
        await schedules.put(shop, conn, schedule)
    return call.back(SCHEDULES, "saved")


def _whole(call: Call, name: str) -> int | None:
    text = call.field(name)
    if text and not (text.isdecimal() and len(text) < 6):
        raise Invalid(_("This is not a whole number."), name)
    return int(text) if text else None


async def schedule_stop(call: Call) -> Response:
    """Order nothing more by it."""
    async with call.shop.acting(call.who, call.field("reason")) as conn:
        await schedules.stop(call.shop, conn, call.path("schedule"))
    return call.back(SCHEDULES, "saved")


async def kpi(call: Call) -> Response:
    """``/equipment/kpi``: what a year of maintenance came to."""
    now = call.shop.clock.now()
    start = plans.add_months(now, -max(1, number_of(call, "months", 12, 60)))
    pool = call.shop.pool
    return call.page(
        "equipment/planning_kpi.html", months=await figures.completion(pool, start, now, call.room.zone.key),
        models=await figures.reliability(pool, start, now), ages=await figures.ages(pool, now), start=start,
        span=number_of(call, "months", 12, 60) or 12, days=(now - start) // DAY,
    )  # fmt: skip


async def kpi_csv(call: Call) -> Response:
    """The same as CSV (RFC 4180): one table a file."""
    now = call.shop.clock.now()
    start = plans.add_months(now, -max(1, number_of(call, "months", 12, 60)))
    if call.path("table") == "models":
        text = csv_text(
            ("model", "machines", "failures", "repeats", "mtbf_hours", "mttr_hours", "availability"),
            [(one.model, one.machines, one.failures, one.repeats, _round(one.mtbf), _round(one.mttr),
              _round(one.availability, 5)) for one in await figures.reliability(call.shop.pool, start, now, 5000)],
        )  # fmt: skip
    else:
        months = await figures.completion(call.shop.pool, start, now, call.room.zone.key)
        text = csv_text(
            ("month", "criticality", "due", "on_time", "late", "open", "cancelled", "completion"),
            [(one.month, one.criticality, one.due, one.on_time, one.late, one.open, one.cancelled,
              _round(one.completion, 4)) for one in months],
        )  # fmt: skip
    return Response(text, media_type="text/csv; charset=utf-8",
                    headers={"content-disposition": 'attachment; filename="maintenance.csv"'})  # fmt: skip


def _round(number: float | None, digits: int = 2) -> str:
    return "" if number is None else f"{number:.{digits}f}"


PAGES: Pages = (
    (BOARD, GET, planner, "maintenance", ""),
    (BOARD, POST, assign, "maintenance", "work.plan"),
    (SCHEDULES, GET, schedule_list, "maintenance", ""),
    (SCHEDULES, POST, schedule_add, "maintenance", "work.plan"),
    (f"{SCHEDULES}/{{schedule}}/stop", POST, schedule_stop, "maintenance", "work.plan"),
    (KPI, GET, kpi, "maintenance", ""),
    (f"{KPI}/{{table}}.csv", GET, kpi_csv, "maintenance", ""),
)
