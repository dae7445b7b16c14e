"""Messages a second through the pipeline (samples, state, chart, cursor), fsync on, on an own PostgreSQL.

``python -m bench.pipeline --help``. One row as JSON: a flood of PCD-01-sized batches that already lie in the
intake log, from accepted devices with a patient each; a second row: the 12-bed demo's traffic (30 numerics
and 5 waveforms a second and bed) as a share of one core. ``cpu`` is this process; PostgreSQL is beside it.
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from wardbridge.core.clock import SECOND, SystemClock
from wardbridge.core.db import open_pool, transaction
from wardbridge.core.ids import counted_ids
from wardbridge.core.log import configure
from wardbridge.core.migrate import migrate
from wardbridge.core.postgres import Embedded
from wardbridge.devices import fleet, places
from wardbridge.devices.adt import Told
from wardbridge.devices.fleet import Expected
from wardbridge.devices.people import Details
from wardbridge.devices.pipeline.batch import Sinks
from wardbridge.devices.pipeline.pipeline import Pipeline
from wardbridge.devices.pipeline.sink import as_entry
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.devices.values import Batch, Identity, Reading, SubjectHint, Waveform
from wardbridge.exchange.intake.entry import Entry, Row
from wardbridge.exchange.intake.log import Intake
from wardbridge.fhir.store.record import Record
from wardbridge.terminology import mdc

WAVES = (131330, 150452, 150032, 151780, 151712)
_told = msgspec.msgpack.Decoder(Told)


def told(row: Row) -> Sequence[Told]:
    return (_told.decode(row.payload),)


def metrics(count: int) -> list[Any]:
    found = [t for t in mdc.nomenclature() if t.kind == "metric" and mdc.loinc(t.code)]
    return (found * (count // len(found) + 1))[:count]


def batch(device: int, number: int, at: int, terms: list[Any], waves: int, chance: random.Random) -> Batch:
    key = f"00304700000{device:05d}"
    values: list[Any] = [
        Identity(key, manufacturer="Bench", model="M1", serial=str(device), type_code=69965),
        SubjectHint((f"HIS|{device}",)),
    ]
    for place, term in enumerate(terms):
        number_ = chance.gauss(80, 9)
        values.append(
            Reading(
                f"69965/69966/{place}/{term.code}",
                term.code,
                term.refid,
                f"{number_:.1f}",
                number_,
                term.ucum,
                term.ucum,
                at,
            )
        )
    values += [
        Waveform(f"w/{wave}", WAVES[wave % 5], "", at, 4000.0, chance.randbytes(500), 0.01) for wave in range(waves)
    ]
    return Batch("bench", key, at, tuple(values), b"%d" % number, key, str(number), "PCD-01")


async def prepare(pool: Any, devices: int) -> tuple[Pipeline, Intake]:
    clock = SystemClock()
    record = Record(pool, clock, counted_ids("r"))
    await record.load()
    parts = Parts(FhirRecord(record), clock)
    intake = Intake(pool, clock)
    async with transaction(pool) as conn:
        beds = [await places.ensure(parts, conn, "ICU", "", str(n)) for n in range(devices)]
        await fleet.register(
            conn,
            [Expected(f"00304700000{n:05d}", place_id=bed.place_id) for n, bed in enumerate(beds) if bed],
            by="bench",
            at=clock.now(),
        )
    for n in range(devices):
        event = Told(
            "A01",
            Details((f"HIS|{n}",), "Bench", str(n)),
            clock.now() - 3600 * SECOND,
            clock.now(),
            f"V{n}",
            f"ICU^^{n}",
        )
        await intake.put(Entry("adt", "his", "HIS", f"a{n}", clock.now(), b"adt%d" % n, msgspec.msgpack.encode(event)))
    pipeline = Pipeline(pool, parts, Sinks(adt=told))
    while await pipeline.step():
        pass
    return pipeline, intake


async def fill(intake: Intake, batches: Sequence[Batch]) -> None:
    for start in range(0, len(batches), 500):
        await asyncio.gather(*(intake.put(as_entry(one)) for one in batches[start : start + 500]))


def database_cpu(folder: Path) -> float:
    """CPU seconds of PostgreSQL and all its processes so far."""
    pids = list(folder.rglob("postmaster.pid"))
    if not pids:
        return 0.0
    lead = int(pids[0].read_text().split()[0])
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == lead:
            ticks += sum(int(fields[n]) for n in (11, 12, 13, 14))
        elif int(fields[1]) == lead:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


async def drain(pipeline: Pipeline) -> tuple[int, float, float]:
    done, wall, cpu = 0, time.perf_counter(), time.process_time()
    while step := await pipeline.step():
        done += step
    return done, time.perf_counter() - wall, time.process_time() - cpu


async def run(args: argparse.Namespace) -> None:
    configure("warning")
    folder = Path(tempfile.mkdtemp(prefix="wbb-"))
    server = Embedded(folder, SystemClock())
    chance = random.Random(args.seed)
    terms = metrics(args.values)
    try:
        await server.start()
        pool = await open_pool(server.dsn, size=8)
        await migrate(pool)
        pipeline, intake = await prepare(pool, args.devices)
        start = SystemClock().now()
        warm = [batch(n, n, start, terms, 0, chance) for n in range(args.devices)]
        await fill(intake, warm)
        await drain(pipeline)
        flood = [
            batch(n % args.devices, 1000 + n, start + (n // args.devices + 1) * SECOND, terms, 0, chance)
            for n in range(args.messages)
        ]
        await fill(intake, flood)
        before = database_cpu(folder)
        done, wall, cpu = await drain(pipeline)
        database = database_cpu(folder) - before
        print(
            json.dumps(
                {
                    "bench": "pipeline.flood",
                    "messages": done,
                    "values": done * args.values,
                    "devices": args.devices,
                    "messages_per_s": round(done / wall),
                    "messages_per_cpu_s": round(done / cpu),
                    "seconds": round(wall, 2),
                    "cpu_seconds": round(cpu, 2),
                    "database_cpu_seconds": round(database, 2),
                    "load_before": os.getloadavg()[0],
                    "charted": pipeline.counts["charted"],
                    "machine": machine(),
                }
            )
        )
        later = start + 10_000 * SECOND
        beds = [
            batch(n % 12, 100_000 + n, later + n // 12 * SECOND, terms, 5, chance) for n in range(12 * args.seconds)
        ]
        # As it comes: one batch a second of time, so that grouping is not flattered.
        wall = cpu = 0.0
        before = database_cpu(folder)
        for second in range(args.seconds):
            await fill(intake, beds[second * 12 : second * 12 + 12])
            _, w, c = await drain(pipeline)
            wall, cpu = wall + w, cpu + c
        print(
            json.dumps(
                {
                    "bench": "pipeline.demo",
                    "beds": 12,
                    "seconds": args.seconds,
                    "numerics_per_s": 12 * args.values,
                    "samples_per_s": 12 * 5 * 250,
                    "core_percent": round(100 * cpu / args.seconds, 1),
                    "database_core_percent": round(100 * (database_cpu(folder) - before) / args.seconds, 1),
                    "busy_percent_with_database": round(100 * wall / args.seconds, 1),
                    "machine": machine(),
                }
            )
        )
        await intake.close()
        await pool.close()
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, python {platform.python_version()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--values", type=int, default=30)
    parser.add_argument("--seconds", type=int, default=60, help="seconds of demo traffic")
    parser.add_argument("--seed", type=int, default=1)
    uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
