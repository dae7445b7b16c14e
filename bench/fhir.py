"""Load on any FHIR R4 server: CRUD over nine types, import of Synthea bundles, a mixed search; one JSON line.

    python -m bench.fhir --base-url http://127.0.0.1:8180/fhir --scenario crud --connections 8 --seconds 15
    python -m bench.fhir --base-url … --scenario import --bundles ../shared/suites/synthea
    python -m bench.fhir --base-url … --scenario search

The shapes follow the published comparisons of FHIR servers: one CRUD iteration is 36 requests (create, read, update,
delete of nine types that refer to each other); search draws parameter, prefix and value at random.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.http_client import Connection

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


class Run:
    """Latencies and statuses of one run; a request counts once its answer is there and the warm-up is over."""

    def __init__(self, seconds: float, warmup: float) -> None:
        self.start = time.perf_counter() + warmup
        self.end = self.start + seconds
        self.times: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.resources = 0

    @property
    def over(self) -> bool:
        return time.perf_counter() >= self.end

    async def call(
        self,
        connection: Connection,
        method: str,
        path: str,
        body: Any = None,
        resources: int = 1,
        expect: tuple[int, ...] = (200, 201, 204),
    ) -> bytes:
        began = time.perf_counter()
        status, answer = await connection.send(method, path, body)
        now = time.perf_counter()
        if began >= self.start and now <= self.end:
            self.times.append(now - began)
            self.statuses[status] += 1
            if status in expect:
                self.resources += resources
        return answer

    def row(self) -> dict[str, Any]:
        times = sorted(self.times)
        seconds = self.end - self.start

        def at(part: float) -> float | None:
            return round(times[min(len(times) - 1, int(part * len(times)))] * 1000, 2) if times else None

        return {
            "requests_per_second": round(len(times) / seconds, 1),
            "resources_per_second": round(self.resources / seconds, 1),
            "p50_ms": at(0.5),
            "p95_ms": at(0.95),
            "p99_ms": at(0.99),
            "status": dict(self.statuses),
        }


def reference(type_name: str, id_: str) -> dict[str, str]:
    return {"reference": f"{type_name}/{id_}"}


def nine(ids: dict[str, str], rnd: random.Random) -> list[dict[str, Any]]:
    """The nine resources of an iteration, in order; each refers to those before it."""
    code = {"coding": [{"system": LOINC, "code": "8867-4", "display": "Heart rate"}]}
    patient, encounter = (
        reference("Patient", ids.get("Patient", "x")),
        reference("Encounter", ids.get("Encounter", "x")),
    )
    practitioner = reference("Practitioner", ids.get("Practitioner", "x"))
    organization = reference("Organization", ids.get("Organization", "x"))
    drug = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "313782"}]}
    money = {"value": 129.16, "currency": "USD"}
    item = {"sequence": 1, "productOrService": {"text": "visit"}}
    coverage = [{"sequence": 1, "focal": True, "coverage": {"display": "Plan"}}]
    claim = {
        "status": "active",
        "use": "claim",
        "patient": patient,
        "created": "2025-01-01",
        "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "professional"}]},
    }
    return [
        {
            "resourceType": "Patient",
            "name": [{"family": rnd.choice("ABCDEFG"), "given": ["Ada"]}],
            "gender": "female",
            "birthDate": "1970-01-01",
            "identifier": [{"system": "urn:bench", "value": str(rnd.random())}],
        },
        {"resourceType": "Location", "status": "active", "name": "Ward 3"},
        {"resourceType": "Organization", "active": True, "name": "General hospital"},
        {"resourceType": "Practitioner", "active": True, "name": [{"family": "Doe"}]},
        {
            "resourceType": "Encounter",
            "status": "finished",
            "subject": patient,
            "serviceProvider": organization,
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "participant": [{"individual": practitioner}],
            "period": {"start": "2025-01-01T08:00:00Z"},
        },
        {
            "resourceType": "Observation",
            "status": "final",
            "code": code,
            "subject": patient,
            "encounter": encounter,
            "effectiveDateTime": "2025-01-01T08:05:00Z",
            "valueQuantity": {"value": rnd.randrange(50, 120), "unit": "/min", "system": UCUM, "code": "/min"},
        },
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "subject": patient,
            "encounter": encounter,
            "requester": practitioner,
            "medicationCodeableConcept": drug,
        },
        {
            "resourceType": "Claim",
            **claim,
            "provider": organization,
            "insurance": coverage,
            "item": [item],
            "priority": {"coding": [{"code": "normal"}]},
            "total": money,
        },
        {
            "resourceType": "ExplanationOfBenefit",
            **claim,
            "insurer": organization,
            "provider": practitioner,
            "outcome": "complete",
            "item": [item],
            "insurance": [{"focal": True, "coverage": {"display": "Plan"}}],
        },
    ]


async def crud(run: Run, connection: Connection, n: int, given: argparse.Namespace) -> None:
    rnd = random.Random(n)
    while not run.over:
        ids: dict[str, str] = {}
        made: list[dict[str, Any]] = []
        for at in range(9):
            resource = nine(ids, rnd)[at]
            kind = resource["resourceType"]
            answer = json.loads(await run.call(connection, "POST", f"/{kind}", resource))
            if "id" not in answer:
                return
            ids[kind] = answer["id"]
            made.append({**resource, "id": answer["id"]})
        for resource in made:
            await run.call(connection, "GET", f"/{resource['resourceType']}/{resource['id']}")
        for resource in made:
            await run.call(
                connection, "PUT", f"/{resource['resourceType']}/{resource['id']}", {**resource, "language": "en"}
            )
        for resource in reversed(made):
            await run.call(connection, "DELETE", f"/{resource['resourceType']}/{resource['id']}")


def bundles(folder: str) -> list[Path]:
    return sorted(Path(folder).glob("*.json.gz"))


async def import_(run: Run, connection: Connection, n: int, given: argparse.Namespace) -> None:
    files = bundles(given.bundles)
    at = n
    while not run.over and files:
        raw = gzip.decompress(files[at % len(files)].read_bytes())
        await run.call(connection, "POST", "", raw, raw.count(b'"fullUrl"'))
        at += given.connections


_PREFIXES = ["", "eq", "gt", "ge", "lt", "le"]
_CODES = ["8302-2", "29463-7", "8480-6", "8462-4", "8867-4", "39156-5", "718-7"]
_DRAW: list[Callable[[random.Random], str]] = [
    lambda r: f"Patient?name{r.choice(['', ':contains'])}={r.choice(['Smith', 'an', 'NON-EXISTS', 'Ada'])}",
    lambda r: f"Patient?address={r.choice(['Boston', 'Springfield', 'NON-EXISTS'])}",
    lambda r: f"Patient?birthdate={r.choice(_PREFIXES)}{r.randrange(1930, 2020)}-0{r.randrange(1, 9)}-11",
    lambda r: f"Observation?date={r.choice([*_PREFIXES, 'sa', 'eb'])}20{r.randrange(10, 26)}-03-07",
    lambda r: f"Observation?category={r.choice(['laboratory', 'vital-signs', 'survey', 'vital-signs,laboratory'])}",
    lambda r: f"Observation?code={r.choice(['', LOINC + '|'])}{r.choice(_CODES)}",
    lambda r: f"Encounter?status={r.choice(['finished', 'planned', 'arrived'])}",
    lambda r: f"Encounter?class={r.choice(['AMB', 'EMER', 'IMP'])}",
    lambda r: f"Observation?value-quantity={r.choice(_PREFIXES)}{r.choice([99999, 170, 80, 30, 100])}",
    lambda r: f"Observation?component-value-quantity={r.choice(_PREFIXES)}{r.choice([99999, 120, 80])}",
    lambda r: f"Observation?combo-value-quantity={r.choice(_PREFIXES)}{r.choice([99999, 120, 80])}",
    lambda r: f"Observation?code-value-quantity={r.choice(['8867-4$gt100', '8302-2$gt170', '29463-7$lt5'])}",
    lambda r: f"Observation?component-code-value-quantity={r.choice(['8480-6$gt140', '8462-4$lt60'])}",
]


async def search(run: Run, connection: Connection, n: int, given: argparse.Namespace) -> None:
    rnd = random.Random(n)
    while not run.over:
        path, _, query = rnd.choice(_DRAW)(rnd).partition("?")
        name, _, value = query.partition("=")
        await run.call(connection, "GET", f"/{path}?{name}={quote(value, safe='')}&_count=20")


SCENARIOS: dict[str, Callable[[Run, Connection, int, argparse.Namespace], Awaitable[None]]] = {
    "crud": crud,
    "import": import_,
    "search": search,
}


async def main_async(given: argparse.Namespace) -> dict[str, Any]:
    run = Run(given.seconds, given.warmup)
    connections = [Connection(given.base_url, given.token) for _ in range(given.connections)]
    await asyncio.gather(
        *(SCENARIOS[given.scenario](run, connection, n, given) for n, connection in enumerate(connections))
    )
    for connection in connections:
        connection.close()
    return {"scenario": given.scenario, "connections": given.connections, "seconds": given.seconds, **run.row()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--token", default="")
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), required=True)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--warmup", type=float, default=2)
    parser.add_argument("--bundles", default="../shared/suites/synthea")
    print(json.dumps(asyncio.run(main_async(parser.parse_args()))))


if __name__ == "__main__":
    main()
