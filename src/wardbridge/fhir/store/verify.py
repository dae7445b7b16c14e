"""Proof of the search index: every row made again from the bodies, and compared with what the tables hold.

A resource is right when it is labelled with the rules of now, its fingerprint is that of the rows which its body gives,
and exactly those rows are there. Read only, in small batches; what changes while a batch is compared is left out.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from wardbridge.core.db import Connection, Pool, transaction
from wardbridge.fhir.json import loads
from wardbridge.fhir.search.rows import Rows
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.statement import SEARCH, Columns

BATCH = 100


@dataclass
class Verified:
    """``checked`` resources, of which ``wrong`` are: name and why (the first thousand)."""

    checked: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)
    wrong_total: int = 0

    def add(self, name: str, why: str) -> None:
        self.wrong_total += 1
        if len(self.wrong) < 1000:
            self.wrong.append((name, why))


async def verify(
    pool: Pool,
    numbers: Numbers,
    types: Sequence[str] = (),
    *,
    every: int = 1,
    say: Callable[[int], None] = lambda checked: None,
) -> Verified:
    """Of these types (none given: all), every n-th resource. ``say`` is told how many are done."""
    out = Verified()
    await numbers.refresh(pool)
    for name in types or sorted(numbers.types):
        cursor = 0
        while True:
            async with transaction(pool, isolation="repeatable_read") as conn:
                some = await _some(conn, numbers.types[name], cursor, every)
                if not some:
                    break
                cursor = some[-1]["key"]
                stored = await _rows(conn, [row["key"] for row in some])
            for row in some:
                out.checked += 1
                if why := _wrong(name, row, numbers, stored.get(row["key"], {})):
                    out.add(f"{name}/{row['id']}", why)
                await asyncio.sleep(0)
            say(out.checked)
    return out


def _wrong(name: str, row: Any, numbers: Numbers, stored: dict[str, Counter[tuple[Any, ...]]]) -> str:
    """What is wrong with a resource; '' where nothing is."""
    if row["rules"] != numbers.rules[name]:
        return f"rules: made by {row['rules']}, now are {numbers.rules[name]}"
    rows = numbers.extractor(name)(loads(row["body"]))
    if rows.fingerprint() != row["fingerprint"]:
        return f"fingerprint: {row['fingerprint']} is kept, {rows.fingerprint()} is right"
    expected = _expected(rows, numbers)
    for table in SEARCH:
        have, want = stored.get(table, Counter()), expected.get(table, Counter())
        if have != want:
            return f"rows of {table}: {(want - have).total()} are missing, {(have - want).total()} are too many"
    if rows.text is not None and not row["words"] and any(rows.text):
        return "rows of text: the words are missing"
    return ""


def _expected(rows: Rows, numbers: Numbers) -> dict[str, Counter[tuple[Any, ...]]]:
    columns = Columns()
    for table in SEARCH:
        columns.rows(table, 1, getattr(rows, table), numbers.types)
    return {table: Counter(_plain(row[1:]) for row in some) for table, some in columns.search.items() if some}


def _plain(row: Sequence[Any]) -> tuple[Any, ...]:
    """Numbers are equal by value, however they are written."""
    return tuple(Decimal(value) if isinstance(value, Decimal) else value for value in row)


async def _some(conn: Connection, number: int, after: int, every: int) -> list[Any]:
    return list(
        await conn.fetch(
            """SELECT r.key, r.id, r.rules, r.fingerprint, v.body,
                      EXISTS (SELECT 1 FROM fhir_text t WHERE t.key = r.key) AS words
               FROM fhir_resource r JOIN fhir_version v ON v.key = r.key AND v.version = r.version
               WHERE r.type = $1 AND NOT r.deleted AND r.key > $2 AND r.key % $3 = 0 ORDER BY r.key LIMIT $4""",
            number,
            after,
            every,
            BATCH,
        )
    )


async def _rows(conn: Connection, keys: Sequence[int]) -> dict[int, dict[str, Counter[tuple[Any, ...]]]]:
    """key -> table -> its rows, each with how often it is there."""
    out: dict[int, dict[str, Counter[tuple[Any, ...]]]] = {}
    for table in SEARCH:
        listed = ", ".join(name for name, _ in SEARCH[table])
        for row in await conn.fetch(f"SELECT key, {listed} FROM fhir_{table} WHERE key = ANY($1::bigint[])", keys):
            out.setdefault(row[0], {}).setdefault(table, Counter())[_plain(tuple(row)[1:])] += 1
    return out
