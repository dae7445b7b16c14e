"""Long enumerations of value sets, in tables: whether a code is in one costs the same whatever its length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from wardbridge.core.db import Connection, Pool
from wardbridge.fhir.json import dumps, loads
from wardbridge.terminology.expression import Both, Codes, Either, Every, Expression, InList, Not, both, holds
from wardbridge.terminology.systems.system import Page
from wardbridge.terminology.values import Concept, Head, dicts

LONG = 2_000
"""An enumeration with more concepts is kept in the table."""
MARK = "_listed"
"""The key that stands for ``concept`` in an include whose concepts are in the table: [resource, place]."""
Said = dict[str, Any]
"""What a value set says of a concept: its ``concept`` entry."""


def _places(valueset: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    compose = valueset.get("compose")
    elements = [e for k in ("include", "exclude") for e in dicts(compose.get(k))] if isinstance(compose, dict) else []
    for place, element in enumerate(elements):
        if isinstance(element.get("concept"), list) and len(element["concept"]) > LONG:
            yield place, element


async def write(conn: Connection, key: int, valueset: dict[str, Any]) -> None:
    """Keep the long enumerations of a value set, in place of what was kept of it before."""
    await conn.execute("DELETE FROM term_listed WHERE resource = $1", key)
    for place, element in _places(valueset):
        rows: dict[str, tuple[Any, ...]] = {}
        for number, entry in enumerate(dicts(element["concept"])):
            code = entry.get("code")
            if isinstance(code, str):
                told = {k: entry[k] for k in ("designation", "extension") if k in entry}
                more = dumps(told).decode() if told else None
                rows.setdefault(code, (key, place, number, code, str(entry.get("display") or ""), more))
        await conn.copy_records_to_table(
            "term_listed", records=rows.values(), columns=["resource", "place", "number", "code", "display", "more"]
        )


async def clear(conn: Connection) -> None:
    """Forget the enumerations of value sets that are gone."""
    await conn.execute(
        "DELETE FROM term_listed l WHERE NOT EXISTS (SELECT 1 FROM term_resource t WHERE t.key = l.resource)"
    )


def slim(key: int, valueset: dict[str, Any]) -> dict[str, Any]:
    """The value set with a mark in place of each long enumeration."""
    for place, element in _places(valueset):
        del element["concept"]
        element[MARK] = [key, place]
    return valueset


async def definition(pool: Pool, valueset: dict[str, Any]) -> Any:
    """The whole ``compose`` of a value set of which :func:`slim` took a part away."""
    compose = valueset.get("compose")
    elements = [e for k in ("include", "exclude") for e in dicts(compose.get(k))] if isinstance(compose, dict) else []
    mark = next((element[MARK] for element in elements if MARK in element), None)
    if mark is None:
        return compose
    body = await pool.fetchval(
        """SELECT v.body FROM fhir_resource r JOIN fhir_version v ON v.key = r.key AND v.version = r.version
           WHERE r.key = $1""",
        mark[0],
    )
    return loads(body).get("compose") if body else None


async def resolve(pool: Pool, expression: Expression, codes: Sequence[str]) -> tuple[Expression, dict[str, Said]]:
    """The expression as it holds for these codes, and what the value sets say of them."""
    if isinstance(expression, InList):
        rows = await pool.fetch(
            "SELECT code, display, more FROM term_listed WHERE resource = $1 AND place = $2 AND code = ANY($3)",
            expression.resource,
            expression.place,
            list(codes),
        )
        said = {row[0]: _said(row[0], row[1], row[2]) for row in rows}
        return Codes(tuple(said)), said
    if isinstance(expression, Not):
        part, _ = await resolve(pool, expression.part, codes)
        return Not(part), {}
    if isinstance(expression, Both | Either):
        parts = [await resolve(pool, part, codes) for part in expression.parts]
        found = tuple(part for part, _ in parts)
        told = {code: entry for _, said in parts for code, entry in said.items()}
        return (Both(found) if isinstance(expression, Both) else Either(found)), told
    return expression, {}


def pending(expression: Expression) -> bool:
    """Whether it must be resolved before it is evaluated."""
    if isinstance(expression, Both | Either):
        return any(pending(part) for part in expression.parts)
    return isinstance(expression, InList) or (isinstance(expression, Not) and pending(expression.part))


def _said(code: str, display: str, more: str | None) -> Said:
    return {"code": code, "display": display, **(loads(more.encode()) if more else {})}


class ListSystem:
    """A system that is not known here, as far as a long enumeration names its codes."""

    countable = True
    hierarchical = False

    def __init__(self, pool: Pool, head: Head, resource: int, place: int) -> None:
        self.head = head
        self._pool, self._resource, self._place = pool, resource, place

    async def find(self, codes: Sequence[str]) -> dict[str, Concept]:
        _, said = await resolve(self._pool, InList(self._resource, self._place), codes)
        return {code: Concept(code, entry["display"]) for code, entry in said.items()}

    async def children(self, code: str) -> Sequence[Concept]:
        return ()

    async def select(self, expression: Expression, offset: int, limit: int) -> Page:
        everything = isinstance(expression, Every) or expression == InList(self._resource, self._place)
        total = await self._pool.fetchval(
            "SELECT count(*) FROM term_listed WHERE resource = $1 AND place = $2", self._resource, self._place
        )
        rows = await self._pool.fetch(
            """SELECT code, display FROM term_listed WHERE resource = $1 AND place = $2 ORDER BY number
               OFFSET $3 LIMIT $4""",
            self._resource,
            self._place,
            offset if everything else 0,
            limit if everything else None,
        )
        found = [Concept(row[0], row[1], number=n) for n, row in enumerate(rows)]
        if everything:
            return Page(total, tuple(found))
        narrowed, _ = await resolve(self._pool, expression, [c.code for c in found])
        kept = [concept for concept in found if holds(narrowed, concept)]
        return Page(len(kept), tuple(kept[offset : offset + limit]))

    async def values(self, property: str, limit: int) -> Sequence[str]:
        return [c.code for c in (await self.select(both(), 0, limit)).concepts]
