"""A code system whose concepts are in tables: look-ups by index, never more in memory than what was asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from wardbridge.core.db import Connection, Pool
from wardbridge.fhir.json import loads
from wardbridge.terminology.errors import TooCostly
from wardbridge.terminology.expression import Codes, Expression
from wardbridge.terminology.store.select import Arguments, condition
from wardbridge.terminology.systems.system import Page
from wardbridge.terminology.values import Concept, Designation, Head, Property

_ROW = """c.number, c.code, c.display, c.abstract, c.inactive, c.leaf, c.status, c.more,
    ARRAY(SELECT a.code FROM term_closure x JOIN term_concept a ON a.system = $1 AND a.number = x.ancestor
          WHERE x.system = $1 AND x.descendant = c.number AND x.steps > 0 ORDER BY x.steps, a.number),
    (SELECT count(*) FROM term_closure x WHERE x.system = $1 AND x.descendant = c.number AND x.steps = 1)"""
REMEMBERED = 20_000
COUNTED = 200
"""Totals of expressions that are kept, so that the next page need not count again."""


class StoredSystem:
    """``key`` is that of ``term_system``; its rows never change, so that what was read may be remembered."""

    countable = True

    def __init__(self, pool: Pool, key: int, head: Head, hierarchical: bool) -> None:
        self.head = head
        self.hierarchical = hierarchical
        self._pool = pool
        self._key = key
        self._recent: OrderedDict[str, Concept | None] = OrderedDict()
        self._totals: OrderedDict[Expression, int] = OrderedDict()

    async def find(self, codes: Sequence[str]) -> dict[str, Concept]:
        missing = [code for code in dict.fromkeys(codes) if code not in self._recent]
        if missing:
            await self._read(missing)
        out = {}
        for code in codes:
            concept = self._recent.get(code)
            if concept is not None:
                out[code] = concept
        while len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)
        return out

    async def _read(self, codes: list[str]) -> None:
        rows = await self._pool.fetch(
            f"SELECT c.code, {_ROW} FROM term_concept c WHERE c.system = $1 AND c.code = ANY($2)", self._key, codes
        )
        found = {row[0]: _concept(row, 1) for row in rows}
        left = [code for code in codes if code not in found]
        if left and not self.head.case_sensitive:
            rows = await self._pool.fetch(
                f"SELECT c.folded, {_ROW} FROM term_concept c WHERE c.system = $1 AND c.folded = ANY($2)",
                self._key,
                [code.casefold() for code in left],
            )
            folded = {row[0]: _concept(row, 1) for row in rows}
            found |= {code: folded[code.casefold()] for code in left if code.casefold() in folded}
        for code in codes:
            self._recent[code] = found.get(code)

    async def children(self, code: str) -> Sequence[Concept]:
        rows = await self._pool.fetch(
            f"""SELECT {_ROW} FROM term_closure y JOIN term_concept c ON c.system = $1 AND c.number = y.descendant
                WHERE y.system = $1 AND y.steps = 1
                AND y.ancestor = (SELECT number FROM term_concept WHERE system = $1 AND code = $2) ORDER BY c.number""",
            self._key,
            code,
        )
        return [_concept(row, 0) for row in rows]

    async def select(self, expression: Expression, offset: int, limit: int) -> Page:
        a = Arguments(self._key)
        where = condition(expression, a)
        total = self._totals.get(expression)
        if total is None:
            total = self._totals[expression] = await self._pool.fetchval(
                f"SELECT count(*) FROM term_concept c WHERE c.system = $1 AND {where}", *a.values
            )
            if len(self._totals) > COUNTED:
                self._totals.popitem(last=False)
        if not limit or offset >= total:
            return Page(total, ())
        order = "c.number"
        if isinstance(expression, Codes):
            order = f"array_position({a.add(list(expression.codes), 'text[]')}, c.code)"
        skip, most = a.add(offset, "bigint"), a.add(limit, "bigint")
        # What a concept tells is read for those of the page alone.
        rows = await self._pool.fetch(
            f"""SELECT {_ROW} FROM (
                    SELECT c.number, {order} AS place FROM term_concept c WHERE c.system = $1 AND {where}
                    ORDER BY place OFFSET {skip} LIMIT {most}) p
                JOIN term_concept c ON c.system = $1 AND c.number = p.number ORDER BY p.place""",
            *a.values,
        )
        return Page(total, tuple(_concept(row, 0) for row in rows))

    async def values(self, property: str, limit: int) -> Sequence[str]:
        columns = {"code": "code", "concept": "code", "display": "display"}
        if property in columns:
            text = f"SELECT DISTINCT {columns[property]} FROM term_concept WHERE system = $1 LIMIT $2"
            arguments: list[Any] = [self._key, limit + 1]
        else:
            text = "SELECT DISTINCT value FROM term_property WHERE system = $1 AND code = $3 LIMIT $2"
            arguments = [self._key, limit + 1, property]
        rows = await self._pool.fetch(text, *arguments)
        if len(rows) > limit:
            raise TooCostly(f"the property {property!r} of {self.head.url} has more than {limit} values")
        return [row[0] for row in rows]


def _concept(row: Any, at: int) -> Concept:
    number, code, display, abstract, inactive, leaf, status, more, above, parents = tuple(row)[at:]
    told = loads(more.encode()) if more else {}
    return Concept(
        code=code,
        display=display,
        definition=told.get("definition", ""),
        number=number,
        abstract=abstract,
        inactive=inactive,
        status=status,
        leaf=leaf,
        parents=tuple(above[:parents]),
        ancestors=frozenset(above),
        designations=tuple(
            Designation(
                d["value"], d.get("language", ""), d.get("use"), tuple(d.get("extension", ())), d.get("source", "")
            )
            for d in told.get("designations", ())
        ),
        properties=tuple(Property(*p) for p in told.get("properties", ())),
    )


async def alone(conn: Connection, resource: int) -> None:
    """Wait until no other transaction brings this resource into tables."""
    await conn.execute("SELECT pg_advisory_xact_lock(0x7465726d, $1::int)", resource % 2_000_000_000)


async def systems(pool: Pool) -> list[tuple[int, Head, bool, int | None, int | None]]:
    """Every loaded system: key, head, hierarchical, and the resource (key, version) that it was made from."""
    rows = await pool.fetch(
        "SELECT key, head, hierarchical, resource, resource_version FROM term_system WHERE ready ORDER BY key"
    )
    return [(row[0], _head(row[1]), row[2], row[3], row[4]) for row in rows]


def _head(text: str) -> Head:
    told = loads(text.encode())
    told["properties"] = tuple((p[0], p[1]) for p in told.get("properties", ()))
    return Head(**told)


async def matching(pool: Pool, pattern: str, values: Sequence[str], seconds: float = 5.0) -> list[str]:
    """The values that a regular expression matches as a whole, found by the database's automaton: no pattern makes it
    run for ever, as backtracking does. Raises asyncpg errors for a pattern that is none, TimeoutError."""
    rows = await pool.fetch(
        "SELECT v FROM unnest($1::text[]) v WHERE v ~ $2", list(values), f"^(?:{pattern})$", timeout=seconds
    )
    return [row[0] for row in rows]
