"""How long the joined questions of cyber take: a full match, and a vulnerability to its machines, at a hospital's size.

python -m bench.cyber [--devices 15000] [--components 5000] [--cves 40000] [--runs 5]

Everything is made up (seed 1): models in proportion to the machines, each with firmware and a bill of materials out of
a common stock of packages, so that as many distinct components are in use as asked for; vulnerabilities over the same
names, three in ten of them AND-configurations of firmware and hardware. Prints one JSON object (seconds).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench.scratch import database

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.equipment.cyber.exposure import exposed_now, overview
from wardbridge.equipment.cyber.rematch import rematch
from wardbridge.equipment.cyber.store import flaws, sboms
from wardbridge.equipment.cyber.values import Body, Component, Leaf, Node, Package, Vulnerability, family
from wardbridge.equipment.cyber.versions import EVERY, Affects, Span
from wardbridge.equipment.shop import Shop
from wardbridge.fhir.store.record import Record
from wardbridge.security.principal import SYSTEM

PIECE = 2000


def flaw(number: int, packages: list[str], models: int, chance: random.Random) -> Vulnerability:
    """A vulnerability of a package, or of the firmware of a model on its hardware."""
    top = f"{chance.randint(1, 4)}.{chance.randint(0, 9)}"
    span = Affects((Span("", top),), "npm")
    if chance.random() < 0.3:
        model = chance.randrange(models * 20)
        body = Body(nodes=(Node("AND", nodes=(
            Node(leaves=(Leaf(f"cpe:2.3:o:maker:model_{model}_firmware:*:*:*:*:*:*:*:*", span),)),
            Node(leaves=(Leaf(f"cpe:2.3:h:maker:model_{model}:-:*:*:*:*:*:*:*", EVERY, False),)))),))  # fmt: skip
    else:
        name = chance.choice(packages) if chance.random() < 0.4 else f"pkg:npm/elsewhere-{number}"
        body = Body(packages=(Package(name, span),))
    return Vulnerability(cve=f"CVE-2024-{number:06d}", source="osv", cvss=round(chance.uniform(2, 10), 1), body=body)


async def fill(shop: Shop, devices: int, components: int, cves: int) -> dict[str, float]:
    """The hospital; how long the load of vulnerabilities took."""
    chance = random.Random(1)
    models = max(devices // 60, 1)
    packages = [f"pkg:npm/part-{at}" for at in range(components)]
    async with shop.acting(SYSTEM) as conn:
        await conn.execute(
            """INSERT INTO model (model_id, manufacturer, name) SELECT 'm' || n, 'Maker', 'Model ' || n
               FROM generate_series(0, $1 - 1) n""", models)  # fmt: skip
        await conn.execute(
            """INSERT INTO place (place_id, location_id, ward, room, bed, label)
               SELECT 'p' || n, 'p' || n, 'W' || n / 40, n::text, '1', 'W' || n / 40 || '-' || n
               FROM generate_series(0, 1999) n ON CONFLICT DO NOTHING""")  # fmt: skip
        await conn.execute(
            """INSERT INTO asset (device_id, model_id, serial, tag, state, state_since, created, firmware, place_id,
                                  criticality)
               SELECT 'd' || n, 'm' || n % $2, 'S' || n, 'T' || n, 'in-service', 0, 0, (1 + n / $2 % 3) || '.0',
                      'p' || n % 2000, (ARRAY['life-support', 'high', 'medium', 'low'])[1 + n % 4]
               FROM generate_series(0, $1 - 1) n""", devices, models)  # fmt: skip
        await conn.execute(
            """INSERT INTO zone (zone, level, exposure) VALUES ('infusion', 3, 'clinical'), ('office', 1, 'hospital')"""
        )
        await conn.execute(
            """INSERT INTO interface (interface_id, device_id, zone)
               SELECT 'i' || n, 'd' || n, CASE n % 3 WHEN 0 THEN 'infusion' ELSE 'office' END
               FROM generate_series(0, $1 - 1) n""", devices)  # fmt: skip
        for at in range(models):
            names = [packages[(at * components // models + n) % components] for n in range(components // models + 40)]
            parts = [Component(n=n, name=name[8:], family=family(name[8:]), purl=f"{name}@{1 + n % 3}.{n % 10}",
                               version=f"{1 + n % 3}.{n % 10}") for n, name in enumerate(names, 1)]  # fmt: skip
            await sboms.add(
                conn,
                sboms.Sbom(sbom_id=f"s{at}", model_id=f"m{at}", version="", format="CycloneDX", spec="1.5", kind="sbom",
                           serial="", revision=1, name=f"Model {at}", author="", made_at=None, digest=str(at), size=1,
                           document_id=f"s{at}", components=len(parts), services=0, refused=(), depends={},
                           loaded_at=0, loaded_by="bench"), parts)  # fmt: skip
            await sboms.put_names(
                conn, [sboms.Name(model_id=f"m{at}", cpe=f"cpe:2.3:h:maker:model_{at}:-:*:*:*:*:*:*:*")]
            )
        await conn.execute(
            """INSERT INTO advisory (advisory_id, kind, number, publisher, title, digest, loaded_at)
               SELECT 'a' || n, 'csaf', 'A-' || n, 'CISA', 'advisory ' || n, '', 0 FROM generate_series(0, 143) n"""
        )
        await conn.execute(
            """INSERT INTO advisory_cve (advisory_id, cve) SELECT 'a' || n, 'CVE-2023-' || n * 10 + k
               FROM generate_series(0, 143) n, generate_series(0, 2) k"""
        )
        await conn.execute(
            """INSERT INTO advisory_candidate (advisory_id, device_id, verdict, certainty, since)
               SELECT 'a' || n, 'd' || (n * 97 + k) % $1, 'candidate', 'likely', 0
               FROM generate_series(0, 143) n, generate_series(0, 59) k""",
            devices,
        )
    began = time.perf_counter()
    found = [flaw(number, packages, models, chance) for number in range(cves)]
    for at in range(0, cves, PIECE):
        async with shop.acting(SYSTEM) as conn:
            await flaws.put_flaws(conn, found[at : at + PIECE])
    took = time.perf_counter() - began
    await shop.pool.execute("ANALYZE")
    return {"load_cves": round(took, 2)}


async def timed(runs: int, work: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    """The median of some runs, and the last result."""
    seconds, result = [], None
    for _ in range(runs):
        began = time.perf_counter()
        result = await work()
        seconds.append(time.perf_counter() - began)
    return round(statistics.median(seconds), 3), result


async def run(options: argparse.Namespace) -> dict[str, Any]:
    async with database() as dsn:
        pool = await open_pool(dsn, size=4)
        clock = SystemClock()
        record = Record(pool, clock)
        await record.load()
        shop = Shop(pool, Parts(FhirRecord(record), clock))
        out: dict[str, Any] = {"devices": options.devices, "cves": options.cves}
        out |= await fill(shop, options.devices, options.components, options.cves)
        out["components_in_use"] = await pool.fetchval(
            "SELECT count(DISTINCT (purl, version)) FROM component WHERE n > 0"
        )

        async with shop.acting(SYSTEM) as conn:
            common = "pkg:npm/common"
            for at in range(max(options.devices // 60, 1)):
                await conn.execute(
                    """INSERT INTO component (sbom_id, n, type, family, name, version, purl)
                       VALUES ($1, 9999, 'library', 'common', 'common', '1.0', $2 || '@1.0')""", f"s{at}", common,
                )  # fmt: skip
            await flaws.put_flaws(conn, [Vulnerability(cve="CVE-2024-999999", source="osv", cvss=9.8, body=Body(
                packages=(Package(common, Affects((Span("", "2.0"),), "npm")),)))])  # fmt: skip

        async def full() -> Any:
            async with shop.acting(SYSTEM) as conn:
                return await rematch(shop, conn)

        out["first_match"], matched = await timed(1, full)
        out["full_rematch"], matched = await timed(options.runs, full)
        out |= {"builds": matched.builds, "candidates": matched.candidates, "findings": matched.findings}
        out["everywhere"], rows = await timed(options.runs, lambda: exposed_now(pool, "CVE-2024-999999", clock.now()))
        out["everywhere_machines"] = len(rows)
        some = await pool.fetchval("SELECT max(cve) FROM finding WHERE cve <> 'CVE-2024-999999'")
        out["exposed_now"], rows = await timed(options.runs, lambda: exposed_now(pool, some, clock.now()))
        out["exposed_machines"] = len(rows)
        out["overview"], lines = await timed(options.runs, lambda: overview(pool, clock.now()))
        out["overview_cves"] = len(lines)
        out["one_device"], _ = await timed(options.runs, lambda: overview(pool, clock.now(), device_id="d1"))
        await pool.close()
        return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=15_000)
    parser.add_argument("--components", type=int, default=5_000)
    parser.add_argument("--cves", type=int, default=40_000)
    parser.add_argument("--runs", type=int, default=5)
    print(json.dumps(asyncio.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
