"""Running a search: a page, its total, and what ``_include`` and ``_revinclude`` add to it."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import Invalid, Unavailable
from wardbridge.fhir.search.clauses import UnknownParameter
from wardbridge.fhir.search.query import Query
from wardbridge.fhir.search.result import LARGEST_COUNT
from wardbridge.fhir.store.contained import MOST, Hit, contained
from wardbridge.fhir.store.cursor import Position, decode, encode
from wardbridge.fhir.store.include import Found, included
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.resolve import resolved
from wardbridge.fhir.store.select import LOOK, Builder, Select, by_code, in_order, steps_back
from wardbridge.fhir.store.values import Stored
from wardbridge.fhir.terms import Terms


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


async def run(
    db: Connection | Pool, numbers: Numbers, query: Query, seconds: float = 20.0, terms: Terms | None = None
) -> Page:
    """Raises Invalid for a foreign cursor or what no terminology service answers, TooCostly past ``seconds``."""
    position = decode(query.cursor, query) if query.cursor else None
    asked = await resolved(query, terms, db, numbers)
    if query.contained == "true":
        return await _contained(db, numbers, asked, position, seconds, query)
    if query.summary == "count" and query.contained:
        raise UnknownParameter("_summary=count cannot be mixed with _contained=both", "_summary")
    if query.summary == "count":
        return Page((), total=await _total(db, numbers, asked, seconds), query=query)
    rows = await _rows(db, numbers, asked, position, seconds)
    more = len(rows) > query.count
    rows = rows[: query.count]
    matches = tuple(_stored(row, numbers) for row in rows)
    if query.contained and not more:  # on the last page of the others
        hits = await contained(lambda select: _fetch(db, select, seconds), numbers, asked, None, LARGEST_COUNT)
        there = {(one.type, one.id) for one in matches}
        matches += tuple(hit.stored for hit in hits if (hit.stored.type, hit.stored.id) not in there)
    total = position.total if position else None
    if query.total != "none" and total is None:
        if not more and position is None:
            total = len(matches)
        elif query.total in ("accurate", "estimate"):
            total = await _total(db, numbers, asked, seconds)
    cursor = ""
    if more:
        last = rows[-1]
        cursor = encode(Position(last["key"], tuple(last[f"s{at}"] for at in range(len(query.sort))), total), query)
    added: tuple[Stored, ...] = ()
    cut = False
    if query.includes and rows:
        found = [Found(row["key"], numbers.names[row["type"]], row["id"]) for row in rows]
        keys, cut = await included(lambda select: _fetch(db, select, seconds), numbers, query.includes, found)
        added = await _bodies(db, numbers, keys, seconds)
    return Page(matches, added, None if query.total == "none" else total, cursor, cut, query)


async def _contained(
    db: Connection | Pool, numbers: Numbers, asked: Query, position: Position | None, seconds: float, query: Query
) -> Page:
    """A page of what is found in containers only. A container with several matches is never cut in two."""

    def find(before: int | None, count: int) -> Awaitable[list[Hit]]:
        return contained(lambda select: _fetch(db, select, seconds), numbers, asked, before, count)

    if query.summary == "count" or query.total == "accurate":
        total: int | None = len(await find(None, MOST))
        if query.summary == "count":
            return Page((), total=total, query=query)
    else:
        total = None
    hits = await find(position.key if position else None, query.count + 1)
    more = len(hits) > query.count
    if more and len({hit.key for hit in hits}) > 1:
        hits = [hit for hit in hits if hit.key != hits[-1].key]
    if not more and position is None and query.total != "none":
        total = len(hits)
    cursor = encode(Position(hits[-1].key, (), total), query) if more else ""
    return Page(tuple(hit.stored for hit in hits), (), total, cursor, False, query)


async def _rows(
    db: Connection | Pool, numbers: Numbers, query: Query, position: Position | None, seconds: float
) -> list[Any]:
    """The page and one row more, by the statement that is likely to end first."""
    if by_code(query, numbers):
        return await _fetch(db, Builder(query, numbers).coded(position), seconds)
    if steps_back(query):
        rows = await _fetch(db, Builder(query, numbers).newest(position), seconds)
        if len(rows) > query.count:
            return rows
        if int((await _fetch(db, Builder(query, numbers).looked_at(position), seconds))[0][0]) < LOOK:
            return rows
    if not in_order(query, numbers):
        return await _fetch(db, Builder(query, numbers).page(position), seconds)
    if position is not None and len(position.values) != 1:
        raise Invalid("_cursor does not belong to this search", "_cursor")
    rows = []
    if position is None or position.values[0] is not None:
        rows = await _fetch(db, Builder(query, numbers).ordered(position), seconds)
        position = None
    if len(rows) <= query.count:
        rows += (await _fetch(db, Builder(query, numbers).valueless(position), seconds))[: query.count + 1 - len(rows)]
    return rows


async def _total(db: Connection | Pool, numbers: Numbers, query: Query, seconds: float) -> int:
    """Counted, or for ``_total=estimate`` what the planner expects, which costs no look at the data."""
    if query.total == "estimate":
        rows = await _fetch(db, Builder(query, numbers).estimate(), seconds)
        return int(orjson.loads(rows[0][0])[0]["Plan"]["Plan Rows"])
    rows = await _fetch(db, Builder(query, numbers).count(), seconds)
    return int(rows[0][0])


async def _bodies(db: Connection | Pool, numbers: Numbers, keys: list[int], seconds: float) -> tuple[Stored, ...]:
    if not keys:
        return ()
    found = await _fetch(
        db,
        Select(
            """SELECT r.key, r.type, r.id, r.version, r.updated, v.body
               FROM fhir_resource r JOIN fhir_version v ON v.key = r.key AND v.version = r.version
               WHERE r.key = ANY($1::bigint[]) AND NOT r.deleted ORDER BY r.key""",
            [keys],
        ),
        seconds,
    )
    return tuple(_stored(row, numbers) for row in found)


def _stored(row: Any, numbers: Numbers) -> Stored:
    return Stored(numbers.names[row["type"]], row["id"], row["version"], row["updated"], row["body"], False, False)


async def _fetch(db: Connection | Pool, select: Select, seconds: float) -> list[Any]:
    try:
        return await db.fetch(select.text, *select.arguments, timeout=seconds)  # type: ignore[no-any-return]
    except (TimeoutError, asyncpg.QueryCanceledError) as error:
        raise TooCostly(f"the search did not end within {seconds:g} s; please narrow it") from error
    except asyncpg.DataError as error:
        raise Invalid("a value of the search is out of range") from error
