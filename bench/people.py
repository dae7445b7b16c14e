"""How long knowledge and people take at a hospital's size: search, help, due lists, on call, load.

python -m bench.people [--pages 2000] [--people 300] [--runs 9]

Everything is made up (seed 1): pages of a common stock of words with links; people of the technical roles with records,
interrupts and hours of eight weeks; rotas of both sides. Prints one JSON object: medians in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bench.machine import machine
from bench.scratch import with_pool

from wardbridge.core.clock import DAY, HOUR, SystemClock, to_datetime
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.equipment.crew import oncall, strain
from wardbridge.equipment.crew.load import LIMITS
from wardbridge.equipment.crew.rota import Rota
from wardbridge.equipment.crew.store import load as loads
from wardbridge.equipment.crew.store import rota as rotas
from wardbridge.equipment.learning import competence, pages, training
from wardbridge.equipment.learning.competence import COMPETENCES, RULES
from wardbridge.equipment.learning.store import competence as records
from wardbridge.equipment.learning.store.competence import Record as Proof
from wardbridge.equipment.shop import Shop
from wardbridge.fhir.store.record import Record
from wardbridge.security.principal import SYSTEM, Principal

WORDS = [
    "vlan",
    "lead",
    "off",
    "alarm",
    "leakage",
    "patch",
    "cable",
    "socket",
    "battery",
    "clock",
    "drift",
    "switch",
    "port",
    "monitor",
    "pump",
    "ventilator",
    "recall",
    "certificate",
    "address",
    "firmware",
    "zone",
    "ward",
    "bed",
    "network",
    "earth",
    "charge",
    "sensor",
    "occlusion",
    "pressure",
    "volume",
    "test",
]
ZONE = ZoneInfo("Europe/Berlin")
ROLES = ("technician", "operator", "nurse", "physician")


async def fill(shop: Shop, count: int, people: int, chance: random.Random) -> None:
    """Pages, people, records, interrupts, hours, rotas."""
    pool, now = shop.pool, shop.clock.now()
    async with shop.acting(SYSTEM, "bench") as conn:
        await conn.execute(
            """INSERT INTO person (person_id, login, display, roles, password)
               SELECT 'p' || n, 'p' || n, 'Person ' || n, ARRAY[($2::text[])[1 + n % 4]], 'x'
               FROM generate_series(0, $1 - 1) n""", people, list(ROLES),
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO knowledge_page (page_id, slug, kind, state, latest, published, review_due, created, changed)
               SELECT 'k' || n, 'page-' || n, 'concept', 'published', 1, 1, $2::bigint + n * 1000000::bigint, 1, 1
               FROM generate_series(0, $1 - 1) n""", count, now,
        )  # fmt: skip
        bodies = [" ".join(chance.choices(WORDS, k=400)) for _ in range(count)]
        await conn.execute(
            """INSERT INTO knowledge_version
                   (page_id, version, title, audiences, body, plain, author, display, side, at)
               SELECT 'k' || n - 1, 1, 'Page ' || n, '{biomed,it}', b, b, 'p1', 'Person 1', 'it', 1
               FROM unnest($1::text[]) WITH ORDINALITY AS x (b, n)""", bodies,
        )  # fmt: skip
        await conn.execute(
            """INSERT INTO knowledge_link SELECT 'k' || n, 'device-kind', 'kind ' || n % 60
               FROM generate_series(0, $1 - 1) n""", count,
        )  # fmt: skip
        await records.seed(conn, COMPETENCES, RULES)
        await records.add(conn, [
            Proof(record_id=f"r{n}-{one.code}", person_id=f"p{n}", display=f"Person {n}", code=one.code,
                  assessed_by="x", assessor="X", at=now - chance.randrange(700) * DAY, expires=now + DAY)
            for n in range(people) for one in COMPETENCES
        ])  # fmt: skip
        crew = [n for n in range(people) if n % 4 < 2]
        calls = [(f"p{n}", now - chance.randrange(56 * 24) * HOUR) for n in crew for _ in range(60)]
        await conn.execute(
            """INSERT INTO interrupt SELECT gen_random_uuid()::text, p, 'call', a, 5
               FROM unnest($1::text[], $2::bigint[]) AS x (p, a)""", [p for p, _ in calls], [a for _, a in calls],
        )  # fmt: skip
        today = to_datetime(now).date()
        days = [(f"p{n}", today - timedelta(days=back)) for n in crew for back in range(56)]
        await conn.execute(
            "INSERT INTO work_day SELECT p, d, 480, 500 FROM unnest($1::text[], $2::date[]) AS x (p, d)",
            [p for p, _ in days], [d for _, d in days],
        )  # fmt: skip
        await loads.seed_limits(conn, LIMITS)
        for number, (side, shift) in enumerate((("biomed", 0), ("it", 1))):
            for level in (1, 2, 3):
                team = tuple(f"p{n}" for n in crew if n % 4 == shift)[:12]
                await rotas.put_rota(conn, Rota(rota_id=f"rota{number}{level}", side=side, title=side, level=level,
                                                zone=ZONE.key, first=date(2026, 1, 5), people=team))  # fmt: skip
    await pool.execute("ANALYZE")


async def measured(pool: Any, count: int, people: int, runs: int) -> dict[str, float]:
    """The median of each question in milliseconds."""
    clock = SystemClock()
    record = Record(pool, clock)
    await record.load()
    shop = Shop(pool, Parts(FhirRecord(record), clock), "http://bench")
    await fill(shop, count, people, random.Random(1))
    now, lead = clock.now(), Principal("lead", "Lead", "user", frozenset({"administrator"}))
    mine = Principal("p0", "Person 0", "user", frozenset({"technician"}))
    async with shop.acting(SYSTEM, "bench") as conn:
        begun = time.perf_counter()
        await oncall.publish(shop, conn)
        first = time.perf_counter() - begun
    questions: dict[str, Callable[[], Awaitable[Any]]] = {
        "search_one_word": lambda: pages.search(shop, "vlan"),
        "search_three_words": lambda: pages.search(shop, "leak cable fir"),
        "search_nothing": lambda: pages.search(shop, "zeppelin"),
        "list": lambda: pages.search(shop),
        "helps": lambda: pages.helps(pool, "kind 7", "model-1", ["E1"], 5, "therapy"),
        "competent": lambda: competence.competent(pool, "p0", "infusion pump", now, "therapy"),
        "due_list": lambda: competence.needs(pool, now, state="open"),
        "recognition": lambda: training.recognition(pool, now - 90 * DAY, now),
        "on_call_now": lambda: oncall.on_call(pool, "it", now),
        "duties_28_days": lambda: oncall.duties(pool, now, now + 28 * DAY),
        "load_own": lambda: strain.own(pool, mine, now, ZONE),
        "load_team": lambda: strain.team(pool, lead, now, ZONE),
    }
    found = {"publish_8_weeks": round(first * 1000, 1)}
    for name, ask in questions.items():
        taken = []
        for _ in range(runs):
            begun = time.perf_counter()
            await ask()
            taken.append(time.perf_counter() - begun)
        found[name] = round(statistics.median(taken) * 1000, 1)
    return found


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--runs", type=int, default=9)
    given = parser.parse_args()
    times = with_pool(lambda pool: measured(pool, given.pages, given.people, given.runs))
    print(json.dumps({"bench": "people", "pages": given.pages, "people": given.people, "median_ms": times,
                      "machine": machine()}, indent=1))  # fmt: skip


if __name__ == "__main__":
    main()
