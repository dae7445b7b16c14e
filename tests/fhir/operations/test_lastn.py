"""`$lastn`: the newest observations of each code."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.fhir.json import dumps
from wardbridge.fhir.operations.lastn import last_of_each
from wardbridge.fhir.store.lastn import Candidate
from wardbridge.fhir.store.values import Stored

from .conftest import issues, named, observation

LOINC = "http://loinc.org"


def coded(*codes: str) -> dict[str, Any]:
    systems = [(LOINC, code) if code[0].isdigit() else ("urn:local", code) for code in codes]
    return {"coding": [{"system": system, "code": code} for system, code in systems]}


@pytest.fixture
async def ward(api: Any) -> Any:
    await api.put({"resourceType": "Patient", "id": "ada"})
    await api.put({"resourceType": "Patient", "id": "bo"})
    vital = [{"coding": [{"code": "vital-signs"}]}]
    rows: list[tuple[str, dict[str, Any], str]] = [
        ("hr1", coded("8867-4"), "2026-01-01"),
        ("hr2", coded("8867-4", "pulse"), "2026-01-02"),
        ("hr3", coded("pulse"), "2026-01-03"),
        ("rr1", coded("9279-1"), "2026-01-01T12:00:00Z"),
        ("rr2", coded("9279-1"), "2026-01-01T13:00:00Z"),
        ("text1", {"text": "Mood"}, "2025-01-01"),
        ("text2", {"text": "mood"}, "2025-02-01"),
    ]
    for id_, code, at in rows:
        await api.put(observation(id_, 1, code=code, effectiveDateTime=at, category=vital))
    await api.put(
        observation("bo1", 1, code=coded("8867-4"), subject={"reference": "Patient/bo"}, effectiveDateTime="2027-01-01")
    )
    await api.put(observation("undated", 1, code=coded("8867-4")))
    return api


async def test_one_of_each_code(ward: Any) -> None:
    bundle = await ward.get("/Observation/$lastn?patient=ada")
    assert named(bundle) == ["Observation/hr3", "Observation/rr2", "Observation/text2"]
    assert bundle["type"] == "searchset"
    assert bundle["total"] == 3
    assert ("Observation", "", ["ada"], 0) in await ward.audited("$lastn")


async def test_several_of_each_code_newest_first(ward: Any) -> None:
    bundle = await ward.get("/Observation/$lastn?subject=Patient/ada&max=3&category=vital-signs")
    assert named(bundle) == [
        "Observation/hr3", "Observation/hr2", "Observation/hr1", "Observation/rr2", "Observation/rr1",
        "Observation/text2", "Observation/text1",
    ]  # fmt: skip


async def test_every_search_parameter_narrows_it(ward: Any) -> None:
    assert named(await ward.get("/Observation/$lastn?patient=ada&code=9279-1")) == ["Observation/rr2"]
    assert named(await ward.get("/Observation/$lastn?patient=ada&code=8867-4&date=le2026-01-01")) == ["Observation/hr1"]
    assert named(await ward.get("/Observation/$lastn?code=8867-4")) == ["Observation/bo1"]
    assert named(await ward.get("/Observation/$lastn?patient=nobody")) == []
    rows = [{"name": "patient", "valueString": "ada"}, {"name": "max", "valuePositiveInt": 1}]
    rows += [{"name": "code:not", "valueString": "9279-1"}]
    found = await ward.post("/Observation/$lastn", {"resourceType": "Parameters", "parameter": rows})
    assert named(found) == ["Observation/hr3", "Observation/text2"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("max=0", "max"),
        ("max=101", "at most"),
        ("max=1&max=2", "2 times"),
        ("colour=red", "colour"),
        ("_sort=date", "_sort"),
        ("_include=Observation:subject", "_include"),
        ("date=tomorrow", "date"),
    ],
)
async def test_requests_that_do_not_fit(ward: Any, query: str, said: str) -> None:
    assert said in issues(await ward.get(f"/Observation/$lastn?{query}", status=400))[0][1]


async def test_it_needs_the_right_to_search_observations(ward: Any) -> None:
    await ward.get("/Observation/$lastn?patient=ada", who="patients", status=403)
    assert ("Observation", "", [], 4) in await ward.audited("$lastn")


def candidate(number: int, codes: frozenset[str]) -> Candidate:
    body = dumps({"resourceType": "Observation", "code": {"text": "none"}})
    return Candidate(Stored("Observation", str(number), 1, 0, body), -number, tuple(("s", c) for c in sorted(codes)))


@given(st.lists(st.frozensets(st.sampled_from("abcdef"), max_size=3), max_size=12), st.integers(1, 3))
def test_groups_are_those_connected_by_codes(sets: list[frozenset[str]], most: int) -> None:
    """Against the plainest way: join sets until nothing changes."""
    plain: list[tuple[set[str], list[int]]] = []
    for at, codes in enumerate(sets):
        keys, members = {f"s{code}" for code in codes} or {"none"}, [at]
        for other in [one for one in plain if one[0] & keys]:
            plain.remove(other)
            keys |= other[0]
            members += other[1]
        plain.append((keys, sorted(members)))
    wanted = {frozenset(members[:most]) for _, members in plain}
    found = last_of_each([candidate(at, codes) for at, codes in enumerate(sets)], most)
    order = [int(one.stored.id) for one in found]
    assert {at for group in wanted for at in group} == set(order)
    assert len(order) == len(set(order))
