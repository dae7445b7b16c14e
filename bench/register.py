"""A list of machines into the register and out again: seconds, of which the first aim is under 30 for 15,000.

python -m bench.register [--machines 15000]
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from bench.machine import machine
from bench.scratch import with_pool

from wardbridge.core.clock import SystemClock
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.equipment.register.discovery import desk as discovery
from wardbridge.equipment.register.discovery.values import Export, Sighting
from wardbridge.equipment.register.duplicates import desk as duplicates
from wardbridge.equipment.register.lists import dump, load
from wardbridge.equipment.shop import Shop
from wardbridge.fhir.store.record import Record
from wardbridge.security.principal import SYSTEM

HEAD = ("Asset Number,Manufacturer,Model,Serial Number,UDI,Name,Ward,Room,Bed,Department,Firmware,Bought,Warranty Ends,"
        "Price,Currency,MAC,IP,VLAN,Switch,Switch Port")  # fmt: skip


def rows(count: int) -> bytes:
    """So many machines of 300 models in 60 wards."""
    lines = [HEAD]
    for n in range(count):
        model, ward = n % 300, n % 60
        mac = ":".join(f"{part:02x}" for part in (0, 0x11, n >> 24 & 255, n >> 16 & 255, n >> 8 & 255, n & 255))
        lines.append(
            f"A-{n},Maker {model % 40},Model {model},S{n},(01)0950600011{model:03}1(21)S{n},Machine {n},W{ward},"
            f"R{n % 20},B{n % 4},Dept {ward},{model % 7}.{n % 3},2021-03-04,2028-03-04,{1000 + n}.50,EUR,{mac},"
            f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255},{1 + n % 200},sw-{ward},Gi1/0/{n % 48}"
        )
    return ("\n".join(lines) + "\n").encode()


async def measured(pool: Any, count: int) -> dict[str, float]:
    """Seconds of each step."""
    clock = SystemClock()
    record = Record(pool, clock)
    await record.load()
    shop = Shop(pool, Parts(FhirRecord(record), clock), "http://bench")
    found: dict[str, float] = {}
    last = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal last
        now = time.perf_counter()
        found[name] = round(now - last, 2)
        last = time.perf_counter()

    data = rows(count)
    last = time.perf_counter()
    file = load.parsed(data, clock.now())
    lap("read_s")
    plan = await load.preview(shop, pool, file)
    lap("preview_s")
    async with shop.acting(SYSTEM, "bench") as conn:
        done = await load.apply(shop, conn, file, SYSTEM, expected=plan.digest)
    assert len(done.created) == count, done.refused[:3]
    lap("import_s")
    async with shop.acting(SYSTEM, "bench") as conn:
        again = await load.apply(shop, conn, file, SYSTEM)
    assert again.empty
    assert again.unchanged == count
    lap("import_again_s")
    twins = await duplicates.candidates(shop)
    lap("duplicates_s")
    assert not twins
    seen = [
        Sighting(mac=f"00:12:00:00:{n >> 8:02x}:{n & 255:02x}", ip=f"10.99.{n >> 8}.{n & 255}") for n in range(15_000)
    ]
    last = time.perf_counter()
    async with shop.acting(SYSTEM, "bench") as conn:
        await discovery.take(shop, conn, Export(kind="dhcp", sightings=tuple(seen)))
    lap("discovery_15000_s")
    text = "".join(await dump.csv(pool)).encode()
    lap("export_csv_s")
    book = await dump.xlsx(pool)
    lap("export_xlsx_s")
    for name, content in (("csv", text), ("xlsx", book)):
        back = await load.preview(shop, pool, load.parsed(content, clock.now()))
        assert back.empty
        assert back.unchanged == count
        lap(f"read_back_{name}_s")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--machines", type=int, default=15_000)
    options = parser.parse_args()
    found = with_pool(lambda pool: measured(pool, options.machines))
    print(json.dumps({"bench": "register", "machines": options.machines, **found, "machine": machine()}))


if __name__ == "__main__":
    main()
