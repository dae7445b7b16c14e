"""Bulk jobs of a real server whose worker, and then whose everything, is killed with -9 in the middle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.app.served import Served, served

COUNT = 4000
NDJSON = {"content-type": "application/fhir+ndjson"}


def body() -> bytes:
    """Resources without ids: one that is written twice would be one too many."""
    return b"".join(b'{"resourceType":"Basic","code":{"text":"n%d"}}\n' % n for n in range(COUNT))


def progress(client: httpx.Client, status: str) -> float:
    """Percent, 100 when it is done."""
    answer = client.get(status)
    if answer.status_code == 200:
        return 100
    head = answer.headers["x-progress"].split(" %")[0]
    return float(head) if head.isdigit() else 0


def manifest(server: Served, client: httpx.Client, status: str) -> dict[str, Any]:
    server.until(lambda: client.get(status).status_code == 200)
    return dict(client.get(status).json())


@pytest.mark.slow
def test_killed_in_the_middle_nothing_is_lost_or_double(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        client = httpx.Client(headers={"authorization": f"Bearer {server.token()}"}, timeout=30)
        base = f"{server.url}/fhir"
        answer = client.post(f"{base}/$import", content=body(), headers=NDJSON)
        assert answer.status_code == 202, answer.text
        status = answer.headers["content-location"]
        server.until(lambda: progress(client, status) > 5, every=0.02)
        assert server.kill_child("jobs")
        before = progress(client, status)
        assert before < 100
        server.until(lambda: progress(client, status) > before, every=0.02)
        server.kill()
        server.start()
        found = manifest(server, client, status)
        assert found["output"] == [{"type": "Basic", "count": COUNT, "created": COUNT, "updated": 0}]
        assert client.get(f"{base}/Basic?_summary=count").json()["total"] == COUNT

        status = client.get(f"{base}/$export?_type=Basic").headers["content-location"]
        server.kill_child("jobs")
        lines: list[bytes] = []
        for row in manifest(server, client, status)["output"]:
            lines += client.get(row["url"]).content.splitlines()
        assert len(lines) == len(set(lines)) == COUNT
