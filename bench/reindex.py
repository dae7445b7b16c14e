"""Online reindex of resources that are there already, without and beside a writer, and its proof.

python -m bench.reindex [--resources 50000]

Writes the resources of ``bench.bulk``, adds a custom SearchParameter on Observation, and brings the older ones to it;
then makes every row anew (as after an upgrade), then that again while one client updates all the time; then compares
every row with the bodies. One JSON line a step.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import Any

from bench.bulk import GROUP, line
from bench.machine import machine
from bench.scratch import database

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool, transaction
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.reindex import Reindexer
from wardbridge.fhir.store.values import Put
from wardbridge.fhir.store.verify import verify

PARAMETER = {
    "resourceType": "SearchParameter",
    "id": "bench",
    "url": "urn:bench",
    "name": "bench",
    "status": "active",
    "description": "the unit of a value",
    "code": "unit",
    "base": ["Observation"],
    "type": "string",
    "expression": "Observation.value.ofType(Quantity).unit",
}


async def put(record: Record, *resources: dict[str, Any]) -> None:
    async with transaction(record.pool) as conn:
        await record.write(conn, [Put(resource) for resource in resources])


async def run(count: int) -> None:
    async with database() as dsn:
        pool = await open_pool(dsn, size=6)
        record = Record(pool, SystemClock())
        await record.load()
        about = {"bench": "reindex", "resources": count, "machine": machine()}

        def say(step: str, seconds: float, **more: Any) -> None:
            row = {**about, "step": step, "seconds": round(seconds, 1), "per_second": round(count / seconds), **more}
            print(json.dumps(row), flush=True)

        start = time.monotonic()
        for at in range(0, count, 200):
            await put(record, *(loads(line(n)) for n in range(at, min(at + 200, count))))
        say("write", time.monotonic() - start)
        reindexer = Reindexer(pool, record.numbers, record.clock)
        await put(record, PARAMETER)
        start = time.monotonic()
        await reindexer.once()
        say("new parameter", time.monotonic() - start)
        page = await record.search(record.query(["Observation"], [("unit:exact", "/min"), ("_summary", "count")]))
        assert page.total == count - (count + GROUP - 1) // GROUP, page.total
        await reindexer.anew()
        start = time.monotonic()
        await reindexer.once()
        say("all rows anew", time.monotonic() - start)
        await reindexer.anew()
        done = asyncio.Event()
        waits: list[float] = []

        async def writer() -> None:
            n = 1
            while not done.is_set():
                n = (n + 7919) % count
                began = time.monotonic()
                await put(record, loads(line(n)))
                waits.append(time.monotonic() - began)

        beside = asyncio.create_task(writer())
        start = time.monotonic()
        await reindexer.once()
        seconds = time.monotonic() - start
        done.set()
        await beside
        waits.sort()
        say(
            "all rows anew beside a writer",
            seconds,
            updates=len(waits),
            update_p50_ms=round(waits[len(waits) // 2] * 1000, 1),
            update_p99_ms=round(waits[len(waits) * 99 // 100] * 1000, 1),
        )
        start = time.monotonic()
        found = await verify(pool, record.numbers)
        say("verify", time.monotonic() - start, checked=found.checked, wrong=found.wrong_total)
        await pool.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resources", type=int, default=50_000)
    asyncio.run(run(parser.parse_args().resources))


if __name__ == "__main__":
    main()
