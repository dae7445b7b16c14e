"""The command line against a running server and without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.people import PASSWORD, Browser
from tests.app.served import Served


def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wardbridge.cli", *words], capture_output=True, text=True,
                          timeout=120, check=False,
                          env={**os.environ, "WARDBRIDGE_DATABASE_SHARED_MB": "64", **environ})  # fmt: skip


def fine(*words: str, **environ: str) -> str:
    done = run(*words, **environ)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def get(house: Served, path: str, token: str) -> int:
    return httpx.get(f"{house.url}{path}", headers={"authorization": f"Bearer {token}"}).status_code


@pytest.mark.parametrize(("role", "path", "status"), [
    ("nurse", "/fhir/Observation", 200), ("physician", "/fhir/Patient", 200), ("technician", "/fhir/Device", 200),
    ("operator", "/fhir/Observation", 403), ("administrator", "/fhir/AuditEvent", 200),
    ("service", "/fhir/Patient", 200),
])  # fmt: skip
def test_a_token_works_at_once(house: Served, role: str, path: str, status: int) -> None:
    token = fine("token", "--data", str(house.data), "--role", role)
    assert "\n" not in token
    assert get(house, path, token) == status


def test_token_with_scopes_and_what_is_no_token(house: Served) -> None:
    data = str(house.data)
    token = fine("token", "--data", data, "--role", "service", "--scope", "system/Device.rs system/Location.rs")
    assert get(house, "/fhir/Device", token) == 200
    assert get(house, "/fhir/Location", token) == 200
    assert get(house, "/fhir/Patient", token) == 403
    for words, said in ((["--role", "king"], "no role 'king'"), (["--role", "nurse", "--ttl", "0"], "lives between"),
                        (["--role", "nurse", "--scope", "everything"], "not a SMART v2 scope")):  # fmt: skip
        done = run("token", "--data", data, *words)
        assert done.returncode == 2
        assert done.stdout == ""
        assert said in done.stderr
    short = fine("token", "--data", data, "--role", "nurse", "--ttl", "1")
    house.until(lambda: get(house, "/fhir/Observation", short) == 401)


def test_users(house: Served) -> None:
    data = str(house.data)
    fine("user", "add", "rosa", "--role", "nurse", "--name", "Rosa Ramos", "--data", data, WARDBRIDGE_PASSWORD=PASSWORD)
    again = run("user", "add", "rosa", "--role", "nurse", "--data", data, WARDBRIDGE_PASSWORD=PASSWORD)
    assert again.returncode == 2
    assert "rosa" in again.stderr
    assert run("user", "add", "x", "--role", "king", "--data", data, WARDBRIDGE_PASSWORD=PASSWORD).returncode == 2
    assert run("user", "add", "x", "--role", "nurse", "--data", data, WARDBRIDGE_PASSWORD="short").returncode == 2
    assert "Rosa Ramos" in fine("user", "list", "--data", data)
    rosa = Browser(base_url=house.url)
    assert rosa.enter("rosa").status_code == 303
    assert rosa.get("/patients").status_code == 200
    fine("user", "change", "rosa", "--disable", "--data", data)
    house.until(lambda: rosa.get("/patients").status_code == 303)
    assert rosa.enter("rosa").status_code == 401
    fine("user", "change", "rosa", "--enable", "--role", "technician", "--data", data)
    assert rosa.enter("rosa").status_code == 303
    assert rosa.get("/patients").status_code == 403
    assert run("user", "change", "nobody", "--disable", "--data", data).returncode == 2


def test_a_service_gets_tokens(house: Served) -> None:
    secret = fine("service", "add", "lab", "--scope", "system/Observation.rs", "--data", str(house.data))

    def token(**words: str) -> httpx.Response:
        return httpx.post(f"{house.url}/auth/token", data={"grant_type": "client_credentials", **words})

    answer = token(client_id="lab", client_secret=secret)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["token_type"] == "Bearer"
    assert get(house, "/fhir/Observation", answer.json()["access_token"]) == 200
    assert get(house, "/fhir/Patient", answer.json()["access_token"]) == 403
    assert token(client_id="lab", client_secret="no").json()["error"] == "invalid_client"
    assert token(client_id="lab", client_secret=secret, scope="system/Patient.rs").json()["error"] == "invalid_scope"
    assert httpx.post(f"{house.url}/auth/token", data={"grant_type": "password"}).status_code == 400
    assert run("service", "add", "bad", "--scope", "user/Patient.rs", "--data", str(house.data)).returncode == 2


def test_an_announced_device_is_accepted_at_first_sight(house: Served) -> None:
    from tests.app.his import heart_rate, pcd01, send

    key = "02A17CFFFE0D0001"
    fine("device", "add", "--data", str(house.data), "--key", key, "--label", "Announced", "--place", "CLI|1|1")
    send(house.mllp_port, pcd01(key, "announced-1", [heart_rate("70")]))

    def known() -> Any:
        lines = [json.loads(line) for line in fine("device", "list", "--data", str(house.data)).splitlines()]
        return [line for line in lines if line["key"] == key and line["state"] == "accepted"]

    assert house.until(known)[0]["label"] == "Announced"


def test_migrate_and_check_beside_a_running_server(house: Served) -> None:
    assert fine("migrate", "--data", str(house.data)) == "the schema is current"
    assert fine("check", "--data", str(house.data)) == "all well"
    bad = run("check", "--data", str(house.data), WARDBRIDGE_HOST="0.0.0.0", WARDBRIDGE_MLLP_HOST="0.0.0.0",
              WARDBRIDGE_DISK_RESERVE_MB="999999999")  # fmt: skip
    assert bad.returncode == 1
    assert "NOT encrypted" in bad.stdout
    assert "any sender" in bad.stdout
    assert "disk is nearly full" in bad.stdout


def test_commands_without_a_server(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    assert "core 0001" in fine("migrate", "--data", data)
    fine("user", "add", "ina", "--role", "nurse", "--data", data, WARDBRIDGE_PASSWORD=PASSWORD)
    assert "ina" in fine("user", "list", "--data", data)
    assert Served(tmp_path / "data").postgres.pid() is None


VALID = '{"resourceType":"Patient","id":"a","name":[{"family":"Grün","given":["Eva"]}],"birthDate":"1990-02-01"}'


def test_validate(tmp_path: Path) -> None:
    files = {
        "good.json": VALID,
        "bad.json": '{"resourceType":"Patient","birthDate":"1990-13-01","gender":"f","nmae":[]}',
        "broken.json": '{"resourceType":"Patient",',
        "list.json": "[1]",
        "good.xml": '<Patient xmlns="http://hl7.org/fhir"><id value="a"/><gender value="female"/></Patient>',
        "bad.xml": '<Patient xmlns="http://hl7.org/fhir"><gender value="f"/></Patient>',
        "broken.xml": "<Patient",
        "alien.json": '{"resourceType":"Spaceship"}',
        "empty.json": "",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    names = ["good.json", "good.xml", *sorted(set(files) - {"good.json", "good.xml"}), "missing.json"]
    good = fine("validate", *(str(tmp_path / name) for name in names[:2]))
    assert '"error"' not in good
    assert len(good.splitlines()) == 2
    done = run("validate", *(str(tmp_path / name) for name in names))
    assert done.returncode == 1
    assert done.stderr == ""
    outcomes = dict(zip(names, map(json.loads, done.stdout.splitlines()), strict=True))
    assert {outcome["resourceType"] for outcome in outcomes.values()} == {"OperationOutcome"}
    for name in names[2:]:
        assert any(issue["severity"] in {"error", "fatal"} for issue in outcomes[name]["issue"]), name
    told = json.dumps(outcomes["bad.json"])
    assert "Patient.birthDate" in told
    assert "Patient.gender" in told
    assert "nmae" in told


def test_fhirpath(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text(VALID, "utf-8")
    assert json.loads(fine("fhirpath", "Patient.name.given", str(file))) == ["Eva"]
    assert json.loads(fine("fhirpath", "name.where(family = 'Grün').exists()", str(file))) == [True]
    assert json.loads(fine("fhirpath", "Patient.photo", str(file))) == []
    for words in (("Patient.name.", str(file)), ("Patient.name", str(tmp_path / "missing.json"))):
        done = run("fhirpath", *words)
        assert done.returncode == 2
        assert done.stderr.startswith("wardbridge: ")
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["nothing"], ["serve", "--nonsense"], ["token"], ["process", "web"]])
def test_wrong_words_are_no_traceback(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr
