"""``/equipment/costs``: what work cost, as a list and as CSV; and the panel of one order with its time and vendors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.bench import calls, downtime, labour, stock
from wardbridge.equipment.bench import costs as bench_costs
from wardbridge.equipment.bench.about import about
from wardbridge.equipment.bench.store import stock as shelves
from wardbridge.equipment.bench.store import time
from wardbridge.equipment.bench.values import Cost, Rate
from wardbridge.equipment.register import store as register
from wardbridge.equipment.work.store import orders
from wardbridge.equipment.work.values import Work
from wardbridge.web.call import Call, Pages
from wardbridge.web.pages.equipment.stock import number, price, skipped
from wardbridge.web.words import _

PAGE = 50
MOST = 100_000
YEAR = 365 * DAY


def _period(call: Call) -> tuple[int, int]:
    now, show = call.shop.clock.now(), call.room.show
    try:
        since = show.parse(call.query("since")) if call.query("since") else now - YEAR
        until = show.parse(call.query("until")) + DAY if call.query("until") else now + DAY
    except ValueError as error:
        raise Invalid(_("This is not a date."), "since") from error
    return since, until


async def costs(call: Call) -> Response:
    """The dearest orders, machines or models of a period."""
    by, skip = call.query("by", "device"), skipped(call)
    since, until = _period(call)
    rows = await bench_costs.costs(call.shop.pool, None, since, until, by=by, limit=PAGE + 1, skip=skip)
    shown = rows[:PAGE]
    return call.page(
        "equipment/bench_costs.html", rows=shown, more=len(rows) > PAGE, skip=skip, step=PAGE, by=by, since=since,
        until=until - DAY, choices=bench_costs.BY, rates=await time.rates(call.shop.pool),
        names=await _names(call, shown),
    )  # fmt: skip


async def _names(call: Call, rows: list[Cost]) -> dict[str, dict[str, str]]:
    pool = call.shop.pool
    devices = await register.now(pool, sorted({row.device_id for row in rows if row.device_id}))
    models = await register.models(pool, sorted({row.model_id for row in rows if row.model_id}))
    works = await orders.get(pool, sorted({row.work_id for row in rows if row.work_id}))
    return {
        "devices": {one.device_id: one.name for one in devices},
        "models": {one.model_id: f"{one.manufacturer} {one.name}" for one in models},
        "works": {one.work_id: f"#{one.number} {one.name}" for one in works},
    }


async def export(call: Call) -> Response:
    """The same as CSV."""
    by = call.query("by", "device")
    rows = await bench_costs.costs(call.shop.pool, None, *_period(call), by=by, limit=MOST)
    return Response(
        bench_costs.table(rows), media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="costs-by-{by}.csv"'},
    )  # fmt: skip


async def set_rate(call: Call) -> Response:
    """What an hour costs from now on, of everybody or of one person."""
    rate = Rate(since=call.shop.clock.now(), rate=number(call, "rate"), currency=call.field("currency").upper(),
                person_id=call.field("person"))  # fmt: skip
    async with call.shop.acting(call.who) as conn:
        await labour.set_rate(conn, rate)
    return call.back("/equipment/costs", "rated")


async def panel(call: Call) -> Response:
    """One order: what it took and cost."""
    pool = call.shop.pool
    work = await _work(call)
    found = await about(call.shop, work.work_id)
    return call.page(
        "equipment/bench_order.html", work=work, panel=found, stores=await shelves.stores(pool),
        parts={one.part_id: one for one in await shelves.parts(pool)}, cost=labour.cost,
    )  # fmt: skip


async def _work(call: Call) -> Work:
    found = await orders.get(call.shop.pool, [call.path("work")])
    if not found:
        raise NotFound(_("There is no such work order."))
    return found[0]


def _whole(call: Call, name: str) -> int:
    text = call.field(name) or "0"
    if not text.isdecimal() or len(text) > 6:
        raise Invalid(_("Minutes are a whole number."), name)
    return int(text)


async def _labour(call: Call, conn: Connection, work: Work) -> str:
    await labour.work(call.shop, conn, work.work_id, _whole(call, "minutes"), call.who, travel=_whole(call, "travel"),
                      started=call.time("started") or None, note=call.field("note"))  # fmt: skip
    return "booked"


async def _call(call: Call, conn: Connection, work: Work) -> str:
    if call.field("call"):
        fields = {name: call.time(name) or None for name in ("promised", "arrived", "done")}
        known = await time.call(conn, call.field("call"))
        if known is None or known.work_id != work.work_id:
            raise NotFound(_("There is no such call."))
        await calls.change(call.shop, conn, known.call_id, **fields, invoice=price(call, "invoice"),
                           currency=call.field("currency").upper(), invoice_no=call.field("invoice_no"))  # fmt: skip
    else:
        await calls.open_call(
            call.shop, conn, work.work_id, call.field("vendor", required=True), call.who,
            contract_id=call.field("contract"), reference=call.field("reference"), opened=call.time("opened") or None,
            promised=call.time("promised") or None, note=call.field("note"),
        )  # fmt: skip
    return "called"


async def _down(call: Call, conn: Connection, work: Work) -> str:
    await downtime.stop_use(call.shop, conn, work.device_id, call.who, work_id=work.work_id,
                            at=call.time("at") or None, planned=bool(call.field("planned")))  # fmt: skip
    return "out-of-use"


async def _up(call: Call, conn: Connection, work: Work) -> str:
    await downtime.resume(call.shop, conn, work.device_id, at=call.time("at") or None)
    return "resumed-use"


async def _reserve(call: Call, conn: Connection, work: Work) -> str:
    await stock.reserve(call.shop, conn, call.field("part", required=True), call.field("store", required=True),
                        work.work_id, number(call, "quantity"), call.who)  # fmt: skip
    return "reserved"


async def _release(call: Call, conn: Connection, work: Work) -> str:
    await stock.release(call.shop, conn, call.field("reservation", required=True))
    return "released"


async def _back(call: Call, conn: Connection, work: Work) -> str:
    await stock.give_back(call.shop, conn, call.field("movement", required=True), number(call, "quantity"), call.who,
                          call.field("reason", required=True))  # fmt: skip
    return "given-back"


DOING: dict[str, Callable[[Call, Connection, Work], Awaitable[str]]] = {
    "labour": _labour, "call": _call, "down": _down, "up": _up, "reserve": _reserve, "release": _release,
    "back": _back,
}  # fmt: skip


async def do(call: Call) -> Response:
    """Add to an order what it took."""
    found, work = DOING.get(call.path("what")), await _work(call)
    if found is None:
        raise NotFound(_("There is no such page."))
    async with call.shop.acting(call.who) as conn:
        done = await found(call, conn, work)
    return call.back(f"/equipment/costs/{work.work_id}", done)


GET, POST = ["GET"], ["POST"]
PAGES: Pages = (
    ("/equipment/costs", GET, costs, "maintenance", ""),
    ("/equipment/costs.csv", GET, export, "maintenance", ""),
    ("/equipment/costs/rate", POST, set_rate, "maintenance", "work.plan"),
    ("/equipment/costs/{work}", GET, panel, "maintenance", ""),
    ("/equipment/costs/{work}/{what}", POST, do, "maintenance", "maintenance.work"),
)
