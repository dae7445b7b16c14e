"""Reports: what is in them, and that the same report is the same file."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tests.equipment.conftest import TECHNICIAN, Stocked
from wardbridge.equipment.reports.inventory import inventory
from wardbridge.equipment.reports.pdf import Facts, Report, Section, Table, Text, render
from wardbridge.equipment.shop import Shop

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


@given(st.text(max_size=60), st.lists(st.tuples(st.text(max_size=30), st.text(max_size=80)), max_size=4))
def test_any_text_can_be_printed(text: str, rows: list[tuple[str, str]]) -> None:
    sections = (Section(text, (Text(text), Facts(tuple(rows)), Table(("a", text), tuple(rows)))),)
    report = Report(title=text, subtitle=text, site=text, made=text, by=text, sections=sections)
    assert render(report).startswith(b"%PDF-")
