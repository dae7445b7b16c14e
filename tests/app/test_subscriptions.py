"""Subscriptions of a whole server: nothing lost, order kept, duplicates only with the same event number, while the
engine, the web process, PostgreSQL, the whole server and the receiver are killed again and again."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from tests.app.served import Served, free_port, served

WRITES = int(os.environ.get("WARDBRIDGE_TEST_WRITES", "10000"))
WRITERS = 8
CONTENT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content"


class Hook:
    """The subscriber's process, and what it has kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = [sys.executable, "-m", "tests.app.hook", str(self.port), str(self.path)]
        self.process = subprocess.Popen(words)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def told(self) -> list[tuple[int, str, float, str]]:
        """(event number, focus, value, patient) in the order in which they came."""
        found = []
        for line in self.path.read_bytes().splitlines() if self.path.exists() else ():
            try:
                bundle = json.loads(line)
            except ValueError:
                continue  # torn by a kill in the middle of a write: it was not answered
            parameters = bundle["entry"][0]["resource"]["parameter"]
            for at, part in enumerate([p for p in parameters if p["name"] == "notification-event"]):
                values = {p["name"]: p for p in part["part"]}
                resource = bundle["entry"][1 + at]["resource"]
                found.append(
                    (
                        int(values["event-number"]["valueString"]),
                        values["focus"]["valueReference"]["reference"],
                        float(resource["valueQuantity"]["value"]),
                        resource["subject"]["reference"],
                    )
                )
        return found


class Writer(threading.Thread):
    """Writes its patient's Observations one after another, each until it is acknowledged; a repetition finds it."""

    def __init__(self, number: int, count: int, server: Served, token: str) -> None:
        super().__init__(daemon=True)
        self.number, self.count, self.server, self.token = number, count, server, token
        self.acked = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        with httpx.Client(timeout=30) as client:
            for number in range(1, self.count + 1):
                while not self._one(client, number):
                    time.sleep(0.02)
                self.acked = number

    def _one(self, client: httpx.Client, number: int) -> bool:
        name = f"urn:test|{self.number}-{number}"
        body = {
            "resourceType": "Observation", "status": "final", "code": {"text": "HR"},
            "identifier": [{"system": "urn:test", "value": f"{self.number}-{number}"}],
            "subject": {"reference": f"Patient/w{self.number}"}, "valueQuantity": {"value": number},
        }  # fmt: skip
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/fhir+json",
                   "if-none-exist": f"identifier={name}"}  # fmt: skip
        try:
            answer = client.post(f"{self.server.url}/fhir/Observation", json=body, headers=headers)
        except httpx.HTTPError:
            return False
        if answer.status_code in (200, 201):
            return True
        if answer.status_code not in (502, 503):
            self.wrong.append(f"{answer.status_code} {answer.text[:200]}")
        return False


def _subscribe(server: Served, endpoint: str, kind: str = "rest-hook", content: str = "full-resource") -> str:
    headers = {"authorization": f"Bearer {server.token()}", "content-type": "application/fhir+json"}
    channel: dict[str, Any] = {
        "type": kind, "payload": "application/fhir+json",
        "_payload": {"extension": [{"url": CONTENT, "valueCode": content}]},
    }  # fmt: skip
    if endpoint:
        channel["endpoint"] = endpoint
    body = {"resourceType": "Subscription", "status": "requested", "reason": "test",
            "criteria": "urn:wardbridge:topic:observation", "channel": channel}  # fmt: skip
    made = httpx.post(f"{server.url}/fhir/Subscription", json=body, headers=headers)
    assert made.status_code == 201, made.text
    id_ = str(made.json()["id"])
    server.until(lambda: json.loads(server.get(f"/fhir/Subscription/{id_}", "service")[1])["status"] == "active")
    return id_


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[Hook]:
    running = Hook(tmp_path / "told.ndjson")
    running.start()
    try:
        yield running
    finally:
        running.kill()


def _hurt(server: Served, hook: Hook, name: str) -> None:
    if name == "receiver":
        hook.kill()
        hook.start()
    elif name == "server":
        server.kill()
        server.start()
    else:
        while not server.kill_child(name):
            time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_10000_writes_through_kills_of_everything(tmp_path: Path, hook: Hook) -> None:
    with served(tmp_path / "data", WARDBRIDGE_SUBSCRIPTION_HOSTS="127.0.0.1") as server:
        server.until(lambda: hook.process is not None)
        id_ = _subscribe(server, hook.url)
        token = server.token()
        writers = [Writer(number, WRITES // WRITERS, server, token) for number in range(WRITERS)]
        began = time.monotonic()
        for writer in writers:
            writer.start()
        kills = ["engine"] * 8 + ["receiver"] * 8 + ["postgres"] * 2 + ["web"] * 2 + ["server"] * 2
        random.Random(7).shuffle(kills)
        step = WRITES // (len(kills) + 1)
        for at, name in enumerate(kills, 1):
            while sum(writer.acked for writer in writers) < at * step:
                assert any(writer.is_alive() for writer in writers)
                time.sleep(0.01)
            _hurt(server, hook, name)
        for writer in writers:
            writer.join(900)
            assert not writer.is_alive()
        assert [text for writer in writers for text in writer.wrong] == []
        written = time.monotonic() - began
        server.until(lambda: len({number for number, *_ in hook.told()}) >= WRITES, 300)
        told = hook.told()

        first: dict[int, tuple[str, float, str]] = {}
        for number, *what in told:
            assert first.setdefault(number, tuple(what)) == tuple(what)  # type: ignore[arg-type]
        assert sorted(first) == list(range(1, WRITES + 1))  # numbered without a gap
        assert len({focus for focus, _, _ in first.values()}) == WRITES  # every event once in the log
        assert [number for number, _ in _first_times(told)] == sorted(first)  # told in order
        order: dict[str, list[float]] = {}
        for number in sorted(first):
            order.setdefault(first[number][2], []).append(first[number][1])
        assert order == {
            f"Patient/w{n}": [float(v) for v in range(1, WRITES // WRITERS + 1)] for n in range(WRITERS)
        }  # in the order of the subject
        status = server.get(f"/fhir/Subscription/{id_}/$status", "service")[1]
        assert b'"events-since-subscription-start","valueString":"%d"' % WRITES in status
        print(json.dumps({"writes": WRITES, "kills": len(kills), "told_again": len(told) - WRITES,
                          "seconds_written": round(written, 1),
                          "seconds": round(time.monotonic() - began, 1)}))  # fmt: skip


def _first_times(told: list[tuple[int, str, float, str]]) -> list[tuple[int, str]]:
    return list({number: focus for number, focus, *_ in reversed(told)}.items())[::-1]


@pytest.mark.slow
def test_over_a_websocket_of_the_web_port(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server:
        id_ = _subscribe(server, "", "websocket")
        answer = json.loads(server.get(f"/fhir/Subscription/{id_}/$get-ws-binding-token", "service")[1])
        given = {p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in answer["parameter"]}
        assert given["websocket-url"] == f"ws://127.0.0.1:{server.port}/fhir/websocket"

        async def talk() -> list[dict[str, Any]]:
            async with websockets.connect(given["websocket-url"]) as socket:
                await socket.send(f"bind-with-token {given['token']}")
                got = [json.loads(await asyncio.wait_for(socket.recv(), 20))]
                writer = Writer(1, 3, server, server.token())
                writer.start()
                while sum(len(b["entry"]) - 1 for b in got) < 3:
                    got.append(json.loads(await asyncio.wait_for(socket.recv(), 20)))
                return got

        got = asyncio.run(talk())
        kinds = [{p["name"]: p for p in b["entry"][0]["resource"]["parameter"]}["type"]["valueCode"] for b in got]
        assert kinds[0] == "handshake"
        assert set(kinds[1:]) == {"event-notification"}
        values = [entry["resource"]["valueQuantity"]["value"] for b in got[1:] for entry in b["entry"][1:]]
        assert values == [1, 2, 3]
