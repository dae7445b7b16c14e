"""How fast the terminology service answers: one JSON line a kind of question.

python -m bench.terminology [--seconds 3] [--concepts 100000]

In one process over PostgreSQL on the same machine, without HTTP and audit: look-ups, validation, subsumption and
pages of an expansion, on a small system held in memory and on one of many concepts in tables, whose codes are asked at
random. ``over HTTP`` is a look-up through the API in process, with authorisation and the audit record.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
from bench.machine import machine
from bench.record_app import build
from bench.scratch import BASE, database, rooted

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import transaction
from wardbridge.core.ids import random_ids
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.terms import Asked
from wardbridge.terminology.answers import validate_in_set, valueset_of
from wardbridge.terminology.expand import expand
from wardbridge.terminology.lookup import lookup, subsumes
from wardbridge.terminology.request import Request
from wardbridge.terminology.service import Service
from wardbridge.terminology.store.load import Row, load_concepts
from wardbridge.terminology.values import Head

SMALL = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LARGE = "http://example.org/large"
Work = Callable[[], Awaitable[Any]]


def rows(count: int) -> Iterator[Row]:
    """A hierarchy with ten children a concept; every seventh has a second parent."""
    for n in range(count):
        parents = [f"c{(n - 1) // 10}"] if n else []
        if n % 7 == 0 and n > 20:
            parents.append(f"c{n // 20}")
        yield Row(f"c{n}", f"Concept number {n} of {count}", tuple(dict.fromkeys(parents)))


async def timed(name: str, seconds: float, work: Work) -> dict[str, Any]:
    spent: list[float] = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        await work()
        spent.append(time.perf_counter() - began)
    spent.sort()
    return {
        "what": name,
        "per_second": round(len(spent) / sum(spent)),
        "p50_ms": round(spent[len(spent) // 2] * 1000, 3),
        "p99_ms": round(spent[len(spent) * 99 // 100] * 1000, 3),
    }


async def measure(seconds: float, concepts: int) -> AsyncIterator[dict[str, Any]]:
    choose = random.Random(1)
    async with database() as dsn:
        pool, api = await build(dsn, base=BASE)
        clock = SystemClock()
        record = Record(pool, clock)
        await record.load()
        service = Service(pool, record, clock)
        began = time.perf_counter()
        async with transaction(pool) as conn:
            await load_concepts(conn, Head(LARGE, "1"), rows(concepts), now=clock.now())
        await pool.execute("VACUUM ANALYZE")
        spent = time.perf_counter() - began
        yield {"what": "load", "concepts": concepts, "seconds": round(spent, 1), "per_second": round(concepts / spent)}
        below = {"system": LARGE, "filter": [{"property": "concept", "op": "is-a", "value": "c3"}]}
        valueset = {"resourceType": "ValueSet", "url": "urn:x", "compose": {"include": [below]}}

        def of(**parameters: Any) -> Request:
            return Request(tuple(parameters.items()))

        def any_code() -> str:
            return f"c{choose.randrange(concepts)}"

        async def asking(work: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
            return await work(await service.library(), *arguments)

        async def page() -> Any:
            request = of(offset=choose.randrange(1000), count=50)
            return await asking(
                expand, request, await valueset_of(await service.library(), request, valueset), clock, random_ids
            )

        kinds: dict[str, Work] = {
            "lookup small": lambda: asking(lookup, of(system=SMALL, code="AMB"), ""),
            "lookup large": lambda: asking(lookup, of(system=LARGE, code=any_code()), ""),
            "validate-code small": lambda: asking(
                validate_in_set,
                of(url="http://terminology.hl7.org/ValueSet/v3-ActEncounterCode", code="AMB", system=SMALL),
                None,
            ),
            "validate-code large, is-a": lambda: asking(validate_in_set, of(code=any_code(), system=LARGE), valueset),
            "judge (bindings)": lambda: service.judge(
                [
                    Asked(
                        "http://hl7.org/fhir/ValueSet/observation-status",
                        "http://hl7.org/fhir/observation-status",
                        "final",
                    )
                ]
            ),
            "subsumes large": lambda: asking(subsumes, of(system=LARGE, codeA="c3", codeB=any_code()), ""),
            "expand page large": page,
        }
        for name, work in kinds.items():
            yield await timed(name, seconds, work)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(rooted(api)), base_url=BASE) as client:
            path = f"/CodeSystem/$lookup?system={SMALL}&code=AMB"
            yield await timed("lookup small, over HTTP", seconds, lambda: client.get(path))
        await pool.close()


async def run(seconds: float, concepts: int) -> None:
    print(json.dumps({"machine": machine()}))
    async for row in measure(seconds, concepts):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--concepts", type=int, default=100_000)
    options = parser.parse_args()
    asyncio.run(run(options.seconds, options.concepts))
