"""The bench of a large hospital: a tablet's synchronisation, the stock list and costs at 40,000 orders.

python -m bench.technician [--machines 15000] [--orders 40000] [--movements 200000]

Rows are written by SQL; every answer is asked for seven times and the median is told in milliseconds. ``hour_s`` is
what 60 operations of an hour offline take to be applied, each in its own transaction with its FHIR resources.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from bench.machine import machine
from bench.maintenance import fill, median
from bench.scratch import with_pool

from wardbridge.core.clock import DAY, SystemClock
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.equipment.bench import about, costs, delta, downtime, protocol, sync
from wardbridge.equipment.bench.store import stock
from wardbridge.equipment.shop import Shop
from wardbridge.fhir.store.record import Record
from wardbridge.security.principal import SYSTEM, Principal

PARTS, STORES = 5000, 5
ME = Principal("person-4", "Person 4", "user", frozenset({"technician"}))


async def spend(shop: Shop, movements: int, now: int) -> None:
    """Parts in five stores, a ledger, and the labour of every order."""
    async with shop.acting(SYSTEM, "bench") as conn:
        await conn.execute(
            """INSERT INTO part (part_id, number, name, price, currency)
               SELECT 'p' || n, 'N-' || n, 'Part ' || n, n % 90 + 1, 'EUR' FROM generate_series(0, $1 - 1) n""",
            PARTS,
        )
        await conn.execute(
            "INSERT INTO stock_store (store_id, name) SELECT 's' || n, 'Store ' || n FROM generate_series(0, $1 - 1) n",
            STORES,
        )
        await conn.execute(
            """INSERT INTO stock_level (part_id, store_id, minimum, target)
               SELECT 'p' || n, 's' || n % $2, 5, 20 FROM generate_series(0, $1 - 1) n""",
            PARTS, STORES,
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO stock_movement (movement_id, part_id, store_id, kind, quantity, price, currency, work_id,
                                           device_id, at, by_id, by)
               SELECT 'm' || n, 'p' || n % $2, 's' || (n % $2) % $3,
                      CASE WHEN n % 3 = 0 THEN 'receive' ELSE 'issue' END,
                      CASE WHEN n % 3 = 0 THEN 3 ELSE -1 END, n % 90 + 1, 'EUR',
                      CASE WHEN n % 3 = 0 THEN NULL ELSE w.work_id END,
                      CASE WHEN n % 3 = 0 THEN '' ELSE w.device_id END,
                      $4 - (n % 365)::bigint * 86400000000, 'bench', 'bench'
               FROM generate_series(1, $1) n JOIN work w ON w.work_id = 'w' || 1 + n % (SELECT count(*) FROM work)""",
            movements, PARTS, STORES, now,
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO labour (labour_id, work_id, device_id, person_id, display, minutes, rate, currency, started,
                                   at)
               SELECT 'l' || work_id, work_id, device_id, 'b', 'b', 45, 60, 'EUR', reported_at, reported_at FROM work"""
        )
    await shop.pool.execute("ANALYZE")


def request(operations: list[dict[str, Any]], **held: Any) -> protocol.Request:
    sent = {"person": ME.id, "tablet": "t", "clock": time.time_ns() // 1_000_000, "operations": operations} | held
    return protocol.request(msgspec.json.encode(sent))


async def measured(pool: Any, machines: int, orders: int, movements: int) -> dict[str, float]:
    clock = SystemClock()
    record = Record(pool, clock)
    await record.load()
    shop = Shop(pool, Parts(FhirRecord(record), clock), "http://bench")
    now = clock.now()
    await fill(shop, machines, orders, now)
    await spend(shop, movements, now)
    first = await delta.delta(shop, request([], machines={}, parts=""), ME.id)
    have = {one["id"]: one["mark"] for one in first["changed"]}
    year = now - 365 * DAY
    asked: dict[str, Callable[[], Awaitable[Any]]] = {
        "delta_first": lambda: delta.delta(shop, request([]), ME.id),
        "delta_nothing_new": lambda: delta.delta(shop, request([], have=have), ME.id),
        "delta_with_machines_and_parts": lambda: delta.delta(shop, request([], machines={}, parts=""), ME.id),
        "stock_list": lambda: stock.shelves(pool, limit=51),
        "stock_to_order": lambda: stock.shelves(pool, wanting=True, limit=51),
        "costs_by_device": lambda: costs.costs(pool, None, year, now, by="device", limit=51),
        "costs_by_model": lambda: costs.costs(pool, None, year, now, by="model", limit=51),
        "costs_of_one_machine": lambda: costs.costs(pool, ["d77"], year, now),
        "downtime_of_all": lambda: downtime.downtime(pool, None, year, now),
        "panel_of_an_order": lambda: about.about(shop, "w77"),
    }
    found = {f"{name}_ms": await median(ask) for name, ask in asked.items()}
    works = [one["id"] for one in first["changed"]][:20]
    at = clock.now() // 1000
    operations = [
        {"id": f"op-{n}", "person": ME.id, "counter": n, "at": at, "kind": kind, "work": works[n % len(works)],
         "body": body}
        for n, (kind, body) in enumerate(
            [("take", {}), ("note", {"text": "n"}), ("labour", {"minutes": 5})] * 20, 1
        )
    ]  # fmt: skip
    begin = time.perf_counter()
    answers = await sync.receive(shop, request(operations), ME)
    found |= {
        "orders_on_the_tablet": len(first["changed"]),
        "hour_operations": len(answers),
        "hour_s": round(time.perf_counter() - begin, 2),
        "hour_again_s": 0.0,
    }
    begin = time.perf_counter()
    again = await sync.receive(shop, request(operations), ME)
    found["hour_again_s"] = round(time.perf_counter() - begin, 2)
    assert {one.state for one in again} == {"already"}
    return found


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--machines", type=int, default=15_000)
    words.add_argument("--orders", type=int, default=40_000)
    words.add_argument("--movements", type=int, default=200_000)
    chosen = words.parse_args()
    found = with_pool(lambda pool: measured(pool, chosen.machines, chosen.orders, chosen.movements))
    print(json.dumps({"machine": machine(), "bench": "technician"} | vars(chosen) | found))


if __name__ == "__main__":
    main()
