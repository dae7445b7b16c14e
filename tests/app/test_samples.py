"""What the docs offer to run does run: the Python client, the notebook, the OpenAPI and SMART documents."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.served import Served

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"


@pytest.fixture
def surroundings(house: Served, monkeypatch: pytest.MonkeyPatch) -> Served:
    monkeypatch.setenv("WARDBRIDGE_URL", house.url)
    monkeypatch.setenv("WARDBRIDGE_TOKEN", house.token("service"))
    return house


def test_the_client_writes_finds_and_is_refused_when_late(surroundings: Served) -> None:
    done = subprocess.run(
        [sys.executable, SAMPLES / "client.py"], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
    assert "is now version 2" in done.stdout
    assert "2026-01-01T12:00:00Z 72 /min final" in done.stdout
    assert "refused, as it should be" in done.stdout


def test_every_cell_of_the_notebook_runs(surroundings: Served) -> None:
    notebook = json.loads((SAMPLES / "record.ipynb").read_text("utf-8"))
    names: dict[str, object] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [], "a notebook is committed without results"
            exec(compile("".join(cell["source"]), "record.ipynb", "exec"), names)
    assert names["answer"].status_code == 422  # type: ignore[attr-defined]


def test_the_documents_for_programs_are_public_and_name_what_there_is(house: Served) -> None:
    status, body = house.get("/fhir/openapi.json")
    document = json.loads(body)
    assert status == 200
    assert document["openapi"].startswith("3.1")
    assert document["servers"] == [{"url": f"{house.url}/fhir"}]
    status, body = house.get("/fhir/.well-known/smart-configuration")
    smart = json.loads(body)
    assert smart["token_endpoint"] == f"{house.url}/auth/token"
    assert "permission-v2" in smart["capabilities"]
