"""All R4 examples: read, validated and written back; stored, found by each of their own tokens, given back unchanged.

python -m bench.conformance_r4_examples [--suites FOLDER] [--why]

The first half alone, without a database: ``bench.conformance_examples``.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from bench.scratch import with_pool
from bench.suite import counts, main

from bench import conformance_examples
from wardbridge.core.clock import SystemClock
from wardbridge.core.db import transaction
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.search.extract import extract
from wardbridge.fhir.search.parse import supported
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put

SUITE = "r4-examples"


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
    sources = [line for at, (_, line) in enumerate(conformance_examples.examples(suite)) if at % every == 0]
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


def judge(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Both meanings as one: valid or a listed fault, the same bytes again; stored, found, the same again."""
    valid, why = conformance_examples.run(folder)
    stored = with_pool(lambda pool: run(pool, folder))
    names = {name: f"{kind}/{id_}" for name, kind, id_ in rows(folder)}
    files = {named: name for name, named in names.items()}
    for said in stored["changed"]:
        why.setdefault(files.get(said, said), "read from the record it is another")
    for said in stored["not_found"]:
        why.setdefault(files.get(said.split(" ")[0], said), f"not found by {said.partition(' ')[2]}")
    found = counts(SUITE, valid["total"], why)
    found |= {
        "with_errors": valid["with_errors"],
        "listed_faults": valid["listed_exceptions"],
        "changed_by_round_trip": valid["changed_by_round_trip"],
        "same_through_xml": valid["same_through_xml"],
        "stored": stored["stored"],
        "changed_in_the_record": len(stored["changed"]),
        "searches_by_own_tokens": stored["tokens"],
        "not_found": len(stored["not_found"]),
    }
    return found, why


def rows(folder: Path) -> list[tuple[str, str, str]]:
    """(file name, type, id) of each example."""
    lines = (folder / "index.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [(cells[1], cells[2], cells[3]) for cells in (line.split("\t") for line in lines)]


if __name__ == "__main__":
    main(SUITE, judge, __doc__)
