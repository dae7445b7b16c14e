"""Labour, vendor calls, downtime and what work cost."""

from __future__ import annotations

import csv
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.equipment.conftest import TECHNICIAN, Stocked

from wardbridge.core.clock import DAY, HOUR, MINUTE, FakeClock
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.bench import calls, costs, downtime, labour, resources, stock
from wardbridge.equipment.bench.about import about, events
from wardbridge.equipment.bench.store import stock as shelves
from wardbridge.equipment.bench.values import Downtime, Part, Rate, Store
from wardbridge.equipment.register import store as register
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk
from wardbridge.equipment.work.values import Work
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.validate import validate
from wardbridge.fhir.validate.options import FULL

D = Decimal
ALL = (0, 1 << 60)


async def fault(shop: Shop, device_id: str, text: str = "broken") -> Work:
    async with shop.acting(TECHNICIAN) as conn:
        return await desk.report(shop, conn, device_id, text, TECHNICIAN)


async def test_a_later_rate_changes_no_old_cost(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    (asset,) = await stock(1)
    work = await fault(shop, asset.device_id)
    async with shop.acting(TECHNICIAN) as conn:
        unpaid = await labour.work(shop, conn, work.work_id, 30, TECHNICIAN)
        await labour.set_rate(conn, Rate(since=clock.now() - DAY, rate=D(60), currency="EUR"))
        own = Rate(since=clock.now() - HOUR, rate=D(90), currency="EUR", person_id=TECHNICIAN.id)
        await labour.set_rate(conn, own)
        early = await labour.work(shop, conn, work.work_id, 20, TECHNICIAN, started=clock.now() - 2 * HOUR)
        row = await labour.work(shop, conn, work.work_id, 40, TECHNICIAN, travel=20)
        await labour.set_rate(conn, Rate(since=clock.now(), rate=D(500), currency="EUR", person_id=TECHNICIAN.id))
        note = await shop.record.current(conn, "Observation", row.labour_id)
        with pytest.raises(Invalid):
            await labour.work(shop, conn, work.work_id, 0, TECHNICIAN)
        with pytest.raises(NotFound):
            await labour.work(shop, conn, "none", 5, TECHNICIAN)
    assert note is not None
    assert (note["valueQuantity"]["code"], note["basedOn"][0]["reference"]) == (
        "min", f"ServiceRequest/{work.request_id}",
    )  # fmt: skip
    assert (labour.cost(unpaid), labour.cost(early), labour.cost(row)) == (None, 20, 90)
    euro, none = await costs.costs(shop.pool, [asset.device_id], *ALL)
    assert (euro.labour, euro.minutes, euro.unpriced) == (110, 80, 0)
    assert (none.currency, none.minutes, none.unpriced) == ("", 30, 1)


async def test_what_an_order_a_machine_and_a_model_cost(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    one, two = await stock(2)
    first, second = await fault(shop, one.device_id), await fault(shop, two.device_id)
    async with shop.acting(TECHNICIAN) as conn:
        await stock_up(shop, conn)
        (gone,) = await stocking.issue(shop, conn, "p", "s", D(3), TECHNICIAN, work_id=first.work_id)
        await stocking.give_back(shop, conn, gone.movement_id, D(1), TECHNICIAN, "one too many")
        await stocking.issue(shop, conn, "p", "s", D(1), TECHNICIAN, work_id=second.work_id)
        called = await calls.open_call(shop, conn, first.work_id, "Acme Service", TECHNICIAN, contract_id="c-1")
        await calls.change(shop, conn, called.call_id, done=clock.now(), invoice=D("200.50"), currency="EUR")
    by_work = await costs.costs(shop.pool, None, *ALL)
    assert [(row.work_id, row.total) for row in by_work] == [(first.work_id, D("221.50")), (second.work_id, D("10.50"))]
    (by_model,) = await costs.costs(shop.pool, None, *ALL, by="model")
    assert (by_model.model_id, by_model.parts, by_model.vendor) == (one.model_id, D("31.50"), D("200.50"))
    assert await costs.costs(shop.pool, None, clock.now() + DAY, clock.now() + 2 * DAY) == []
    (only,) = await costs.costs(shop.pool, [two.device_id], *ALL, by="device")
    assert only.device_id == two.device_id
    with pytest.raises(Invalid):
        await costs.costs(shop.pool, None, *ALL, by="patient")
    rows = list(csv.DictReader(costs.table(by_work).splitlines()))
    assert [row["total"] for row in rows] == ["221.50", "10.50"]


stocking = stock


async def stock_up(shop: Shop, conn) -> None:
    await stocking.add_part(shop, conn, Part(part_id="p", number="1", name="Valve", price=D("10.50"), currency="EUR"))
    await stocking.add_store(shop, conn, Store(store_id="s", name="Workshop"))
    await stocking.receive(shop, conn, "p", "s", D(10), TECHNICIAN)


async def test_what_is_kept_for_work_is_not_given_to_other_work(shop: Shop, stock: Stocked) -> None:
    one, two = await stock(2)
    mine, other = await fault(shop, one.device_id), await fault(shop, two.device_id)
    async with shop.acting(TECHNICIAN) as conn:
        await stock_up(shop, conn)
        kept = await stocking.reserve(shop, conn, "p", "s", mine.work_id, D(8), TECHNICIAN)
        with pytest.raises(Conflict, match="8 are kept for other work"):
            await stocking.issue(shop, conn, "p", "s", D(3), TECHNICIAN, work_id=other.work_id)
        await stocking.issue(shop, conn, "p", "s", D(5), TECHNICIAN, work_id=mine.work_id)
        assert await shelves.kept_for_others(conn, "p", "s", other.work_id) == 3
        await stocking.release(shop, conn, kept.reservation_id)
        await stocking.issue(shop, conn, "p", "s", D(5), TECHNICIAN, work_id=other.work_id)
        await desk.resolve(shop, conn, mine.work_id, "done", TECHNICIAN)
        with pytest.raises(Conflict):
            await stocking.reserve(shop, conn, "p", "s", mine.work_id, D(1), TECHNICIAN)


async def test_a_part_with_a_serial_number_is_a_machine_below_the_one_it_is_in(shop: Shop, stock: Stocked) -> None:
    one, two = await stock(2)
    work, other = await fault(shop, one.device_id), await fault(shop, two.device_id)
    async with shop.acting(TECHNICIAN) as conn:
        part = Part(part_id="m", number="M-1", name="SpO2 module", manufacturer="Acme", serialised=True)
        await stocking.add_part(shop, conn, part)
        await stocking.add_store(shop, conn, Store(store_id="s", name="Workshop"))
        await stocking.receive(shop, conn, "m", "s", D(3), TECHNICIAN)
        with pytest.raises(Invalid, match="serial number"):
            await stocking.issue(shop, conn, "m", "s", D(1), TECHNICIAN, work_id=work.work_id)
        (gone,) = await stocking.issue(shop, conn, "m", "s", D(1), TECHNICIAN, work_id=work.work_id, serial="SN9")
    (child,) = [row for row in await register.now(shop.pool) if row.serial == "SN9"]
    assert (child.parent_id, child.model, child.manufacturer) == (one.device_id, "SpO2 module", "Acme")
    with pytest.raises(Conflict, match="another machine"):
        async with shop.acting(TECHNICIAN) as conn:
            await stocking.issue(shop, conn, "m", "s", D(1), TECHNICIAN, work_id=other.work_id, serial="SN9")
    async with shop.acting(TECHNICIAN) as conn:
        await stocking.give_back(shop, conn, gone.movement_id, D(1), TECHNICIAN, "did not help")
        await stocking.issue(shop, conn, "m", "s", D(1), TECHNICIAN, work_id=other.work_id, serial="SN9")
    (again,) = [row for row in await register.now(shop.pool) if row.serial == "SN9"]
    assert (again.device_id, again.parent_id) == (child.device_id, two.device_id)


async def test_a_vendors_call_has_moments_that_agree(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    (asset,) = await stock(1)
    work = await fault(shop, asset.device_id)
    opened = clock.now() - 5 * HOUR
    async with shop.acting(TECHNICIAN) as conn:
        call = await calls.open_call(shop, conn, work.work_id, "Acme", TECHNICIAN, opened=opened, contract_id="c-7",
                                     promised=opened + 4 * HOUR)  # fmt: skip
        for wrong in ({"arrived": opened - 1}, {"done": clock.now() + 1}, {"invoice": D(-1), "currency": "EUR"},
                      {"invoice": D(1)}, {"vendor": ""}, {"opened": 1}):  # fmt: skip
            with pytest.raises(Invalid):
                await calls.change(shop, conn, call.call_id, **wrong)
        await calls.change(shop, conn, call.call_id, arrived=opened + 3 * HOUR)
        await calls.change(shop, conn, call.call_id, done=opened + 4 * HOUR)
        task = await shop.record.current(conn, "Task", call.call_id)
        await desk.resolve(shop, conn, work.work_id, "mended by Acme", TECHNICIAN)
        with pytest.raises(Conflict):
            await calls.open_call(shop, conn, work.work_id, "Acme", TECHNICIAN)
    assert task is not None
    assert (task["status"], task["focus"]["reference"]) == ("completed", f"ServiceRequest/{work.request_id}")
    (found,) = await calls.vendor_calls(shop.pool, opened, opened + 1)
    assert (found.contract_id, found.arrived, found.device_id) == ("c-7", opened + 3 * HOUR, asset.device_id)
    assert await calls.vendor_calls(shop.pool, opened + 1, clock.now()) == []


async def test_downtime_ends_with_its_work_even_where_nobody_says_so(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    one, two = await stock(2)
    began = clock.now()
    work = await fault(shop, one.device_id)
    async with shop.acting(TECHNICIAN) as conn:
        row = await downtime.stop_use(shop, conn, one.device_id, TECHNICIAN, work_id=work.work_id, source="fault")
        with pytest.raises(Conflict):
            await downtime.stop_use(shop, conn, one.device_id, TECHNICIAN)
        await downtime.stop_use(shop, conn, two.device_id, TECHNICIAN, planned=True)
    await clock.advance(3600)
    (open_one,) = await downtime.downtime(shop.pool, [one.device_id], *ALL)
    assert open_one.stop is None
    async with shop.acting(TECHNICIAN) as conn:
        await desk.resolve(shop, conn, work.work_id, "mended", TECHNICIAN)
        await downtime.resume(shop, conn, two.device_id, at=clock.now() - 10 * MINUTE)
        with pytest.raises(Conflict):
            await downtime.resume(shop, conn, two.device_id)
        with pytest.raises(Conflict):
            await downtime.resume(shop, conn, one.device_id)
    first, second = await downtime.downtime(shop.pool, None, *ALL)
    assert (first.stop, second.stop) == (clock.now(), clock.now() - 10 * MINUTE)
    assert downtime.length([first], began - HOUR, began + 30 * MINUTE) == 30 * MINUTE
    assert await downtime.downtime(shop.pool, None, clock.now() + 1, clock.now() + 2) == []
    assert await downtime.close_ended(shop) == 1
    assert await downtime.close_ended(shop) == 0
    async with shop.acting(TECHNICIAN) as conn:
        seen = await shop.record.current(conn, "Observation", row.downtime_id)
        assert seen is not None
        assert (seen["status"], "end" in seen["effectivePeriod"]) == ("final", True)
        await downtime.stop_use(shop, conn, one.device_id, TECHNICIAN)


spans = st.lists(st.tuples(st.integers(0, 50), st.one_of(st.none(), st.integers(0, 30)), st.booleans()), max_size=6)


@given(spans, st.integers(0, 40), st.integers(1, 40), st.sampled_from([None, True, False]))
def test_a_moment_of_downtime_counts_once(found, since: int, length: int, planned: bool | None) -> None:
    rows = [Downtime(downtime_id="d", device_id="m", start=start, stop=None if more is None else start + more,
                     planned=plan, source="hand", by="x") for start, more, plan in found]  # fmt: skip
    until = since + length
    slow = sum(
        any(row.start <= at < (until if row.stop is None else row.stop) for row in rows
            if planned is None or row.planned is planned)
        for at in range(since, until)
    )  # fmt: skip
    assert downtime.length(rows, since, until, planned=planned) == slow


async def test_everything_that_is_written_is_valid_fhir(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    (asset,) = await stock(1)
    work = await fault(shop, asset.device_id)
    async with shop.acting(TECHNICIAN) as conn:
        await stock_up(shop, conn)
        part, store = (await shelves.parts(conn))[0], (await shelves.stores(conn))[0]
        placed = await stocking.order(shop, conn, "p", "s", D("2.5"), TECHNICIAN, "PO-1")
        came = await stocking.receive(shop, conn, "p", "s", D("2.5"), TECHNICIAN, lot="L", order_id=placed.order_id)
        (gone,) = await stocking.issue(shop, conn, "p", "s", D(1), TECHNICIAN, work_id=work.work_id)
        opened = await calls.open_call(shop, conn, work.work_id, "Acme", TECHNICIAN, reference="7", promised=1)
        called = await calls.change(shop, conn, opened.call_id, arrived=clock.now(), done=clock.now())
        spent = await labour.work(shop, conn, work.work_id, 5, TECHNICIAN, travel=2)
        down = await downtime.stop_use(shop, conn, asset.device_id, TECHNICIAN, work_id=work.work_id)
    made = [
        resources.supply_request(placed, part, store), resources.supply_delivery(came, part, store),
        resources.supply_delivery(gone, part, store, request_id=work.request_id),
        resources.call(called, work.request_id), resources.labour(spent, work.request_id),
        resources.downtime(down, work.request_id), resources.downtime(msgspec.structs.replace(down, stop=clock.now())),
        resources.labour(msgspec.structs.replace(spent, device_id=""), work.request_id),
    ]  # fmt: skip
    for resource in made:
        wrong = [issue for issue in validate(loads(dumps(resource)), FULL) if issue.severity in ("error", "fatal")]
        assert not wrong, (resource["resourceType"], wrong)
    found = await about(shop, work.work_id)
    assert (len(found.labour), len(found.parts), len(found.calls), len(found.downtime)) == (1, 1, 1, 1)
    assert {one.kind for one in await events(shop.pool, asset.device_id)} == {"downtime", "vendor", "part"}
