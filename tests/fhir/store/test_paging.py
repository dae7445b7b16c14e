"""Pages stay true while the record changes; cursors of other searches are refused."""

from __future__ import annotations

from typing import Any

import pytest

from wardbridge.core.db import transaction
from wardbridge.core.errors import Invalid
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Delete, Put


async def put(record: Record, *items: Put | Delete) -> None:
    async with transaction(record.pool) as conn:
        await record.write(conn, items)


def patient(n: int, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": f"p{n}", "gender": "male", **more}


@pytest.mark.parametrize("sort", ["", "birthdate", "-birthdate", "family,-birthdate", "_id", "-_lastUpdated"])
async def test_pages_neither_repeat_nor_skip_while_data_change(record: Record, sort: str) -> None:
    start = [
        patient(n, birthDate=f"19{50 + n % 7}-01-01", **({"name": [{"family": "ABC"[n % 3]}]} if n % 4 else {}))
        for n in range(25)
    ]
    await put(record, *(Put(one) for one in start))
    pairs = [("gender", "male"), ("_count", "4"), *([("_sort", sort)] if sort else [])]
    seen: list[str] = []
    cursor, n = "", 0
    while True:
        query = record.query(["Patient"], [*pairs, *([("_cursor", cursor)] if cursor else [])])
        page = await record.search(query)
        seen.extend(one.id for one in page.matches)
        cursor = page.cursor
        if not cursor:
            break
        n += 1
        await put(
            record,
            Put({"resourceType": "Patient", "id": f"new{n}", "gender": "male", "birthDate": "1953-06-01"}),
            Delete("Patient", seen[0]),
        )
    assert len(seen) == len(set(seen))
    assert {f"p{n}" for n in range(25)} <= set(seen)


async def test_total_is_the_first_pages(record: Record) -> None:
    await put(record, *(Put(patient(n)) for n in range(9)))
    first = await record.search(record.query(["Patient"], [("_count", "4"), ("_total", "accurate")]))
    await put(record, Put(patient(99)))
    second = await record.search(
        record.query(["Patient"], [("_count", "4"), ("_total", "accurate"), ("_cursor", first.cursor)])
    )
    assert (first.total, second.total) == (9, 9)
    small = await record.search(record.query(["Patient"], [("_id", "p1")]))
    assert small.total == 1
    none = await record.search(record.query(["Patient"], [("_count", "4")]))
    assert none.total is None


async def test_foreign_cursors_are_refused(record: Record) -> None:
    await put(record, *(Put(patient(n)) for n in range(5)))
    first = await record.search(record.query(["Patient"], [("_count", "2")]))
    for pairs in ([("_cursor", "nonsense!")], [("gender", "female"), ("_cursor", first.cursor)], [("_cursor", "W10")]):
        with pytest.raises(Invalid, match="_cursor"):
            await record.search(record.query(["Patient"], pairs))
