"""Durable puts a second into the intake log, fsync on, on an own embedded PostgreSQL.

``python -m bench.intake --help``. Two rows: as fast as it goes with many callers, and the latency of
an open loop at a fixed rate. A third row gives the floor in the same run: appends of the same bytes
to a file with one fdatasync a batch.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.migrate import migrate
from wardbridge.core.postgres import Embedded
from wardbridge.exchange.intake.entry import Entry
from wardbridge.exchange.intake.log import Intake


def message(number: int, size: int, chance: random.Random) -> bytes:
    """A PCD-01-like message of about ``size`` bytes with values of its own."""
    lines = [
        f"MSH|^~\\&|BENCH^00304700000000{number % 1000:02d}^EUI-64|ICU|||20261122000000+0000||ORU^R01^ORU_R01"
        f"|B{number}|P|2.6|||AL|NE|||||IHE_PCD_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO",
        f"OBR|1||{number}^BENCH|69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|||20261122000000",
    ]
    place = 0
    total = sum(map(len, lines))
    while total < size - 100:
        place += 1
        lines.append(
            f"OBX|{place}|NM|{147842 + place}^MDC_ECG_HEART_RATE^MDC|1.1.1.{place}|"
            f"{chance.gauss(80, 9):.2f}|264864^MDC_DIM_BEAT_PER_MIN^MDC^/min^/min^UCUM|50-120||||R|||"
            f"20261122{chance.randrange(10**6):06d}.{chance.randrange(1000):03d}+0000||||"
            f"{chance.getrandbits(32):08X}^^0030470000000001^EUI-64"
        )
        total += len(lines[-1]) + 1
    return "\r".join(lines).encode()


def entries(count: int, size: int, payload: int, seed: int) -> list[Entry]:
    chance = random.Random(seed)
    now = time.time_ns() // 1000
    made = []
    for number in range(count):
        raw = message(number, size, chance)
        made.append(
            Entry(
                "device",
                f"link-{number % 64}",
                f"BENCH{number % 64}",
                f"B{number}",
                now,
                raw,
                raw[200 : 200 + payload],
                "PCD-01",
                message_type="ORU^R01^ORU_R01",
            )
        )
    return made


async def flood(intake: Intake, work: list[Entry], callers: int) -> dict[str, Any]:
    """Every caller waits for its answer before its next put, as a device does."""
    source = iter(work)
    delays: list[float] = []

    async def call() -> None:
        for entry in source:
            begun = time.perf_counter()
            await intake.put(entry)
            delays.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    cpu = time.process_time()
    await asyncio.gather(*(call() for _ in range(callers)))
    seconds = time.perf_counter() - begun
    return {
        "callers": callers,
        "puts_per_s": round(len(work) / seconds),
        "own_cpu_us_per_put": round((time.process_time() - cpu) / len(work) * 1e6, 1),
        **percentiles(delays),
    }


async def steady(intake: Intake, work: list[Entry], rate: int) -> dict[str, Any]:
    """Puts start at their own times whether or not earlier ones have been answered."""
    delays: list[float] = []
    begun = time.perf_counter()

    async def call(entry: Entry, due: float) -> None:
        await intake.put(entry)
        delays.append(time.perf_counter() - due)

    tasks = []
    for number, entry in enumerate(work):
        due = begun + number / rate
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(call(entry, due)))
    await asyncio.gather(*tasks)
    return {"rate_per_s": rate, **percentiles(delays)}


def percentiles(delays: list[float]) -> dict[str, float]:
    delays.sort()
    return {
        name: round(delays[min(int(len(delays) * share), len(delays) - 1)] * 1000, 2)
        for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99), ("max_ms", 1.0))
    }


def floor(folder: Path, work: list[Entry], batch: int) -> dict[str, Any]:
    begun = time.perf_counter()
    with (folder / "floor").open("wb", buffering=0) as file:
        for start in range(0, len(work), batch):
            file.write(b"".join(entry.raw for entry in work[start : start + batch]))
            os.fdatasync(file.fileno())
    return {"batch": batch, "puts_per_s": round(len(work) / (time.perf_counter() - begun))}


async def run(args: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp(prefix="wbbench-", dir=args.folder))
    clock = SystemClock()
    server = Embedded(folder, clock)
    machine = {"machine": f"{platform.machine()} {os.cpu_count()} cores", "python": platform.python_version()}
    try:
        await server.start()
        pool = await open_pool(server.dsn, size=6)
        await migrate(pool, rooms=("exchange",))
        flooded = entries(args.count, args.size, args.payload, 1)
        print(
            json.dumps(
                {
                    "bench": "intake",
                    "case": "floor: file, fdatasync per batch",
                    "bytes": len(flooded[0].raw),
                    **floor(folder, flooded, args.batch),
                    **machine,
                }
            ),
            flush=True,
        )
        intake = Intake(pool, clock, lanes=args.lanes, batch=args.batch)
        await flood(intake, entries(2000, args.size, args.payload, 3), 64)
        before = await pool.fetchrow("SELECT wal_bytes FROM pg_stat_wal")
        result = await flood(intake, [_named(entry, "F") for entry in flooded], args.callers)
        await asyncio.sleep(1.0)
        after = await pool.fetchrow("SELECT wal_bytes FROM pg_stat_wal")
        print(
            json.dumps(
                {
                    "bench": "intake",
                    "case": "flood",
                    "bytes": len(flooded[0].raw),
                    "fsync": "on",
                    "lanes": args.lanes,
                    "batch": args.batch,
                    "messages": args.count,
                    **result,
                    "wal_bytes_per_put": round(float(after[0] - before[0]) / args.count),
                    **machine,
                }
            ),
            flush=True,
        )
        work = [_named(entry, "S") for entry in flooded[: args.rate * args.seconds]]
        print(
            json.dumps(
                {
                    "bench": "intake",
                    "case": "steady",
                    "fsync": "on",
                    "messages": len(work),
                    **await steady(intake, work, args.rate),
                    **machine,
                }
            ),
            flush=True,
        )
        await intake.close()
        await pool.close()
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _named(entry: Entry, prefix: str) -> Entry:
    return Entry(
        entry.kind,
        entry.link,
        entry.sender,
        prefix + entry.control,
        entry.received,
        entry.raw,
        entry.payload,
        entry.profile,
        message_type=entry.message_type,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=40_000, help="messages of the flood")
    parser.add_argument("--size", type=int, default=5000, help="bytes of a message")
    parser.add_argument("--payload", type=int, default=2500, help="bytes of the decoded values stored beside it")
    parser.add_argument("--callers", type=int, default=1000, help="concurrent callers in the flood")
    parser.add_argument("--rate", type=int, default=1000, help="puts a second of the steady case")
    parser.add_argument("--seconds", type=int, default=20, help="length of the steady case")
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--folder", default=None, help="where the cluster goes (default: the temp folder)")
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
