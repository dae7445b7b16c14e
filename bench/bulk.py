"""Bulk import and export through a running ``wardbridge serve``: rate and peak memory of each process.

python -m bench.bulk [--resources 1000000]

Makes that many small resources (one Patient to nineteen Observations) on the fly, sends them as one streamed body to
`$import`, waits, exports everything and reads the files. One JSON line a step; memory is VmHWM of each process in MB.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from bench.machine import machine
from tests.app.served import Served, served

NDJSON = {"content-type": "application/fhir+ndjson"}
CODES = ("8867-4", "9279-1", "8310-5", "8480-6", "8462-4", "59408-5")
GROUP = 20


def line(n: int) -> bytes:
    """The n-th resource: every twentieth is the Patient of the nineteen that follow."""
    patient = n // GROUP
    if n % GROUP == 0:
        return (
            b'{"resourceType":"Patient","id":"bulk-%d","identifier":[{"system":"urn:bulk","value":"%d"}],'
            b'"name":[{"family":"Family%d","given":["Given%d"]}],"gender":"%s","birthDate":"19%02d-0%d-1%d"}\n'
        ) % (patient, patient, patient % 5000, n % 300, (b"male", b"female")[n % 2], n % 100, n % 9 + 1, n % 9)
    return (
        b'{"resourceType":"Observation","id":"bulk-%d","status":"final","category":[{"coding":[{"system":'
        b'"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":'
        b'[{"system":"http://loinc.org","code":"%s"}]},"subject":{"reference":"Patient/bulk-%d"},'
        b'"effectiveDateTime":"2026-01-%02dT%02d:%02d:00Z","valueQuantity":{"value":%d.50,"unit":"/min",'
        b'"system":"http://unitsofmeasure.org","code":"/min"}}\n'
    ) % (n, CODES[n % len(CODES)].encode(), patient, n % 28 + 1, n % 24, n % 60, 40 + n % 100)


async def body(count: int) -> AsyncIterator[bytes]:
    for start in range(0, count, 500):
        yield b"".join(line(n) for n in range(start, min(start + 500, count)))


def memory(server: Served) -> dict[str, int]:
    """Peak resident memory in MB by process: the largest of ours of each name, and of PostgreSQL's sessions."""
    assert server.process is not None
    found: dict[str, int] = {}
    parents = {server.process.pid: "serve"}
    rows = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            peak = next(int(row.split()[1]) for row in (entry / "status").read_text().splitlines() if "VmHWM" in row)
            rows.append((int(entry.name), int(fields[1]), words, peak // 1024))
        except (OSError, StopIteration, ValueError, IndexError):
            continue
    for pid, parent, words, _ in sorted(rows):
        if parent == server.process.pid:
            parents[pid] = words.split(" process ")[-1].strip() if " process " in words else "postgres"
    for pid, parent, _, peak in rows:
        name = parents.get(pid) or (parents.get(parent, "") and f"{parents[parent]} worker")
        if name:
            found[name] = max(found.get(name, 0), peak)
    return found


async def finished(client: httpx.AsyncClient, status: str) -> dict[str, Any]:
    while True:
        answer = await client.get(status)
        if answer.status_code != 202:
            assert answer.status_code == 200, answer.text
            return dict(answer.json())
        await asyncio.sleep(min(float(answer.headers["retry-after"]), 2.0))


async def run(server: Served, count: int) -> None:
    about = {"bench": "bulk", "resources": count, "machine": machine()}
    base = f"{server.url}/fhir"

    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(headers={"authorization": f"Bearer {server.token()}"}, timeout=600)

    def say(step: str, seconds: float, **more: Any) -> None:
        row = {**about, "step": step, "seconds": round(seconds, 1), "per_second": round(count / seconds), **more}
        print(json.dumps(row), flush=True)

    start = time.monotonic()
    async with client() as one:
        answer = await one.post(f"{base}/$import", content=body(count), headers=NDJSON)
        assert answer.status_code == 202, answer.text
        say("upload", time.monotonic() - start)
        start = time.monotonic()
        manifest = await finished(one, answer.headers["content-location"])
    done = sum(row["count"] for row in manifest["output"])
    assert done == count, manifest
    assert not manifest["error"], manifest
    say("import", time.monotonic() - start, peak_mb=memory(server))
    start = time.monotonic()
    async with client() as one:
        answer = await one.get(f"{base}/$export?_type=Patient,Observation", headers={"prefer": "respond-async"})
        manifest = await finished(one, answer.headers["content-location"])
        say("export", time.monotonic() - start, files=len(manifest["output"]), peak_mb=memory(server))
        start = time.monotonic()
        lines = size = 0
        for row in manifest["output"]:
            async with one.stream("GET", row["url"]) as file:
                async for piece in file.aiter_bytes():
                    lines += piece.count(b"\n")
                    size += len(piece)
        assert lines == count, (lines, count)
        say("download", time.monotonic() - start, megabytes=size // 1_000_000, peak_mb=memory(server))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resources", type=int, default=1_000_000)
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="wbb-") as name,
        served(Path(name) / "data", WARDBRIDGE_DATABASE_SHARED_MB="256") as server,
    ):
        asyncio.run(run(server, args.resources))


if __name__ == "__main__":
    main()
