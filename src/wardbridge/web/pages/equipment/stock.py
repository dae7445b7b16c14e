"""``/equipment/stock``: parts and what lies where; receive, issue, count, carry, throw away, order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

from starlette.responses import Response

from wardbridge.core.db import Connection
from wardbridge.core.errors import NotFound
from wardbridge.equipment.bench import stock
from wardbridge.equipment.bench.protocol import decimal
from wardbridge.equipment.bench.store import stock as store
from wardbridge.equipment.bench.values import PART_KINDS, Level, Part, Store
from wardbridge.equipment.register import store as register
from wardbridge.web.call import Call, Pages
from wardbridge.web.words import _

PAGE = 50


def number(call: Call, name: str) -> Decimal:
    """A form's decimal. Raises Invalid."""
    return decimal(call.field(name, required=True), name)


def price(call: Call, name: str = "price") -> Decimal | None:
    """A form's price, None where it is empty. Raises Invalid."""
    return decimal(call.field(name), name) if call.field(name) else None


def skipped(call: Call) -> int:
    """How many rows earlier pages showed."""
    return min(int(call.query("skip", "0")), 100_000) if call.query("skip", "0").isdecimal() else 0


async def shelves(call: Call) -> Response:
    """What lies where."""
    text, place, skip, wanting = call.query("q"), call.query("store"), skipped(call), bool(call.query("wanting"))
    rows = await store.shelves(call.shop.pool, text, place, wanting=wanting, limit=PAGE + 1, skip=skip)
    return call.page(
        "equipment/bench_stock.html", rows=rows[:PAGE], more=len(rows) > PAGE, skip=skip, step=PAGE, asked=text,
        place=place, wanting=wanting, stores=await store.stores(call.shop.pool), kinds=PART_KINDS,
        models=await register.models(call.shop.pool), part=None,
    )  # fmt: skip


async def part(call: Call) -> Response:
    """One part: its lots in every store, its ledger, what is kept for work."""
    pool, ident, skip = call.shop.pool, call.path("part"), skipped(call)
    found = await store.parts(pool, [ident])
    if not found:
        raise NotFound(_("There is no such part."))
    places = await store.stores(pool)
    lots = {place.store_id: await store.lots(pool, ident, place.store_id) for place in places[:30]}
    rows = await store.movements(pool, part_id=ident, limit=PAGE + 1, skip=skip)
    levels = {place.store_id: await store.level(pool, ident, place.store_id) for place in places[:30]}
    return call.page(
        "equipment/bench_part.html", part=found[0], stores=places, lots=lots, levels=levels, rows=rows[:PAGE],
        more=len(rows) > PAGE, skip=skip, step=PAGE, kept=await store.reservations(pool, part_id=ident),
        kinds=PART_KINDS, models=await register.models(pool), names={one.store_id: one.name for one in places},
    )  # fmt: skip


async def reorder(call: Call) -> Response:
    """What is below its minimum, and what is on its way."""
    skip = skipped(call)
    rows = await store.shelves(call.shop.pool, wanting=True, limit=PAGE + 1, skip=skip)
    return call.page(
        "equipment/bench_reorder.html", rows=rows[:PAGE], more=len(rows) > PAGE, skip=skip, step=PAGE,
        orders=await store.open_orders(call.shop.pool),
    )  # fmt: skip


async def save_part(call: Call) -> Response:
    """Add a part, or change one."""
    shop, ident = call.shop, call.field("part_id")
    fresh = Part(
        part_id=ident or shop.ids(), number=call.field("number", required=True), name=call.field("name", required=True),
        manufacturer=call.field("manufacturer"), fits=tuple(dict.fromkeys(call.fields("fits"))),
        unit=call.field("unit") or "piece", price=price(call), currency=call.field("currency").upper(),
        supplier=call.field("supplier"), serialised=bool(call.field("serialised")), kind=call.field("kind") or "part",
        note=call.field("note"), retired=bool(call.field("retired")),
    )  # fmt: skip
    async with shop.acting(call.who) as conn:
        if ident and not await store.parts(conn, [ident], lock=True):
            raise NotFound(_("There is no such part."))
        await stock.add_part(shop, conn, fresh)
    return call.back(f"/equipment/stock/parts/{fresh.part_id}", "part-saved")


async def save_store(call: Call) -> Response:
    """Add a store."""
    shop = call.shop
    async with shop.acting(call.who) as conn:
        await stock.add_store(shop, conn, Store(store_id=shop.ids(), name=call.field("name", required=True)))
    return call.back("/equipment/stock", "store-saved")


async def _receive(call: Call, conn: Connection, ident: str, place: str) -> str:
    await stock.receive(
        call.shop, conn, ident, place, number(call, "quantity"), call.who, lot=call.field("lot"),
        expires=call.time("expires") or None, price=price(call), currency=call.field("currency").upper(),
        order_id=call.field("order"), reason=call.field("reason"),
    )  # fmt: skip
    return "stocked"


async def _issue(call: Call, conn: Connection, ident: str, place: str) -> str:
    await stock.issue(
        call.shop, conn, ident, place, number(call, "quantity"), call.who, work_id=call.field("work") or None,
        lot=call.field("lot") or None, serial=call.field("serial"), reason=call.field("reason"),
    )  # fmt: skip
    return "issued"


async def _count(call: Call, conn: Connection, ident: str, place: str) -> str:
    await stock.count(call.shop, conn, ident, place, number(call, "counted"), call.who, lot=call.field("lot"),
                      reason=call.field("reason"))  # fmt: skip
    return "counted"


async def _carry(call: Call, conn: Connection, ident: str, place: str) -> str:
    to = call.field("to", required=True)
    await stock.move(call.shop, conn, ident, place, to, number(call, "quantity"), call.who)
    return "carried"


async def _scrap(call: Call, conn: Connection, ident: str, place: str) -> str:
    await stock.scrap(call.shop, conn, ident, place, number(call, "quantity"), call.who, lot=call.field("lot"),
                      reason=call.field("reason", required=True))  # fmt: skip
    return "scrapped"


async def _level(call: Call, conn: Connection, ident: str, place: str) -> str:
    level = Level(part_id=ident, store_id=place, minimum=number(call, "minimum"), target=number(call, "target"),
                  shelf=call.field("shelf"))  # fmt: skip
    await stock.want(call.shop, conn, level)
    return "part-saved"


async def _order(call: Call, conn: Connection, ident: str, place: str) -> str:
    await stock.order(call.shop, conn, ident, place, number(call, "quantity"), call.who, call.field("reference"))
    return "restock"


MOVES: dict[str, Callable[[Call, Connection, str, str], Awaitable[str]]] = {
    "receive": _receive, "issue": _issue, "count": _count, "carry": _carry, "scrap": _scrap, "level": _level,
    "order": _order,
}  # fmt: skip


async def move(call: Call) -> Response:
    """One movement of a part, or an order of it."""
    found, ident = MOVES.get(call.path("move")), call.path("part")
    if found is None:
        raise NotFound(_("There is no such page."))
    async with call.shop.acting(call.who, call.field("reason")) as conn:
        done = await found(call, conn, ident, call.field("store", required=True))
    back = "/equipment/stock/reorder" if call.field("back") == "reorder" else f"/equipment/stock/parts/{ident}"
    return call.back(back, done)


async def cancel(call: Call) -> Response:
    """Cancel an order."""
    async with call.shop.acting(call.who) as conn:
        await stock.cancel(call.shop, conn, call.path("order"))
    return call.back("/equipment/stock/reorder", "restock-cancelled")


GET, POST = ["GET"], ["POST"]
PAGES: Pages = (
    ("/equipment/stock", GET, shelves, "maintenance", ""),
    ("/equipment/stock/reorder", GET, reorder, "maintenance", ""),
    ("/equipment/stock/parts", POST, save_part, "maintenance", "stock.write"),
    ("/equipment/stock/stores", POST, save_store, "maintenance", "stock.write"),
    ("/equipment/stock/parts/{part}", GET, part, "maintenance", ""),
    ("/equipment/stock/parts/{part}/{move}", POST, move, "maintenance", "stock.write"),
    ("/equipment/stock/orders/{order}/cancel", POST, cancel, "maintenance", "stock.write"),
)
