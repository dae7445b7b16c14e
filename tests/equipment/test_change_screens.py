"""The pages of changes, risks and the network in a real browser: no rule of WCAG that axe knows is broken, nothing
scrolls sideways on a phone, no script or style is refused."""

from __future__ import annotations

from tests.equipment.changing import hazard
from tests.web.conftest import *  # noqa: F403 - fixtures of the web room
from tests.web.conftest import House
from tests.web.screens import in_browser, keep, page_of, violations
from tests.web.server import serving
from tests.web.test_equipment_pages import pump  # noqa: F401 - a fixture

from wardbridge.core.clock import DAY, HOUR
from wardbridge.equipment.changes import desk
from wardbridge.equipment.changes.behaviour import desk as behaviour
from wardbridge.equipment.changes.network import desk as network
from wardbridge.equipment.changes.network import store as links
from wardbridge.equipment.changes.network.values import Link
from wardbridge.equipment.changes.patches import desk as patches
from wardbridge.equipment.changes.patches.values import Window
from wardbridge.equipment.changes.risks import desk as risks
from wardbridge.equipment.changes.risks.values import Risk, Score
from wardbridge.equipment.changes.values import Measure, Patch, RiskFile
from wardbridge.equipment.register import desk as register
from wardbridge.equipment.register.values import Asset, Interface
from wardbridge.security.principal import SYSTEM, Principal

pytestmark = in_browser
SCREEN = {"width": 1280, "height": 900}
TECHNICIAN = Principal("t", "Tess Technician", "user", frozenset({"technician"}))
OPERATOR = Principal("o", "Otto Operator", "user", frozenset({"operator"}))


async def filled(house: House) -> list[str]:
    """A small fleet with a signed patch, a finding, a policy and a risk; the paths to look at."""
    shop = house.room.shop
    assert shop is not None
    now = shop.clock.now()
    async with shop.acting(SYSTEM) as conn:
        pumps = [Asset(device_id=f"p{n}", model_id="pump", state="in-service", state_since=now, created=now,
                       tag=f"P-{n}",
                       serial=f"SN{n}", firmware="1.9") for n in range(4)]  # fmt: skip
        await register.add(shop, conn, pumps)
        await register.connect(shop, conn, [Interface(interface_id=f"i{n}", device_id=f"p{n}", ip=f"10.1.0.{n + 10}",
                                                      switch="sw-icu-1", port=str(n), zone="pumps")
                                            for n in range(4)])  # fmt: skip
        await register.connect(shop, conn, [Interface(interface_id="i", device_id="pump-1", ip="10.1.0.5", port="9",
                                                      switch="sw-icu-1", zone="pumps")])  # fmt: skip
        await links.add(conn, [Link(device_id=f"p{n}", peer="10.9.0.1", port=2575, protocol="tcp", direction="out",
                                    first_seen=now, last_seen=now, count=9, source="zeek")
                               for n in range(4)])  # fmt: skip
        await behaviour.raise_(shop, conn, "p3", "peer", {"peer": "203.0.113.9", "port": 443, "protocol": "tcp",
                                                          "direction": "out"}, now)  # fmt: skip
        policy = await network.propose(shop, conn, "pump", "pumps", TECHNICIAN)
        measure = Measure(text="own VLAN", owner="IT", due=now + DAY)
        risk = await risks.write(
            shop, conn,
            Risk(risk_id="", title="Pumps speak without encryption", property="security", state="open",
                 cause="old protocol", effect="values are read", inherent=Score(severity=4, probability=3),
                 owner="IT", review_due=now - DAY,
                 residual=Score(severity=4, probability=1), measures=(measure,), links=(("model", "pump"),)),
            OPERATOR,
        )  # fmt: skip
        file = RiskFile(
            title="Firmware 2.0 for the pumps", purpose="CVE-2020-25165 is exploited.", models=("pump",),
            wards=("ICU",), hazards=(hazard(),),
            considered={"effectiveness": "the drug library stays", "security": "it closes a hole"},
            rollback="Load image 1.9.", tests="Self-test, bolus, alarm.", communication="Head nurses, the day before.",
            start=now - HOUR, stop=now + DAY,
            patch=Patch(model_id="pump", version="2.0", fixes=("CVE-2020-25165",)),
        )  # fmt: skip
        change = await patches.plan(shop, conn, file, TECHNICIAN)
        await desk.move(shop, conn, change.change_id, "assess", TECHNICIAN)
        await desk.sign(shop, conn, change.change_id, "biomed", TECHNICIAN)
        await desk.sign(shop, conn, change.change_id, "it", OPERATOR)
        await desk.move(shop, conn, change.change_id, "schedule", OPERATOR)
        await patches.set_window(shop, conn, Window(window_id="", start=now - HOUR, stop=now + DAY, parallel=2,
                                                    spares=0, change_id=change.change_id))  # fmt: skip
        await patches.start(shop, conn, change.change_id, "p0", TECHNICIAN)
        await desk.freeze(shop, conn, now, now + HOUR, "go-live of the laboratory")
    at = f"/equipment/changes/{change.change_id}"
    return ["/equipment/changes", at, f"{at}/edit", "/equipment/changes/calendar", "/equipment/risks",
            f"/equipment/risks/{risk.risk_id}", "/equipment/network", "/equipment/network/effect?switch=sw-icu-1",
            f"/equipment/network/policies/{policy.policy_id}"]  # fmt: skip


async def test_the_pages_are_accessible_and_fit_a_phone(house: House, chromium, pump) -> None:  # noqa: F811
    paths = await filled(house)
    async with serving(house.app) as port:
        page = await page_of(chromium, house, port, "technician", viewport=SCREEN, reduced_motion="reduce")
        for number, path in enumerate(paths):
            answer = await page.goto(f"http://127.0.0.1:{port}{path}")
            assert answer is not None
            assert answer.status == 200, path
            assert await violations(page, path, None) == [], path
            await keep(page, f"change-{number}")
        await page.set_viewport_size({"width": 360, "height": 740})
        for path in paths:
            await page.goto(f"http://127.0.0.1:{port}{path}")
            wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 1, path
        assert page.problems == []  # type: ignore[attr-defined]
        await page.context.close()
