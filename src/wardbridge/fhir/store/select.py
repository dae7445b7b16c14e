"""A :class:`Query` as SQL: its page, and how many there are. Bodies are touched only for the rows of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wardbridge.core.errors import Invalid
from wardbridge.fhir.search.query import Query, Sort
from wardbridge.fhir.store.conditions import Arguments
from wardbridge.fhir.store.cursor import Position
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.where import TABLE, Where

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

    def page(self, position: Position | None) -> Select:
        """One page and one row more, newest first or as ``_sort`` asks."""
        keys = [self._sort_expression(sort) for sort in self.query.sort]
        listed = "".join(f", {text} AS s{at}" for at, (text, _) in enumerate(keys))
        inner = f"SELECT r.key, r.type, r.id, r.version, r.updated{listed} {self._from_where()}"
        order = "".join(
            f"p.s{at} {'DESC' if s.descending else 'ASC'} NULLS LAST, " for at, s in enumerate(self.query.sort)
        )
        after = "" if position is None else self._after(position, [kind for _, kind in keys])
        limit = f"LIMIT {self.a.add(self.query.count + 1, 'bigint')}"
        if keys:
            inner = f"SELECT * FROM ({inner}) p {'WHERE ' + after if after else ''} ORDER BY {order}p.key DESC {limit}"
        else:
            inner += f"{' AND ' + after.replace('p.key', 'r.key') if after else ''} ORDER BY r.key DESC {limit}"
        return Select(
            f"""SELECT p.*, v.body FROM ({inner}) p JOIN fhir_version v ON v.key = p.key AND v.version = p.version
                ORDER BY {order}p.key DESC""",
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

    def _from_where(self) -> str:
        source, where = self.where.resources(self.query.clauses, self.query.types, "r")
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
