"""FHIR load on a whole ``wardbridge serve``: tokens checked, resources validated, every access audited, fsync on.

python -m bench.fhir_served [--seconds 15] [--load-tool FILE]

Starts a server on a new temporary folder, then runs the scenarios of ``bench.fhir`` (CRUD over nine types, import
of Synthea bundles, mixed search), each with the load client in a process of its own. ``--load-tool`` names another
load client with the options of the project's independent ``fhir_load.py`` (--base-url --token --state --scenario
--concurrency --seconds --pids); its scenarios run before the others. One JSON line a scenario.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
from bench.machine import cpu_seconds, machine
from bench.suite import suites
from tests.app.served import Served, served

SCENARIOS = ("crud", "import", "search", "queries")
OTHERS = ("read", "search-identifier", "search-observation", "update", "create-patient", "create-observation")


def said(command: list[str]) -> dict[str, Any]:
    """The last JSON line of a command. Raises CalledProcessError with what it wrote to stderr."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[2:6])} ended with {done.returncode}: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def pids(server: Served) -> tuple[int, int]:
    """(server without database, database)."""
    assert server.process is not None
    database = server.postgres.pid()
    assert database is not None
    return server.process.pid, database


async def audited(server: Served) -> int:
    connection = await asyncpg.connect(server.postgres.dsn)
    try:
        found: int = await connection.fetchval("SELECT count(*) FROM audit_event")
        return found
    finally:
        await connection.close()


def measured(server: Served, command: list[str]) -> dict[str, Any]:
    """One scenario with the CPU of server and database, and how many accesses were recorded meanwhile."""
    roots = pids(server)
    before, events = cpu_seconds(roots), asyncio.run(audited(server))
    row = said(command)
    after = cpu_seconds(roots)
    row["cpu_seconds_server"] = round(after[roots[0]] - before[roots[0]], 2)
    row["cpu_seconds_database"] = round(after[roots[1]] - before[roots[1]], 2)
    row["audit_events"] = asyncio.run(audited(server)) - events
    return row


def run(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="wbb-") as name:
        folder = Path(name)
        environ = {
            "WARDBRIDGE_WEB_WORKERS": str(args.workers),
            "WARDBRIDGE_DATABASE_SHARED_MB": str(args.shared_mb),
        }
        with served(folder / "data", **environ) as server:
            common = ["--base-url", f"{server.url}/fhir", "--token", server.token()]
            about = {"workers": args.workers, "machine": machine()}
            if args.load_tool:
                tool = [sys.executable, args.load_tool, *common, "--state", str(folder / "state.json")]
                tool += ["--concurrency", str(args.connections)]
                row = measured(server, [*tool, "--scenario", "seed", "--patients", str(args.patients)])
                print(json.dumps({"bench": "fhir_load", **row, **about}), flush=True)
                for scenario in OTHERS:
                    row = measured(server, [*tool, "--scenario", scenario, "--seconds", str(args.seconds)])
                    print(json.dumps({"bench": "fhir_load", **row, **about}), flush=True)
            ours = [sys.executable, "-m", "bench.fhir", *common, "--seconds", str(args.seconds)]
            ours += ["--connections", str(args.connections), "--bundles", str(suites() / "synthea")]
            ours += ["--dsn", server.postgres.dsn]
            for scenario in args.scenarios:
                more = ["--passes", str(args.passes)] if scenario == "import" and args.passes else []
                row = measured(server, [*ours, "--scenario", scenario, *more])
                print(json.dumps({"bench": "fhir", **row, **about}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1, help="web workers of the server")
    parser.add_argument("--shared-mb", type=int, default=256)
    parser.add_argument("--scenarios", nargs="*", choices=SCENARIOS, default=list(SCENARIOS))
    parser.add_argument("--load-tool", default="", help="another load client, run first")
    parser.add_argument("--passes", type=int, default=1, help="import: post each bundle so often; 0: for the seconds")
    parser.add_argument("--patients", type=int, default=200, help="patients that the load client seeds")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
