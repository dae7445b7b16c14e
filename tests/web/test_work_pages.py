"""Maintenance in the browser: orders, planning, procedures, AEM, figures; and the request without a login."""

from __future__ import annotations

import re
from typing import Any

from tests.web.conftest import enter, house  # noqa: F401 - fixtures
from tests.web.test_equipment_pages import PATIENT, pump  # noqa: F401 - a fixture
from wardbridge.core.clock import DAY
from wardbridge.equipment.register.labels import label
from wardbridge.equipment.work.store import orders
from wardbridge.security.principal import SYSTEM
from wardbridge.web.pages.equipment.upkeep import lines_of, steps_of


async def post(browser: Any, url: str, status: int = 303, **form: Any) -> Any:
    answer = await browser.post(url, data={"csrf": browser.csrf, **form})
    assert answer.status_code == status, " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())[-400:]
    return answer


def test_steps_typed_are_steps_again() -> None:
    text = (
        "check | Look\n!value | Earth | Ohm |  | 0.3 | earth-resistance\nvalue | Flow | mL/h | 95 | 105\ntext | Words"
    )
    found = steps_of(text)
    assert [one.kind for one in found] == ["check", "value", "value", "text"]
    assert found[1].instrument
    assert steps_of(lines_of(found)) == found


async def test_an_order_from_the_form_to_its_end(house, enter, pump) -> None:  # noqa: F811
    async with enter("technician") as browser:
        await post(browser, "/equipment/procedures", name="Pump check <i>", minutes="20", kind="inspection",
                   steps="check | Look at it\nvalue | Flow rate | mL/h | 95 | 105 | flow")  # fmt: skip
        bad = await post(browser, "/equipment/procedures", 400, name="x", steps="nonsense | x")
        assert "begins with" in bad.text
        listed = await browser.get("/equipment/procedures")
        assert "Pump check &lt;i&gt;" in listed.text
        ident = re.search(r"procedure=([^\"&]+)\"", listed.text)
        assert ident is not None
        made = await post(browser, "/equipment/work", machine="A-1", kind="inspection", name="Check <b>",
                          due="2020-01-01T08:00", procedure=ident[1])  # fmt: skip
        url = made.headers["location"].split("?")[0]
        await post(browser, "/equipment/work", 400, machine="nowhere", kind="inspection", name="x")
        page = await browser.get(url)
        assert "Check &lt;b&gt;" in page.text
        assert "overdue" in page.text
        assert "in use" in page.text
        assert PATIENT not in page.text
        await post(browser, url + "/take")
        refused = await post(browser, url + "/resolve", 400, text="done", late_reason="in-use")
        assert "no result" in refused.text
        await post(browser, url + "/results", **{"step-s1": "pass", "step-s2": "111"})
        await post(browser, url + "/resolve", 400, text="done")
        await post(browser, url + "/not-found", text="room 3")
        await post(browser, url + "/defer", due="2090-01-01T08:00", why="in-use", text="on a patient")
        await post(browser, url + "/resolve", text="flow too high")
        page = await browser.get(url)
        assert "fail" in page.text
        assert "Failed in Check" in page.text, "the failed step ordered the repair"
    async with enter("operator") as browser:
        faults = await browser.get("/equipment/work?kind=fault")
        assert "Failed in Check" in faults.text
        fault = re.search(r"/equipment/work/([0-9a-zA-Z-]+)\"", faults.text)
        assert fault is not None
        await post(browser, f"/equipment/work/{fault[1]}/take", 403)
        await post(browser, "/equipment/work", machine="A-1", kind="security", name="Certificate", side="it")
        assert (await browser.get("/equipment/work?state=nonsense")).status_code == 400
    async with enter("nurse") as browser:
        assert (await browser.get("/equipment/work")).status_code == 403


async def test_planning_schedules_and_figures(house, enter, pump) -> None:  # noqa: F811
    async with enter("technician") as browser:
        await post(browser, "/equipment/work", machine="S-1", kind="maintenance", name="Yearly", due="2031-01-01T08:00")
        page = await browser.get("/equipment/planning")
        assert "Technician Test" in page.text
        assert "free after the patient leaves" in page.text
        assert PATIENT not in page.text
        chosen = re.search(r'name="work" value="([^"]+)"', page.text)
        week = re.search(r'<option value="(\d{15,})">', page.text)
        assert chosen is not None
        assert week is not None
        await post(browser, "/equipment/planning", 400, work=chosen[1], week=week[1])
        await post(browser, "/equipment/planning", work=chosen[1], week=week[1], person="person-technician",
                   minutes="1900")  # fmt: skip
        page = await browser.get("/equipment/planning")
        assert "1900/1800 min" in page.text
        assert "too much" in page.text
        await post(browser, "/equipment/schedules", name="Filter", model="pump", months="12", every="2000")
        await post(browser, "/equipment/schedules", 400, name="Filter", model="pump")
        page = await browser.get("/equipment/schedules")
        assert "2000 hours of use" in page.text
        stop = re.search(r"/equipment/schedules/([^/]+)/stop", page.text)
        assert stop is not None
        await post(browser, f"/equipment/schedules/{stop[1]}/stop")
        terms = {"term-function": "therapy", "term-physical-risk": "injury", "term-maintenance": "average"}
        await post(browser, "/equipment/risk", model="pump", scheme="fennigkoh-smith", **terms)
        assert "Acme Flow" in (await browser.get("/equipment/risk")).text
        own = '{"scheme": "h", "version": "1", "name": "House", "include": 1, "term": []}'
        await post(browser, "/equipment/risk/schemes", 400, body=own)
        await post(browser, "/equipment/aem", 400, model="pump", rationale="never fails")
        await post(browser, "/equipment/procedures/safety", model="pump", protection="I", part="CF", cord="fixed",
                   method="direct")  # fmt: skip
        await post(browser, "/equipment/procedures/limits", test="earth-resistance", high="0.2", source="house rule 7")
        await post(browser, "/equipment/procedures/instruments", machine="A-1", measures="flow")
        assert "out of calibration" in (await browser.get("/equipment/procedures")).text
        shown = await browser.get("/equipment/kpi")
        assert "Acme Flow" in shown.text
        for table in ("months", "models"):
            file = await browser.get(f"/equipment/kpi/{table}.csv")
            assert file.headers["content-type"].startswith("text/csv")
    async with enter("operator") as browser:
        await post(browser, "/equipment/planning", 403, work=chosen[1], week=week[1], team="IT")


async def test_a_request_without_a_login(house, enter, pump) -> None:  # noqa: F811
    shop = house.room.shop
    async with shop.acting(SYSTEM) as conn:
        token = (await label.make(shop, conn, ["pump-1"]))["pump-1"]
    url = f"/equipment/q/{token}"
    async with enter("") as browser:
        page = await browser.get(url)
        assert page.status_code == 200
        assert "A-1" in page.text
        for secret in (PATIENT, "pat-z", "S-1", "ICU", "aa:bb", "in use"):
            assert secret not in page.text
        assert (await browser.get("/equipment/q/" + "x" * 22)).status_code == 404
        foreign = await browser.post(url, data={"text": "broken"}, headers={"sec-fetch-site": "cross-site"})
        assert foreign.status_code == 403
        other = await browser.post(url, data={"text": "broken"}, headers={"origin": "https://evil.test"})
        assert other.status_code == 403
        assert (await browser.post(url, data={"text": "broken", "website": "x"})).status_code == 200
        assert await orders.of_devices(shop.pool) == [], "a program filled in the hidden field"
        empty = await browser.post(url, data={"text": " "})
        assert empty.status_code == 400
        sent = await browser.post(
            url, data={"text": "It <smokes>", "name": "Kim"}, headers={"origin": "http://ward.test"}
        )
        assert sent.status_code == 303
        told = await browser.get(sent.headers["location"])
        assert "It &lt;smokes&gt;" in told.text
        assert "The workshop has it" in told.text
        assert PATIENT not in told.text
        for _ in range(4):
            await browser.post(url, data={"text": "again"})
        assert (await browser.post(url, data={"text": "again"})).status_code == 429
        assert (await browser.get("/equipment/r/" + "x" * 22)).status_code == 404
    (work,) = await orders.of_devices(shop.pool)
    assert (work.source, work.priority) == ("request", "urgent"), "the machine is on a patient"
    async with enter("technician") as browser:
        assert "It &lt;smokes&gt;" in (await browser.get("/equipment/requests")).text
        assert "Kim" in (await browser.get(f"/equipment/work/{work.work_id}")).text
    assert house.room.clock.now() - work.reported_at < DAY
