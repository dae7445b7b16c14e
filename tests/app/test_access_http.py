"""Access over HTTP on the running server: who is refused, what is answered, and that all of it is on record."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import httpx
import pytest

from tests.app.people import PASSWORD, Browser, add, browser, form_token
from tests.app.served import Served

DEVICE = {"resourceType": "Device", "deviceName": [{"name": "scales", "type": "user-friendly-name"}]}
PATIENT = {"resourceType": "Patient", "name": [{"family": "Access"}]}


class Api(httpx.Client):
    """FHIR with a token of one role."""


@pytest.fixture(scope="module")
def api(house: Served) -> Any:
    def make(role: str) -> Api:
        headers = {"authorization": f"Bearer {house.token(role)}", "content-type": "application/fhir+json"}
        return Api(base_url=f"{house.url}/fhir/", timeout=30, headers=headers)

    return make


@pytest.fixture(scope="module")
def patient(api: Any) -> str:
    answer = api("service").post("Patient", content=json.dumps(PATIENT))
    assert answer.status_code == 201
    return str(answer.json()["id"])


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "Patient"), ("GET", "Patient/1"), ("GET", "Patient/1/_history/1"), ("GET", "Patient/1/_history"),
    ("GET", "_history"), ("GET", "Patient/_history"), ("POST", "Patient/_search"), ("POST", "Patient"),
    ("PUT", "Patient/1"), ("DELETE", "Patient/1"), ("DELETE", "Patient?name=x"), ("PUT", "Patient?name=x"),
    ("POST", ""), ("GET", "AuditEvent"), ("GET", "Patient?_format=json"),
])  # fmt: skip
@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer x.y.z"}, {"authorization": "Basic YTpi"}])
def test_nothing_without_a_token(house: Served, method: str, path: str, header: dict[str, str]) -> None:
    answer = httpx.request(method, f"{house.url}/fhir/{path}", content=b"{}",
                           headers={"content-type": "application/fhir+json", **header})  # fmt: skip
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["code"] == "login"


def test_only_the_statement_is_open(house: Served) -> None:
    assert house.get("/fhir/metadata")[0] == 200


@pytest.mark.parametrize(("role", "method", "path", "body", "status"), [
    ("nurse", "GET", "Observation", None, 200),
    ("nurse", "GET", "Patient/{patient}", None, 200),
    ("physician", "GET", "Patient/{patient}", None, 200),
    ("nurse", "POST", "Device", DEVICE, 403),
    ("nurse", "GET", "AuditEvent", None, 403),
    ("technician", "GET", "Device", None, 200),
    ("technician", "POST", "Device", DEVICE, 201),
    ("technician", "GET", "Patient/{patient}", None, 403),
    ("technician", "GET", "Patient/no-such-patient", None, 403),
    ("technician", "GET", "Patient?family=Access", None, 403),
    ("technician", "GET", "Observation", None, 403),
    ("technician", "GET", "_history", None, 403),
    ("operator", "GET", "Device", None, 200),
    ("operator", "POST", "Device", DEVICE, 403),
    ("operator", "GET", "Observation", None, 403),
    ("administrator", "GET", "Patient/{patient}", None, 403),
    ("administrator", "GET", "AuditEvent", None, 200),
    ("administrator", "DELETE", "AuditEvent/1", None, (403, 405)),
    ("service", "GET", "Patient/{patient}", None, 200),
])  # fmt: skip
def test_who_may_what(api: Any, patient: str, role: str, method: str, path: str, body: Any, status: Any) -> None:
    answer = api(role).request(method, path.format(patient=patient), content=json.dumps(body) if body else None)
    assert answer.status_code in (status if isinstance(status, tuple) else (status,)), answer.text
    if answer.status_code >= 400:
        assert answer.json()["resourceType"] == "OperationOutcome"
        assert answer.json()["issue"][0]["diagnostics"]


def test_what_a_role_may_not_see_is_not_included_either(api: Any, patient: str) -> None:
    """Neither by an include nor by a criterion on what it may not see."""
    service = api("service")
    device = service.post("Device", content=json.dumps(DEVICE)).json()["id"]
    observation = {
        "resourceType": "Observation", "status": "final", "code": {"text": "weight"},
        "subject": {"reference": f"Patient/{patient}"}, "device": {"reference": f"Device/{device}"},
        "valueQuantity": {"value": 70.5, "unit": "kg"},
    }  # fmt: skip
    assert service.post("Observation", content=json.dumps(observation)).status_code == 201
    path = f"Device?_id={device}&_revinclude=Observation:device&_include=Device:patient"
    assert len(api("nurse").get(path).json()["entry"]) == 2
    seen = api("technician").get(path)
    assert seen.status_code in {200, 403}
    assert {e["resource"]["resourceType"] for e in seen.json().get("entry", [])} <= {"Device", "OperationOutcome"}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "GET", "url": f"Patient/{patient}"}},
        {"request": {"method": "GET", "url": f"Device/{device}"}},
    ]}  # fmt: skip
    answer = api("technician").post("", content=json.dumps(batch))
    assert "Access" not in answer.text
    if answer.status_code == 200:
        assert [e["response"]["status"][:3] for e in answer.json()["entry"]] == ["403", "200"]


def test_a_refusal_is_seen_by_the_administrator(house: Served, api: Any, patient: str) -> None:
    assert api("technician").get(f"Patient/{patient}").status_code == 403
    found = api("administrator").get(f"AuditEvent?entity=Patient/{patient}&_count=50").json()
    events = [entry["resource"] for entry in found["entry"]]
    refused = [e for e in events if e["outcome"] != "0" and "technician" in json.dumps(e["agent"])]
    assert refused
    assert refused[0]["entity"][0]["what"]["reference"] == f"Patient/{patient}"


def test_each_access_is_one_row(house: Served, api: Any, patient: str) -> None:
    def rows() -> int:
        return int(house.fetch("SELECT count(*) AS n FROM audit_event")[0]["n"])

    nurse = api("nurse")
    before = rows()
    for number, path in enumerate((f"Patient/{patient}", "Patient?family=Access", "Device", "Patient/none"), 1):
        nurse.get(path)
        assert rows() == before + number
    nurse.get("metadata")
    assert rows() == before + 4


def test_a_scope_narrows_a_role(house: Served, patient: str) -> None:
    from wardbridge.core.clock import SystemClock
    from wardbridge.security.tokens import Tokens

    token = Tokens(house.data / "keys", SystemClock()).issue(role="nurse", scopes=("user/Observation.rs",))

    def status(path: str) -> int:
        request = urllib.request.Request(f"{house.url}/fhir/{path}", headers={"authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert status("Observation") == 200
    assert status(f"Patient/{patient}") == 403


def test_sign_in_cookies_and_csrf(house: Served) -> None:
    client = browser(house, "nurse")
    fresh = Browser(base_url=house.url, timeout=30)
    shown = fresh.get("/sign-in")
    for cookie in shown.headers.get_list("set-cookie"):
        assert "httponly" in cookie.lower()
        assert "samesite" in cookie.lower()
    token = form_token(shown.text)
    opened = fresh.post(
        "/sign-in", data={"login": "nurse-1", "password": PASSWORD, "csrf": token, "next": "//evil.example"}
    )
    assert opened.status_code == 303
    assert opened.headers["location"] == "/"
    session = next(c for c in opened.headers.get_list("set-cookie") if c.startswith("wardbridge_session="))
    assert "httponly" in session.lower()
    assert "samesite=lax" in session.lower()
    assert "secure" not in session.lower()  # plain HTTP on loopback: a secure cookie would never come back

    without = client.post("/patients/x/verify", data={"observation": "1"})
    assert without.status_code == 400
    wrong = client.post("/patients/x/verify", data={"observation": "1", "csrf": "0" * 32})
    assert wrong.status_code == 400
    # The session cookie of another browser with this browser's form token is no proof either.
    assert fresh.post("/patients/x/verify", data={"observation": "1", "csrf": client.csrf}).status_code == 400
    # A form without our cookie (from another site) signs nobody in.
    assert (
        Browser(base_url=house.url)
        .post("/sign-in", data={"login": "nurse-1", "password": PASSWORD, "csrf": token})
        .status_code
        == 400
    )


def test_signing_out_ends_the_session_on_the_server(house: Served) -> None:
    client = browser(house, "physician")
    cookie = client.cookies["wardbridge_session"]
    assert client.submit("/sign-out", {}).status_code == 303
    again = httpx.get(f"{house.url}/patients", cookies={"wardbridge_session": cookie})
    assert again.status_code == 303
    assert again.headers["location"].startswith("/sign-in")


def test_pages_of_another_role(house: Served) -> None:
    technician = browser(house, "technician")
    for path in ("/patients", "/beds/any", "/admin/users"):
        answer = technician.get(path)
        assert answer.status_code == 403
    rows = house.fetch("""SELECT 1 FROM audit_event WHERE outcome <> 0 AND display = 'technician-1'
                          AND query = '/admin/users'""")
    assert rows


def test_guessing_a_password_is_slowed_down(house: Served) -> None:
    add(house, "guessed", "nurse")
    client = Browser(base_url=house.url, timeout=30)
    answers = [client.enter("guessed", f"wrong-{number}").status_code for number in range(9)]
    assert answers == [401] * 8 + [429]
    assert client.enter("guessed").status_code == 429  # even the right one, now


def test_security_headers(house: Served) -> None:
    headers = httpx.get(f"{house.url}/sign-in").headers
    assert "default-src" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "no-store" in headers["cache-control"]
