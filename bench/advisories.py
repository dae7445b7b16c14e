"""All advisories against a whole register: the full match, the match when nothing changed, and the joined question.

python -m bench.advisories [--devices 15000] [--models 2000] [--suites FOLDER]

The register is made from real GUDID rows (``gudid``) and, for every tenth model, from the advisories' own products, so
that there is something to find; advisories are those of ``icsma`` and ``kev``, and one made recall for every third
GUDID model. Prints one JSON line. Targets: full match under 10 s, the joined question under 1 s.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.suite import suites

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.migrate import migrate
from wardbridge.core.postgres import Embedded
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.equipment.advisories import load, openfda, parse
from wardbridge.equipment.advisories.rematch import rematch
from wardbridge.equipment.advisories.store.now import affected_now, matched_now
from wardbridge.equipment.advisories.values import Document, Refused
from wardbridge.equipment.campaigns import start
from wardbridge.equipment.register import store
from wardbridge.equipment.register.values import Asset, Model
from wardbridge.equipment.shop import Shop
from wardbridge.fhir.store.record import Record
from wardbridge.security.principal import SYSTEM


def models_of(rows: list[dict[str, Any]], documents: list[Document], count: int) -> list[Model]:
    """Models, no name twice: mostly of GUDID, some of the advisories' own products."""
    found: dict[tuple[str, str, str], Model] = {}
    products = [one for document in documents if document.kind == "csaf" for one in document.products]
    for at, row in enumerate(rows):
        catalogue = row.get("catalogNumber") or row.get("versionModelNumber") or ""
        codes = row.get("productCodes") or [{}]
        model = Model(model_id=f"m-{at}", manufacturer=row["companyName"], name=row.get("brandName") or catalogue,
                      catalogue=catalogue, di=(row["deviceId"],), product_code=codes[0].get("code", ""))  # fmt: skip
        if at % 10 == 0 and products:
            product = products[(at // 10) % len(products)]
            model = Model(model_id=f"m-{at}", manufacturer=product.vendor, name=product.product[:200])
        found.setdefault((model.manufacturer.lower(), model.name.lower(), model.catalogue.lower()), model)
        if len(found) == count:
            break
    return list(found.values())


def recalls(models: list[Model]) -> Iterator[Document | Refused]:
    """A recall for every third model that has a UDI-DI, by lots."""
    for at, model in enumerate(models):
        if at % 3 == 0 and model.di:
            value = {"product_res_number": f"Z-{at:05d}-2026", "cfres_id": str(at),
                     "recalling_firm": model.manufacturer,
                     "product_description": f"{model.name}, REF {model.catalogue}",
                     "code_info": f"UDI-DI {model.di[0]}; Lot Numbers: L{at}1, L{at}2, L{at}3",
                     "event_date_initiated": "2026-01-01"}  # fmt: skip
            yield openfda.document(value, json.dumps(value).encode())


async def run(folder: Path, devices: int, count: int) -> dict[str, Any]:
    """Fill an embedded database in a folder of its own, measure, and leave nothing."""
    documents = [one for one in parse.of_paths([folder / "icsma", folder / "kev"]) if isinstance(one, Document)]
    with gzip.open(folder / "gudid" / "gudid-5000.ndjson.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    chance = random.Random(4)
    with tempfile.TemporaryDirectory(prefix="wba-") as data:
        server = Embedded(Path(data), SystemClock())
        await server.start()
        try:
            pool = await open_pool(server.dsn, size=4)
            await migrate(pool)
            record = Record(pool, SystemClock())
            await record.load()
            shop = Shop(pool, Parts(FhirRecord(record), SystemClock()))
            models = models_of(rows, documents, count)
            now = shop.clock.now()
            assets = [
                Asset(device_id=f"d-{at}", model_id=models[at % len(models)].model_id, state="in-service",
                      state_since=now, created=now, serial=f"S{at:06d}", lot=f"L{at % len(models)}{at % 7}",
                      tag=f"T-{at}",
                      firmware=f"{chance.randrange(1, 9)}.{chance.randrange(0, 12)}",
                      os=chance.choice(["", "", "Windows 10"]))
                for at in range(devices)
            ]  # fmt: skip
            async with shop.acting(SYSTEM) as conn:
                await store.put_models(conn, models)
                for at in range(0, len(assets), 1000):
                    await store.put_assets(conn, assets[at : at + 1000])
            took: dict[str, Any] = {"devices": len(assets), "models": len(models)}
            began = time.perf_counter()
            done = await load.load(shop, [*documents, *recalls(models)], SYSTEM)
            took |= {"advisories": done.read, "load_s": _since(began)}
            await pool.execute("ANALYZE")
            for name in ("first_match_s", "match_again_s"):
                began = time.perf_counter()
                found = await rematch(shop, SYSTEM)
                took[name] = _since(began)
                took[f"{name[:-2]}_changed"] = found.changed
            took |= {"candidates": found.candidates, "advisories_without_version": len(found.broad)}
            began = time.perf_counter()
            by_advisory = await matched_now(pool)
            took |= {"all_candidates_now_s": _since(began), "advisories_with_candidates": len(by_advisory)}
            most = max(by_advisory, key=lambda name: len(by_advisory[name]))
            times = []
            for _ in range(20):
                began = time.perf_counter()
                rows_now = await affected_now(pool, advisory_id=most)
                times.append(time.perf_counter() - began)
            took |= {"affected_now_rows": len(rows_now), "affected_now_p95_s": round(sorted(times)[18], 4)}
            began = time.perf_counter()
            async with shop.acting(SYSTEM) as conn:
                campaign = await start.start(
                    shop, conn, start.Start(kind="recall", title="bench", advisory_id=most), SYSTEM
                )
            took["start_campaign_s"] = _since(began)
            began = time.perf_counter()
            took["campaign_rows"] = len(await affected_now(pool, campaign_id=campaign.campaign_id))
            took["campaign_now_s"] = _since(began)
            await pool.close()
            return took
        finally:
            await server.stop()


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=15_000)
    parser.add_argument("--models", type=int, default=2_000)
    parser.add_argument("--suites", help="folder of the suites (default: WARDBRIDGE_SUITES or ../shared/suites)")
    options = parser.parse_args()
    folder = suites(options.suites)
    missing = [name for name in ("icsma", "kev", "gudid") if not (folder / name).is_dir()]
    if missing:
        print(json.dumps({"bench": "advisories", "missing": [str(folder / name) for name in missing]}))
        sys.exit(2)
    print(json.dumps({"bench": "advisories", **asyncio.run(run(folder, options.devices, options.models))}))


if __name__ == "__main__":
    main()
