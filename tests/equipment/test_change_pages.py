"""The pages of joint changes: a patch from its form to the last machine, and what each role may do."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from tests.equipment.changing import file
from tests.web.conftest import *  # noqa: F403 - fixtures of the web room
from tests.web.test_equipment_pages import PATIENT, pump  # noqa: F401 - a fixture

from wardbridge.core.clock import DAY, HOUR, to_datetime
from wardbridge.equipment.changes import desk
from wardbridge.equipment.crew import oncall
from wardbridge.equipment.crew.rota import Rota
from wardbridge.security.principal import Principal

HAZARD = {
    "h1-property": "safety", "h1-cause": "restart", "h1-situation": "no therapy", "h1-harm": "hypotension",
    "h1-severity": "4", "h1-probability": "3", "h1-severity_after": "4", "h1-probability_after": "1",
    "h1-measures": "spare pump | biomed | 2030-01-01\nx talk to the ward | IT | 2030-01-01",
}  # fmt: skip


def patch_form(csrf: str, **more: str) -> dict[str, str]:
    return {
        "csrf": csrf, "kind": "patch", "title": "Pumps <2.0>", "purpose": "CVE", "patch_model": "pump",
        "patch_component": "firmware", "patch_version": "2.0", "fixes": "CVE-2020-25165", "considered-security": "none",
        "considered-effectiveness": "none", "rollback": "image", "tests": "bolus", "communication": "nurses",
        "devices": "A-1", "start": "2020-01-01T00:00", "stop": "2040-01-01T00:00", **HAZARD, **more,
    }  # fmt: skip


async def test_a_patch_goes_through_the_pages(house, enter, pump) -> None:  # noqa: F811
    async with enter("technician") as browser:
        assert (
            await browser.get("/equipment/changes/new?kind=patch&model=pump&version=2.0&cve=CVE-1")
        ).status_code == 200
        bad = await browser.post("/equipment/changes/new", data=patch_form(browser.csrf, devices="no such thing"))
        assert bad.status_code == 400
        made = await browser.post("/equipment/changes/new", data=patch_form(browser.csrf))
        assert made.status_code == 303
        at = made.headers["location"].split("?")[0]
        page = await browser.get(at)
        assert "Pumps &lt;2.0&gt;" in page.text
        assert "in use" in page.text
        edit = await browser.get(f"{at}/edit")
        assert "spare pump | biomed | 2030-01-01" in edit.text
        assert "x talk to the ward" in edit.text
        assert (await browser.post(f"{at}/assess", data={"csrf": browser.csrf})).status_code == 303
        mark = re.search(r'name="digest" value="([0-9a-f]{64})"', (await browser.get(at)).text)
        assert mark
        sign = {"csrf": browser.csrf, "side": "biomed", "digest": mark[1]}
        assert (await browser.post(f"{at}/sign", data=sign | {"side": "it"})).status_code == 403
        assert (await browser.post(f"{at}/sign", data=sign)).status_code == 303
        assert (await browser.post(f"{at}/schedule", data={"csrf": browser.csrf})).status_code == 409
    async with enter("operator") as browser:
        sign = {"csrf": browser.csrf, "side": "it", "digest": mark[1]}
        assert (await browser.post(f"{at}/sign", data=sign | {"digest": "0" * 64})).status_code == 409
        assert (await browser.post(f"{at}/sign", data=sign)).status_code == 303
        assert (await browser.post(f"{at}/schedule", data={"csrf": browser.csrf})).status_code == 303
        window = {"csrf": browser.csrf, "start": "2020-01-01T00:00", "stop": "2040-01-01T00:00", "parallel": "1",
                  "spares": "0"}  # fmt: skip
        assert (await browser.post(f"{at}/windows", data=window)).status_code == 303
        refused = await browser.post(f"{at}/machines/pump-1/start", data={"csrf": browser.csrf})
        assert refused.status_code == 409
        assert "a patient is on it" in refused.text
        out = {"csrf": browser.csrf, "note": "stays with the patient"}
        assert (await browser.post(f"{at}/machines/pump-1/except", data=out)).status_code == 303
        page = await browser.get(at)
        for text in ("left out", "stays with the patient", "SHA-256"):
            assert text in page.text
        assert PATIENT not in page.text
        listed = await browser.get("/equipment/changes?kind=patch")
        assert "Pumps &lt;2.0&gt;" in listed.text
        feed = await browser.get("/equipment/changes/calendar.ics")
        assert feed.headers["content-type"].startswith("text/calendar")
        assert "SUMMARY:Pumps <2.0>" in feed.text
        frozen = {"csrf": browser.csrf, "start": "2030-01-01T00:00", "stop": "2030-01-05T00:00", "reason": "go-live"}
        assert (await browser.post("/equipment/changes/freezes", data=frozen)).status_code == 303
        assert "go-live" in (await browser.get("/equipment/changes/calendar?month=2030-01")).text
        assert "go-live" in (await browser.get(at)).text
        assert (await browser.get("/equipment/changes/calendar?month=2030-13")).status_code == 400
        edited = await browser.post(f"{at}/edit", data=patch_form(browser.csrf, rollback="other", version="1"))
        assert edited.status_code == 303
        page = await browser.get(at)
        assert "they are void" in page.text


@pytest.mark.parametrize(
    ("role", "opens", "writes"), [("physician", 200, 403), ("nurse", 403, 403), ("administrator", 200, 400)]
)
async def test_who_may_see_and_write_changes(house, enter, role, opens, writes) -> None:
    async with enter(role) as browser:
        assert (await browser.get("/equipment/changes")).status_code == opens
        assert (
            await browser.post("/equipment/changes/new", data={"csrf": browser.csrf, "kind": "patch"})
        ).status_code == writes


async def test_a_change_tells_when_nobody_is_on_call(house, enter, pump) -> None:  # noqa: F811
    shop = house.room.shop
    now = shop.clock.now()
    who = Principal("person-operator", "Operator Test", "user", frozenset({"operator"}))
    async with shop.acting(who) as conn:
        first = to_datetime(now).date() - timedelta(days=7)
        rota = Rota(rota_id="", side="it", title="IT", zone="UTC", first=first, people=(who.id,), last=first)
        await oncall.put(shop, conn, rota)
        content = file(models=("pump",), start=now + DAY, stop=now + DAY + HOUR)
        change = await desk.draft(shop, conn, "configuration", content, who)
    async with enter("technician") as browser:
        page = await browser.get(f"/equipment/changes/{change.change_id}")
        assert "nobody of it is on call" in page.text
        assert "nobody of biomed" not in page.text
        assert "nobody of it is on call" in (await browser.get("/equipment/changes")).text
