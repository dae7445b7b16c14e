"""Subscriptions of a whole ``wardbridge serve``: notifications a second, and how long one takes from the answer to the
write until it is with its receiver.

python -m bench.subscriptions [--writes 3000] [--paced 20] [--seconds 8] [--many 10000]

One JSON line a scenario: ``paced`` (writes at a steady rate, one subscriber), ``burst`` (as fast as eight connections
write, five subscribers, one event a notification), ``catch-up`` (a receiver that was away takes all at once, in Bundles
of 50), and ``match`` (cost of one change among ``--many`` subscriptions to one patient each, in process).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import uvloop
from bench.machine import cpu_seconds
from tests.app.served import Served, served

from wardbridge.core.clock import FakeClock
from wardbridge.fhir.json import dumps
from wardbridge.fhir.subscriptions.focus import Focus
from wardbridge.fhir.subscriptions.plan import BACKPORT, read_plan
from wardbridge.fhir.subscriptions.registry import Registry, serve
from wardbridge.fhir.subscriptions.topic import builtin
from wardbridge.security.policy import decide
from wardbridge.security.principal import SYSTEM

TOPIC = "urn:wardbridge:topic:observation"
_VALUE = re.compile(rb'"urn:bench","value":"(\d+)"')


class Receiver:
    """Answers at once and keeps when each Observation came, by its identifier. ``open`` False: it answers 503."""

    def __init__(self) -> None:
        self.open = True
        self.came: dict[int, float] = {}
        self.requests = 0
        self.events = 0

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                body = await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0))
                if self.open:
                    now, found = time.perf_counter(), _VALUE.findall(body)
                    self.requests += 1
                    self.events += len(found)
                    for number in found:
                        self.came.setdefault(int(number), now)
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % (200 if self.open else 503))
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[tuple[Receiver, str]]:
    made = Receiver()
    server = await asyncio.start_server(made.one, "127.0.0.1", 0)
    async with server:
        yield made, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"


def subscription(endpoint: str, most: int) -> dict[str, Any]:
    return {
        "resourceType": "Subscription", "status": "requested", "reason": "bench", "criteria": TOPIC,
        "channel": {
            "type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": f"{BACKPORT}backport-payload-content", "valueCode": "full-resource"}]},
            "extension": [{"url": f"{BACKPORT}backport-max-count", "valuePositiveInt": most}],
        },
    }  # fmt: skip


def observation(number: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final", "identifier": [{"system": "urn:bench", "value": str(number)}],
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category",
                                  "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}]},
        "subject": {"reference": f"Patient/p{number % 40}"}, "effectiveDateTime": "2026-01-01T10:00:00Z",
        "valueQuantity": {"value": 60 + number % 80, "unit": "/min", "system": "http://unitsofmeasure.org",
                          "code": "/min"},
    }  # fmt: skip


class Bench:
    """One server, clients and figures."""

    def __init__(self, server: Served) -> None:
        self.server = server
        self.client = httpx.AsyncClient(
            base_url=f"{server.url}/fhir", timeout=60,
            headers={"authorization": f"Bearer {server.token()}", "content-type": "application/fhir+json"},
        )  # fmt: skip
        self.next = 0
        self.acked: dict[int, float] = {}

    async def subscribe(self, endpoint: str, most: int = 1) -> dict[str, Any]:
        made = (await self.client.post("/Subscription", json=subscription(endpoint, most))).json()
        for _ in range(600):
            made = (await self.client.get(f"/Subscription/{made['id']}")).json()
            if made["status"] == "active":
                return dict(made)
            await asyncio.sleep(0.05)
        raise SystemExit(f"the subscription is {made['status']}: {made.get('error', '')}")

    async def end(self, *subscriptions: dict[str, Any]) -> None:
        for one in subscriptions:
            await self.client.delete(f"/Subscription/{one['id']}")

    async def write(self) -> None:
        self.next += 1
        number = self.next
        answer = await self.client.post("/Observation", json=observation(number))
        assert answer.status_code == 201, answer.text
        self.acked[number] = time.perf_counter()

    async def many(self, count: int, at_once: int) -> float:
        left = iter(range(count))

        async def work() -> None:
            for _ in left:
                await self.write()

        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(at_once)))
        return time.perf_counter() - began

    def engine_cpu(self) -> float:
        pid = self.server.child("engine")
        assert pid is not None
        return cpu_seconds((pid,))[pid]


def spread(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {f"p{p}_ms": round(1000 * ordered[min(len(ordered) * p // 100, len(ordered) - 1)], 1) for p in (50, 95, 99)}


async def paced(bench: Bench, rate: int, seconds: int) -> dict[str, Any]:
    async with receiving() as (receiver, url):
        made = await bench.subscribe(url)
        first = bench.next + 1
        for _ in range(rate * seconds):
            began = time.perf_counter()
            await bench.write()
            await asyncio.sleep(max(0.0, 1 / rate - (time.perf_counter() - began)))
        await wait(lambda: len(receiver.came) == rate * seconds)
        late = [receiver.came[n] - bench.acked[n] for n in range(first, bench.next + 1)]
        await bench.end(made)
    return {"scenario": "paced", "writes_per_s": rate, "events": len(late), **spread(late)}


async def burst(bench: Bench, writes: int) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(receiving()) for _ in range(5)]
        made = [await bench.subscribe(url) for _, url in peers]
        cpu, first, began = bench.engine_cpu(), bench.next + 1, time.perf_counter()
        wrote = await bench.many(writes, 8)
        await wait(lambda: all(len(receiver.came) == writes for receiver, _ in peers))
        took = time.perf_counter() - began
        last = {n: max(receiver.came[n] for receiver, _ in peers) for n in range(first, bench.next + 1)}
        sent, cpu = sum(receiver.requests for receiver, _ in peers), bench.engine_cpu() - cpu
        await bench.end(*made)
    return {"scenario": "burst", "writes": writes, "writes_per_s": round(writes / wrote), "notifications": sent,
            "notifications_per_s": round(sent / took), "engine_cpu_ms_per_notification": round(1000 * cpu / sent, 2),
            **spread([last[n] - bench.acked[n] for n in last])}  # fmt: skip


async def catch_up(bench: Bench, writes: int) -> dict[str, Any]:
    async with receiving() as (receiver, url):
        made = await bench.subscribe(url, 50)
        receiver.open = False
        await bench.many(writes, 8)
        receiver.open = True
        began = time.perf_counter()
        await bench.client.put(f"/Subscription/{made['id']}", json=made | {"status": "requested"})
        await wait(lambda: len(receiver.came) == writes)
        took = time.perf_counter() - began
        await bench.end(made)
    return {"scenario": "catch-up", "events": writes, "notifications": receiver.requests,
            "events_per_s": round(writes / took), "seconds": round(took, 2)}  # fmt: skip


async def wait(done: Any, seconds: float = 120.0) -> None:
    end = time.perf_counter() + seconds
    while not done():
        assert time.perf_counter() < end, "not told in time"
        await asyncio.sleep(0.005)


def match(many: int) -> dict[str, Any]:
    clock = FakeClock()
    registry = Registry(clock.now)
    for n in range(many):
        wanted = {"url": f"{BACKPORT}backport-filter-criteria", "valueString": f"Observation?patient=Patient/p{n}"}
        resource = subscription("https://example.org/x", 1) | {"id": f"s{n}", "_criteria": {"extension": [wanted]}}
        registry.set(serve(read_plan(resource, builtin(), 0, ()), SYSTEM, "", decide))
    bodies = [dumps(observation(n)) for n in range(2000)]
    began = time.perf_counter()
    found = sum(
        len(registry.match(Focus(n, "Observation", str(n), 1, "C", 0, body))) for n, body in enumerate(bodies)
    )  # fmt: skip
    took = time.perf_counter() - began
    return {
        "scenario": "match",
        "subscriptions": many,
        "events": found,
        "us_per_change": round(1e6 * took / len(bodies)),
    }


async def run(arguments: argparse.Namespace) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="wbb-") as folder,
        served(Path(folder) / "data", WARDBRIDGE_SUBSCRIPTION_HOSTS="127.0.0.1") as server,
    ):
        bench = Bench(server)
        for work in (
            lambda: paced(bench, arguments.paced, arguments.seconds),
            lambda: burst(bench, arguments.writes),
            lambda: catch_up(bench, arguments.writes),
        ):
            print(json.dumps(await work()), flush=True)
        await bench.client.aclose()
    print(json.dumps(match(arguments.many)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writes", type=int, default=3000)
    parser.add_argument("--paced", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--many", type=int, default=10_000)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
