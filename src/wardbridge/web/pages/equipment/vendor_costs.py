"""A machine's cover and whole cost, what the manufacturer says of support, and the replacement plan."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.core.sheets import csv_text
from wardbridge.equipment.register import store as register
from wardbridge.equipment.vendors import about, cost, plan, support
from wardbridge.equipment.vendors.store import firms as firm_store
from wardbridge.equipment.vendors.values import COST_KINDS
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.lifecycle import number, whole
from wardbridge.web.words import _

PAGE = 100


async def cover(call: Call) -> Response:
    """``/equipment/devices/{device}/cover``: is it covered, whom to call, what it costs, how long it is supported."""
    pool, now, ident = call.shop.pool, call.shop.clock.now(), call.path("device")
    found = await about.about(call.shop, ident)
    machines = await register.now(pool, [ident])
    if not machines:
        raise NotFound(_("There is no such machine in the register."))
    (model,) = await register.models(pool, [machines[0].model_id])
    said = await support.of_model(pool, model.model_id)
    judged = await plan.judged(pool, now, [ident])
    return call.page(
        "equipment/vendors_cover.html", machine=machines[0], dealings=found,
        cost=await cost.ownership(pool, [ident], now),
        kinds=COST_KINDS, model=model, said=said, judged=judged[0] if judged else None, says=support.SAYS,
        support=support.state(said.support if said else "unknown", model.support_ends, now),
        security=support.state(said.security if said else "unknown", model.security_ends, now),
        vendors=await firm_store.vendors(pool),
    )  # fmt: skip


async def enter_cost(call: Call) -> Response:
    """A cost that no other part knows."""
    shop, ident = call.shop, call.path("device")
    amount = number(call, "amount")
    if amount is None:
        raise Invalid(_("Please fill in this field."), "amount")
    async with shop.acting(call.who) as conn:
        await cost.enter(
            shop, conn, ident, call.who, kind=call.field("kind", required=True), amount=amount,
            currency=call.field("currency", required=True), since=call.time("since", required=True),
            until=call.time("until", required=True), note=call.field("note"),
        )  # fmt: skip
    return call.back(f"/equipment/devices/{ident}/cover", "saved")


async def say_support(call: Call) -> Response:
    """What the manufacturer says of a machine's model."""
    shop, ident = call.shop, call.path("device")
    machines = await register.now(shop.pool, [ident])
    if not machines:
        raise NotFound(_("There is no such machine in the register."))
    async with shop.acting(call.who) as conn:
        await support.say(
            shop, conn, machines[0].model_id, call.who, support=call.field("support", required=True),
            support_ends=call.time("support_ends") or None, security=call.field("security", required=True),
            security_ends=call.time("security_ends") or None, source=call.field("source", required=True),
        )  # fmt: skip
    return call.back(f"/equipment/devices/{ident}/cover", "saved")


def _chosen(call: Call, rows: list[plan.Judged]) -> list[plan.Judged]:
    department, year = call.query("department"), call.query("year")
    if year and not (year.isascii() and year.isdecimal()):
        raise Invalid(_("This is not a whole number."), "year")
    return [
        row for row in rows
        if (not department or row.machine.department == department) and (not year or row.proposed == int(year[:9]))
    ]  # fmt: skip


async def replacements(call: Call) -> Response:
    """``/equipment/replacement``: the most urgent first, by department and year, with the years' money."""
    rows = await plan.judged(call.shop.pool, call.shop.clock.now())
    chosen = _chosen(call, rows)
    skip = int(call.query("skip", "0")[:9]) if call.query("skip", "0").isdecimal() else 0
    return call.page(
        "equipment/vendors_plan.html", rows=chosen[skip : skip + PAGE], total=len(chosen), skip=skip, step=PAGE,
        budgets=plan.budgets(rows),
        departments=sorted({row.machine.department for row in rows if row.machine.department}),
        department=call.query("department"), year=call.query("year"), weights=plan.weights(),
        counts=plan.by_department(rows),
    )  # fmt: skip


async def decide(call: Call) -> Response:
    """The year in which chosen machines are replaced."""
    shop = call.shop
    year = None if call.field("what") == "undecide" else whole(call, "year")
    async with shop.acting(call.who) as conn:
        await plan.decide(shop, conn, call.fields("device"), year, call.who, budget=number(call, "budget"),
                          currency=call.field("currency"), note=call.field("note"))  # fmt: skip
    return call.back("/equipment/replacement", "saved")


COLUMNS = ("machine", "model", "department", "age in years", "score", "age", "support", "failures", "cost", "risk",
           "support state", "year", "decided", "budget", "currency")  # fmt: skip


async def sheet(call: Call) -> Response:
    """``/equipment/replacement.csv``: the plan as CSV (RFC 4180)."""
    rows = _chosen(call, await plan.judged(call.shop.pool, call.shop.clock.now()))
    text = csv_text(
        COLUMNS,
        [(one.name, one.model, one.department, row.age, row.score,
          *(row.terms[name] for name in ("age", "support", "failures", "cost", "risk")), row.support.state,
          row.proposed or "", "yes" if one.year else "", one.budget if one.budget is not None else one.price,
          one.budget_currency or one.currency) for row in rows for one in (row.machine,)],
    )  # fmt: skip
    head = {"content-disposition": 'attachment; filename="replacement.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=head)


GET, POST = ["GET"], ["POST"]
_COVER = "/equipment/devices/{device}/cover"
PAGES: Pages = (
    (_COVER, GET, cover, "vendors", ""),
    ("/equipment/devices/{device}/costs", POST, enter_cost, "vendors", "vendor.write"),
    ("/equipment/devices/{device}/support", POST, say_support, "vendors", "vendor.write"),
    ("/equipment/replacement", GET, replacements, "vendors", ""),
    ("/equipment/replacement.csv", GET, sheet, "vendors", ""),
    ("/equipment/replacement", POST, decide, "vendors", "vendor.write"),
)
