"""``_contained``: matches inside other resources, as their container or as themselves."""

from __future__ import annotations

from typing import Any

import pytest

from wardbridge.core.db import transaction
from wardbridge.core.errors import Invalid
from wardbridge.fhir.json import loads
from wardbridge.fhir.store import contained
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.search import Page
from wardbridge.fhir.store.values import Delete, Put


def holder(id_: str, *inside: dict[str, Any]) -> Put:
    code = {"text": "x"}
    return Put({"resourceType": "Observation", "id": id_, "status": "final", "code": code, "contained": list(inside)})


def medication(id_: str, code: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Medication", "id": id_, "code": {"coding": [{"system": "urn:m", "code": code}]}, **more}


@pytest.fixture
async def full(record: Record) -> Record:
    async with transaction(record.pool) as conn:
        await record.write(
            conn,
            [
                Put(medication("free", "a")),
                holder("o1", medication("m1", "a"), medication("m2", "b")),
                holder("o2", medication("m1", "b")),
                holder("o3", {"resourceType": "Patient", "id": "p", "gender": "male"}),
                holder("gone", medication("m1", "a")),
            ],
        )
        await record.write(conn, [Delete("Observation", "gone")])
    return record


async def page(record: Record, type_name: str, *pairs: tuple[str, str]) -> Page:
    return await record.search(record.query([type_name], pairs))


def names(found: Page) -> list[str]:
    return sorted(f"{one.type}/{one.id}" for one in found.matches)


async def test_false_is_the_default(full: Record) -> None:
    for pairs in ([("code", "a")], [("code", "a"), ("_contained", "false")]):
        assert names(await page(full, "Medication", *pairs)) == ["Medication/free"]


async def test_containers_and_contained(full: Record) -> None:
    found = await page(full, "Medication", ("code", "urn:m|b"), ("_contained", "true"))
    assert names(found) == ["Observation/o1", "Observation/o2"]
    assert found.total == 2
    found = await page(full, "Medication", ("code", "b"), ("_contained", "true"), ("_containedType", "contained"))
    assert names(found) == ["Observation/o1#m2", "Observation/o2#m1"]
    assert {loads(one.body or b"")["resourceType"] for one in found.matches} == {"Medication"}
    assert names(await page(full, "Patient", ("gender", "male"), ("_contained", "true"))) == ["Observation/o3"]
    assert names(await page(full, "Patient", ("gender:not", "male"), ("_contained", "true"))) == []
    assert names(await page(full, "Medication", ("_id", "m1"), ("_contained", "true"))) == [
        "Observation/o1",
        "Observation/o2",
    ]


async def test_both(full: Record) -> None:
    found = await page(full, "Medication", ("code", "a"), ("_contained", "both"))
    assert names(found) == ["Medication/free", "Observation/o1"]


async def test_pages(full: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "AT_ONCE", 1)
    seen: list[str] = []
    cursor: list[tuple[str, str]] = []
    asked = (("_contained", "true"), ("_containedType", "contained"), ("_count", "1"))
    while True:
        found = await page(full, "Medication", *asked, *cursor)
        seen.extend(names(found))
        if not found.cursor:
            break
        cursor = [("_cursor", found.cursor)]
    assert seen == ["Observation/o2#m1", "Observation/o1#m1", "Observation/o1#m2"]
    counted = await page(full, "Medication", ("_contained", "true"), ("_summary", "count"))
    assert counted.total == 2


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([("_sort", "code")], "_sort and _include"),
        ([("_include", "Medication:manufacturer")], "_sort and _include"),
        ([("manufacturer:Organization.name", "x")], "chains"),
        ([("_content", "x")], "_content"),
    ],
)
async def test_refused(full: Record, pairs: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        await page(full, "Medication", ("_contained", "true"), *pairs)


async def test_too_many_containers(full: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "AT_ONCE", 1)
    monkeypatch.setattr(contained, "MOST", 1)
    with pytest.raises(contained.TooManyContainers):
        await page(full, "Medication", ("code", "nix"), ("_contained", "true"))
