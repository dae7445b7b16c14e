"""Every page for every role: what the policy permits opens, the rest is refused clearly and on record."""

from __future__ import annotations

import pytest

from tests.web.conftest import ROLES
from wardbridge.security.policy import FEATURES, PAGES
from wardbridge.web.app import PAGES as ROUTES

PATHS = {
    "/": "/", "/wards": "/wards", "/wards/{ward}": "/wards/icu", "/wards/{ward}/limits": "/wards/icu/limits",
    "/beds/{place}": "/beds/icu-2", "/beds/{place}/trends.json": "/beds/icu-2/trends.json?hours=4",
    "/beds/{place}/bindings/{binding}/correct": "/beds/icu-2/bindings/b-mon-1/correct",
    "/patients": "/patients", "/patients/{patient}": "/patients/pat-1",
    "/patients/{patient}/flowsheet": "/patients/pat-1/flowsheet?step=60",
    "/patients/{patient}/enter": "/patients/pat-1/enter",
    "/patients/{patient}/limits": "/patients/pat-1/limits",
    "/patients/{patient}/observations/{observation}": "/patients/pat-1/observations/o-spo2-3",
    "/devices": "/devices", "/devices/{device}": "/devices/mon-1", "/integration": "/integration",
    "/integration/messages": "/integration/messages", "/integration/messages/{ref}": "/integration/messages/in-1",
    "/terms": "/terms?q=spo2", "/terms/{slug}": "/terms/vlan",
    "/fhir": "/fhir", "/fhir/{path:path}": "/fhir/Device",
    "/admin/users": "/admin/users", "/admin/audit": "/admin/audit",
}  # fmt: skip
READS = sorted({(path, page, feature) for path, methods, _handler, page, feature in ROUTES if "GET" in methods})


def test_every_route_names_a_right_that_the_policy_knows():
    for path, _methods, _handler, page, feature in ROUTES:
        assert page in PAGES, path
        assert not feature or feature in FEATURES, path


def test_every_page_is_walked():
    assert {path for path, _page, _feature in READS} == set(PATHS)


@pytest.mark.parametrize("role", ROLES)
async def test_pages_open_for_whom_the_policy_permits_and_are_refused_to_others(role, house, enter):
    async with enter(role) as browser:
        for path, page, feature in READS:
            answer = await browser.get(PATHS[path])
            allowed = role in (FEATURES[feature] if feature else PAGES[page])
            assert answer.status_code == (403 if not allowed else answer.status_code), (path, answer.status_code)
            assert answer.status_code in ({200, 303} if allowed else {403}), (
                path,
                answer.status_code,
                answer.text[:400],
            )
            if not allowed:
                assert "This is not open to your role" in answer.text
                rows = await house.room.audit.find(actor=f"person-{role}", limit=1)
                assert (rows[0]["outcome"], rows[0]["target_type"]) == (4, page)
                assert rows[0]["reason"]


async def test_nobody_sees_anything_without_a_session(enter):
    async with enter("") as browser:
        for path in PATHS.values():
            answer = await browser.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("role", ["technician", "operator", "administrator"])
async def test_technical_roles_see_beds_in_use_but_no_patient(role, house, enter):
    names = {house.scene.someone(i).name for i in range(10)}
    async with enter(role) as browser:
        for path in ("/wards/icu", "/devices", "/devices/mon-1"):
            text = (await browser.get(path)).text
            assert not [name for name in names if name.split(",")[0] in text], path
            assert "pat-1" not in text
        board = (await browser.get("/wards/icu")).text
        assert "In use" in board
        assert "ECG lead off" in board, "technical alarms are their work"
        assert "SpO₂ low" not in board, "physiological ones are not"
        assert "data-slot" not in board


async def test_a_reveal_needs_a_reason_and_is_on_record(house, enter):
    async with enter("technician") as browser:
        token = {"x-csrf-token": browser.csrf}
        short = await browser.post("/devices/mon-1/reveal", data={"reason": "why"}, headers=token)
        assert short.status_code == 400
        assert "Lindqvist" not in short.text
        shown = await browser.post(
            "/devices/mon-1/reveal", data={"reason": "recall of lot 7, call the ward"}, headers=token
        )
        assert "Lindqvist" in shown.text
        row = (await house.room.audit.find(actor="person-technician", limit=1))[0]
        assert (row["event"], row["reason"], list(row["patients"])) == (
            "patient.reveal",
            "recall of lot 7, call the ward",
            ["pat-1"],
        )


async def test_raw_messages_only_for_a_reason(house, enter):
    async with enter("operator") as browser:
        assert "MSH|" not in (await browser.get("/integration/messages/in-1")).text
        opened = await browser.post(
            "/integration/messages/in-1", data={"reason": "ADT of bed 2 is missing", "csrf": browser.csrf}
        )
        assert "MSH|" in opened.text
    async with enter("technician") as browser:
        assert "MSH|" not in (await browser.get("/integration/messages/in-1")).text
        refused = await browser.post(
            "/integration/messages/in-1", data={"reason": "I am just curious", "csrf": browser.csrf}
        )
        assert refused.status_code == 403


async def test_reads_of_a_patient_name_the_patient_in_the_audit_record(house, enter):
    async with enter("nurse") as browser:
        await browser.get("/patients/pat-1")
    row = (await house.room.audit.find(patient="pat-1", limit=1))[0]
    assert (row["actor"], row["outcome"], row["target_type"]) == ("person-nurse", 0, "chart")


async def test_every_page_carries_the_headers(enter):
    async with enter("nurse") as browser:
        answer = await browser.get("/wards/icu")
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        assert "connect-src 'self' ws://ward.test" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "<script>" not in answer.text
        assert " style=" not in answer.text
        assert " onclick=" not in answer.text
