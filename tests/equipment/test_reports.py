"""Reports: what is in them, and that the same report is the same file."""

from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from tests.equipment.conftest import TECHNICIAN, Stocked

from wardbridge.core.clock import DAY
from wardbridge.equipment.reports import overview
from wardbridge.equipment.reports.device_book import device_book
from wardbridge.equipment.reports.inventory import inventory
from wardbridge.equipment.reports.maintenance import maintenance
from wardbridge.equipment.reports.pdf import Facts, Report, Section, Table, Text, render
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk
from wardbridge.equipment.work.store import orders

ZONE = ZoneInfo("Europe/Berlin")


async def test_the_inventory_names_every_machine_and_the_high_risk_ones_first(shop: Shop, stock: Stocked) -> None:
    await stock(3)
    await stock(1, model_id="m2", name="Vent 9", kind="ventilator", criticality="life-support")
    await stock(1, model_id="m3", name="Gone", state="disposed")
    report = await inventory(shop, "St. Test", ZONE, TECHNICIAN)
    high, others = report.sections[1].content[0], report.sections[2].content[0]
    assert isinstance(high, Table)
    assert isinstance(others, Table)
    assert [row[0] for row in high.rows] == ["m2-A1"]
    assert len(others.rows) == 3
    data = render(report)
    assert data.startswith(b"%PDF-")
    assert data == render(report)


async def test_the_log_of_a_machine_tells_what_was_done_and_names_no_patient(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    async with shop.acting(TECHNICIAN) as conn:
        done = await desk.report(shop, conn, asset.device_id, "Display dark", TECHNICIAN)
        await desk.take(shop, conn, done.work_id, TECHNICIAN)
        await desk.resolve(shop, conn, done.work_id, "Lamp replaced", TECHNICIAN)
    report = await device_book(shop, "St. Test", ZONE, TECHNICIAN, asset.device_id)
    (work,) = next(section for section in report.sections if section.title.startswith("Maintenance")).content
    assert isinstance(work, Table)
    assert [(row[2], row[7]) for row in work.rows] == [("Display dark", "Lamp replaced")]
    assert render(report).startswith(b"%PDF-")


async def test_maintenance_is_counted_by_month_and_criticality(shop: Shop, stock: Stocked) -> None:
    first, second = await stock(2)
    now = shop.clock.now()
    async with shop.acting(TECHNICIAN) as conn:
        for asset in (first, second):
            await desk.plan(shop, conn, asset.device_id, "Check", now - DAY, None, TECHNICIAN)
        (order, _) = await orders.of_devices(conn, [first.device_id, second.device_id])
        await desk.resolve(shop, conn, order.work_id, "done", TECHNICIAN, late_reason="in-use")
    report = await maintenance(shop, "St. Test", ZONE, TECHNICIAN)
    facts, overdue = report.sections[0].content[0], report.sections[2].content[0]
    assert isinstance(facts, Facts)
    assert isinstance(overdue, Table)
    assert dict(facts.rows)["Overdue now"] == "1"
    assert len(overdue.rows) == 1
    assert render(report).startswith(b"%PDF-")


async def test_the_overview_counts_what_is_there(shop: Shop, stock: Stocked) -> None:
    await stock(2, price=Decimal("1200.50"), currency="EUR")
    seen = await overview.figures_of(shop, ZONE)
    assert seen.today.machines == 2
    assert seen.worth == (("EUR", 2, Decimal("2401.00")),)
    assert render(await overview.report(shop, "St. Test", ZONE, TECHNICIAN)).startswith(b"%PDF-")


@given(st.text(max_size=60), st.lists(st.tuples(st.text(max_size=30), st.text(max_size=80)), max_size=4))
def test_any_text_can_be_printed(text: str, rows: list[tuple[str, str]]) -> None:
    sections = (Section(text, (Text(text), Facts(tuple(rows)), Table(("a", text), tuple(rows)))),)
    report = Report(title=text, subtitle=text, site=text, made=text, by=text, sections=sections)
    assert render(report).startswith(b"%PDF-")
