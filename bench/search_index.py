"""Two lay-outs for tokens and references: a row a value (B-tree), or a row a resource (array with GIN); JSON lines.

    python -m bench.search_index --resources 40000

Both get the same values, extracted from generated vital signs, in statements of 50 resources. Then: time of a write,
bytes on disk, and the time of three searches (a rare token, patient and code, the newest 20 of a frequent token).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.postgres import Embedded
from wardbridge.fhir.search.extract import Extractor
from wardbridge.fhir.search.hash import hash64

CODES = ["8867-4", "9279-1", "8310-5", "29463-7", "8302-2", "59408-5", "8480-6", "8462-4"]
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"

ROWS = """
CREATE TABLE rows_value (key bigint NOT NULL, hash bigint NOT NULL, parameter smallint NOT NULL, text text COLLATE "C");
CREATE INDEX ON rows_value (parameter, hash, key);
CREATE INDEX ON rows_value (key);
"""
ARRAY = """
CREATE TABLE array_value (key bigint PRIMARY KEY, hashes bigint[] NOT NULL, texts text[] NOT NULL);
CREATE INDEX ON array_value USING gin (hashes);
"""
Value = tuple[int, int, str]
"""(parameter, hash, text)"""


def observation(n: int, rnd: random.Random) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "identifier": [{"system": "urn:bench", "value": f"o{n}"}],
        "category": [{"coding": [{"system": CATEGORY, "code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": rnd.choice(CODES)}]},
        "subject": {"reference": f"Patient/{n // 50}"},
        "encounter": {"reference": f"Encounter/{n // 50}"},
        "device": {"reference": f"Device/{n % 40}"},
    }


def values(extractor: Extractor, resource: dict[str, Any]) -> list[Value]:
    rows = extractor(resource)
    found = [(p, h, f"{system or ''}|{code}") for p, h, code, system in rows.token]
    return found + [(p, h, f"{target}/{value}") for p, h, target, value, _ in rows.reference]


def mixed(parameter: int, hash_: int, text: str = "") -> int:
    """In one array the parameter must be part of the hash, and each form that can be asked for has its own."""
    return hash64(f"{parameter}\x1f{hash_}\x1f{text}")


def forms(found: list[Value]) -> list[int]:
    """A token is asked for as ``code`` and as ``system|code``, a reference in one form."""
    out = [mixed(p, h) for p, h, _ in found]
    return out + [mixed(p, h, text) for p, h, text in found if "|" in text]


async def fill(conn: Any, batches: list[list[tuple[int, list[Value]]]], rows: bool) -> float:
    began = time.perf_counter()
    for batch in batches:
        if rows:
            flat = [(key, h, p, t) for key, found in batch for p, h, t in found]
            text = "INSERT INTO rows_value SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::text[])"
            await conn.execute(text, *map(list, zip(*flat, strict=True)))
        else:
            await conn.executemany(
                "INSERT INTO array_value VALUES ($1, $2, $3)",
                [(key, forms(found), [t for _, _, t in found]) for key, found in batch],
            )
    return time.perf_counter() - began


async def timed(conn: Any, text: str, draw: Callable[[], list[Any]], times: int = 200) -> dict[str, float]:
    taken = []
    for _ in range(times):
        arguments = draw()
        began = time.perf_counter()
        await conn.fetch(text, *arguments)
        taken.append((time.perf_counter() - began) * 1000)
    taken.sort()
    return {"median_ms": round(statistics.median(taken), 3), "p99_ms": round(taken[int(times * 0.99)], 3)}


async def measure(resources: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="wbb-"))
    server = Embedded(folder, SystemClock(), shared_mb=256)
    await server.start()
    try:
        pool = await open_pool(server.dsn, size=1)
        numbers: dict[str, int] = {}
        extractor = Extractor("Observation", lambda code: numbers.setdefault(code, len(numbers)))
        rnd = random.Random(1)
        listed = [(n, values(extractor, observation(n, rnd))) for n in range(resources)]
        batches = [listed[at : at + 50] for at in range(0, resources, 50)]
        pick = random.Random(2)
        one = {name: numbers[name] for name in ("identifier", "patient", "code", "category")}
        async with pool.acquire() as conn:
            await conn.execute(ROWS + ARRAY)
            for rows in (True, False):
                table = "rows_value" if rows else "array_value"
                seconds = await fill(conn, batches, rows)
                await conn.execute(f"VACUUM ANALYZE {table}")
                size = await conn.fetchval("SELECT pg_total_relation_size($1::regclass)", table)
                out: dict[str, Any] = {
                    "bench": "search_index",
                    "layout": "row a value" if rows else "array and GIN",
                    "resources": resources,
                    "write_us_per_resource": round(seconds / resources * 1e6, 1),
                    "bytes_per_resource": round(size / resources),
                }
                out.update(await _searches(conn, rows, listed, one, pick))
                print(json.dumps(out))
        await pool.close()
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _searches(
    conn: Any, rows: bool, listed: list[tuple[int, list[Value]]], one: dict[str, int], pick: random.Random
) -> dict[str, Any]:
    def hashes(*names: str) -> list[Any]:
        found = {p: h for p, h, _ in pick.choice(listed)[1]}
        return [found[one[name]] if rows else mixed(one[name], found[one[name]]) for name in names]

    if rows:

        def single(name: str) -> str:
            return f"SELECT key FROM rows_value WHERE parameter = {one[name]} AND hash = $1 ORDER BY key DESC LIMIT 20"

        both = (
            f"SELECT DISTINCT key FROM rows_value x WHERE parameter = {one['patient']} AND hash = $1 AND EXISTS "
            f"(SELECT 1 FROM rows_value y WHERE y.key = x.key AND y.parameter = {one['code']} AND y.hash = $2 "
            "OFFSET 0)"
        )
    else:

        def single(name: str) -> str:
            return "SELECT key FROM array_value WHERE hashes @> ARRAY[$1::bigint] ORDER BY key DESC LIMIT 20"

        both = "SELECT key FROM array_value WHERE hashes @> ARRAY[$1::bigint, $2::bigint]"
    return {
        "rare_token": await timed(conn, single("identifier"), lambda: hashes("identifier")),
        "patient_and_code": await timed(conn, both, lambda: hashes("patient", "code")),
        "frequent_token_newest_20": await timed(conn, single("category"), lambda: hashes("category")),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resources", type=int, default=40_000)
    asyncio.run(measure(parser.parse_args().resources))


if __name__ == "__main__":
    main()
