"""Running a search: a page, its total, and what ``_include`` and ``_revinclude`` add to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import asyncpg

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import Invalid, Unavailable
from wardbridge.fhir.search.hash import reference_hash
from wardbridge.fhir.search.query import Include, Query
from wardbridge.fhir.store.cursor import Position, decode, encode
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.select import Builder, Select
from wardbridge.fhir.store.values import Stored

INCLUDE_LIMIT = 1000
"""Most resources that one page takes in by ``_include`` and ``_revinclude``; the page says when there are more."""


class TooCostly(Unavailable):
    """The search did not end within its time (503); a narrower one will."""

    code = "too-costly"


@dataclass(frozen=True)
class Page:
    """``total`` is None where it was not counted; ``cursor`` is '' on the last page; ``cut``: includes left out."""

    matches: tuple[Stored, ...]
    included: tuple[Stored, ...] = ()
    total: int | None = None
    cursor: str = ""
    cut: bool = False
    query: Query = field(default_factory=lambda: Query(()))


async def run(db: Connection | Pool, numbers: Numbers, query: Query, seconds: float = 20.0) -> Page:
    """Raises Invalid for a foreign cursor, TooCostly past ``seconds``."""
    position = decode(query.cursor, query) if query.cursor else None
    if query.summary == "count":
        return Page((), total=await _value(db, Builder(query, numbers).count(), seconds), query=query)
    rows = await _fetch(db, Builder(query, numbers).page(position), seconds)
    more = len(rows) > query.count
    rows = rows[: query.count]
    matches = tuple(_stored(row, numbers) for row in rows)
    total = position.total if position else None
    if query.total != "none" and total is None:
        if not more and position is None:
            total = len(rows)
        elif query.total in ("accurate", "estimate"):
            total = await _value(db, Builder(query, numbers).count(), seconds)
    cursor = ""
    if more:
        last = rows[-1]
        cursor = encode(Position(last["key"], tuple(last[f"s{at}"] for at in range(len(query.sort))), total), query)
    included: tuple[Stored, ...] = ()
    cut = False
    if query.includes and rows:
        included, cut = await _includes(db, numbers, query.includes, rows, seconds)
    return Page(matches, included, None if query.total == "none" else total, cursor, cut, query)


def _stored(row: Any, numbers: Numbers) -> Stored:
    return Stored(numbers.names[row["type"]], row["id"], row["version"], row["updated"], row["body"], False, False)


async def _fetch(db: Connection | Pool, select: Select, seconds: float) -> list[Any]:
    try:
        return await db.fetch(select.text, *select.arguments, timeout=seconds)  # type: ignore[no-any-return]
    except (TimeoutError, asyncpg.QueryCanceledError) as error:
        raise TooCostly(f"the search did not end within {seconds:g} s; please narrow it") from error
    except asyncpg.DataError as error:
        raise Invalid("a value of the search is out of range") from error


async def _value(db: Connection | Pool, select: Select, seconds: float) -> int:
    rows = await _fetch(db, select, seconds)
    return int(rows[0][0])


async def _includes(
    db: Connection | Pool, numbers: Numbers, includes: tuple[Include, ...], rows: list[Any], seconds: float
) -> tuple[tuple[Stored, ...], bool]:
    keys: set[int] = set()
    for include in includes:
        select = _reverse(numbers, include, rows) if include.reverse else _forward(numbers, include, rows)
        if select is not None:
            keys.update(row["key"] for row in await _fetch(db, select, seconds))
    keys.difference_update(row["key"] for row in rows)
    wanted = sorted(keys)[:INCLUDE_LIMIT]
    if not wanted:
        return (), False
    found = await _fetch(
        db,
        Select(
            """SELECT r.key, r.type, r.id, r.version, r.updated, v.body
           FROM fhir_resource r JOIN fhir_version v ON v.key = r.key AND v.version = r.version
           WHERE r.key = ANY($1::bigint[]) AND NOT r.deleted ORDER BY r.key""",
            [wanted],
        ),
        seconds,
    )
    return tuple(_stored(row, numbers) for row in found), len(keys) > INCLUDE_LIMIT


def _sources(numbers: Numbers, include: Include) -> list[int] | None:
    """Numbers of the parameters that an include follows; None: every one."""
    if include.code != "*":
        return [numbers.parameter(include.source, include.code)]
    return numbers.references(include.source) if include.source else None


def _forward(numbers: Numbers, include: Include, rows: list[Any]) -> Select | None:
    keys = [row["key"] for row in rows if not include.source or row["type"] == numbers.types[include.source]]
    if not keys:
        return None
    return Select(
        f"""SELECT DISTINCT r.key FROM fhir_reference x
            JOIN fhir_resource r ON r.type = x.target AND r.id = x.value AND NOT r.deleted
            WHERE x.key = ANY($1::bigint[]) AND ($2::smallint[] IS NULL OR x.parameter = ANY($2::smallint[]))
              AND ($3::smallint IS NULL OR x.target = $3::smallint) LIMIT {INCLUDE_LIMIT + 1}""",
        [keys, _sources(numbers, include), numbers.types[include.target] if include.target else None],
    )


def _reverse(numbers: Numbers, include: Include, rows: list[Any]) -> Select | None:
    names = [(numbers.names[row["type"]], row["id"]) for row in rows]
    if include.target:
        names = [name for name in names if name[0] == include.target]
    if not names:
        return None
    parameters = _sources(numbers, include)
    return Select(
        f"""SELECT DISTINCT x.key FROM fhir_reference x
            WHERE x.parameter = ANY($1::smallint[]) AND x.hash = ANY($2::bigint[])
              AND (x.target, x.value) IN (SELECT * FROM unnest($3::smallint[], $4::text[]))
            LIMIT {INCLUDE_LIMIT + 1}""",
        [
            numbers.references("") if parameters is None else parameters,
            [reference_hash(*name) for name in names],
            [numbers.types[name] for name, _ in names],
            [id_ for _, id_ in names],
        ],
    )
