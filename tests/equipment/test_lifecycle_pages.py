"""The life cycle in the browser: from a need to the disposal, by the people of every side."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.web.conftest import enter, house  # noqa: F401 - fixtures
from tests.web.test_equipment_pages import PATIENT, pump  # noqa: F401 - a fixture

from wardbridge.equipment.lifecycle import inspection, needs
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.values import Model
from wardbridge.security.principal import SYSTEM


async def post(browser: Any, url: str, status: int = 303, **form: Any) -> Any:
    answer = await browser.post(url, data={"csrf": browser.csrf, **form})
    assert answer.status_code == status, " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())[-400:]
    return answer


async def test_from_a_need_to_service(house, enter) -> None:  # noqa: F811
    shop = house.room.shop
    async with shop.acting(SYSTEM) as conn:
        await desk.add_models(shop, conn, [Model(model_id="flow", manufacturer="Acme", name="Flow <3>")])
    async with enter("physician") as browser:
        made = await post(browser, "/equipment/needs", title="Pumps <b>", department="ICU", count="1", reason="old",
                          networked="1", budget="1000,50", currency="EUR")  # fmt: skip
        url = made.headers["location"].split("?")[0]
        page = await browser.get(url)
        assert "Pumps &lt;b&gt;" in page.text
        assert "questions open" in page.text
        answers = {f"{q.id}.points": "3" for s in needs.form().section for q in s.question}
        await post(browser, url + "/answers", **answers)
        refused = await post(browser, url + "/answers", 400, **{"cost.budget.points": "7"})
        assert "not offered" in refused.text
        await post(browser, url + "/sign", side="clinical")
        await post(browser, url + "/sign", 403, side="it")
    async with enter("technician") as browser:
        await post(browser, url + "/sign", side="biomed")
        early = await post(browser, url + "/move", 409, to="ordered")
        assert "no move leads" in early.text
        await post(browser, url + "/move", to="assessed")
        missing = await post(
            browser, url + "/move", 409, **{"to": "ordered", "said-order": "PO 1", "said-supplier": "X"}
        )
        assert "Signatures" in missing.text
    async with enter("operator") as browser:
        await post(browser, url + "/sign", side="it")
        await post(browser, url + "/move", **{"to": "ordered", "said-order": "PO 1", "said-supplier": "Acme"})
    async with enter("technician") as browser:
        await post(browser, url + "/receive", model="flow", delivery="DN 7", machines="S-77;A-77")
        device = re.search(r"/equipment/devices/([^/]+)/life", (await browser.get(url)).text)
        assert device is not None
        life = f"/equipment/devices/{device[1]}/life"
        begun = await post(browser, f"/equipment/devices/{device[1]}/inspection")
        checked = begun.headers["location"].split("?")[0]
        form = {f"{c.id}.result": "pass" for c in inspection.checklist().item}
        form |= {f"{c.id}.value": "0,1" for c in inspection.checklist().item if c.limit is not None}
        await post(browser, checked, **form | {"damage.result": "fail"})
        assert "You entered it" in (await browser.get(checked)).text
        await post(browser, checked + "/deviation", 403, item="damage", why="a scratch")
    async with enter("administrator") as browser:
        await post(browser, checked + "/deviation", item="damage", why="a scratch")
    async with enter("technician") as browser:
        await post(browser, checked + "/close", result="passed")
        await post(browser, life, **{"to": "in-service", "said-handover": "ICU, sister M."})
        page = await browser.get(life)
        assert "ICU, sister M." in page.text
        assert "A-77" in page.text


async def test_retire_sanitise_dispose(house, enter, pump) -> None:  # noqa: F811
    url = "/equipment/devices/pump-1"
    async with enter("technician") as browser:
        blocked = await post(browser, url + "/life", 409, **{"to": "retired", "said-reason": "worn out"})
        assert "in use in" in blocked.text
        assert PATIENT not in blocked.text
        await post(
            browser, url + "/life", **{"to": "retired", "said-reason": "worn", "said-taken-off": "Nurse K., now"}
        )
        nothing = await post(browser, url + "/life", 409, to="sanitised")
        assert "certificate" in nothing.text
        await post(browser, url + "/media", kind="ssd", serial="D-1")
        page = await browser.get(url + "/life")
        medium = re.search(r'name="media" value="([^"]+)"', page.text)
        assert medium is not None
        form = {"media": medium[1], "source": "ICU", "before": "patient", "after": "public", "method": "destroy",
                "technique": "degauss", "destination": "recycling", "place": "workshop"}  # fmt: skip
        refused = await post(browser, url + "/certificates", 400, **form)
        assert "degauss is no destroy of ssd" in refused.text
        made = await post(browser, url + "/certificates", **form | {"technique": "shred"})
        certificate = made.headers["location"].split("?")[0]
        assert "You sanitised it" in (await browser.get(certificate)).text
        await post(browser, certificate + "/verify", 403, verification="seen", result="passed")
    async with enter("operator") as browser:
        await post(browser, certificate + "/verify", verification="seen", result="passed")
    async with enter("technician") as browser:
        await post(browser, url + "/life", to="sanitised")
        await post(browser, url + "/life", **{"to": "disposed", "said-receipt": "R 12, Green Metals"})
        assert "Its life is over" in (await browser.get(url + "/life")).text


@pytest.mark.parametrize("role", ["nurse", "physician", "technician", "operator", "administrator"])
async def test_every_role_opens_what_it_may_and_sees_no_patient(house, enter, pump, role) -> None:  # noqa: F811
    async with enter(role) as browser:
        for path in ("/equipment/needs", "/equipment/devices/pump-1/life"):
            page = await browser.get(path)
            assert page.status_code == 200
            assert PATIENT not in page.text
            assert "pat-z" not in page.text
        moved = await browser.post("/equipment/devices/pump-1/life",
                                   data={"csrf": browser.csrf, "to": "maintenance-due", "said-due": "PM"})  # fmt: skip
        assert moved.status_code == (303 if role in ("technician", "administrator") else 403)


@pytest.mark.parametrize("path", ["needs/none", "devices/none/life", "inspections/none", "certificates/none"])
async def test_what_is_not_there_is_not_found(house, enter, path) -> None:  # noqa: F811
    async with enter("technician") as browser:
        assert (await browser.get(f"/equipment/{path}")).status_code == 404
        assert (await browser.get("/equipment/needs?state=flying")).status_code == 400
        wrong = {"title": "x", "department": "d", "count": "-1", "reason": "r"}
        assert (await browser.post("/equipment/needs", data={"csrf": browser.csrf, **wrong})).status_code == 400
        wrong |= {"count": "1", "budget": "NaN"}
        assert (await browser.post("/equipment/needs", data={"csrf": browser.csrf, **wrong})).status_code == 400
