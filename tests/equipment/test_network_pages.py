"""The pages of the network and of risks as people use them."""

from __future__ import annotations

import pytest
from tests.web.conftest import *  # noqa: F403 - fixtures of the web room
from tests.web.test_equipment_pages import PATIENT, pump  # noqa: F401 - a fixture

from wardbridge.equipment.changes.behaviour import desk as behaviour
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.values import Interface
from wardbridge.security.principal import SYSTEM


@pytest.fixture
async def wired(house, pump):  # noqa: F811
    """The pump on a switch port with an address."""
    shop = house.room.shop
    async with shop.acting(SYSTEM) as conn:
        await desk.connect(shop, conn, [
            Interface(interface_id="i", device_id="pump-1", mac="aa:bb:cc:00:00:01", ip="10.1.0.5", switch="sw <1>",
                      port="7", zone="pumps", vlan=20)
        ])  # fmt: skip
    return pump


async def test_a_failing_switch_is_shown_without_patients_to_technical_roles(house, enter, wired) -> None:
    async with enter("operator") as browser:
        page = await browser.get("/equipment/network")
        assert "sw &lt;1&gt;" in page.text
        found = await browser.get("/equipment/network/effect", params={"switch": "sw <1>"})
        assert "1 machines, 1 of them on patients now" in found.text
        assert "pat-z" not in found.text + page.text
        assert PATIENT not in found.text + page.text
        assert (await browser.get("/equipment/network/effect?vlan=x")).status_code == 400
        assert (await browser.get("/equipment/network/effect")).status_code == 303
    async with enter("physician") as browser:
        found = await browser.get("/equipment/network/effect", params={"vlan": "20"})
        assert "/patients/pat-z" in found.text
    assert [row["display"] for row in await house.room.audit.find(patient="pat-z")] == ["Physician Test"]


async def test_flows_become_a_policy_that_both_approve(house, enter, wired) -> None:
    now = house.room.clock.now() // 1_000_000
    rows = f"ts,src,dst,dst_port,proto\n{now},10.1.0.5,10.9.0.1,2575,tcp\n{now},10.1.0.5,8.8.8.8,53,udp\nbroken\n"
    async with enter("operator") as browser:
        files = {"file": ("flows <x>.csv", rows.encode(), "text/csv")}
        sent = await browser.post("/equipment/network/flows", data={"csrf": browser.csrf}, files=files)
        assert sent.status_code == 303
        page = await browser.get(sent.headers["location"])
        assert "flows &lt;x&gt;.csv" in page.text
        assert "broken" in page.text
        assert (
            await browser.post("/equipment/network/flows", data={"csrf": browser.csrf}, files=files)
        ).status_code == 409
        form = {"csrf": browser.csrf, "model": "pump", "zone": "pumps", "days": "14"}
        made = await browser.post("/equipment/network/policies", data=form)
        at = made.headers["location"].split("?")[0]
        page = await browser.get(at)
        assert "10.9.0.1" in page.text
        digest = page.text.split('name="digest" value="')[1][:64]
        assert (
            await browser.post(f"{at}/sign", data={"csrf": browser.csrf, "side": "it", "digest": digest})
        ).status_code == 303
        for kind in ("json", "csv", "nft", "acl"):
            assert "10.9.0.1" in (await browser.get(f"{at}/export/{kind}")).text
        assert (await browser.get(f"{at}/export/exe")).status_code == 404
    async with enter("technician") as browser:
        sign = {"csrf": browser.csrf, "side": "biomed", "digest": digest}
        assert (await browser.post(f"{at}/sign", data=sign)).status_code == 303
        assert "approved" in (await browser.get("/equipment/network")).text
    async with enter("nurse") as browser:
        assert (await browser.get(at)).status_code == 403


async def test_a_finding_is_answered(house, enter, wired) -> None:
    shop = house.room.shop
    async with shop.acting(SYSTEM) as conn:
        detail = {"peer": "6.6.6.6", "port": 443, "protocol": "tcp", "direction": "out"}
        one = await behaviour.raise_(shop, conn, "pump-1", "peer", detail, shop.clock.now())
    async with enter("technician") as browser:
        assert "a new peer: opens tcp 443, 6.6.6.6" in (await browser.get("/equipment/network")).text
        answer = {"csrf": browser.csrf, "reason": "the maker's update server", "side": "biomed"}
        url = f"/equipment/network/unexpected/{one.unexpected_id}/expected"
        assert (await browser.post(url, data=answer)).status_code == 303
        assert (await browser.post(url, data=answer)).status_code == 409
        assert "the maker&#39;s update server" in (await browser.get("/equipment/network")).text


async def test_the_risk_register_page(house, enter, wired) -> None:
    async with enter("operator") as browser:
        form = {
            "csrf": browser.csrf, "title": "No encryption <x>", "property": "security", "state": "open", "cause": "old",
            "effect": "read", "owner": "IT", "review_due": "2020-01-01T00:00", "inherent-severity": "4",
            "inherent-probability": "3", "residual-severity": "4", "residual-probability": "1",
            "measures": "VLAN | IT | 2030-01-01", "links": "device:pump-1\nzone:pumps",
        }  # fmt: skip
        made = await browser.post("/equipment/risks/new", data=form)
        at = made.headers["location"].split("?")[0]
        assert "No encryption &lt;x&gt;" in (await browser.get(at)).text
        assert "overdue" in (await browser.get("/equipment/risks?state=overdue")).text
        assert (await browser.post("/equipment/risks/new", data=form | {"links": "device:none"})).status_code == 400
        assert (
            await browser.post("/equipment/risks/new", data=form | {"measures": "x | y | tomorrow"})
        ).status_code == 400
        assert (await browser.post(f"{at}/measures/1/done", data={"csrf": browser.csrf})).status_code == 303
        review = {"csrf": browser.csrf, "state": "closed", "review_due": "2040-01-01T00:00", "note": "VLAN is in use"}
        assert (await browser.post(f"{at}/review", data=review)).status_code == 303
        site = {"csrf": browser.csrf, "severities": "low\nhigh", "probabilities": "rare\noften", "levels": "at\ntu",
                "source": "our policy"}  # fmt: skip
        assert (await browser.post("/equipment/risks/matrix", data=site)).status_code == 303
        assert (await browser.post("/equipment/risks/matrix", data=site | {"levels": "ta\nut"})).status_code == 400
        assert "our policy" in (await browser.get("/equipment/risks")).text
        # An entry whose score is outside of the new matrix is shown as the worst, not as an error.
        assert "unacceptable" in (await browser.get(at)).text
