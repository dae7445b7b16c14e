"""Pages of the equipment room over HTTP on a whole hospital.

python -m bench.equipment [--data DIR] [--devices 15000] [--rounds 40]

Fills a new data folder (``bench.hospital``; a filled one is taken as it is), serves it and asks as a signed-in
technician. One JSON line a page: milliseconds at the median, p95 and the slowest. The joined questions and the full
re-match are measured by ``bench.advisories``, ``bench.cyber``, ``bench.changes`` and ``bench.maintenance``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from bench.machine import machine
from bench.suite import suites
from tests.app.people import browser
from tests.app.served import served

from bench import hospital

PAGES = {
    "home": "/equipment",
    "fleet": "/equipment/devices",
    "fleet, text": "/equipment/devices?text=pump",
    "fleet, overdue": "/equipment/devices?due=overdue&sort=due",
    "fleet, in use in a ward": "/equipment/devices?ward=W07&use=in-use",
    "fleet, map": "/equipment/devices?view=map",
    "device": "/equipment/devices/d-5",
    "device in use": "/equipment/devices/d-42",
    "campaigns": "/equipment/campaigns",
    "advisories": "/equipment/advisories",
    "vulnerabilities": "/equipment/cyber",
    "work orders": "/equipment/work",
    "planning board": "/equipment/planning",
    "network": "/equipment/network",
    "overview": "/equipment/executive",
}


def shares(took: list[float]) -> dict[str, float]:
    """Milliseconds at the median, p95 and the slowest."""
    took = sorted(took)
    pick = {"p50": 0.5, "p95": 0.95, "max": 1.0}
    return {name: round(took[min(int(len(took) * part), len(took) - 1)] * 1000, 1) for name, part in pick.items()}


def timed(ask: Callable[[], object], rounds: int) -> list[float]:
    """Seconds of each round, after one that warms up."""
    ask()
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return took


def page(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)


def run(folder: Path, args: argparse.Namespace) -> None:
    if not folder.exists():
        took = asyncio.run(hospital.run(folder, hospital.Size(devices=args.devices), suites()))
        print(json.dumps({"bench": "equipment.fill", "seconds": took}), flush=True)
    with served(folder) as server:
        client = browser(server, "technician")
        for name, path in PAGES.items():
            row = shares(timed(lambda path=path: page(client, path), args.rounds))
            print(json.dumps({"bench": f"equipment.page {name}", **row}), flush=True)
    print(json.dumps({"bench": "equipment", "devices": args.devices, "machine": machine()}), flush=True)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path)
    words.add_argument("--devices", type=int, default=15_000)
    words.add_argument("--rounds", type=int, default=40)
    args = words.parse_args()
    if args.data:
        run(args.data, args)
        return
    with tempfile.TemporaryDirectory(prefix="wbb-") as name:
        run(Path(name) / "data", args)


if __name__ == "__main__":
    main()
