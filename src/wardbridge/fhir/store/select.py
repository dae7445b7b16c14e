"""A :class:`Query` as SQL. The body table is touched only for the rows of the page.

Where a clause selects few rows for sure (a reference, an identifier) it leads, and the others are looked up for each
of its rows: the plan is fixed and cheap to make. Otherwise the planner, which knows the frequencies, chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wardbridge.core.errors import Invalid
from wardbridge.fhir.search.query import Clause, Missing, Query, Range, Reference, Sort, Token
from wardbridge.fhir.store import conditions
from wardbridge.fhir.store.conditions import Arguments
from wardbridge.fhir.store.cursor import Position
from wardbridge.fhir.store.numbers import Numbers

TABLE = {
    "token": "fhir_token",
    "string": "fhir_string",
    "date": "fhir_date",
    "number": "fhir_number",
    "quantity": "fhir_quantity",
    "reference": "fhir_reference",
    "uri": "fhir_uri",
    "composite": "fhir_composite",
}
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
SELECTIVE = frozenset({"identifier", "_id", "url"})


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

    def _from_where(self) -> str:
        clauses = list(self.query.clauses)
        leader = next((c for c in clauses if self._leads(c)), None)
        source = "FROM fhir_resource r"
        where = ["NOT r.deleted"]
        if self.query.types:
            numbers = [self.numbers.types[name] for name in self.query.types]
            where.append(
                f"r.type = {self.a.add(numbers[0], 'smallint')}"
                if len(numbers) == 1
                else f"r.type = ANY({self.a.add(numbers, 'smallint[]')})"
            )
        if leader is not None:
            clauses.remove(leader)
            source = f"FROM (SELECT DISTINCT x.key FROM {self._rows(leader)}) d JOIN fhir_resource r ON r.key = d.key"
        # OFFSET 0 keeps the planner from turning a look-up per row into a join over all rows of the clause.
        fence = " OFFSET 0" if leader is not None else ""
        where.extend(self._condition(clause, fence) for clause in clauses)
        return f"{source} WHERE {' AND '.join(where)}"

    @staticmethod
    def _leads(clause: Clause) -> bool:
        """Whether the clause is sure to select few rows."""
        if clause.modifier in ("missing", "not", "text", "above", "below") or clause.code == "_id":
            return False
        if clause.parameter.type == "reference":
            return all(isinstance(v, Reference) for v in clause.values)
        return clause.code in SELECTIVE and all(not isinstance(v, Token) or v.code is not None for v in clause.values)

    def _condition(self, clause: Clause, fence: str) -> str:
        if clause.code == "_id":
            return self._ids(clause)
        if clause.code == "_lastUpdated":
            return self._updated(clause)
        missing = clause.values[0] if isinstance(clause.values[0], Missing) else None
        if missing is not None:
            exists = " OR ".join(
                f"EXISTS (SELECT 1 FROM {table} x WHERE x.key = r.key AND {self._parameter(clause)})"
                for table in self._tables(clause)
            )
            return f"NOT ({exists})" if missing.absent else f"({exists})"
        negate = "NOT " if clause.modifier == "not" else ""
        return f"{negate}EXISTS (SELECT 1 FROM {self._rows(clause)} AND x.key = r.key{fence})"

    @staticmethod
    def _tables(clause: Clause) -> list[str]:
        tables = [TABLE[clause.parameter.type]]
        return [*tables, "fhir_token"] if clause.parameter.type == "reference" else tables

    def _parameter(self, clause: Clause) -> str:
        found = self.numbers.parameters(self.query.types, clause.code)
        if len(found) == 1:
            return f"x.parameter = {self.a.add(found[0], 'smallint')}"
        return f"x.parameter = ANY({self.a.add(found, 'smallint[]')})"

    def _rows(self, clause: Clause) -> str:
        """``table x WHERE parameter AND value``."""
        a, kind, modifier, values = self.a, clause.parameter.type, clause.modifier, clause.values
        parameter = self._parameter(clause)
        table = TABLE[kind]
        if modifier == "text":
            table = "fhir_string"
            where = conditions.each(lambda v: conditions.string(v, "text", a), values)
        elif kind == "token" or modifier == "identifier":
            table = "fhir_token"
            where = conditions.tokens([v for v in values if isinstance(v, Token)], a)
        elif kind == "reference":
            where = conditions.references([v for v in values if isinstance(v, Reference)], a, self.numbers.types)
        elif kind == "string":
            where = conditions.each(lambda v: conditions.string(v, modifier, a), values)
        elif kind == "uri":
            where = conditions.each(lambda v: conditions.uri(v, modifier, a), values)
        elif kind == "date":
            where = conditions.each(lambda v: conditions.date(v, a), values)
        elif kind == "number":
            where = conditions.each(lambda v: conditions.number(v, a), values)
        elif kind == "quantity":
            where = conditions.each(lambda v: conditions.quantity(v, a), values)
        else:
            where = conditions.each(lambda v: conditions.composite(v, a), values)
        return f"{table} x WHERE {parameter} AND {where}"

    def _ids(self, clause: Clause) -> str:
        ids = [v.code for v in clause.values if isinstance(v, Token) and v.code]
        negate = "NOT " if clause.modifier == "not" else ""
        return f"{negate}(r.id = ANY({self.a.add(ids, 'text[]')}))"

    def _updated(self, clause: Clause) -> str:
        out = []
        for value in clause.values:
            assert isinstance(value, Range)
            # lastUpdated is kept in milliseconds: it covers one.
            out.append(conditions.date(value, self.a, "r.updated", "(r.updated + 1000)"))
        return "(" + " OR ".join(out) + ")"

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
