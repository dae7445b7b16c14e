"""Joint changes and the network on a whole hospital: what a failing switch means, a round of patches, flow records.

python -m bench.changes [--devices 15000] [--rounds 20] [--flows 50000]

Fills a new database (``bench.hospital``), then measures in one process over one connection pool. One JSON line a
question: milliseconds at the median and the slowest.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench.machine import machine

from bench import hospital
from wardbridge.app.parts import parts_of, shop_of
from wardbridge.app.serve import database
from wardbridge.core.clock import DAY, SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.log import configure
from wardbridge.core.migrate import migrate
from wardbridge.core.settings import load
from wardbridge.equipment.changes import desk
from wardbridge.equipment.changes.behaviour import desk as behaviour
from wardbridge.equipment.changes.effect import store as switches
from wardbridge.equipment.changes.effect.effect import effect, silent_together
from wardbridge.equipment.changes.network import desk as network
from wardbridge.equipment.changes.network import store as links
from wardbridge.equipment.changes.patches import desk as patches
from wardbridge.equipment.changes.patches import follow
from wardbridge.equipment.changes.patches import store as items
from wardbridge.equipment.changes.patches.values import Window
from wardbridge.equipment.changes.values import Hazard, Patch, RiskFile
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

TECHNICIAN = Principal("t", "Technician", "user", frozenset({"technician"}))
OPERATOR = Principal("o", "Operator", "user", frozenset({"operator"}))


async def timed(name: str, ask: Callable[[], Awaitable[Any]], rounds: int) -> None:
    """One line for a question that is asked ``rounds`` times after one that warms up."""
    await ask()
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    row = {"p50": round(took[len(took) // 2], 1), "max": round(took[-1], 1)}
    print(json.dumps({"bench": f"changes.{name}", **row}), flush=True)


async def once(name: str, work: Awaitable[Any], **more: Any) -> Any:
    """One line for something that is done once."""
    began = time.perf_counter()
    found = await work
    print(
        json.dumps({"bench": f"changes.{name}", "ms": round((time.perf_counter() - began) * 1000, 1), **more}),
        flush=True,
    )
    return found


async def measure(shop: Shop, rounds: int, flows: int) -> None:
    now, pool = shop.clock.now(), shop.pool
    await timed("effect of a switch", lambda: effect(pool, now, switch="sw-002"), rounds)
    await timed("effect of a zone", lambda: effect(pool, now, zone="zone-2"), rounds)
    await timed("switches by machines in use", lambda: switches.switches(pool), rounds)
    await timed("silent together", lambda: silent_together(pool, now), rounds)
    model = await pool.fetchval("SELECT model_id FROM asset GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
    change_id = await once("plan a patch of the largest model", _patch(shop, model))
    waiting = [one.device_id for one in await items.items(pool, change_id)]
    await timed(f"how {len(waiting)} machines stand", lambda: items.situations(pool, waiting, now), rounds)
    await once("first round: who is free", follow.follow(shop), machines=len(waiting))
    await timed("a round without news", lambda: follow.follow(shop), rounds)
    text = "ts,src,dst,dst_port,proto\n" + "".join(
        f"{now // 1_000_000 - n % 3600},10.0.{n % 15000 >> 8}.{n % 256},10.200.0.{n % 7},{(443, 2575, 53)[n % 3]},tcp\n"
        for n in range(flows)
    )
    found = await once("read flow records", _flows(shop, text), flows=flows)
    await once("judge new links", behaviour.follow(shop), links=found.links)
    await timed("models on the network", lambda: links.groups(pool), min(rounds, 5))


async def _patch(shop: Shop, model: str) -> str:
    now = shop.clock.now()
    hazard = Hazard(property="safety", cause="c", situation="s", harm="h", severity=2, probability=2, severity_after=2,
                    probability_after=2)  # fmt: skip
    file = RiskFile(title="Patch", purpose="p", models=(model,), hazards=(hazard,), rollback="r", tests="t",
                    considered={"security": "x", "effectiveness": "x"}, communication="c", start=now, stop=now + DAY,
                    patch=Patch(model_id=model, version="99.9"))  # fmt: skip
    async with shop.acting(TECHNICIAN) as conn:
        change = await patches.plan(shop, conn, file, TECHNICIAN)
        await desk.move(shop, conn, change.change_id, "assess", TECHNICIAN)
        await desk.sign(shop, conn, change.change_id, "biomed", TECHNICIAN)
        await desk.sign(shop, conn, change.change_id, "it", OPERATOR)
        await desk.move(shop, conn, change.change_id, "schedule", OPERATOR)
        await patches.set_window(shop, conn, Window(window_id="", start=now, stop=now + DAY))
    return change.change_id


async def _flows(shop: Shop, text: str) -> network.Outcome:
    async with shop.acting(OPERATOR) as conn:
        return await network.take(shop, conn, "flows.csv", text.encode(), OPERATOR)


async def run(folder: Path, args: argparse.Namespace) -> None:
    configure("warning")
    settings, clock = load({}, data=folder), SystemClock()
    async with database(settings, clock) as dsn:
        pool = await open_pool(dsn, size=4)
        try:
            await migrate(pool)
            shop = shop_of(settings, pool, await parts_of(settings, pool, clock))
            share = args.devices / 15_000
            size = hospital.Size(
                devices=args.devices, models=max(int(800 * share), 20), orders=int(4000 * share),
                patients=int(50_000 * share), heard=int(6000 * share), bound=int(3000 * share),
            )  # fmt: skip
            await hospital.fill(shop, size)
            await measure(shop, args.rounds, args.flows)
        finally:
            await pool.close()


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--devices", type=int, default=15_000)
    words.add_argument("--rounds", type=int, default=20)
    words.add_argument("--flows", type=int, default=50_000)
    args = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="wbb-") as name:
        asyncio.run(run(Path(name) / "data", args))
    print(json.dumps({"bench": "changes", "devices": args.devices, "machine": machine()}), flush=True)


if __name__ == "__main__":
    main()
