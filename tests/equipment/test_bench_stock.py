"""Parts and stock: the balance is the sum of the ledger, and nobody takes what is not there."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.equipment.conftest import TECHNICIAN

from wardbridge.core.clock import DAY
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.bench import stock
from wardbridge.equipment.bench.lots import choose
from wardbridge.equipment.bench.store import stock as store
from wardbridge.equipment.bench.values import Level, Lot, Part, Store
from wardbridge.equipment.shop import Shop

D = Decimal


async def shelf(shop: Shop, count: int = 0, **fields) -> None:
    """A part "p" and two stores, with so many of it in the first."""
    async with shop.acting(TECHNICIAN) as conn:
        part = {"part_id": "p", "number": "4711", "name": "Battery", "manufacturer": "Acme", "price": D("80.50"),
                "currency": "EUR"} | fields  # fmt: skip
        await stock.add_part(shop, conn, Part(**part))
        await stock.add_store(shop, conn, Store(store_id="s", name="Workshop"))
        await stock.add_store(shop, conn, Store(store_id="t", name="Trolley"))
        if count:
            await stock.receive(shop, conn, "p", "s", D(count), TECHNICIAN)


async def balance(shop: Shop, store_id: str = "s") -> Decimal:
    (found,) = await store.shelves(shop.pool, store_id=store_id)
    return found.balance


lots = st.lists(
    st.builds(
        Lot, lot=st.sampled_from("abcdef"), quantity=st.integers(-3, 9).map(D),
        expires=st.one_of(st.none(), st.integers(0, 20)),
    ), max_size=6, unique_by=lambda lot: lot.lot,
)  # fmt: skip


@given(lots, st.integers(1, 30).map(D), st.one_of(st.none(), st.sampled_from("abcdef")))
def test_lots_that_expire_first_go_first_and_nothing_is_made_up(found: list[Lot], wanted: Decimal, name: str) -> None:
    taken, short = choose(found, wanted, 10, name)
    assert sum((one.quantity for one in taken), D(0)) + short == wanted
    there = {lot.lot: lot for lot in found}
    assert all(0 < one.quantity <= there[one.lot].quantity for one in taken)
    if name is not None:
        assert {one.lot for one in taken} <= {name}
        return
    fresh = [lot for lot in found if lot.quantity > 0 and (lot.expires is None or lot.expires > 10)]
    assert {one.lot for one in taken} <= {lot.lot for lot in fresh}
    left = [lot for lot in fresh if lot.lot not in {one.lot for one in taken}]
    dates = [one.expires if one.expires is not None else 99 for one in taken]
    assert dates == sorted(dates)
    assert not (short and left)
    assert all((lot.expires if lot.expires is not None else 99) >= max(dates, default=0) for lot in left)


async def test_twenty_people_want_the_last_five(shop: Shop) -> None:
    await shelf(shop, 5)

    async def take() -> bool:
        try:
            async with shop.acting(TECHNICIAN) as conn:
                await stock.issue(shop, conn, "p", "s", D(1), TECHNICIAN)
        except Conflict:
            return False
        return True

    got = await asyncio.gather(*(take() for _ in range(20)))
    assert sum(got) == 5
    assert await balance(shop) == 0
    assert await store.negative(shop.pool) == []


async def test_below_zero_needs_a_reason(shop: Shop) -> None:
    await shelf(shop, 1)
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Conflict, match="Workshop holds 1"):
            await stock.issue(shop, conn, "p", "s", D(2), TECHNICIAN)
        await stock.issue(shop, conn, "p", "s", D(2), TECHNICIAN, reason="used at the bed")
    assert await balance(shop) == -1
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Invalid, match=r"differs by \+5"):
            await stock.count(shop, conn, "p", "s", D(4), TECHNICIAN)
        moved = await stock.count(shop, conn, "p", "s", D(4), TECHNICIAN, reason="yearly count")
    assert (moved.quantity, await balance(shop)) == (5, 4)
    with pytest.raises(Exception, match="append-only"):
        await shop.pool.execute("DELETE FROM stock_movement")


async def test_an_expired_lot_stays_unless_somebody_says_why(shop: Shop) -> None:
    await shelf(shop)
    now = shop.clock.now()
    async with shop.acting(TECHNICIAN) as conn:
        await stock.receive(shop, conn, "p", "s", D(2), TECHNICIAN, lot="old", expires=now - DAY)
        await stock.receive(shop, conn, "p", "s", D(1), TECHNICIAN, lot="new", expires=now + DAY)
        with pytest.raises(Conflict, match="of which 2 expired"):
            await stock.issue(shop, conn, "p", "s", D(2), TECHNICIAN)
        with pytest.raises(Conflict, match="has expired"):
            await stock.issue(shop, conn, "p", "s", D(1), TECHNICIAN, lot="old")
        (taken,) = await stock.issue(shop, conn, "p", "s", D(1), TECHNICIAN)
        assert taken.lot == "new"
        await stock.scrap(shop, conn, "p", "s", D(2), TECHNICIAN, lot="old", reason="expired")
    assert await balance(shop) == 0


async def test_moving_and_giving_back_keep_the_sum(shop: Shop) -> None:
    await shelf(shop, 6)
    async with shop.acting(TECHNICIAN) as conn:
        await stock.move(shop, conn, "p", "s", "t", D(4), TECHNICIAN)
        (gone,) = await stock.issue(shop, conn, "p", "t", D(3), TECHNICIAN)
        await stock.give_back(shop, conn, gone.movement_id, D(2), TECHNICIAN, "not needed")
        with pytest.raises(Conflict, match="only 1"):
            await stock.give_back(shop, conn, gone.movement_id, D(2), TECHNICIAN, "again")
        with pytest.raises(Conflict):
            await stock.move(shop, conn, "p", "s", "t", D(3), TECHNICIAN)
    assert (await balance(shop), await balance(shop, "t")) == (2, 3)


async def test_what_is_ordered_is_asked_for_in_the_record_until_it_came(shop: Shop) -> None:
    await shelf(shop, 2)
    async with shop.acting(TECHNICIAN) as conn:
        await stock.want(shop, conn, Level(part_id="p", store_id="s", minimum=D(3), target=D(10)))
    (short,) = await store.shelves(shop.pool, wanting=True)
    assert short.wanted == 8
    async with shop.acting(TECHNICIAN) as conn:
        placed = await stock.order(shop, conn, "p", "s", short.wanted, TECHNICIAN, "PO-7")
        asked = await shop.record.current(conn, "SupplyRequest", placed.order_id)
        assert asked is not None
        assert (asked["status"], asked["identifier"][0]["value"]) == ("active", "PO-7")
    assert await store.shelves(shop.pool, wanting=True) == []
    async with shop.acting(TECHNICIAN) as conn:
        await stock.receive(shop, conn, "p", "s", D(3), TECHNICIAN, order_id=placed.order_id)
        came = await stock.receive(shop, conn, "p", "s", D(5), TECHNICIAN, order_id=placed.order_id)
        asked = await shop.record.current(conn, "SupplyRequest", placed.order_id)
        delivered = await shop.record.current(conn, "SupplyDelivery", came.movement_id)
        assert asked is not None
        assert delivered is not None
        assert asked["status"] == "completed"
        assert delivered["basedOn"] == [{"reference": f"SupplyRequest/{placed.order_id}"}]
        with pytest.raises(Conflict):
            await stock.receive(shop, conn, "p", "s", D(1), TECHNICIAN, order_id=placed.order_id)
        with pytest.raises(NotFound):
            await stock.receive(shop, conn, "p", "t", D(1), TECHNICIAN, order_id=placed.order_id)


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity", "0.0001", "10000000"])
async def test_no_quantity_that_is_none(shop: Shop, quantity: str) -> None:
    await shelf(shop)
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Invalid):
            await stock.receive(shop, conn, "p", "s", D(quantity), TECHNICIAN)
