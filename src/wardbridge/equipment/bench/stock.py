"""Parts in and out of stores: receive, issue, give back, count, move, scrap, reserve, order.

The ledger is append-only and a balance is the sum of it. Who takes from a shelf holds the part's row, so that two
cannot take the last one. A balance below zero needs a reason: what has been used cannot be un-used.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.bench import resources
from wardbridge.equipment.bench.fitting import fit, unfit
from wardbridge.equipment.bench.lots import choose
from wardbridge.equipment.bench.store import stock as store
from wardbridge.equipment.bench.store import work as orders
from wardbridge.equipment.bench.values import (
    PART_KINDS,
    ZERO,
    Level,
    Lot,
    Movement,
    Order,
    Part,
    Reservation,
    Store,
)
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

MOST = Decimal(1_000_000)


def amount(quantity: Decimal, where: str = "quantity") -> Decimal:
    """A quantity that can be moved. Raises Invalid unless it is above 0, at most a million, with at most 3 decimals."""
    if not quantity.is_finite() or not 0 < quantity <= MOST or quantity != round(quantity, 3):
        raise Invalid("a quantity is a number above 0, at most a million, with at most 3 decimals", where)
    return quantity


async def add_part(shop: Shop, conn: Connection, part: Part) -> None:
    """Add or change a part. Raises Invalid without number and name, Conflict for a number that is taken."""
    if not part.number.strip() or not part.name.strip():
        raise Invalid("a part has a number and a name", "number")
    if part.kind not in PART_KINDS:
        raise Invalid(f"the kind of a part is one of: {', '.join(PART_KINDS)}", "kind")
    if part.price is not None and (not part.price.is_finite() or part.price < 0 or not part.currency):
        raise Invalid("a price is 0 or more, in a currency", "price")
    known = await store.find_part(conn, part.number, part.manufacturer)
    if known is not None and known.part_id != part.part_id:
        raise Conflict(f"{part.number} is in the list already: {known.name}", "number")
    await store.put_parts(conn, [part])


async def add_store(shop: Shop, conn: Connection, place: Store) -> None:
    """Add or rename a store. Raises Invalid without a name, Conflict for a name that is taken."""
    if not place.name.strip():
        raise Invalid("a store has a name", "name")
    others = [one for one in await store.stores(conn) if one.store_id != place.store_id]
    if any(one.name.lower() == place.name.lower() for one in others):
        raise Conflict(f"there is a store {place.name} already", "name")
    await store.put_stores(conn, [place])


async def want(shop: Shop, conn: Connection, level: Level) -> None:
    """Say how much of a part a store wants to hold. Raises Invalid unless 0 <= minimum <= target."""
    if not ZERO <= level.minimum <= level.target <= MOST:
        raise Invalid("the target is not below the minimum, and neither below 0", "minimum")
    await store.put_levels(conn, [level])


async def receive(
    shop: Shop, conn: Connection, part_id: str, store_id: str, quantity: Decimal, by: Principal, *, lot: str = "",
    expires: int | None = None, price: Decimal | None = None, currency: str = "", order_id: str = "", reason: str = "",
) -> Movement:  # fmt: skip
    """Put what was delivered on the shelf; an order that it fulfils is closed.

    Raises NotFound for an unknown part, store or order, Invalid for a quantity, Conflict for an order that is closed.
    """
    part, place = await _locked(conn, part_id, store_id)
    if order_id:
        await _deliver(shop, conn, order_id, part, place, amount(quantity))
    movement = _movement(shop, part, store_id, "receive", amount(quantity), by, lot=lot, expires=expires,
                         price=part.price if price is None else price, currency=currency or part.currency,
                         origin_id=order_id, reason=reason)  # fmt: skip
    await store.add_movements(conn, [movement])
    await shop.record.put(conn, [resources.supply_delivery(movement, part, place)])
    return movement


async def issue(
    shop: Shop, conn: Connection, part_id: str, store_id: str, quantity: Decimal, by: Principal, *,
    work_id: str | None = None, lot: str | None = None, serial: str = "", reason: str = "", operation_id: str = "",
    at: int | None = None,
) -> list[Movement]:  # fmt: skip
    """Take a part from a shelf, for work or not; lots that expire first go first.

    What is reserved for other work, an expired lot, and more than is there are given only with a ``reason``.
    A serialised part that goes into a machine becomes a machine below it in the register.
    Raises NotFound, Invalid, and Conflict with what is there.
    """
    amount(quantity)
    part, place = await _locked(conn, part_id, store_id)
    order = await orders.of(conn, work_id) if work_id else None
    if work_id and order is None:
        raise NotFound("there is no such work", "work")
    if part.serialised and work_id and not serial:
        raise Invalid("this part has a serial number; please enter it", "serial")
    if serial and quantity != 1:
        raise Invalid("a part with a serial number goes out one by one", "quantity")
    lots = await store.lots(conn, part_id, store_id)
    now = shop.clock.now()
    taken, short = choose(lots, quantity, now, lot)
    if not reason:
        await _may_take(conn, part, place, lots, taken, short, quantity, work_id, now)
    if short:
        taken.append(Lot(lot=lot or "", quantity=short))
    moved = [
        _movement(shop, part, store_id, "issue", -one.quantity, by, lot=one.lot, expires=one.expires,
                  price=part.price if one.price is None else one.price, currency=one.currency or part.currency,
                  work_id=work_id, device_id=order.device_id if order else "", serial=serial, reason=reason,
                  operation_id=operation_id, at=at)
        for one in taken
    ]  # fmt: skip
    await store.add_movements(conn, moved)
    if order is not None:
        await _use(conn, order.work_id, part_id, store_id, quantity)
        await shop.record.put(
            conn, [resources.supply_delivery(one, part, place, request_id=order.request_id) for one in moved]
        )
        if part.serialised:
            await fit(shop, conn, part, serial, moved[0].lot, order.device_id)
    return moved


async def give_back(
    shop: Shop, conn: Connection, movement_id: str, quantity: Decimal, by: Principal, reason: str
) -> Movement:
    """Bring back what was issued and not used. Raises NotFound, Conflict when more comes back than went out."""
    went = await orders.issued(conn, movement_id)
    if went is None:
        raise NotFound("nothing was issued under this number", "movement")
    movement, back = went
    part, _place = await _locked(conn, movement.part_id, movement.store_id)
    if amount(quantity) > -movement.quantity - back:
        raise Conflict(f"only {-movement.quantity - back:f} went out and did not come back", "quantity")
    returned = _movement(shop, part, movement.store_id, "return", quantity, by, lot=movement.lot,
                         expires=movement.expires, price=movement.price, currency=movement.currency,
                         work_id=movement.work_id, device_id=movement.device_id, serial=movement.serial,
                         origin_id=movement.movement_id, reason=reason)  # fmt: skip
    await store.add_movements(conn, [returned])
    if part.serialised and movement.serial:
        await unfit(shop, conn, part, movement.serial, movement.device_id)
    return returned


async def count(
    shop: Shop, conn: Connection, part_id: str, store_id: str, counted: Decimal, by: Principal, *, lot: str = "",
    reason: str = "",
) -> Movement:  # fmt: skip
    """Say how much really lies there: the difference is a movement, even where it is 0.

    Raises Invalid for a count below 0, or one that differs without a reason.
    """
    if not counted.is_finite() or not 0 <= counted <= MOST:
        raise Invalid("a count is 0 or more", "counted")
    part, _place = await _locked(conn, part_id, store_id)
    found = next((one for one in await store.lots(conn, part_id, store_id) if one.lot == lot), None)
    difference = counted - (found.quantity if found else ZERO)
    if difference and not reason.strip():
        raise Invalid(f"this differs by {difference:+f} from the book; please say why", "reason")
    movement = _movement(shop, part, store_id, "count", difference, by, lot=lot,
                         expires=found.expires if found else None, reason=reason)  # fmt: skip
    await store.add_movements(conn, [movement])
    return movement


async def move(
    shop: Shop, conn: Connection, part_id: str, store_id: str, to_store_id: str, quantity: Decimal, by: Principal
) -> list[Movement]:
    """Carry a part to another store. Raises NotFound, Invalid for the same store, Conflict when it is not there."""
    if store_id == to_store_id:
        raise Invalid("it lies there already", "to")
    amount(quantity)
    part, place = await _locked(conn, part_id, store_id)
    await _place(conn, to_store_id)
    lots = await store.lots(conn, part_id, store_id)
    taken, short = choose(lots, quantity, shop.clock.now())
    await _may_take(conn, part, place, lots, taken, short, quantity, None, shop.clock.now())
    moved = [
        _movement(shop, part, where, "move", one.quantity * sign, by, lot=one.lot, expires=one.expires,
                  price=one.price, currency=one.currency)
        for one in taken for where, sign in ((store_id, -1), (to_store_id, 1))
    ]  # fmt: skip
    await store.add_movements(conn, moved)
    return moved


async def scrap(
    shop: Shop, conn: Connection, part_id: str, store_id: str, quantity: Decimal, by: Principal, *, lot: str,
    reason: str,
) -> Movement:  # fmt: skip
    """Throw away, for instance what has expired. Raises Invalid without a reason, Conflict when it is not there."""
    if not reason.strip():
        raise Invalid("please say why it is thrown away", "reason")
    part, _place = await _locked(conn, part_id, store_id)
    taken, short = choose(await store.lots(conn, part_id, store_id), amount(quantity), shop.clock.now(), lot)
    if short:
        raise Conflict(f"{short:f} of it is not there", "quantity")
    movement = _movement(shop, part, store_id, "scrap", -quantity, by, lot=lot, expires=taken[0].expires,
                         reason=reason)  # fmt: skip
    await store.add_movements(conn, [movement])
    return movement


async def reserve(
    shop: Shop, conn: Connection, part_id: str, store_id: str, work_id: str, quantity: Decimal, by: Principal
) -> Reservation:
    """Keep parts for planned work; more than lies there may be kept, which the list of what to order shows.

    Raises NotFound, Invalid, Conflict for work that has ended.
    """
    await _locked(conn, part_id, store_id)
    order = await orders.of(conn, work_id)
    if order is None:
        raise NotFound("there is no such work", "work")
    if order.ended:
        raise Conflict("this work has ended", "work")
    kept = Reservation(
        reservation_id=shop.ids(), part_id=part_id, store_id=store_id, work_id=work_id, quantity=amount(quantity),
        at=shop.clock.now(), by=by.display,
    )  # fmt: skip
    await store.put_reservations(conn, [kept])
    return kept


async def release(shop: Shop, conn: Connection, reservation_id: str) -> Reservation:
    """Let go of what was kept. Raises NotFound; nothing happens where it was used or released."""
    kept = await store.reservation(conn, reservation_id)
    if kept is None:
        raise NotFound("there is no such reservation", "reservation")
    if kept.state == "open":
        kept = msgspec.structs.replace(kept, state="released")
        await store.put_reservations(conn, [kept])
    return kept


async def order(
    shop: Shop, conn: Connection, part_id: str, store_id: str, quantity: Decimal, by: Principal, reference: str = ""
) -> Order:
    """Order a part for a store: a SupplyRequest. Raises NotFound, Invalid."""
    part, place = await _locked(conn, part_id, store_id)
    placed = Order(
        order_id=shop.ids(), part_id=part_id, store_id=store_id, quantity=amount(quantity), at=shop.clock.now(),
        by=by.display, reference=reference,
    )  # fmt: skip
    await store.put_orders(conn, [placed])
    await shop.record.put(conn, [resources.supply_request(placed, part, place)])
    return placed


async def cancel(shop: Shop, conn: Connection, order_id: str) -> Order:
    """Cancel an order. Raises NotFound, Conflict when it is closed."""
    placed = await store.order(conn, order_id)
    if placed is None:
        raise NotFound("there is no such order", "order")
    if placed.state != "open":
        raise Conflict(f"this order is {placed.state} already", "order")
    part, place = await _locked(conn, placed.part_id, placed.store_id)
    placed = msgspec.structs.replace(placed, state="cancelled")
    await store.put_orders(conn, [placed])
    await shop.record.put(conn, [resources.supply_request(placed, part, place)])
    return placed


async def _deliver(shop: Shop, conn: Connection, order_id: str, part: Part, place: Store, quantity: Decimal) -> None:
    placed = await store.order(conn, order_id)
    if placed is None or (placed.part_id, placed.store_id) != (part.part_id, place.store_id):
        raise NotFound("there is no such order of this part for this store", "order")
    if placed.state != "open":
        raise Conflict(f"this order is {placed.state} already", "order")
    received = placed.received + quantity
    state = "received" if received >= placed.quantity else "open"
    placed = msgspec.structs.replace(placed, received=received, state=state)
    await store.put_orders(conn, [placed])
    await shop.record.put(conn, [resources.supply_request(placed, part, place)])


async def _use(conn: Connection, work_id: str, part_id: str, store_id: str, quantity: Decimal) -> None:
    changed = []
    for kept in await store.reservations(conn, work_ids=[work_id], part_id=part_id):
        if kept.store_id != store_id or quantity <= 0:
            continue
        used = min(quantity, kept.quantity - kept.used)
        quantity -= used
        state = "used" if kept.used + used == kept.quantity else "open"
        changed.append(msgspec.structs.replace(kept, used=kept.used + used, state=state))
    await store.put_reservations(conn, changed)


async def _may_take(
    conn: Connection, part: Part, place: Store, lots: list[Lot], taken: list[Lot], short: Decimal, quantity: Decimal,
    work_id: str | None, now: int,
) -> None:  # fmt: skip
    there = sum((lot.quantity for lot in lots), ZERO)
    if short:
        expired = sum((lot.quantity for lot in lots if lot.expires is not None and lot.expires <= now), ZERO)
        more = f", of which {expired:f} expired" if expired > 0 else ""
        raise Conflict(f"{place.name} holds {there:f} {part.unit} of {part.number}{more}", "quantity")
    if any(one.expires is not None and one.expires <= now for one in taken):
        raise Conflict(f"this lot of {part.number} has expired", "lot")
    kept = await store.kept_for_others(conn, part.part_id, place.store_id, work_id)
    if there - kept < quantity:
        raise Conflict(f"{place.name} holds {there:f}, of which {kept:f} are kept for other work", "quantity")


async def _locked(conn: Connection, part_id: str, store_id: str) -> tuple[Part, Store]:
    found = await store.parts(conn, [part_id], lock=True)
    if not found:
        raise NotFound("there is no such part", "part")
    return found[0], await _place(conn, store_id)


async def _place(conn: Connection, store_id: str) -> Store:
    for place in await store.stores(conn):
        if place.store_id == store_id:
            return place
    raise NotFound("there is no such store", "store")


def _movement(
    shop: Shop, part: Part, store_id: str, kind: str, quantity: Decimal, by: Principal, *, lot: str = "",
    expires: int | None = None, price: Decimal | None = None, currency: str = "", work_id: str | None = None,
    device_id: str = "", serial: str = "", origin_id: str = "", reason: str = "", operation_id: str = "",
    at: int | None = None,
) -> Movement:  # fmt: skip
    return Movement(
        movement_id=shop.ids(), part_id=part.part_id, store_id=store_id, kind=kind, quantity=quantity, lot=lot,
        expires=expires, price=price, currency=currency, work_id=work_id, device_id=device_id, serial=serial,
        origin_id=origin_id, reason=reason.strip(), operation_id=operation_id,
        at=shop.clock.now() if at is None else at, by_id=by.id, by=by.display,
    )  # fmt: skip
