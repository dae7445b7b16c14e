"""Vulnerabilities, a model's documents and the zones in a real browser: axe is content, no script breaks the policy."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Browser

from tests.web.conftest import House
from tests.web.screens import in_browser, keep, page_of, violations
from tests.web.server import serving
from tests.web.test_cyber_pages import CVE, exposed  # noqa: F401 - a fixture
from tests.web.test_equipment_pages import pump  # noqa: F401 - a fixture
from wardbridge.core.clock import DAY
from wardbridge.equipment.cyber import desk
from wardbridge.equipment.cyber.store.zones import Zone
from wardbridge.equipment.register import desk as register
from wardbridge.equipment.register.values import Interface
from wardbridge.security.principal import SYSTEM

pytestmark = in_browser
PATHS = ("/equipment/cyber", f"/equipment/cyber/{CVE}", "/equipment/models/pump/security", "/equipment/zones")


async def furnish(shop: Any) -> None:
    """Zones, a control, a form, a name and a judgement, so that every table has a row."""
    async with shop.acting(SYSTEM) as conn:
        for name, level in (("infusion", 3), ("servers", 2)):
            await desk.put_zone(shop, conn, Zone(zone=name, level=level, exposure="clinical", purpose="pumps"))
        await desk.put_conduit(shop, conn, "infusion", "servers", service="tcp/2575", purpose="charting", level=2)
        await register.connect(shop, conn, [Interface(interface_id="i", device_id="pump-1", zone="infusion")])
        await desk.add_control(shop, conn, SYSTEM, name="deny inbound", effect="blocks", zone="infusion",
                               owner="network", evidence="rule 17", until=shop.clock.now() + DAY)  # fmt: skip
        await desk.add_mds2(shop, conn, "pump", b"id,answer,note\nMPII-2.2,No,\nRMOT-1,Yes,by VPN\n", SYSTEM)
        await desk.name_model(shop, conn, "pump", "cpe:2.3:h:acme:flow_3:-:*:*:*:*:*:*:*")
        await desk.judge(shop, conn, SYSTEM, cve=CVE, model_id="pump", family="org.example/parser", state="accepted",
                         note="behind a firewall", until=shop.clock.now() + DAY)  # fmt: skip


async def test_axe_finds_no_serious_violation(house: House, chromium: Browser, exposed: Any) -> None:  # noqa: F811
    await furnish(exposed)
    found = []
    async with serving(house.app) as port:
        page = await page_of(chromium, house, port, "operator", reduced_motion="reduce")
        for number, path in enumerate(PATHS):
            answer = await page.goto(f"http://127.0.0.1:{port}{path}")
            assert answer is not None
            assert answer.status == 200, path
            await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
            found += await violations(page, path)
            assert page.problems == [], path  # type: ignore[attr-defined]
            wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, path
            await keep(page, f"cyber-{number}")
    assert found == []
