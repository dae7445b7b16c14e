"""A :class:`Query` as SQL: its page, and how many there are. Bodies are touched only for the rows of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wardbridge.core.errors import Invalid
from wardbridge.fhir.search.query import Chain, Clause, Query, Sort, Token, reverses
from wardbridge.fhir.store.conditions import Arguments
from wardbridge.fhir.store.cursor import Position
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.where import TABLE, Subject, Where, leads

SORT_VALUE = {
    "token": "code",
    "string": "value",
    "date": "low",
    "number": "low",
    "quantity": "low",
    "reference": "value",
    "uri": "value",
}
SORT_KIND = {
    "token": "text",
    "string": "text",
    "date": "bigint",
    "number": "numeric",
    "quantity": "numeric",
    "reference": "text",
    "uri": "text",
}


_ROW = "r.key, r.type, r.id, r.version, r.updated"
_INDEXED = frozenset({"date", "string", "uri"})
"""Search types whose index is in the order of their values."""


LOOK = 1000
"""How many of the newest matches of the plain conditions are looked at before a chain is followed from its other end:
what came together often belongs to one patient, so a few would say little."""
MOST_CODES = 10
"""Codes of an or-list that are read one by one from the index."""


def by_code(query: Query, numbers: Numbers) -> bool:
    """Whether all that is asked for are codes of one parameter: see :meth:`Builder.coded`."""
    if len(query.clauses) != 1 or query.sort:
        return False
    (part,) = query.clauses
    if not isinstance(part, Clause) or part.parameter.type != "token" or part.modifier or part.code == "_id":
        return False
    codes = [value for value in part.values if isinstance(value, Token) and value.code is not None]
    return len(codes) == len(part.values) <= MOST_CODES and len(numbers.parameters(query.types, part.code)) == 1


def steps_back(query: Query) -> bool:
    """Whether :meth:`Builder.newest` is worth a try: chains, which the planner cannot judge, and none that leads."""
    if query.sort or len(query.types) != 1 or any(map(leads, query.clauses)):
        return False
    # To ask "does anything refer here that ..." of one resource after another may take long where the answer is no.
    return any(isinstance(part, Chain) for part in query.clauses) and not any(map(reverses, query.clauses))


def in_order(query: Query, numbers: Numbers) -> bool:
    """Whether an index has the order that is asked for: see :meth:`Builder.ordered`."""
    if len(query.sort) != 1 or query.sort[0].type not in _INDEXED or query.sort[0].code == "_lastUpdated":
        return False
    return len(numbers.parameters(query.types, query.sort[0].code)) == 1 and not any(map(leads, query.clauses))


@dataclass(frozen=True)
class Select:
    """A statement with its arguments, and how many sort values each row carries (columns s0, s1 ...)."""

    text: str
    arguments: list[object]


class Builder:
    """Puts one query's statement together."""

    def __init__(self, query: Query, numbers: Numbers) -> None:
        self.query = query
        self.numbers = numbers
        self.a = Arguments()
        self.where = Where(numbers, self.a)
        self.a.literal = not any(map(leads, query.clauses))

    def page(self, position: Position | None) -> Select:
        """One page and one row more, newest first or as ``_sort`` asks."""
        keys = [self._sort_expression(sort) for sort in self.query.sort]
        listed = "".join(f", {text} AS s{at}" for at, (text, _) in enumerate(keys))
        inner = f"SELECT {_ROW}{listed} {self._from_where(position.key if position and not keys else None)}"
        after = "" if position is None else self._after(position, [kind for _, kind in keys])
        order = self._order()
        if keys:
            inner = f"SELECT * FROM ({inner}) p {'WHERE ' + after if after else ''} ORDER BY {order} {self._limit()}"
        else:
            after = f" AND {after.replace('p.key', 'r.key')}" if after else ""
            inner += f"{after} ORDER BY r.key DESC {self._limit()}"
        return self._bodies(inner, order)

    def coded(self, position: Position | None) -> Select:
        """The page of resources with one of some codes: from the index by code and key, which ends with the page
        whether the code is rare or not. One plan fits all codes."""
        self.a.literal = False
        (clause,) = self.query.clauses
        assert isinstance(clause, Clause)
        parts = []
        for value in clause.values:
            rows = self.where.rows(replace(clause, values=(value,)), self.query.types)
            before = f" AND x.key < {self.a.add(position.key, 'bigint')}" if position else ""
            parts.append(f"(SELECT DISTINCT x.key FROM {rows}{before} ORDER BY x.key DESC {self._limit()})")
        return self._bodies(
            f"""SELECT {_ROW} FROM (SELECT DISTINCT u.key FROM ({" UNION ALL ".join(parts)}) u ORDER BY u.key DESC
                {self._limit()}) d JOIN fhir_resource r ON r.key = d.key AND NOT r.deleted""",
            "p.key DESC",
        )

    def newest(self, position: Position | None) -> Select:
        """The page as far as the newest resources that meet the plain conditions give it (:data:`LOOK` of
        them); the chains are asked of each.

        What a chain selects the planner cannot know. If it is much, a page is found here at once; if the plain
        conditions select little, all of it is found here (:meth:`looked_at` says so).
        """
        subject = Subject("r.key", "r", self.query.types)
        candidates = self._candidates(position)
        deep = [part for part in self.query.clauses if not isinstance(part, Clause)]
        held = " AND ".join(self.where.holds(part, subject, " OFFSET 0") for part in deep)
        return self._bodies(
            f"SELECT {_ROW} FROM ({candidates}) r WHERE {held} ORDER BY r.key DESC {self._limit()}", "p.key DESC"
        )

    def looked_at(self, position: Position | None) -> Select:
        """How many resources :meth:`newest` looks at."""
        return Select(f"SELECT count(*) FROM ({self._candidates(position)}) c", self.a.values)

    def _candidates(self, position: Position | None) -> str:
        plain = [part for part in self.query.clauses if isinstance(part, Clause)]
        source, where = self.where.resources(plain, self.query.types, "r")
        if position:
            where.append(f"r.key < {self.a.add(position.key, 'bigint')}")
        return f"SELECT r.* FROM {source} WHERE {' AND '.join(where)} ORDER BY r.key DESC LIMIT {LOOK}"

    def ordered(self, position: Position | None) -> Select:
        """One page and one row more of the resources that have a value to sort by, read in its order from its index,
        so that it ends with the page. A resource with several values stands where the first of them stands."""
        (sort,) = self.query.sort
        column, kind = SORT_VALUE[sort.type], SORT_KIND[sort.type]
        sign, direction = (">", "DESC") if sort.descending else ("<", "ASC")
        table, parameter = TABLE[sort.type], self._sort_parameter(sort)
        source, where = self.where.resources(self.query.clauses, self.query.types, "r")
        where.append(f"o.parameter = {parameter}")
        where.append(
            f"""NOT EXISTS (SELECT 1 FROM {table} y WHERE y.key = o.key AND y.parameter = {parameter}
                AND (y.{column} {sign} o.{column} OR (y.{column} = o.{column} AND y.ctid < o.ctid)))"""
        )
        if position is not None:
            value, key = self.a.add(position.values[0], kind), self.a.add(position.key, "bigint")
            behind = "<" if sort.descending else ">"
            where.append(f"o.{column} {behind}= {value} AND (o.{column} {behind} {value} OR r.key < {key})")
        return self._bodies(
            f"""SELECT {_ROW}, o.{column} AS s0 FROM {source} JOIN {table} o ON o.key = r.key
                WHERE {" AND ".join(where)} ORDER BY o.{column} {direction}, r.key DESC {self._limit()}""",
            f"p.s0 {direction}, p.key DESC",
        )

    def valueless(self, position: Position | None) -> Select:
        """Those that have no value to sort by: they come last, newest first."""
        (sort,) = self.query.sort
        source, where = self.where.resources(self.query.clauses, self.query.types, "r")
        where.append(
            f"""NOT EXISTS (SELECT 1 FROM {TABLE[sort.type]} y
                WHERE y.key = r.key AND y.parameter = {self._sort_parameter(sort)})"""
        )
        if position is not None:
            where.append(f"r.key < {self.a.add(position.key, 'bigint')}")
        return self._bodies(
            f"""SELECT {_ROW}, NULL::{SORT_KIND[sort.type]} AS s0 FROM {source}
                WHERE {" AND ".join(where)} ORDER BY r.key DESC {self._limit()}""",
            "p.key DESC",
        )

    def _sort_parameter(self, sort: Sort) -> str:
        (number,) = self.numbers.parameters(self.query.types, sort.code)
        return self.a.add(number, "smallint")

    def _limit(self) -> str:
        return f"LIMIT {self.a.add(self.query.count + 1, 'bigint')}"

    def _order(self) -> str:
        order = []
        for at, sort in enumerate(self.query.sort):
            # What is never NULL must not say where NULL goes: an index could not be read in that order.
            last = "" if sort.code in ("_id", "_lastUpdated") else " NULLS LAST"
            order.append(f"p.s{at} {'DESC' if sort.descending else 'ASC'}{last}")
        return ", ".join([*order, "p.key DESC"])

    def _bodies(self, inner: str, order: str) -> Select:
        return Select(
            f"""SELECT p.*, v.body FROM ({inner}) p JOIN fhir_version v ON v.key = p.key AND v.version = p.version
                ORDER BY {order}""",
            self.a.values,
        )

    def count(self) -> Select:
        return Select(f"SELECT count(*) {self._from_where()}", self.a.values)

    def among(self, keys: Sequence[int]) -> Select:
        """Which of these resources match: their keys."""
        return Select(
            f"SELECT r.key {self._from_where()} AND r.key = ANY({self.a.add(keys, 'bigint[]')})", self.a.values
        )

    def estimate(self) -> Select:
        """What the planner expects, as JSON."""
        return Select(f"EXPLAIN (FORMAT JSON) SELECT r.key {self._from_where()}", self.a.values)

    def _from_where(self, below: int | None = None) -> str:
        source, where = self.where.resources(self.query.clauses, self.query.types, "r", below)
        return f"FROM {source} WHERE {' AND '.join(where)}"

    def _sort_expression(self, sort: Sort) -> tuple[str, str]:
        if sort.code == "_lastUpdated":
            return "r.updated", "bigint"
        if sort.code == "_id":
            return "r.id", "text"
        found = self.numbers.parameters(self.query.types, sort.code)
        pick = "max" if sort.descending else "min"
        return (
            f"(SELECT {pick}(x.{SORT_VALUE[sort.type]}) FROM {TABLE[sort.type]} x WHERE x.key = r.key "
            f"AND x.parameter = ANY({self.a.add(found, 'smallint[]')}))",
            SORT_KIND[sort.type],
        )

    def _after(self, position: Position, kinds: list[str]) -> str:
        """Rows behind ``position`` in the order of the page: keyset paging, stable while rows come and go."""
        if len(position.values) != len(kinds):
            raise Invalid("_cursor does not belong to this search", "_cursor")
        out: list[str] = []
        equal: list[str] = []
        for at, (value, kind, sort) in enumerate(zip(position.values, kinds, self.query.sort, strict=True)):
            column = f"p.s{at}"
            if value is not None:
                placeholder = self.a.add(value, kind)
                beyond = f"({column} {'<' if sort.descending else '>'} {placeholder} OR {column} IS NULL)"
                out.append(" AND ".join([*equal, beyond]))
                equal.append(f"{column} = {placeholder}")
            else:
                equal.append(f"{column} IS NULL")
        out.append(" AND ".join([*equal, f"p.key < {self.a.add(position.key, 'bigint')}"]))
        return "(" + " OR ".join(out) + ")"
