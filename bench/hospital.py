"""A whole hospital in an empty database: what the joined questions of the equipment room are measured on.

15,000 machines of 800 models in 1,600 places, 6,000 of them heard on the wire, 3,000 on a patient now; 40,000 work
orders; 50,000 patients. Everything comes from one seed. Used by ``bench.equipment``; alone it fills a data folder:

python -m bench.hospital --data DIR [--devices 15000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bench.suite import suites

from wardbridge.app.parts import parts_of, shop_of
from wardbridge.app.serve import database
from wardbridge.core.clock import DAY, HOUR, SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.log import configure
from wardbridge.core.migrate import migrate
from wardbridge.core.settings import load
from wardbridge.devices import places
from wardbridge.equipment.advisories import parse
from wardbridge.equipment.advisories.load import load as load_advisories
from wardbridge.equipment.campaigns import watch
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.values import Asset, Interface, Model
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM

KINDS = (
    ("infusion pump", "therapy", 0.28), ("patient monitor", "monitoring", 0.22), ("syringe pump", "therapy", 0.16),
    ("ventilator", "life-support", 0.06), ("defibrillator", "life-support", 0.04), ("ultrasound", "imaging", 0.04),
    ("dialysis machine", "life-support", 0.03), ("CT scanner", "radiologic", 0.004), ("surgical laser", "laser", 0.006),
    ("blood gas analyser", "laboratory", 0.02), ("bed", "other", 0.14),
)  # fmt: skip
MAKERS = ("Philips", "BD", "Medtronic", "Baxter", "GE Healthcare", "Dräger", "Hillrom", "Siemens Healthineers",
          "Smiths Medical", "B. Braun", "Fresenius", "Mindray", "Northlight", "Halden", "Corvane")  # fmt: skip
WARDS, ROOMS = 80, 20
BATCH = 1000


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    devices: int = 15_000
    models: int = 800
    orders: int = 40_000
    patients: int = 50_000
    heard: int = 6_000
    bound: int = 3_000


async def fill(shop: Shop, size: Size, seed: int = 4) -> dict[str, float]:
    """Fill an empty, migrated database; seconds by part."""
    rng = np.random.default_rng(seed)
    took: dict[str, float] = {}
    for name, step in (("places", _places), ("models", _models), ("devices", _devices), ("wire", _wire),
                       ("orders", _orders)):  # fmt: skip
        began = time.perf_counter()
        await step(shop, size, rng)
        took[name] = round(time.perf_counter() - began, 1)
    await shop.pool.execute("ANALYZE")
    return took


async def _places(shop: Shop, size: Size, rng: np.random.Generator) -> None:
    async with shop.acting(SYSTEM) as conn:
        for ward in range(WARDS):
            for room in range(ROOMS):
                await places.ensure(shop.parts, conn, f"W{ward:02d}", f"{room:02d}", "1")


async def _models(shop: Shop, size: Size, rng: np.random.Generator) -> None:
    weights = np.array([kind[2] for kind in KINDS])
    found = []
    for n in range(size.models):
        kind, class_, _ = KINDS[int(rng.choice(len(KINDS), p=weights / weights.sum()))]
        found.append(
            Model(
                model_id=f"model-{n}", manufacturer=MAKERS[n % len(MAKERS)], name=f"{kind.split()[0].title()} {n}",
                kind=kind, class_=class_, di=(f"{9506000000000 + n:014d}",), storage="yes" if n % 3 else "no",
            )
        )  # fmt: skip
    async with shop.acting(SYSTEM) as conn:
        await desk.add_models(shop, conn, found)


async def _devices(shop: Shop, size: Size, rng: np.random.Generator) -> None:
    now = shop.clock.now()
    where = [place.place_id for place in await _beds(shop)]
    share = rng.zipf(1.4, size.devices) % size.models
    for start in range(0, size.devices, BATCH):
        assets = [
            Asset(
                device_id=f"d-{n}",
                model_id=f"model-{share[n]}",
                state="in-service",
                state_since=now,
                created=now,
                tag=f"ME-{n:06d}",
                serial=f"S{n:07d}",
                place_id=where[int(rng.integers(len(where)))],
                firmware=f"{1 + n % 4}.{n % 10}",
                di=f"{9506000000000 + share[n]:014d}",
                criticality=("life-support", "high", "medium", "low")[int(rng.integers(4))],
            )
            for n in range(start, min(start + BATCH, size.devices))
        ]
        network = [
            Interface(
                interface_id=f"i-{one.device_id}", device_id=one.device_id, mac=_mac(n), vlan=100 + n % 40,
                ip=f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}", switch=f"sw-{n % 120:03d}",
                port=f"Gi1/0/{n % 48}", zone=f"zone-{n % 12}",
            )
            for n, one in enumerate(assets, start) if n % 2 == 0
        ]  # fmt: skip
        async with shop.acting(SYSTEM) as conn:
            await desk.add(shop, conn, assets)
            await desk.connect(shop, conn, network)


def _mac(n: int) -> str:
    text = f"{0x02A17C000000 + n:012x}"
    return ":".join(text[at : at + 2] for at in range(0, 12, 2))


async def _beds(shop: Shop) -> list[Any]:
    from wardbridge.devices.store import places as store

    return [place for place in await store.every(shop.pool) if place.bed]


async def _wire(shop: Shop, size: Size, rng: np.random.Generator) -> None:
    """Machines that speak, and the patients whom they are on; each had ten patients before."""
    now = shop.clock.now()
    async with shop.acting(SYSTEM) as conn:
        await conn.execute(
            """INSERT INTO bound_patient (patient_id, family, mrn)
               SELECT 'pat-' || n, 'Family ' || n, 'M' || n FROM generate_series(1, $1) n""", size.patients,
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO device (device_id, key, link, state, first_seen)
               SELECT 'd-' || n, 'key-' || n, 'mllp', 'accepted', $2::bigint FROM generate_series(0, $1 - 1) n""",
            size.heard, now - 90 * DAY,
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO device_state (device_id, link, last_seen)
               SELECT 'd-' || n, 'mllp', $2::bigint - (n % 7) * 30000000 FROM generate_series(0, $1 - 1) n""",
            size.heard, now,
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO binding (device_id, start, stop, patient_id, place_id, source)
               SELECT 'd-' || n, $2::bigint - (b + 1) * $4::bigint,
                      CASE b WHEN 0 THEN NULL ELSE $2::bigint - b * $4::bigint END,
                      CASE WHEN b = 0 AND n >= $3 THEN NULL ELSE 'pat-' || (1 + (n * 11 + b) % $5) END,
                      a.place_id, 'rule'
               FROM generate_series(0, $1 - 1) n CROSS JOIN generate_series(0, 10) b
               JOIN asset a ON a.device_id = 'd-' || n""",
            size.heard, now, size.bound, 30 * HOUR, size.patients,
        )  # fmt: skip


async def _orders(shop: Shop, size: Size, rng: np.random.Generator) -> None:
    """A year of work: one in ten is open still."""
    now = shop.clock.now()
    async with shop.acting(SYSTEM) as conn:
        await conn.execute(
            """INSERT INTO work (work_id, device_id, kind, name, text, state, priority, due, reported_by, reported_at,
                                 done_by, done_at, resolution, request_id, task_id, source, source_id)
               SELECT 'w-' || n, 'd-' || (n * 7919 % $2), CASE WHEN n % 3 = 0 THEN 'fault' ELSE 'maintenance' END,
                      'Order ' || n, 'Order ' || n, CASE WHEN n % 10 = 0 THEN 'open' ELSE 'resolved' END, 'routine',
                      CASE WHEN n % 3 = 0 THEN NULL ELSE $3::bigint - n % 365 * $4::bigint + 40 * $4::bigint END,
                      'bench', $3::bigint - n % 365 * $4::bigint, CASE WHEN n % 10 = 0 THEN '' ELSE 'bench' END,
                      CASE WHEN n % 10 = 0 THEN NULL ELSE $3::bigint - n % 365 * $4::bigint + $4::bigint / 2 END,
                      CASE WHEN n % 10 = 0 THEN '' ELSE 'done' END, 'r-' || n, 't-' || n, 'schedule', 'bench-' || n
               FROM generate_series(0, $1 - 1) n""",
            size.orders, size.devices, now, DAY,
        )  # fmt: skip


async def advise(shop: Shop, folder: Path) -> dict[str, float]:
    """Load the advisories of the suites (ICSMA, KEV) and match them; seconds by part, empty where they are absent."""
    paths = [folder / name for name in ("icsma", "kev") if (folder / name).is_dir()]
    if not paths:
        return {}
    began = time.perf_counter()
    await load_advisories(shop, parse.of_paths(paths), SYSTEM)
    loaded = time.perf_counter()
    await watch.update(shop, SYSTEM)
    return {"advisories": round(loaded - began, 1), "match": round(time.perf_counter() - loaded, 1)}


async def run(folder: Path, size: Size, suites: Path) -> dict[str, float]:
    """Fill the database of a data folder. Times in seconds."""
    configure("warning")
    settings, clock = load({}, data=folder), SystemClock()
    async with database(settings, clock) as dsn:
        pool = await open_pool(dsn, size=4)
        try:
            await migrate(pool)
            parts = await parts_of(settings, pool, clock)
            shop = shop_of(settings, pool, parts)
            return await fill(shop, size) | await advise(shop, suites)
        finally:
            await pool.close()


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path, required=True)
    words.add_argument("--devices", type=int, default=15_000)
    said = words.parse_args()
    took = asyncio.run(run(said.data, Size(devices=said.devices), suites()))
    print(json.dumps({"bench": "hospital", "devices": said.devices, "seconds": took}))


if __name__ == "__main__":
    main()
