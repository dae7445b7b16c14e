"""The common language on its pages: found, written, agreed on by two."""

from __future__ import annotations

from tests.web.conftest import House


async def test_a_nurse_writes_a_term_and_a_physician_agrees(house: House, enter) -> None:
    written = {
        "title": "Wobble board",
        "owner": "clinical",
        "clinical": "A <b>board</b>.",
        "synonyms": "WB, wobbler",
        "codes": "local WB-1 = Balance\nloinc 8867-4 relatedto",
    }
    async with enter("nurse") as nurse:
        token = {"x-csrf-token": nurse.csrf}
        made = await nurse.post("/terms", data=written, headers=token)
        assert made.headers["location"].startswith("/terms/wobble-board")
        page = (await nurse.get("/terms/wobble-board")).text
        assert "A &lt;b&gt;board" in page
        assert "WB, wobbler" in page
        assert (await nurse.post("/terms/wobble-board/propose", headers=token)).status_code == 303
        assert (await nurse.post("/terms/wobble-board/approve", headers=token)).status_code == 403
        assert "somebody else approves" in (await nurse.get("/terms/wobble-board")).text
    async with enter("physician") as physician:
        token = {"x-csrf-token": physician.csrf}
        assert (await physician.post("/terms/wobble-board/approve", headers=token)).status_code == 303
        listed = (await physician.get("/terms?q=WB-1")).text
        assert "Wobble board" in listed
        assert "approved" in listed
    assert (await house.room.book.entry("wobble-board")).approved == 1


async def test_a_form_that_is_too_late_or_wrong_says_so(house: House, enter) -> None:
    async with enter("technician") as browser:
        token = {"x-csrf-token": browser.csrf}
        wrong = await browser.post(
            "/terms", data={"title": "X", "owner": "biomed", "biomed": "y", "codes": "??"}, headers=token
        )
        assert (wrong.status_code, "line 1" in wrong.text) == (400, True)
        await browser.post("/terms", data={"title": "X ray", "owner": "biomed", "biomed": "y"}, headers=token)
        late = {"title": "X ray", "owner": "biomed", "biomed": "z", "version": "0"}
        assert (await browser.post("/terms/x-ray", data=late, headers=token)).status_code == 409
        late["version"] = "1"
        assert (await browser.post("/terms/x-ray", data=late, headers=token)).status_code == 303
        assert (await browser.get("/terms?skip=-1&q=%00'|&")).status_code == 200
        assert (await browser.get("/terms/none")).status_code == 404
