"""A custom search parameter on a real server whose worker is killed with -9 while it builds the index."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.served import served

COUNT = 3000
MARITAL = {
    "resourceType": "SearchParameter",
    "id": "marital",
    "url": "urn:test:marital",
    "name": "marital",
    "status": "active",
    "description": "marital status",
    "code": "marital",
    "base": ["Patient"],
    "type": "token",
    "expression": "Patient.maritalStatus",
}


def command(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "wardbridge.cli", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]
    return done.stdout


@pytest.mark.slow
def test_killed_while_it_builds(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    lines = tmp_path / "patients.ndjson"
    one = '{"resourceType":"Patient","id":"p%d","maritalStatus":{"coding":[{"system":"urn:m","code":"%s"}]}}\n'
    lines.write_text("".join(one % (n, "MS"[n % 2]) for n in range(COUNT)), "utf-8")
    with served(tmp_path / "data") as server:
        assert f"Patient: {COUNT} created" in command("import", str(lines), "--data", data)
        client = httpx.Client(headers={"authorization": f"Bearer {server.token()}"}, timeout=30)
        base = f"{server.url}/fhir"
        answer = client.put(f"{base}/SearchParameter/marital", json=MARITAL)
        assert answer.status_code == 201, answer.text

        def state() -> str:
            rows: list[dict[str, Any]] = client.get(f"{base}/SearchParameter/marital/$reindex-status").json()[
                "parameter"
            ]
            return str(rows[0]["valueCode"])

        kills = 0
        while state() != "active":
            found = client.get(f"{base}/Patient?marital=M&_summary=count")
            if found.status_code == 200:
                break
            assert found.status_code in (400, 503), found.text
            if found.status_code == 503 and kills < 2:
                kills += server.kill_child("jobs")
        server.until(lambda: state() == "active")
        server.until(lambda: client.get(f"{base}/Patient?marital=M&_summary=count").status_code == 200)
        assert client.get(f"{base}/Patient?marital=M&_summary=count").json()["total"] == COUNT // 2
        assert "Patient?marital: active" in command("reindex", "--status", "--data", data)
        assert ", 0 wrong" in command("reindex", "--verify", "--type", "Patient", "--data", data)
        out = tmp_path / "out"
        assert f"Patient.1.ndjson: {COUNT}" in command("export", "--out", str(out), "--type", "Patient", "--data", data)
        assert len((out / "Patient.1.ndjson").read_bytes().splitlines()) == COUNT
