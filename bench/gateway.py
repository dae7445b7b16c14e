"""Durable and acknowledged PCD-01 messages a second of a whole ``wardbridge serve``, fsync on, on a new folder.

``python -m bench.gateway --help``. Everything runs at once on this machine: the load client (``bench.mllp``, a
process of its own), the gateway, the engine that works off the log meanwhile, the web process and PostgreSQL.
First row: as fast as answers come. Second row: at a fixed rate, latency from the due time. Each row says what
was acknowledged a second, what the pipeline did a second in the same time, by how much its backlog grew, how
long it took to work that off, and how many cores each process used.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
from bench.machine import busy_seconds, cpu_seconds, machine, shares
from tests.app.served import Served, served

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool, transaction
from wardbridge.core.ids import random_ids
from wardbridge.core.log import configure
from wardbridge.devices import fleet
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.exchange.intake import store as intake
from wardbridge.fhir.store.record import Record

PIPELINE = "devices"


async def backlog(server: Served) -> int:
    """Entries that the pipeline has not dealt with yet."""
    connection = await asyncpg.connect(server.postgres.dsn)
    try:
        return await intake.backlog(connection, PIPELINE)
    finally:
        await connection.close()


async def admit(server: Served) -> int:
    """Accept every device that waits, as a technician would; how many."""
    pool = await open_pool(server.postgres.dsn, size=2)
    try:
        clock = SystemClock()
        record = Record(pool, clock, random_ids)
        await record.load()
        waiting = await fleet.queue(pool)
        for device in waiting:
            async with transaction(pool) as conn:
                await fleet.accept(Parts(FhirRecord(record), clock), conn, device.device_id, "bench")
        return len(waiting)
    finally:
        await pool.close()


def load(server: Served, *words: str) -> dict[str, Any]:
    """One run of the load client in its own process."""
    command = [sys.executable, "-m", "bench.mllp", "--port", str(server.mllp_port), *words]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def processes(server: Served) -> dict[str, int]:
    """Our processes by name."""
    found = {name: server.child(name) for name in ("gateway", "links", "engine", "web")}
    found["postgres"] = server.postgres.pid()
    return {name: pid for name, pid in found.items() if pid is not None}


def readings(pids: dict[str, int]) -> dict[str, float]:
    used = cpu_seconds(pids.values())
    return {**{name: used[pid] for name, pid in pids.items()}, "whole machine": busy_seconds()}


async def drained(server: Served, patience: float) -> float:
    """Seconds until the pipeline has dealt with everything. Raises TimeoutError after ``patience``."""
    began = time.perf_counter()
    async with asyncio.timeout(patience):
        while await backlog(server):  # noqa: ASYNC110 - another process does the work
            await asyncio.sleep(0.1)
    return time.perf_counter() - began


async def case(server: Served, name: str, args: argparse.Namespace, *words: str) -> dict[str, Any]:
    """One run of the load with what the server did meanwhile and after."""
    await drained(server, args.patience)
    pids = processes(server)
    before, began = readings(pids), time.perf_counter()
    found = await asyncio.to_thread(
        load, server, "--connections", str(args.connections), "--obx", str(args.obx), *words
    )
    wall = time.perf_counter() - began
    behind = await backlog(server)
    used = shares(before, readings(pids), wall)
    rest = await drained(server, args.patience)
    ours = sum(part for name, part in used.items() if name != "whole machine") + found["cpu_seconds"] / wall
    done = found["acknowledged"] - behind
    return {
        "bench": "gateway",
        "case": name,
        **{key: found[key] for key in ("connections", "in_flight", "obx", "rate_asked", "messages", "acknowledged",
                                       "codes", "unanswered", "seconds", "messages_per_s", "p50_ms", "p95_ms",
                                       "p99_ms", "max_ms")},
        "pipeline_entries_per_s": round(done / found["seconds"], 1),
        "backlog_at_end": behind,
        "backlog_grows_per_s": round(behind / found["seconds"], 1),
        "drained_in_s": round(rest, 2),
        "pipeline_alone_entries_per_s": round(behind / rest, 1) if behind and rest > 0.5 else None,
        "cores_used": {**used, "load client": round(found["cpu_seconds"] / wall, 2)},
        "cores_used_by_others": round(used["whole machine"] - ours, 2),
        "cpu_us_per_message": {
            name: round(used[name] * wall / found["acknowledged"] * 1e6) for name in ("gateway", "engine", "postgres")
        },
    }  # fmt: skip


async def run(args: argparse.Namespace) -> None:
    configure("warning")
    with contextlib.ExitStack() as stack:
        folder = Path(args.folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="wbb-")))
        server = stack.enter_context(served(folder / "data", WARDBRIDGE_DATABASE_SHARED_MB=str(args.shared_mb)))
        about = machine()
        load(server, "--connections", str(args.connections), "--messages", str(20 * args.connections))
        await drained(server, args.patience)
        accepted = await admit(server)
        load(server, "--connections", str(args.connections), "--messages", str(100 * args.connections))
        flood = ("--messages", str(args.messages), "--in-flight", str(args.in_flight))
        for _ in range(args.repeat):
            row = await case(server, "flood", args, *flood)
            print(json.dumps({**row, "fsync": "on", "devices_accepted": accepted, "machine": about}), flush=True)
        steady = ("--rate", str(args.rate), "--messages", str(int(args.rate * args.seconds)), "--in-flight", "4096")
        for _ in range(args.repeat if args.seconds else 0):
            row = await case(server, "steady", args, *steady)
            print(json.dumps({**row, "fsync": "on", "devices_accepted": accepted, "machine": about}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000, help="messages of the flood")
    parser.add_argument("--connections", type=int, default=16, help="one monitor each")
    parser.add_argument("--in-flight", type=int, default=32, help="unacknowledged messages a connection, flood")
    parser.add_argument("--rate", type=float, default=1000.0, help="messages a second of the steady case")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of the steady case; 0 leaves it out")
    parser.add_argument("--obx", type=int, default=30)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--shared-mb", type=int, default=256, help="shared buffers of PostgreSQL")
    parser.add_argument("--patience", type=float, default=300.0, help="seconds until the backlog must be gone")
    parser.add_argument("--folder", default="", help="where the data goes (default: a temporary folder)")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
