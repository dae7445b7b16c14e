"""Knowledge, learning, runbooks, on call and load in the browser of each role."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.web.test_equipment_pages import PATIENT, pump  # noqa: F401 - a fixture
from wardbridge.core.clock import to_datetime
from wardbridge.equipment.crew import seed as crew
from wardbridge.equipment.learning import seed as learning

PAGE = {
    "title": "Which socket is ours", "kind": "concept", "audiences": ["biomed", "clinical"], "review_months": "6",
    "summary": "Blue ones.", "keywords": "outlet", "body": "Use the **blue** one. <script>alert(1)</script>",
    "links": "device-kind infusion pump", "questions": "Which?\n+ blue\n- red", "pass_percent": "100", "note": "",
}  # fmt: skip


@pytest.fixture
async def furnished(house):
    """The house with what it starts with."""
    await learning.seed(house.room.shop)
    await crew.seed(house.room.shop)
    return house


def token(browser) -> dict[str, str]:
    return {"x-csrf-token": browser.csrf}


async def post(browser, url: str, data: dict | None = None) -> int:
    """The status of a form that was sent."""
    return (await browser.post(url, data=data or {}, headers=token(browser))).status_code


async def test_a_page_is_written_reviewed_by_another_department_found_and_asked_about(furnished, enter) -> None:
    url = "/equipment/knowledge/which-socket-is-ours"
    async with enter("technician") as browser:
        assert (await browser.get("/equipment/knowledge/new?title=Sockets")).status_code == 200
        made = await browser.post("/equipment/knowledge", data=PAGE, headers=token(browser))
        assert made.headers["location"].startswith(url)
        assert (await browser.post(f"{url}/moves/propose", headers=token(browser))).status_code == 303
        assert (await browser.post(f"{url}/moves/publish", headers=token(browser))).status_code == 403
        assert "reviewed by clinical" not in (await browser.get(url)).text.replace("you wrote", "")
    async with enter("operator") as browser:
        assert (await browser.post(f"{url}/moves/publish", headers=token(browser))).status_code == 403
        assert "it is reviewed by clinical" in (await browser.get(url)).text
    async with enter("nurse") as browser:
        assert (await browser.post(f"{url}/moves/publish", headers=token(browser))).status_code == 303
        page = (await browser.get(url)).text
        assert "<strong>blue</strong>" in page
        assert "<script>alert" not in page
        found = (await browser.get("/equipment/knowledge?q=outl")).text
        assert "Which socket is ours" in found
        assert (await browser.post(f"{url}/quiz", data={"answer-0": "1"}, headers=token(browser))).headers[
            "location"].endswith("done=failed")  # fmt: skip
        assert (await browser.post(f"{url}/quiz", data={}, headers=token(browser))).status_code == 400
        assert "done=passed" in (await browser.post(f"{url}/quiz", data={"answer-0": "0"}, headers=token(browser))
                                 ).headers["location"]  # fmt: skip
        await browser.post(f"{url}/questions", data={"text": "And in the corridor?"}, headers=token(browser))
        await browser.post(f"{url}/vote", data={"helpful": "yes"}, headers=token(browser))
        assert "1 yes, 0 no" in (await browser.get(url)).text
    async with enter("technician") as browser:
        assert "And in the corridor?" in (await browser.get("/equipment/knowledge")).text
        ident = re.search(r'action="(/equipment/knowledge/[^"]*/questions/[^"]*)"', (await browser.get(url)).text)
        assert ident
        await browser.post(ident[1], data={"text": "The grey one."}, headers=token(browser))
        assert "The grey one." in (await browser.get(url)).text
        newer = PAGE | {"version": "1", "body": "Use the **green** one."}
        assert (await browser.post(url, data=newer, headers=token(browser))).status_code == 303
        assert (await browser.post(url, data=newer, headers=token(browser))).status_code == 409
        for body, status in (("Ä| \\" * 3000, 303), ("Ж" * 12_001, 400)):
            long = newer | {"version": "2", "body": body, "questions": ""}
            assert await post(browser, url, long) == status
        await post(browser, url, newer | {"version": "3"})
        changes = (await browser.get(f"{url}/changes")).text
        assert "− Use the **blue** one." in changes
        assert "+ Use the **green** one." in changes
        assert (await browser.get(f"{url}/changes?from=1&to=9")).status_code == 404
        assert "<strong>blue</strong>" in (await browser.get(url)).text, "in force until the new one is reviewed"


async def test_a_search_in_vain_is_shown_to_those_who_write(furnished, enter) -> None:
    async with enter("nurse") as browser:
        for _n in range(2):
            assert (await browser.get("/equipment/knowledge?q=zeppelin+dock")).status_code == 200
        assert (await browser.get("/equipment/knowledge?q=%00%01'%7C%26&skip=99999999999")).status_code in (200, 400)
        assert (await browser.get("/equipment/knowledge?kind=novel")).status_code == 400
        assert "dock zeppelin" in (await browser.get("/equipment/knowledge")).text
        assert "VLAN" in (await browser.get("/equipment/knowledge?q=vlan")).text


async def test_a_runbook_is_run_by_three_departments(furnished, enter, pump) -> None:  # noqa: F811
    async with enter("operator") as browser:
        form = {"scope": "ward", "target-ward": "ICU", "reason": "switch away"}
        made = await browser.post("/equipment/runbooks/downtime-of-a-system/start", data=form, headers=token(browser))
        url = made.headers["location"].partition("?")[0]
        page = (await browser.get(url)).text
        assert "ICU" in page
        assert re.search(r"<td class=\"number\">1</td>\s*<td class=\"number\">1</td>", page), "one machine, in use"
        assert PATIENT not in page
        assert (await browser.post(f"{url}/steps/say/finish", data={"proof": "x"}, headers=token(browser))
                ).status_code == 409  # fmt: skip
        assert (await browser.post(f"{url}/steps/bedside/begin", headers=token(browser))).status_code == 403
        assert (await browser.post(f"{url}/steps/say/begin", headers=token(browser))).status_code == 303
        assert (await browser.post(f"{url}/steps/say/finish", headers=token(browser))).status_code == 400
        done = await browser.post(f"{url}/steps/say/finish", data={"proof": "12:03 to ICU"}, headers=token(browser))
        assert done.status_code == 303
    async with enter("nurse") as browser:
        assert "Bedside alarms on" in (await browser.get(url)).text
        assert (await browser.post(f"{url}/steps/bedside/begin", headers=token(browser))).status_code == 303
        await browser.post(f"{url}/remarks", data={"text": "bed 1 is <fine>"}, headers=token(browser))
        assert "bed 1 is &lt;fine&gt;" in (await browser.get(url)).text
        await browser.post(f"{url}/abort", data={"reason": "it came back by itself"}, headers=token(browser))
        page = (await browser.get(url)).text
        assert "What must be undone" in page
        made = await browser.post(f"{url}/lesson", headers=token(browser))
        lesson = made.headers["location"].partition("?")[0]
        assert (await browser.get(lesson)).status_code == 200
        assert "12:03 to ICU" in (await browser.get(lesson.removesuffix("/edit"))).text
        assert (await browser.post(f"{url}/lesson", headers=token(browser))).status_code == 409


async def test_a_runbook_is_written_in_the_form_and_signed(furnished, enter) -> None:
    steps = {
        "key": ["one", "two", ""], "side": ["biomed", "it", "it"], "what": ["Do it", "Check it", ""],
        "minutes": ["5", "", ""], "after": ["", "one", ""], "evidence": ["", "photo", ""], "abort": ["", "", ""],
        "order": ["", "", ""],
    }  # fmt: skip
    async with enter("technician") as browser:
        assert (await browser.get("/equipment/runbooks/new")).status_code == 200
        form = {"title": "Move a rack", "kind": "other", "about": "", **steps}
        many = {name: [cells[0]] * 60 for name, cells in steps.items()} | {"key": [f"k{n}" for n in range(60)]}
        assert await post(browser, "/equipment/runbooks", form | many | {"title": "Sixty steps"}) == 303
        wrong = await browser.post(
            "/equipment/runbooks", data=form | {"after": ["two", "one", ""]}, headers=token(browser)
        )
        assert (wrong.status_code, "wait for each other" in wrong.text) == (400, True)
        assert (await browser.post("/equipment/runbooks", data=form, headers=token(browser))).status_code == 303
        assert (await browser.get("/equipment/runbooks/move-a-rack/edit")).status_code == 200
        await browser.post("/equipment/runbooks/move-a-rack/sign", data={"side": "biomed"}, headers=token(browser))
    async with enter("operator") as browser:
        last = await browser.post("/equipment/runbooks/move-a-rack/sign", data={"side": "it"}, headers=token(browser))
        assert "done=approved" in last.headers["location"]
        assert "Start it" in (await browser.get("/equipment/runbooks/move-a-rack")).text


async def test_on_call_is_for_all_to_read_and_a_calendar_for_whom_it_is(furnished, enter) -> None:
    today = to_datetime(furnished.room.clock.now()).date()
    rota = {"title": "IT nights", "side": "it", "level": "1", "first": (today - timedelta(days=1)).isoformat(),
            "from_time": "08:00", "to_time": "08:00", "turn_days": "7", "days": list("1234567"), "rank": "0",
            "people": ["person-operator", ""]}  # fmt: skip
    async with enter("operator") as browser:
        assert await post(browser, "/equipment/oncall/rotas", rota) == 303
        wrong = await browser.post("/equipment/oncall/rotas", data=rota | {"first": "soon"}, headers=token(browser))
        assert wrong.status_code == 400
        shown = await browser.post("/equipment/oncall/calendar", headers=token(browser))
        secret = re.search(r"(/equipment/oncall/calendar/[^<\s]*\.ics)", shown.text)
        assert secret
        given = {"side": "it", "remarks": "Switch 3 is warm."}
        assert (
            await browser.post("/equipment/oncall/handovers", data=given, headers=token(browser))
        ).status_code == 303
    async with enter("nurse") as browser:
        page = (await browser.get("/equipment/oncall")).text
        assert "Operator Test" in page
        assert "Make a rota" not in page
        assert await post(browser, "/equipment/oncall/rotas", rota) == 403
    async with enter("") as browser:
        calendar = await browser.get(secret[1])
        assert calendar.headers["content-type"].startswith("text/calendar")
        assert "SUMMARY:On call: IT nights" in calendar.text
        assert (await browser.get("/equipment/oncall/calendar/guessed.ics")).status_code == 404


async def test_the_load_is_ones_own(furnished, enter) -> None:
    async with enter("technician") as browser:
        for _n in range(3):
            noted = await browser.post("/equipment/load/interrupts", data={"kind": "call", "minutes": "5"},
                                       headers=token(browser))  # fmt: skip
            assert noted.status_code == 303
        today = to_datetime(furnished.room.clock.now()).astimezone(furnished.room.zone).date().isoformat()
        form = {"day": today, "planned": "8", "worked": "9,5"}
        assert (await browser.post("/equipment/load/days", data=form, headers=token(browser))).status_code == 303
        form["worked"] = "nan"
        assert (await browser.post("/equipment/load/days", data=form, headers=token(browser))).status_code == 400
        page = (await browser.get("/equipment/load")).text
        assert "9.5" in page
        assert "Who needs relief" not in page
        assert (await browser.post("/equipment/load/limits", data={"warn-overdue": "1", "high-overdue": "1"},
                                   headers=token(browser))).status_code == 403  # fmt: skip
    async with enter("operator") as browser:
        page = (await browser.get("/equipment/load")).text
        assert "9.5" not in page
        assert "Technician Test" not in page.partition("<main")[2]
    async with enter("administrator") as browser:
        page = (await browser.get("/equipment/load")).text
        assert "Who needs relief" in page
        assert "9.5" not in page
        good = await browser.post("/equipment/load/limits", data={"warn-interrupts": "1", "high-interrupts": "2",
                                  "weight-interrupts": "2"}, headers=token(browser))  # fmt: skip
        assert good.status_code == 303
        assert "Technician Test" in (await browser.get("/equipment/load")).text
    async with enter("nurse") as browser:
        assert (await browser.get("/equipment/load")).status_code == 403


async def test_learning_from_start_to_record(furnished, enter) -> None:
    async with enter("operator") as browser:
        form = {"person": "person-technician", "mentor": "person-operator"}
        made = await browser.post("/equipment/learning/paths/start-biomed/start", data=form, headers=token(browser))
        url = made.headers["location"].partition("?")[0]
        assert (
            await browser.post(f"{url}/items/1", data={"note": "badge 7"}, headers=token(browser))
        ).status_code == 303
        assert "badge 7" in (await browser.get(url)).text
        record = {"person": "person-technician", "code": "infusion", "evidence": "watched"}
        assert (await browser.post("/equipment/learning/competence/records", data=record, headers=token(browser))
                ).status_code == 303  # fmt: skip
        out = await browser.get("/equipment/learning/competence/records.csv")
        assert "technician,infusion," in out.text
        sent = {"file": ("old.csv", "login,code,date\nnurse,laser,2025-01-01\nnurse,none,2025-01-01".encode("cp1252"))}
        url_in = "/equipment/learning/competence/import"
        listed = await browser.post(url_in, data={"csrf": browser.csrf}, files=sent)
        for wrong in (b"\x00\x01", b"a,b\n1,2"):
            broken = await browser.post(url_in, data={"csrf": browser.csrf}, files={"file": ("x.csv", wrong)})
            assert broken.status_code == 400
        assert listed.status_code == 200
        assert "Line 3" in listed.text
        assert (await browser.get("/equipment/learning/paths/new")).status_code == 200
        path = {"title": "Short", "items": "access | | Badge | 1 | mentor", "version": "0"}
        assert (
            await browser.post("/equipment/learning/paths/new", data=path, headers=token(browser))
        ).status_code == 303
    async with enter("physician") as browser:
        assert (await browser.get(url)).status_code == 403, "between newcomer and mentor"
        session = {"topic": "Curves", "department": "clinical", "audiences": ["it"], "at": "2040-01-01T10:00",
                   "minutes": "30", "seats": "2", "teachers": ["person-physician"]}  # fmt: skip
        made = await browser.post("/equipment/learning/sessions", data=session, headers=token(browser))
        session_url = made.headers["location"].partition("?")[0]
        assert (await browser.post(f"{session_url}/hold", headers=token(browser))).status_code == 400
    async with enter("technician") as browser:
        assert (await browser.post(f"{session_url}/sign-up", headers=token(browser))).status_code == 303
        assert "Technician Test" not in (await browser.get(session_url)).text.partition("<main")[2]
        thanks = {"person": "person-operator", "text": "for the patience"}
        assert (
            await browser.post("/equipment/learning/thanks", data=thanks, headers=token(browser))
        ).status_code == 303
        page = (await browser.get("/equipment/learning/thanks")).text
        assert "for the patience" in page
        assert "New in biomed" in (await browser.get("/equipment/learning")).text
