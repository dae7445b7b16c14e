"""The maintenance pages in a real browser: axe is content, nothing breaks the content security policy."""

from __future__ import annotations

from playwright.async_api import Browser

from tests.web.conftest import House
from tests.web.screens import in_browser, keep, page_of, violations
from tests.web.server import serving
from tests.web.test_equipment_pages import pump  # noqa: F401 - a fixture
from tests.web.test_screens import running  # noqa: F401 - a fixture
from wardbridge.core.clock import DAY
from wardbridge.equipment.register.labels import label
from wardbridge.equipment.register.store import now as machines
from wardbridge.equipment.work import aem, desk, procedures, requests, risk, schedules
from wardbridge.equipment.work.plans import Schedule
from wardbridge.equipment.work.steps import Procedure
from wardbridge.equipment.work.store.procedures import Instrument, put_instrument
from wardbridge.security.principal import Principal
from wardbridge.web.pages.equipment.upkeep import steps_of

pytestmark = in_browser
TOM = Principal("person-technician", "Technician Test", "user", frozenset({"technician"}))
STEPS = "check | Look at the cord\n!value | Protective earth | Ohm | | 0.3 | earth-resistance\ntext | Software version"
WIDE = """() => document.documentElement.scrollWidth <= innerWidth + 1 ? [] :
    [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1
        && !e.closest('.table-scroll')).map(e => e.outerHTML.slice(0, 120)).slice(0, 5)"""
"""What is wider than the screen, tables that scroll by themselves left out."""
PHONE = {"width": 390, "height": 844}


async def furnished(house: House) -> list[str]:
    """Some work of every kind on a machine that is on a patient; the pages to look at."""
    shop = house.room.shop
    assert shop is not None
    now = shop.clock.now()
    async with shop.acting(TOM) as conn:
        steps = Procedure(procedure_id="est", version=0, name="Safety test", kind="inspection", steps=steps_of(STEPS))
        await procedures.write(shop, conn, steps, TOM)
        await put_instrument(conn, Instrument(device_id="pump-1", measures="currents", due=now + DAY))
        late = await desk.order(shop, conn, "pump-1", "inspection", "Yearly safety test", "", TOM, due=now - DAY,
                                procedure_id="est")  # fmt: skip
        await procedures.record(shop, conn, late.work_id, {"s1": "pass", "s2": "0.41"}, TOM, instrument_id="pump-1")
        soon = await desk.order(
            shop, conn, "pump-1", "maintenance", "Battery", "", TOM, due=now + 9 * DAY, minutes=1900
        )
        await desk.assign(shop, conn, [soon.work_id], TOM, person_id=TOM.id, person=TOM.display, planned=now)
        for _ in range(5):
            one = await desk.order(shop, conn, "pump-1", "maintenance", "PM", "", TOM)
            await desk.resolve(shop, conn, one.work_id, "done", TOM)
            await conn.execute("UPDATE work SET done_at = $2 WHERE work_id = $1", one.work_id, now - 400 * DAY)
        filters = Schedule(schedule_id="s", name="Filter", model_id="pump", months=12, meter="use", every=2000.0)
        await schedules.put(shop, conn, filters)
        chosen = {"function": "therapy", "physical-risk": "injury", "maintenance": "average"}
        await risk.rate(shop, conn, "pump", "fennigkoh-smith", chosen, TOM)
        case = await aem.request(shop, conn, "pump", "never failed", TOM)
        await aem.move(shop, conn, case.case_id, "open", TOM)
        token = (await label.make(shop, conn, ["pump-1"]))["pump-1"]
    (machine,) = await machines(shop.pool, ["pump-1"])
    async with shop.acting(requests.ANONYMOUS) as conn:
        asked = await requests.submit(shop, conn, machine, "The display is dark", sender="s")
    return [
        "/equipment/work?state=all", f"/equipment/work/{late.work_id}", "/equipment/planning", "/equipment/schedules",
        "/equipment/procedures?procedure=est", "/equipment/risk", "/equipment/aem", "/equipment/kpi",
        "/equipment/requests", f"/equipment/q/{token}", f"/equipment/r/{asked.reference}",
    ]  # fmt: skip


async def test_axe_finds_no_serious_violation(running: House, chromium: Browser, pump: object) -> None:  # noqa: F811
    found = []
    pages = await furnished(running)
    async with serving(running.app) as port:
        page = await page_of(chromium, running, port, "technician", reduced_motion="reduce")
        for path in pages:
            answer = await page.goto(f"http://127.0.0.1:{port}{path}")
            assert answer is not None
            assert answer.status == 200, path
            found += await violations(page, path)
            assert page.problems == [], path  # type: ignore[attr-defined]
            name = path.split("?")[0].strip("/").replace("/", "-")[:40]
            await keep(page, f"{name}")
        await page.set_viewport_size(PHONE)
        for path in (pages[1], pages[-2]):
            await page.goto(f"http://127.0.0.1:{port}{path}")
            wide = await page.evaluate(WIDE)
            assert wide == [], path
            await keep(page, f"phone-{len(path)}")
        await page.context.close()
    assert found == []
