"""Life cycle and vendors in a real browser: axe is content, nothing breaks the content security policy."""

from __future__ import annotations

from decimal import Decimal

from playwright.async_api import Browser
from tests.equipment.conftest import OPERATOR, PHYSICIAN, TECHNICIAN
from tests.web.conftest import House, chromium, enter, house  # noqa: F401 - fixtures
from tests.web.screens import in_browser, keep, page_of, violations
from tests.web.server import serving
from tests.web.test_equipment_pages import pump  # noqa: F401 - a fixture
from tests.web.test_screens import running  # noqa: F401 - a fixture

from wardbridge.core.clock import DAY, HOUR
from wardbridge.equipment.lifecycle import inspection, needs, sanitise
from wardbridge.equipment.lifecycle.moves import move
from wardbridge.equipment.lifecycle.questions import Answer
from wardbridge.equipment.lifecycle.sanitise import Order
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.values import Asset
from wardbridge.equipment.vendors import access, firms, offers
from wardbridge.equipment.vendors.values import Contact, Contract, Covered, Vendor

pytestmark = in_browser
PHONE = {"width": 390, "height": 844}


async def furnished(house: House) -> list[str]:  # noqa: F811
    """A need, machines in every part of their life, a vendor with everything; the pages to look at."""
    shop = house.room.shop
    assert shop is not None
    now = shop.clock.now()
    async with shop.acting(TECHNICIAN) as conn:
        for ident, state in (("new-1", "received"), ("old-1", "in-service")):
            await desk.add(shop, conn, [Asset(device_id=ident, model_id="pump", state=state, state_since=now,
                                              created=now, serial=ident, tag=ident, price=Decimal(2400), currency="EUR",
                                              bought=now - 3000 * DAY, department="ICU")])  # fmt: skip
        opened = await inspection.begin(shop, conn, "new-1", TECHNICIAN)
        await inspection.enter(shop, conn, opened.inspection_id, TECHNICIAN,
                               [("identity", "pass", None, ""), ("damage", "fail", None, "scratch")])  # fmt: skip
        await move(shop, conn, "old-1", "retired", TECHNICIAN, {"reason": "worn out"})
        medium = await sanitise.list_medium(shop, conn, "old-1", "ssd", "D-1", "main board")
        certificate = await sanitise.certify(
            shop, conn, "old-1", TECHNICIAN,
            Order(media=(medium.medium_id,), source="ICU", before="patient", after="public", method="destroy",
                  technique="shred", destination="recycling", place="workshop"),
        )  # fmt: skip
        await firms.save_vendor(shop, conn, Vendor(vendor_id="acme", name="Acme", kind=("service",), created=now))
        await firms.save_contact(shop, conn, Contact(contact_id="k", vendor_id="acme", name="Desk", role="service",
                                                     phone="+49 30 1"))  # fmt: skip
        await firms.save_contract(
            shop, conn,
            Contract(contract_id="c", vendor_id="acme", number="V-1", title="Full service", kind="full-service",
                     starts=now - 100 * DAY, ends=now + 60 * DAY, notice_days=30, response_hours=4, repair_hours=24,
                     uptime=98, price_year=Decimal(1200), currency="EUR"),
            [Covered(contract_id="c", model_id="pump")],
        )  # fmt: skip
        call = await firms.open_call(shop, conn, "pump-1", "E 12", TECHNICIAN, opened=now - HOUR)
        one = await access.request(shop, conn, TECHNICIAN, vendor_id="acme", person="Eva Fern", purpose="read logs",
                                   device_ids=["pump-1"], starts=now, stops=now + HOUR)  # fmt: skip
    async with shop.acting(PHYSICIAN) as conn:
        need = await needs.ask(shop, conn, PHYSICIAN, title="Pumps", department="ICU", count=4, reason="old",
                               replaces=["old-1"])  # fmt: skip
        some = [Answer(question=q.id, points=at % 5) for s in needs.form().section for at, q in enumerate(s.question)]
        await needs.answer(shop, conn, need.need_id, PHYSICIAN, some)
    async with shop.acting(OPERATOR) as conn:
        await offers.offer(shop, conn, need.need_id, "acme", product="Flow 4", price=Decimal(9000), currency="EUR")
        rows = [Answer(question=q.id, points=at % 5) for s in offers.form().section for at, q in enumerate(s.question)]
        await offers.answer(shop, conn, need.need_id, "acme", OPERATOR, rows)
    wanted = f"/equipment/needs/{need.need_id}"
    return [
        "/equipment/needs", wanted, f"{wanted}/offers", f"{wanted}/offers/acme", "/equipment/devices/pump-1/life",
        "/equipment/devices/old-1/life", f"/equipment/inspections/{opened.inspection_id}",
        f"/equipment/certificates/{certificate.certificate_id}", "/equipment/vendors", "/equipment/vendors/acme",
        "/equipment/contracts/c", f"/equipment/calls/{call.call_id}", "/equipment/access",
        f"/equipment/access/{one.access_id}", "/equipment/devices/pump-1/cover", "/equipment/replacement",
    ]  # fmt: skip


async def test_axe_finds_no_serious_violation(running: House, chromium: Browser, pump: object) -> None:  # noqa: F811
    found = []
    pages = await furnished(running)
    async with serving(running.app) as port:
        page = await page_of(chromium, running, port, "technician", reduced_motion="reduce")
        for number, path in enumerate(pages):
            answer = await page.goto(f"http://127.0.0.1:{port}{path}")
            assert answer is not None
            assert answer.status == 200, path
            for shut in await page.query_selector_all("main details:not([open]) > summary"):
                await shut.click()
            found += await violations(page, path)
            assert page.problems == [], path  # type: ignore[attr-defined]
            await keep(page, f"life-{number:02d}")
        await page.set_viewport_size(PHONE)
        for path in pages:
            await page.goto(f"http://127.0.0.1:{port}{path}")
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), path
    assert found == []
