"""A binding to a value set of 50,000 codes: judged code by code, without memory or look-ups that grow with it."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest

from wardbridge.core.clock import FakeClock
from wardbridge.core.db import transaction
from wardbridge.core.ids import counted_ids
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put
from wardbridge.fhir.terms import Asked, Verdict
from wardbridge.fhir.validate.options import FULL
from wardbridge.fhir.validate.profiles import Profiles
from wardbridge.fhir.validate.validator import Validator
from wardbridge.terminology.service import Service

MANY = 50_000
SYSTEM = "https://hospital.test/codes"
LARGE, SMALL = "https://hospital.test/large", "https://hospital.test/small"


def bound(name: str, valueset: str, strength: str = "required") -> dict[str, Any]:
    element = {
        "id": "Observation.code",
        "path": "Observation.code",
        "binding": {"strength": strength, "valueSet": valueset},
    }
    return {
        "resourceType": "StructureDefinition",
        "url": f"https://hospital.test/{name}",
        "type": "Observation",
        "kind": "resource",
        "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
        "differential": {"element": [{"id": "Observation", "path": "Observation"}, element]},
    }


def sliced() -> dict[str, Any]:
    """Components in a slice by their binding: the way of the walk depends on the answer."""
    found = bound("sliced", SMALL, "example")
    found["differential"]["element"] += [
        {
            "id": "Observation.component",
            "path": "Observation.component",
            "slicing": {"discriminator": [{"type": "value", "path": "code"}], "rules": "open"},
        },
        {"id": "Observation.component:a", "path": "Observation.component", "sliceName": "a", "min": 1},
        {
            "id": "Observation.component:a.code",
            "path": "Observation.component.code",
            "binding": {"strength": "required", "valueSet": LARGE},
        },
    ]
    return found


def observation(code: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": SYSTEM, "code": code}]},
        "performer": [{"display": "x"}],
    }


class Counted:
    """Terms that note what they are asked."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.calls: list[int] = []

    async def judge(self, asked: Sequence[Asked], /) -> list[Verdict]:
        self.calls.append(len(asked))
        found: list[Verdict] = await self.inner.judge(asked)
        return found

    async def members(self, valueset: str, /) -> Sequence[tuple[str, str]]:
        raise AssertionError("a value set must not be listed to validate a code")

    async def related(self, system: str, code: str, direction: Any, /) -> Sequence[str]:
        raise AssertionError("not asked by validation")


@pytest.fixture
async def terms(database: Any, clock: FakeClock) -> Counted:
    record = Record(database.pool, clock, counted_ids())
    await record.load()
    system = {
        "resourceType": "CodeSystem",
        "url": SYSTEM,
        "status": "active",
        "content": "complete",
        "concept": [{"code": f"c{i}"} for i in range(MANY)],
    }
    sets = [
        {"resourceType": "ValueSet", "url": LARGE, "status": "active", "compose": {"include": [{"system": SYSTEM}]}},
        {
            "resourceType": "ValueSet",
            "url": SMALL,
            "status": "active",
            "compose": {"include": [{"system": SYSTEM, "concept": [{"code": "c1"}, {"code": "c2"}]}]},
        },
    ]
    async with transaction(record.pool) as conn:
        await record.write(conn, [Put(row) for row in (system, *sets)])
    return Counted(Service(database.pool, record, clock))


def validator(terms: Counted, *profiles: dict[str, Any]) -> Validator:
    known = Profiles()
    for row in profiles:
        known.add(row)
    return Validator(known, terms, options=FULL)


async def errors(judge: Validator, resource: dict[str, Any], name: str) -> list[str]:
    issues = await judge.check(resource, f"https://hospital.test/{name}")
    return [f"{i.severity} {i.expression}" for i in issues if i.code == "code-invalid"]


async def test_a_large_value_set_costs_no_more_than_a_small_one(terms: Counted) -> None:
    judge = validator(terms, bound("large", LARGE), bound("small", SMALL))
    for name in ("large", "small"):
        assert await errors(judge, observation("c1"), name) == []
        assert await errors(judge, observation("nothing"), name) != []
    peaks, costs = {}, {}
    for name in ("large", "small"):
        terms.calls.clear()
        tracemalloc.start()
        began = time.process_time()
        for i in range(20):
            await judge.check(observation(f"c{i % 3}"), f"https://hospital.test/{name}")
        costs[name] = time.process_time() - began
        peaks[name] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # One call for each check, of the binding and of the coding itself.
        assert terms.calls == [2] * 20
    assert peaks["large"] < 2 * peaks["small"] + 200_000
    assert costs["large"] < 5 * costs["small"] + 1.0


async def test_strength_says_how_bad_it_is(terms: Counted) -> None:
    judge = validator(
        terms, bound("must", SMALL), bound("should", SMALL, "extensible"), bound("may", SMALL, "preferred")
    )
    assert await errors(judge, observation("c9"), "must") == ["error Observation.code"]
    assert await errors(judge, observation("c9"), "should") == ["warning Observation.code"]
    assert await errors(judge, observation("c9"), "may") == []


async def test_an_unknown_value_set_decides_nothing(terms: Counted) -> None:
    judge = validator(terms, bound("x", "https://hospital.test/unknown"))
    issues = await judge.check(observation("c1"), "https://hospital.test/x")
    assert [(i.severity, i.code) for i in issues if i.expression == "Observation.code"] == [
        ("warning", "not-supported")
    ]


async def test_a_code_is_one_of_its_system(terms: Counted) -> None:
    judge = validator(terms)
    issues = await judge.check(observation("nothing"))
    assert [i.expression for i in issues if i.severity == "error"] == ["Observation.code.coding[0].code"]
    assert terms.calls == [1]


async def test_a_slice_by_its_binding_is_walked_again_with_the_answer(terms: Counted) -> None:
    judge = validator(terms, sliced())
    component = {"code": {"coding": [{"system": SYSTEM, "code": "c7"}]}, "valueInteger": 1}
    right = observation("c1") | {"component": [component]}
    wrong = observation("c1") | {"component": [component | {"code": {"coding": [{"system": SYSTEM, "code": "x"}]}}]}
    found = await judge.check(right, "https://hospital.test/sliced")
    assert [i.details for i in found if i.severity == "error"] == []
    found = await judge.check(wrong, "https://hospital.test/sliced")
    assert "Observation.component:a: 1 required, found 0" in [i.details for i in found]
