"""Maintenance of a large hospital: lists, planning board, key figures and the schedule's tick at 40,000 orders.

python -m bench.maintenance [--machines 15000] [--orders 40000]

Rows are written by SQL (the FHIR side of a write is measured by ``written``); every answer is asked for seven times
and the median is told in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any
from zoneinfo import ZoneInfo

from bench.machine import machine
from bench.scratch import with_pool

from wardbridge.core.clock import DAY, SystemClock
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import about, board, desk, schedules
from wardbridge.equipment.work.plans import Schedule
from wardbridge.equipment.work.store import figures, orders, planning
from wardbridge.equipment.work.store.orders import Filter
from wardbridge.fhir.store.record import Record
from wardbridge.security.principal import SYSTEM

MODELS = 300


async def fill(shop: Shop, machines: int, count: int, now: int) -> None:
    """Machines of 300 models, and a year of orders on them: two thirds planned work, most of it done."""
    async with shop.acting(SYSTEM, "bench") as conn:
        await conn.execute(
            """INSERT INTO place (place_id, ward, room, bed, label, location_id)
               SELECT 'p' || n, 'W' || n % 60, 'R' || n, 'B' || n, 'W' || n % 60 || ' ' || n, 'l' || n
               FROM generate_series(1, 1200) n"""
        )
        await conn.execute(
            "INSERT INTO model (model_id, manufacturer, name) SELECT 'm' || n, 'Maker ' || n % 40, 'Model ' || n "
            "FROM generate_series(0, $1 - 1) n",
            MODELS,
        )
        await conn.execute(
            """INSERT INTO asset (device_id, model_id, tag, serial, state, state_since, criticality, place_id,
                                  installed, created)
               SELECT 'd' || n, 'm' || n % $2, 'A-' || n, 'S-' || n, 'in-service', $3,
                      (ARRAY['life-support', 'high', 'medium', 'low'])[1 + n % 4], 'p' || 1 + n % 1200,
                      $3 - (n % 360)::bigint * 86400000000 - 86400000000, $3 FROM generate_series(1, $1) n""",
            machines,
            MODELS,
            now,
        )
        await conn.execute(
            """INSERT INTO work (work_id, device_id, kind, name, text, state, reported_by, reported_at, request_id,
                                 task_id, due, planned, done_at, done_by, person_id, person, priority)
               SELECT 'w' || n, 'd' || 1 + n * 7919 % $2, k, 'Order ' || n, 'Words about ' || n, s, 'bench', at,
                      'r' || n, 't' || n, CASE WHEN k <> 'fault' THEN at + 20 * 86400000000 END,
                      CASE WHEN s = 'open' AND n % 3 = 0 THEN $3 + (n % 28)::bigint * 86400000000 END,
                      CASE WHEN s = 'resolved' THEN least(at + (n % 30)::bigint * 86400000000, $3) END, 'b',
                      'person-' || n % 12, 'Person ' || n % 12, CASE WHEN n % 9 = 0 THEN 'urgent' ELSE 'routine' END
               FROM generate_series(1, $1) n,
                    LATERAL (SELECT $3 - (n * 31 % 365)::bigint * 86400000000 AS at,
                             (ARRAY['fault', 'maintenance', 'inspection'])[1 + n % 3] AS k,
                             CASE WHEN n % 10 = 0 THEN 'open' ELSE 'resolved' END AS s) x""",
            count,
            machines,
            now,
        )
        await conn.execute(
            """INSERT INTO downtime (downtime_id, device_id, work_id, start, source, by)
               SELECT 'x' || work_id, device_id, work_id, reported_at, 'fault', 'bench' FROM work
               WHERE kind = 'fault'"""
        )
    await shop.pool.execute("ANALYZE")


async def median(ask: Callable[[], Awaitable[Any]]) -> float:
    """Milliseconds."""
    spent = []
    for _ in range(7):
        begin = time.perf_counter()
        await ask()
        spent.append(time.perf_counter() - begin)
    return round(statistics.median(spent) * 1000, 1)


async def measured(pool: Any, machines: int, count: int) -> dict[str, float]:
    clock = SystemClock()
    record = Record(pool, clock)
    await record.load()
    shop = Shop(pool, Parts(FhirRecord(record), clock), "http://bench")
    now = clock.now()
    await fill(shop, machines, count, now)
    across = board.weeks(now, ZoneInfo("Europe/Berlin"), 4)
    year = now - 365 * DAY
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        "list": lambda: orders.find(pool, Filter(state="unfinished"), now),
        "list_overdue_of_a_ward": lambda: orders.find(pool, Filter(state="overdue", ward="W7"), now),
        "list_last_page": lambda: orders.find(pool, Filter(), now, skip=count - 50),
        "list_by_text": lambda: orders.find(pool, Filter(text="A-77"), now),
        "board": lambda: planning.planned(pool, across[0].start, across[-1].stop),
        "completion": lambda: figures.completion(pool, year, now, "Europe/Berlin"),
        "reliability": lambda: figures.reliability(pool, year, now),
        "ages": lambda: figures.ages(pool, now),
        "machine": lambda: about.about(shop, "d77", "m77"),
    }
    found = {f"{name}_ms": await median(ask) for name, ask in asked.items()}
    async with shop.acting(SYSTEM) as conn:
        for model in range(MODELS):
            await schedules.put(shop, conn, Schedule(schedule_id=f"s{model}", name="Yearly", model_id=f"m{model}",
                                                     months=12, meter="use", every=2000.0))  # fmt: skip
    begin = time.perf_counter()
    written = await schedules.tick(shop)
    spent = time.perf_counter() - begin
    found |= {
        "orders_written": written,
        "first_tick_s": round(spent, 1),
        "tick_ms": await median(lambda: schedules.tick(shop)),
    }

    async def campaign(name: str) -> float:
        wanted = [desk.Order(kind="recall", name=name, device_id=f"d{n}", source="recall", source_id=name)
                  for n in range(1, 1001)]  # fmt: skip
        begin = time.perf_counter()
        async with shop.acting(SYSTEM) as conn:
            await desk.order_all(shop, conn, wanted, SYSTEM)
        return round(time.perf_counter() - begin, 2)

    found["order_1000_s"] = await campaign("Z-1")
    found["order_1000_again_s"] = await campaign("Z-1")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=15_000)
    parser.add_argument("--orders", type=int, default=40_000)
    given = parser.parse_args()
    found = with_pool(lambda pool: measured(pool, given.machines, given.orders))
    about_it = {"bench": "maintenance", "machines": given.machines, "orders": given.orders}
    print(json.dumps({**about_it, **found, "machine": machine()}))


if __name__ == "__main__":
    main()
