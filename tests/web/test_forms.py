"""Writes: never without the session's form token, never for another patient than the page showed."""

from __future__ import annotations

import pytest

WRITES = (
    ("nurse", "/beds/icu-2/standby", {"on": "yes"}, "standby"),
    ("nurse", "/beds/icu-2/discharge", {"patient": "pat-1"}, "discharge"),
    ("nurse", "/beds/icu-2/bindings", {"patient": "pat-1", "device": "pump-1"}, "bind"),
    ("nurse", "/beds/icu-2/bindings/b-mon-1/end", {}, "end"),
    ("physician", "/beds/icu-2/bindings/b-mon-1/correct", {"patient": "pat-3", "reason": "moved at 10"}, "correct"),
    ("nurse", "/beds/icu-2/claims", {"patient": "pat-1", "device": "pump-9", "start": "1", "stop": "2"}, "claim"),
    ("nurse", "/alarms/al-1/acknowledge", {}, "acknowledge"),
    ("nurse", "/patients/pat-1/verify", {"observation": ["o-1", "o-2"]}, "verify"),
    ("nurse", "/patients/pat-1/enter", {"consciousness": "A", "oxygen": "nasal-cannula", "oxygen_flow": "2"}, "enter"),
    ("nurse", "/patients/pat-1/limits", {"slot": "hr", "low": "40", "high": "140", "priority": "high"}, "limit"),
    ("nurse", "/wards/icu/limits", {"slot": "hr", "low": "50", "high": "", "priority": "medium"}, "limit"),
    ("nurse", "/wards/icu/limits", {"slot": "hr", "clear": "1"}, "clear"),
    ("technician", "/devices/mon-9/admission", {"state": "accepted", "place": "icu-3"}, "admit"),
    ("nurse", "/devices/mon-1/faults", {"text": "it beeps"}, "report"),
    ("technician", "/devices/mon-1/faults/f1/take", {}, "take"),
    ("technician", "/devices/mon-1/faults/f2/resolve", {"text": "new cable"}, "resolve"),
    ("operator", "/integration/dead/d1/replay", {}, "replay"),
    ("operator", "/integration/test", {"destination": "his"}, "test"),
)  # fmt: skip


@pytest.mark.parametrize(("role", "path", "data", "what"), WRITES)
async def test_a_write_happens_once_with_the_token_and_never_without(role, path, data, what, house, enter):
    async with enter(role) as browser:
        bare = await browser.post(path, data=data)
        assert bare.status_code == 400
        wrong = await browser.post(path, data=data | {"csrf": "x" * 32})
        assert wrong.status_code == 400
        assert house.scene.done == []
        good = await browser.post(path, data=data | {"csrf": browser.csrf})
        assert good.status_code in {200, 303}, good.text[-600:]
        assert [done[0] for done in house.scene.done] == [what]
        assert f"person-{role}" in house.scene.done[0]


@pytest.mark.parametrize(("role", "path", "data", "what"), WRITES)
async def test_a_write_of_the_wrong_role_does_nothing(role, path, data, what, house, enter):
    other = "administrator" if role in {"nurse", "physician"} else "nurse"
    if what == "report":
        pytest.skip("everybody may report a fault")
    async with enter(other) as browser:
        answer = await browser.post(path, data=data | {"csrf": browser.csrf})
        assert answer.status_code == 403
        assert house.scene.done == []


async def test_the_bed_is_checked_again_when_a_form_comes_late(house, enter):
    async with enter("nurse") as browser:
        for path, data in (
            ("/beds/icu-2/discharge", {}),
            ("/beds/icu-2/bindings", {"device": "pump-1"}),
            ("/beds/icu-2/claims", {"device": "pump-9", "start": "1", "stop": "2"}),
        ):
            answer = await browser.post(path, data=data | {"patient": "pat-5", "csrf": browser.csrf})
            assert answer.status_code == 409
            assert "Another patient lies in this bed now" in answer.text
        assert house.scene.done == []


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("temperature", "370", "from 20 to 45"), ("temperature", "abc", "from 20 to 45"),
        ("fio2", "5", "from 21 to 100"), ("consciousness", "X", "not offered"),
        ("time", "2031-01-01T00:00", "future"), ("time", "yesterday", "not a date"), ("urine", "-4", "from 0 to"),
    ],
)  # fmt: skip
async def test_manual_entry_refuses_what_cannot_be(field, text, words, house, enter):
    async with enter("nurse") as browser:
        data = {"oxygen": "nasal-cannula", field: text, "csrf": browser.csrf}
        answer = await browser.post("/patients/pat-1/enter", data=data)
        assert answer.status_code == 400
        assert words in answer.text
        assert house.scene.done == []


async def test_manual_entry_keeps_the_digits_as_typed(house, enter):
    async with enter("nurse") as browser:
        await browser.post(
            "/patients/pat-1/enter", data={"temperature": "37,20", "temperature_site": "oral", "csrf": browser.csrf}
        )
    assert house.scene.done[0][2].temperature == "37.20"


async def test_limits_that_cross_are_refused(house, enter):
    async with enter("nurse") as browser:
        data = {"slot": "hr", "low": "140", "high": "60", "priority": "high", "csrf": browser.csrf}
        answer = await browser.post("/wards/icu/limits", data=data)
        assert answer.status_code == 400
        assert house.scene.done == []


async def test_patient_search_keeps_names_out_of_urls(enter):
    async with enter("nurse") as browser:
        answer = await browser.post("/patients", data={"find": "lindqvist", "csrf": browser.csrf})
        assert "Lindqvist, Astrid" in answer.text
        assert "find=" not in str(answer.url)


async def test_what_is_typed_never_becomes_markup(enter):
    async with enter("nurse") as browser:
        answer = await browser.post("/patients", data={"find": "<script>alert(1)</script>", "csrf": browser.csrf})
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;alert" in answer.text
