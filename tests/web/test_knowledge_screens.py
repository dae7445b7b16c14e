"""Knowledge, runbooks, on call and load in a real browser: axe is content, no script breaks the page's policy."""

from __future__ import annotations

from playwright.async_api import Browser

from tests.web.conftest import House
from tests.web.screens import in_browser, keep, page_of, violations
from tests.web.server import serving
from wardbridge.core.clock import DAY, to_datetime
from wardbridge.equipment.crew import oncall, runs
from wardbridge.equipment.crew import seed as crew
from wardbridge.equipment.crew.rota import Rota
from wardbridge.equipment.learning import paths, training
from wardbridge.equipment.learning import seed as learning
from wardbridge.equipment.learning.store.training import Training
from wardbridge.security.principal import Principal

pytestmark = in_browser
LEAD = Principal("person-administrator", "Administrator Test", "user", frozenset({"administrator"}))
OPERATOR = Principal("person-operator", "Operator Test", "user", frozenset({"operator"}))


async def furnish(house: House) -> list[str]:
    """What a house has after a week; the addresses of its pages."""
    shop = house.room.shop
    assert shop is not None
    await learning.seed(shop)
    await crew.seed(shop)
    now = shop.clock.now()
    async with shop.acting(OPERATOR) as conn:
        run = await runs.start(shop, conn, "downtime-of-a-system", "system", by=OPERATOR, reason="core switch")
        await runs.begin(shop, conn, run, "say", by=OPERATOR)
        begun = await paths.start(shop, conn, "start-biomed", "person-technician", "person-administrator")
        await oncall.put(shop, conn, Rota(rota_id="", side="it", title="IT", zone="Europe/Berlin",
                                          first=to_datetime(now - 3 * DAY).date(), people=(OPERATOR.id,)))  # fmt: skip
        session = Training(training_id="", topic="VLANs in ten minutes", department="it", audiences=("biomed",),
                           at=now + DAY, minutes=10, seats=8, state="planned", created_by="")  # fmt: skip
        held = await training.plan(shop, conn, session, [OPERATOR.id], by=OPERATOR)
    return [
        "/equipment/knowledge?q=vlan", "/equipment/knowledge/what-a-vlan-is",
        "/equipment/knowledge/what-a-vlan-is/edit",
        "/equipment/knowledge/what-a-vlan-is/changes", "/equipment/learning", f"/equipment/learning/starts/{begun}",
        "/equipment/learning/paths/start-it", "/equipment/learning/sessions", f"/equipment/learning/sessions/{held}",
        "/equipment/learning/competence", "/equipment/learning/thanks", "/equipment/runbooks",
        "/equipment/runbooks/install-a-device", "/equipment/runbooks/install-a-device/edit",
        f"/equipment/runbooks/runs/{run}", "/equipment/oncall", "/equipment/load",
    ]  # fmt: skip


async def test_axe_finds_no_serious_violation(house: House, chromium: Browser) -> None:
    addresses, found = await furnish(house), []
    async with serving(house.app) as port:
        page = await page_of(chromium, house, port, "administrator", reduced_motion="reduce")
        for number, path in enumerate(addresses):
            answer = await page.goto(f"http://127.0.0.1:{port}{path}")
            assert answer is not None
            assert answer.status == 200, path
            found += await violations(page, path)
            assert page.problems == [], path  # type: ignore[attr-defined]
            wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, path
            await keep(page, f"{number:02d}")
        await page.context.close()
    assert found == []
