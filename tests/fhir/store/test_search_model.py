"""Search against a naive model: random small records, random questions, answered once by SQL and once by a plain loop.

The model knows nothing of hashes, index rows or statements. It looks at the resources as they were written.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from wardbridge.core.db import transaction
from wardbridge.fhir.json import loads
from wardbridge.fhir.search.extract import extract
from wardbridge.fhir.search.match import matches
from wardbridge.fhir.search.parse import parse
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Delete, Put

Resource = dict[str, Any]
Test = Callable[[Resource], bool]
Asked = tuple[str, str, Test]
"""(name, value, what must hold)"""

SYSTEMS = ["urn:a", "urn:b", None]
CODES = ["x", "y", "Z", "8867-4"]
NAMES = ["Ada", "Adam", "Bö", "bo", "Céline"]
DATES = ["2020", "2020-01", "2020-01-31", "2020-02", "2021", "2020-01-31T10:00:00Z", "2020-01-31T10:00:00.250Z"]
PREFIXES = ["", "eq", "ne", "lt", "gt", "le", "ge", "sa", "eb"]


class World:
    """A random record in memory."""

    def __init__(self, seed: int) -> None:
        self.rnd = random.Random(seed)
        self.all: dict[str, Resource] = {}
        for n in range(6):
            self.add("Organization", n, name=self.some(NAMES), partOf=self.ref("Organization", n))
        for n in range(14):
            name = self.some(NAMES)
            self.add(
                "Patient",
                n,
                gender=self.some(["male", "female"]),
                birthDate=self.some([one for one in DATES if "T" not in one]),
                name=[{"family": name}] if name else None,
                managingOrganization=self.ref("Organization", 6),
            )
        for n in range(40):
            self.add(
                "Observation",
                n,
                status="final",
                code={"coding": [self.coding() for _ in range(self.rnd.randrange(1, 3))]},
                subject=self.ref(self.rnd.choice(["Patient", "Patient", "Group"]), 15),
                effectiveDateTime=self.some(DATES),
                performer=[self.rnd.choice([{"reference": "Organization/0"}, {"reference": "Practitioner/9"}])],
            )

    def add(self, type_name: str, n: int, **values: Any) -> None:
        made = {"resourceType": type_name, "id": str(n), **{k: v for k, v in values.items() if v is not None}}
        self.all[f"{type_name}/{n}"] = made

    def some(self, values: list[str]) -> str | None:
        return self.rnd.choice([*values, None])

    def coding(self) -> dict[str, str]:
        system = self.rnd.choice(SYSTEMS)
        return {"code": self.rnd.choice(CODES), **({"system": system} if system else {})}

    def ref(self, type_name: str, below: int) -> dict[str, str] | None:
        """To one that exists, or to one that does not."""
        return {"reference": f"{type_name}/{self.rnd.randrange(below)}"} if below and self.rnd.random() < 0.8 else None

    def of_type(self, type_name: str) -> list[Resource]:
        return [one for one in self.all.values() if one["resourceType"] == type_name]


def moment(text: str) -> tuple[datetime, datetime]:
    """[from, to) as the standard words it."""
    if "T" in text:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return at, at + (timedelta(microseconds=1) if "." in text else timedelta(seconds=1))
    year, month, day = (int(part) for part in (text + "-0-0").split("-")[:3])
    if not month:
        return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    if not day:
        return datetime(year, month, 1, tzinfo=UTC), datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    start = datetime(year, month, day, tzinfo=UTC)
    return start, start + timedelta(days=1)


def date_holds(prefix: str, stored: str, asked: str) -> bool:
    low, high = moment(stored)
    start, end = moment(asked)
    inside = start <= low and high <= end
    return {
        "": inside,
        "eq": inside,
        "ne": not inside,
        "gt": high > end,
        "lt": low < start,
        "ge": high > end or inside,
        "le": low < start or inside,
        "sa": low >= end,
        "eb": high <= start,
    }[prefix]


def plain(text: str) -> str:
    return text.casefold().replace("ö", "o").replace("é", "e")


class Questions:
    """Random parameters with what they mean."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rnd = world.rnd
        self.kind = ""

    def one(self, type_name: str, depth: int = 0) -> Asked:
        self.kind = type_name
        simple = {
            "Observation": [self.code, self.date, self.subject, self.missing],
            "Patient": [self.gender, self.birth, self.name, self.missing],
            "Organization": [self.name],
        }[type_name]
        linked = {
            "Observation": [("subject", "Patient", "subject", ":Patient"), ("patient", "Patient", "subject", "")],
            "Patient": [("organization", "Organization", "managingOrganization", "")],
            "Organization": [("partof", "Organization", "partOf", "")],
        }[type_name]
        reversed_ = {
            "Observation": [],
            "Patient": [("Observation", "patient", "subject"), ("Observation", "subject", "subject")],
            "Organization": [("Patient", "organization", "managingOrganization"), ("Organization", "partof", "partOf")],
        }[type_name]
        roll = self.rnd.random()
        if depth < 3 and roll < 0.35:
            code, target, element, typed = self.rnd.choice(linked)
            return self.chained(code, target, element, typed, depth)
        if depth < 3 and roll < 0.6 and reversed_:
            return self.had(type_name, *self.rnd.choice(reversed_), depth)
        return self.rnd.choice(simple)()

    def chained(self, code: str, target: str, element: str, typed: str, depth: int) -> Asked:
        name, value, inner = self.one(target, depth + 1)

        def holds(one: Resource) -> bool:
            there = self.world.all.get(one.get(element, {}).get("reference", ""))
            return there is not None and there["resourceType"] == target and inner(there)

        return f"{code}{typed}.{name}", value, holds

    def had(self, type_name: str, source: str, code: str, element: str, depth: int) -> Asked:
        name, value, inner = self.one(source, depth + 1)

        def holds(one: Resource) -> bool:
            me = f"{type_name}/{one['id']}"
            return any(
                other.get(element, {}).get("reference") == me and inner(other) for other in self.world.of_type(source)
            )

        return f"_has:{source}:{code}:{name}", value, holds

    def code(self) -> Asked:
        system, code = self.rnd.choice(SYSTEMS), self.rnd.choice(CODES)
        form = self.rnd.choice(["code", "both", "system", "none"])
        if form == "both" and system is None:
            form = "none"
        if form == "system" and system is None:
            form = "code"
        written = {
            "code": code.lower(),
            "both": f"{system}|{code}",
            "system": f"{system}|",
            "none": f"|{code}",
        }[form]

        def fits(coding: dict[str, str]) -> bool:
            same = coding["code"].casefold() == code.casefold()
            if form == "system":
                return coding.get("system") == system
            return same and (form == "code" or coding.get("system") == (system if form == "both" else None))

        def holds(one: Resource) -> bool:
            return any(map(fits, one["code"]["coding"]))

        if self.rnd.random() < 0.3:
            return "code:not", written, lambda one: not holds(one)
        return "code", written, holds

    def gender(self) -> Asked:
        wanted = self.rnd.choice(["male", "female", "other"])
        if self.rnd.random() < 0.3:
            return "gender:not", wanted, lambda one: one.get("gender") != wanted
        several = self.rnd.choice([wanted, "male,other"])
        return "gender", several, lambda one: one.get("gender") in several.split(",")

    def dated(self, name: str, element: str) -> Asked:
        prefix, wanted = self.rnd.choice(PREFIXES), self.rnd.choice(DATES)
        return name, prefix + wanted, lambda one: element in one and date_holds(prefix, one[element], wanted)

    def date(self) -> Asked:
        return self.dated("date", "effectiveDateTime")

    def birth(self) -> Asked:
        return self.dated("birthdate", "birthDate")

    def name(self) -> Asked:
        wanted = self.rnd.choice(["a", "ad", "ada", "Bo", "bö", "x", "lin"])
        modifier = self.rnd.choice(["", ":contains", ":exact"])

        def holds(one: Resource) -> bool:
            found = one.get("name", [])
            texts = [found] if isinstance(found, str) else [part["family"] for part in found]
            return any(
                {
                    "": plain(text).startswith(plain(wanted)),
                    ":contains": plain(wanted) in plain(text),
                    ":exact": text == wanted,
                }[modifier]
                for text in texts
            )

        return "name" + modifier, wanted, holds

    def subject(self) -> Asked:
        wanted = f"{self.rnd.choice(['Patient', 'Group'])}/{self.rnd.randrange(15)}"
        form = self.rnd.choice(["typed", "id", "modifier"])
        type_name, _, id_ = wanted.partition("/")
        if form == "typed":
            return "subject", wanted, lambda one: one.get("subject", {}).get("reference") == wanted
        if form == "modifier":
            return f"subject:{type_name}", id_, lambda one: one.get("subject", {}).get("reference") == wanted
        return "subject", id_, lambda one: one.get("subject", {}).get("reference", "/").split("/")[1] == id_

    def missing(self) -> Asked:
        absent = self.rnd.choice(["true", "false"])
        code, element = self.rnd.choice(
            [("name", "name"), ("birthdate", "birthDate"), ("organization", "managingOrganization")]
            if self.kind == "Patient"
            else [("date", "effectiveDateTime"), ("subject", "subject"), ("_profile", "none")]
        )
        return f"{code}:missing", absent, lambda one: (element in one) == (absent == "false")


async def fill(record: Record, world: World) -> None:
    async with transaction(record.pool) as conn:
        await record.write(conn, [Put(dict(one)) for one in world.all.values()])
        # One that was there, referred to and found once, and is no more.
        gone = world.rnd.choice([name for name in world.all if name.startswith("Patient/")])
        await record.write(conn, [Delete("Patient", gone.partition("/")[2])])
    del world.all[gone]


@pytest.mark.parametrize("seed", range(4))
async def test_search_equals_a_plain_loop(record: Record, seed: int) -> None:
    world = World(seed)
    await fill(record, world)
    questions = Questions(world)
    hits = 0
    for _ in range(120):
        type_name = world.rnd.choice(["Observation", "Observation", "Patient", "Patient", "Organization"])
        asked = [questions.one(type_name) for _ in range(world.rnd.randrange(1, 4))]
        pairs = [(name, value) for name, value, _ in asked]
        page = await record.search(record.query([type_name], [*pairs, ("_count", "100")]))
        wanted = {one["id"] for one in world.of_type(type_name) if all(test(one) for _, _, test in asked)}
        assert {one.id for one in page.matches} == wanted, (type_name, pairs)
        hits += bool(wanted)
    assert hits > 20


@pytest.mark.parametrize("seed", range(4))
def test_judging_in_memory_equals_a_plain_loop(seed: int) -> None:
    """What is asked of contained resources."""
    world = World(seed + 200)
    questions = Questions(world)
    held = 0
    for _ in range(150):
        questions.kind = type_name = world.rnd.choice(["Observation", "Patient", "Organization"])
        simple = [questions.missing, questions.code, questions.date, questions.subject]
        if type_name != "Observation":
            simple = [questions.name] if type_name == "Organization" else [questions.gender, questions.birth]
        name, value, test = world.rnd.choice(simple)()
        (condition,) = parse([type_name], [(name, value)]).clauses
        for one in world.of_type(type_name):
            found = matches(condition, extract(one), one["id"])
            assert found == test(one), (name, value, one)
            held += found
    assert held > 100


@pytest.mark.parametrize("seed", range(4))
async def test_pages_are_the_whole_in_order(record: Record, seed: int) -> None:
    world = World(seed + 100)
    await fill(record, world)
    questions = Questions(world)
    keys: dict[str, Callable[[Resource], Any]] = {
        "date": lambda one: one.get("effectiveDateTime") and moment(one["effectiveDateTime"])[0],
        "_id": lambda one: one["id"],
        "subject": lambda one: one.get("subject", {}).get("reference", "/").split("/")[1] or None,
    }
    for _ in range(25):
        sort = world.rnd.sample(sorted(keys), world.rnd.randrange(1, 3))
        signs = [world.rnd.choice(["", "-"]) for _ in sort]
        asked = [questions.one("Observation") for _ in range(world.rnd.randrange(2))]
        pairs = [(name, value) for name, value, _ in asked]
        pairs += [("_sort", ",".join(map(str.__add__, signs, sort))), ("_count", "3")]
        found: list[Resource] = []
        cursor = ""
        while True:
            page = await record.search(record.query(["Observation"], [*pairs, *cursor_of(cursor)]))
            found.extend(loads(one.body or b"{}") for one in page.matches)
            if not (cursor := page.cursor):
                break
        wanted = {one["id"] for one in world.of_type("Observation") if all(test(one) for _, _, test in asked)}
        assert sorted(one["id"] for one in found) == sorted(wanted), pairs
        values = [[keys[name](one) for name in sort] for one in found]
        for before, after in pairwise(values):
            assert in_order(before, after, signs), (pairs, before, after)


def cursor_of(cursor: str) -> list[tuple[str, str]]:
    return [("_cursor", cursor)] if cursor else []


def in_order(before: list[Any], after: list[Any], signs: list[str]) -> bool:
    """Missing values come last, whichever the direction."""
    for left, right, sign in zip(before, after, signs, strict=True):
        if left == right:
            continue
        if left is None or right is None:
            return right is None
        return bool(left > right if sign else left < right)
    return True
