"""Vendors, contracts, remote access and replacement in the browser, by the people of every side."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.equipment.test_lifecycle_pages import post
from tests.web.conftest import enter, house  # noqa: F401 - fixtures
from tests.web.test_equipment_pages import PATIENT, pump  # noqa: F401 - a fixture

from wardbridge.equipment.vendors import offers


async def where(browser: Any, url: str, **form: Any) -> str:
    """Post, and the page that it leads to."""
    return str((await post(browser, url, **form)).headers["location"].split("?")[0])


TERMS = {"number": "V-1", "title": "Full service <b>", "kind": "full-service", "starts": "2020-01-01T00:00",
         "ends": "2090-01-01T00:00", "notice_days": "90", "price_year": "1200,50", "currency": "EUR",
         "response_hours": "4", "hours": "mo-su 00:00-24:00", "zone": "Europe/Berlin"}  # fmt: skip


async def test_a_contract_covers_a_machine_and_its_calls_are_measured(house, enter, pump) -> None:  # noqa: F811
    async with enter("technician") as browser:
        firm = await where(
            browser, "/equipment/vendors", name="Acme <Service>", kind="service", lines="pumps, monitors"
        )
        again = await post(browser, "/equipment/vendors", 409, name="acme <service>")
        assert "in the list already" in again.text
        await post(browser, firm + "/contacts", name="Desk", role="service", phone="+49 30 1")
        agreed = await where(browser, firm + "/contracts", **TERMS)
        wrong = await post(browser, firm + "/contracts", 400, **TERMS | {"number": "V-2", "hours": "always"})
        assert "service hours are written as" in wrong.text
        unknown = await post(browser, agreed + "/covers", 400, machines="A-1\nZ-9")
        assert "Z-9" in unknown.text
        await post(browser, agreed + "/covers", machines="A-1", model="pump")
        cover = await browser.get("/equipment/devices/pump-1/cover")
        for text in ("covered today", "Full service &lt;b&gt;", "+49 30 1", "desk is open"):
            assert text in cover.text
        call = await where(browser, "/equipment/devices/pump-1/calls", text="E 12", reference="T-5")
        await post(browser, call, what="answered")
        await post(browser, call, 409, what="answered")
        await post(browser, call, what="resolved", resolution="new board")
        assert "kept" in (await browser.get(call)).text
        page = await browser.get(agreed)
        assert "Acme &lt;Service&gt;" in page.text
        assert "new board" not in page.text
        listed = await browser.get("/equipment/vendors")
        assert "1200.50 EUR" in listed.text
        ended = await where(browser, firm + "/contracts", **TERMS | {"number": "V-3", "ends": "2021-01-01T00:00"})
        assert "has ended" in (await browser.get(ended)).text
        assert "Contracts that need somebody" in (await browser.get("/equipment/vendors")).text


async def test_a_session_from_the_request_to_the_record(house, enter, pump) -> None:  # noqa: F811
    window = {"starts": "2020-01-01T00:00", "stops": "2020-01-01T01:00"}
    async with enter("technician") as browser:
        firm = await where(browser, "/equipment/vendors", name="Acme", kind="service")
        asked = {"vendor": firm.rsplit("/", 1)[1], "person": "Eva Fern", "purpose": "read logs", "machines": "A-1"}
        over = await post(browser, "/equipment/access", 400, **asked | window)
        assert "window" in over.text
        form = await browser.get("/equipment/access?device=pump-1")
        offered = {name: re.search(rf'name="{name}"[^>]*value="([^"]+)"', form.text)[1] for name in ("starts", "stops")}
        url = await where(browser, "/equipment/access", **asked | offered)
        page = await browser.get(url)
        assert "Somebody else of IT approves it." in page.text
        assert PATIENT not in page.text
        await post(browser, url + "/approve", 403)
    async with enter("operator") as browser:
        blocked = await post(browser, url + "/approve", 409)
        assert "is on a patient in" in blocked.text
        assert PATIENT not in blocked.text
        await post(browser, url + "/confirm", 403, machine="pump-1", note="fine")
    async with enter("nurse") as browser:
        assert (await browser.get("/equipment/access")).status_code == 403
        assert "Confirm" in (await browser.get(url)).text
        await post(browser, url + "/confirm", machine="pump-1", note="second pump stands by")
        await post(browser, url + "/approve", 403)
    async with enter("operator") as browser:
        await post(browser, url + "/approve")
        await post(browser, url + "/start")
        await post(browser, url + "/record", 400, text="log", file="a.log", digest="12")
        await post(browser, url + "/record", text="log taken", file="a.log", digest="a" * 64)
        assert "1 open now" in (await browser.get("/equipment/vendors")).text
        await post(browser, url + "/end", summary="nothing changed")
        await post(browser, url + "/nothing", 404)
        await post(browser, "/equipment/access", **asked | offered | {"emergency": "pumps of the ICU stand still"})
    async with enter("technician") as browser:
        await post(browser, url + "/inform")
        assert "to be reviewed" in (await browser.get("/equipment/access")).text


async def test_vendors_side_by_side(house, enter) -> None:  # noqa: F811
    async with enter("technician") as browser:
        firm = (await where(browser, "/equipment/vendors", name="Acme")).rsplit("/", 1)[1]
        need = await where(browser, "/equipment/needs", title="Pumps", department="ICU", count="1", reason="old",
                           networked="1")  # fmt: skip
        await post(browser, need + "/offers", vendor=firm, product="Flow 4", price="900", currency="EUR")
        answers = {f"{q.id}.points": "4" for s in offers.form().section for q in s.question}
        await post(browser, f"{need}/offers/{firm}", **answers | {"service.response.points": "0"})
        assert "knocked out" in (await browser.get(need + "/offers")).text
        await post(browser, f"{need}/offers/{firm}", **{"service.response.points": "0",
                   "service.response.exception": "loan machine on site"})  # fmt: skip
        page = await browser.get(need + "/offers")
        assert "knocked out" not in page.text
        assert (await browser.get(f"{need}/offers/{firm}")).status_code == 200
        await post(browser, f"{need}/offers/nobody", 404, **answers)


async def test_cost_support_and_the_plan(house, enter, pump) -> None:  # noqa: F811
    url = "/equipment/devices/pump-1"
    async with enter("operator") as browser:
        await post(browser, url + "/costs", kind="energy", amount="12,50", currency="EUR", since="2020-01-01T00:00",
                   until="2090-01-01T00:00")  # fmt: skip
        await post(browser, url + "/costs", 400, kind="energy", amount="Infinity", currency="EUR",
                   since="2020-01-01T00:00", until="2030-01-01T00:00")  # fmt: skip
        await post(browser, url + "/support", support="open", security="dated", security_ends="2021-01-01T00:00",
                   source="letter of May")  # fmt: skip
        await post(browser, url + "/support", 400, support="dated", security="unknown", source="x")
        page = await browser.get(url + "/cover")
        assert "supported, end not known" in page.text
        await post(browser, "/equipment/replacement", device="pump-1", year="2040", budget="900", currency="EUR")
        await post(browser, "/equipment/replacement", 400, device="pump-1", year="1999")
        listed = await browser.get("/equipment/replacement?year=2040")
        assert "decided" in listed.text
        assert "900 EUR" in listed.text
        sheet = await browser.get("/equipment/replacement.csv")
        assert sheet.text.splitlines()[1].split(",")[-5:] == ["ended", "2040", "yes", "900", "EUR"]
        await post(browser, "/equipment/replacement", device="pump-1", what="undecide")
        assert (await browser.get("/equipment/replacement?year=x")).status_code == 400


@pytest.mark.parametrize("path", ["/equipment/vendors/none", "/equipment/contracts/none", "/equipment/calls/none",
                                  "/equipment/access/none", "/equipment/devices/none/cover",
                                  "/equipment/needs/none/offers"])  # fmt: skip
async def test_what_is_not_there_is_not_found(house, enter, path) -> None:  # noqa: F811
    async with enter("technician") as browser:
        assert (await browser.get(path)).status_code == 404
    async with enter("nurse") as browser:
        assert (await browser.get(path)).status_code == (404 if "access" in path else 403)
