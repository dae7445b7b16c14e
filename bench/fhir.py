"""Load on any FHIR R4 server, one JSON line a scenario: the workloads of the published comparisons, over plain HTTP.

    python -m bench.fhir --base-url http://127.0.0.1:8180/fhir --token T                     # all scenarios
    python -m bench.fhir --base-url … --scenario crud search --connections 32 --seconds 15
    python -m bench.fhir --base-url … --beside http://127.0.0.1:8103/fhir/R4 --beside-token T2

- ``crud``: iterations of 36 requests over nine types (``bench.fhir_crud``);
- ``import``: Synthea transaction bundles, each connection takes the next (organizations and practitioners first,
  where the folder has them); ``--passes N`` posts each bundle N times instead of for some seconds;
- ``search``: 24 parameters with values drawn at random; ``queries``: a list of 30 with totals and full text; both ask
  what ``import`` has left (``bench.fhir_search``);
- ``singly``: every query of both lists ``--rounds`` times, one after another.

``--beside`` names a second server: every scenario runs on both, so the ratio is of one machine and one moment. CPU
seconds of server and database are given for local servers (the tree of the process that listens on the port; postgres
processes below it are the database; or name the processes), bytes on disk a resource where ``--dsn`` is given.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.fhir_crud import crud
from bench.fhir_run import Run
from bench.fhir_search import Sample, queries, sample, search, singly
from bench.http_client import Connection
from bench.machine import busy_seconds, cpu_seconds, server_and_database
from bench.suite import suites

SCENARIOS = ("crud", "import", "search", "queries", "singly")


@dataclass(frozen=True)
class Target:
    """One server under load. ``roots``: process ids of server and database, '' apart, where they are known."""

    name: str
    base: str
    token: str
    roots: dict[str, int]
    dsn: str = ""


def files(folder: str) -> tuple[list[Path], list[Path]]:
    """(what every bundle refers to, bundles of patients)."""
    found = sorted(Path(folder).glob("*.json.gz"))
    first = [file for file in found if file.name.startswith(("hospitalInformation", "practitionerInformation"))]
    return first, [file for file in found if file not in first]


async def _post(run: Run, connection: Connection, file: Path) -> None:
    raw = gzip.decompress(file.read_bytes())
    await run.call(connection, "POST", "", raw, resources=raw.count(b'"fullUrl"'))


async def import_(run: Run, connections: list[Connection], given: argparse.Namespace) -> None:
    """Bundles in turn. With ``--passes`` the run ends when each was posted that often."""
    first, patients = files(given.bundles)
    if not patients:
        raise SystemExit(f"no Synthea bundles (*.json.gz) in {given.bundles}")
    for file in first:
        await _post(run, connections[0], file)

    def turns() -> Iterator[Path]:
        turn = 0
        while given.passes == 0 or turn < given.passes:
            yield from patients
            turn += 1

    source = turns()

    async def work(connection: Connection) -> None:
        for file in source:
            await _post(run, connection, file)
            if run.over:
                return

    if given.passes:
        run.end = float("inf")
    await asyncio.gather(*(work(connection) for connection in connections))
    if given.passes:
        run.end = time.perf_counter()


async def _all(
    run: Run,
    connections: list[Connection],
    given: argparse.Namespace,
    work: Callable[[Run, Connection, random.Random], Awaitable[None]],
) -> None:
    await asyncio.gather(
        *(work(run, connection, random.Random(given.seed * 1000 + n)) for n, connection in enumerate(connections))
    )


async def play(scenario: str, target: Target, given: argparse.Namespace) -> Run:
    """One scenario on one server."""
    one = scenario == "singly"
    connections = [
        Connection(target.base, target.token, gzip=scenario == "crud" or given.gzip)
        for _ in range(1 if one else given.connections)
    ]
    held = await sample(connections[0]) if scenario in ("search", "queries", "singly") else Sample()
    run = Run(given.seconds, 0.0 if one or (scenario == "import" and given.passes) else given.warmup)
    match scenario:
        case "crud":
            await _all(run, connections, given, crud)
        case "import":
            await import_(run, connections, given)
        case "search":
            await _all(run, connections, given, lambda r, c, rnd: search(r, c, rnd, held))
        case "queries":
            await _all(run, connections, given, lambda r, c, rnd: queries(r, c, rnd, held))
        case _:
            run.end = float("inf")
            await singly(connections[0], random.Random(given.seed), held, given.rounds, run)
            run.end = time.perf_counter()
    for connection in connections:
        connection.close()
    return run


async def disk(dsn: str) -> dict[str, int]:
    """Resources, versions, and bytes of the whole database."""
    import asyncpg

    connection = await asyncpg.connect(dsn)
    try:
        row = await connection.fetchrow(
            """SELECT (SELECT count(*) FROM fhir_resource) AS resources,
                      (SELECT count(*) FROM fhir_version) AS versions, pg_database_size(current_database()) AS bytes"""
        )
        return dict(row)
    finally:
        await connection.close()


def measured(scenario: str, target: Target, given: argparse.Namespace) -> dict[str, Any]:
    """The line of one scenario."""
    before = asyncio.run(disk(target.dsn)) if target.dsn else {}
    began, cpu, busy = time.perf_counter(), cpu_seconds(target.roots.values()), busy_seconds()
    run = asyncio.run(play(scenario, target, given))
    took, after, busy = time.perf_counter() - began, cpu_seconds(target.roots.values()), busy_seconds() - busy
    row: dict[str, Any] = {
        "bench": "fhir",
        "scenario": scenario,
        "server": target.name,
        "connections": 1 if scenario == "singly" else given.connections,
        "seconds": round(run.end - run.start, 1),
        **run.row(),
    }
    used = {name: after[pid] - cpu[pid] for name, pid in target.roots.items()}
    row.update({f"cpu_seconds_{name}": round(seconds, 2) for name, seconds in used.items()})
    row["cpu_seconds_all"] = round(busy, 2)
    row["wall_seconds"] = round(took, 2)
    if target.dsn:
        now = asyncio.run(disk(target.dsn))
        row["versions_written"] = now["versions"] - before["versions"]
        row["database_bytes"] = now["bytes"]
        if scenario == "import" and now["resources"] > before["resources"]:
            grown = now["bytes"] - before["bytes"]
            row["disk_bytes_a_resource"] = round(grown / (now["resources"] - before["resources"]))
    return row


def targets(given: argparse.Namespace) -> list[Target]:
    def one(name: str, base: str, token: str, dsn: str, named: str) -> Target:
        roots = {}
        if named:
            roots = {key: int(pid) for key, _, pid in (part.partition("=") for part in named.split(","))}
        else:
            roots = server_and_database(base)
        return Target(name, base, token, roots, dsn)

    found = [one("ours", given.base_url, given.token, given.dsn, given.pids)]
    if given.beside:
        found.append(one("beside", given.beside, given.beside_token, given.beside_dsn, given.beside_pids))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--token", default="", help="bearer token")
    parser.add_argument("--dsn", default="", help="PostgreSQL of a local Wardbridge: bytes on disk are measured")
    parser.add_argument("--pids", default="", help="server=PID,database=PID instead of the process at the port")
    parser.add_argument("--beside", default="", help="base URL of a second server")
    parser.add_argument("--beside-token", default="")
    parser.add_argument("--beside-dsn", default="")
    parser.add_argument("--beside-pids", default="")
    parser.add_argument("--scenario", nargs="+", choices=SCENARIOS, default=["crud", "import", "search", "queries"])
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--warmup", type=float, default=2)
    parser.add_argument("--repeat", type=int, default=1, help="rounds over all servers; the order turns with each")
    parser.add_argument("--bundles", default=str(suites() / "synthea"))
    parser.add_argument("--passes", type=int, default=0, help="import: post each bundle so often")
    parser.add_argument("--rounds", type=int, default=5, help="singly: how often each query is asked")
    parser.add_argument("--gzip", action="store_true", help="ask for compressed answers everywhere, not in crud only")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    servers = targets(given)
    for scenario in given.scenario:
        for turn in range(given.repeat):
            for target in servers if turn % 2 == 0 else reversed(servers):
                print(json.dumps(measured(scenario, target, given), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
