"""All R4 examples: stored, found by each of their own tokens, given back unchanged; JSON counts and exceptions.

python -m bench.conformance_r4_examples --suite ../shared/suites/r4-examples --every 10
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool, transaction
from wardbridge.core.migrate import migrate
from wardbridge.core.postgres import Embedded
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.search.extract import extract
from wardbridge.fhir.search.parse import supported
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put


def examples(suite: Path, every: int = 1) -> Iterator[bytes]:
    """The resources as written, one a line: all of them, or every so many."""
    with gzip.open(suite / "r4-examples.ndjson.gz") as lines:
        for at, line in enumerate(lines):
            if at % every == 0:
                yield line.strip()


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|").replace("$", "\\$")


def without_meta(body: bytes) -> bytes:
    """The body without what the server sets (id, versionId, lastUpdated), numbers as they are."""
    resource = loads(body)
    meta = {k: v for k, v in resource.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
    rest = {k: v for k, v in resource.items() if k not in ("id", "meta", "resourceType")}
    return dumps([resource["resourceType"], meta, rest])


async def run(pool: Any, suite: Path, every: int = 1) -> dict[str, Any]:
    """Counts, with the names of what is not as it should be."""
    record = Record(pool, SystemClock())
    await record.load()
    sources = list(examples(suite, every))
    found: dict[str, Any] = {
        "suite": "r4-examples",
        "resources": len(sources),
        "changed": [],
        "not_found": [],
        "tokens": 0,
    }
    stored = []
    began = time.perf_counter()
    for at in range(0, len(sources), 100):
        items = []
        for line in sources[at : at + 100]:
            resource = loads(line)
            resource.pop("id", None)
            items.append(Put(resource))
        async with transaction(pool) as conn:
            stored.extend(await record.write(conn, items))
    found["stored"] = len(stored)
    found["stored_per_second"] = round(len(stored) / (time.perf_counter() - began))
    await pool.execute("ANALYZE")
    for line, one in zip(sources, stored, strict=True):
        name = f"{one.type}/{loads(line).get('id')}"
        read = await record.read(one.type, one.id)
        if read is None or read.body is None or without_meta(read.body) != without_meta(line):
            found["changed"].append(name)
        known = supported(one.type)
        seen = set()
        for code, _, token, system in extract(loads(line)).token:
            if (
                code not in known
                or known[code].type != "token"
                or not (token or system)
                or (code, token, system) in seen
            ):
                continue
            seen.add((code, token, system))
            found["tokens"] += 1
            value = f"{escaped(system or '')}|{escaped(token)}"
            query = record.query([one.type], [(code, value), ("_id", one.id)])
            page = await record.search(query)
            if [match.id for match in page.matches] != [one.id]:
                found["not_found"].append(f"{name} {code}={value}")
    return found


async def main_async(suite: Path, every: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="wbb-"))
    server = Embedded(folder, SystemClock())
    await server.start()
    try:
        pool = await open_pool(server.dsn, size=2)
        await migrate(pool)
        print(json.dumps(await run(pool, suite, every)))
        await pool.close()
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, default=Path("../shared/suites/r4-examples"))
    parser.add_argument("--every", type=int, default=1)
    given = parser.parse_args()
    asyncio.run(main_async(given.suite, given.every))


if __name__ == "__main__":
    main()
