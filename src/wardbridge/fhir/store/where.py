"""Conditions of a search as SQL over the index tables: what must hold for a resource, and which resources it selects.

Each condition has two forms. :meth:`Where.holds` asks it of a resource that is at hand (an ``EXISTS``, which the
planner turns into a semi-join where that is cheaper); :meth:`Where.keys` lists the resources that meet it. A condition
that is sure to select few resources *leads*: its keys come first and the others are looked up for each of them, a plan
that is fixed and cheap to make. Where none leads, the planner, which knows the frequencies, chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wardbridge.fhir.definitions.search import compartment
from wardbridge.fhir.search.hash import reference_hash
from wardbridge.fhir.search.query import (
    And,
    Chain,
    Clause,
    Compartment,
    Condition,
    Link,
    Missing,
    Not,
    Or,
    Range,
    Reference,
    Reverse,
    Token,
)
from wardbridge.fhir.store import conditions
from wardbridge.fhir.store.conditions import Arguments
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
    "special": "fhir_position",
}
SELECTIVE = frozenset({"identifier", "_id", "url"})
_WIDE = frozenset({"missing", "not", "not-in", "in", "text", "above", "below", "unequal"})
_ROW = frozenset({"_id", "_lastUpdated", "_text", "_content"})
"""Parameters that are answered from the resource's own row, or only together with it."""


@dataclass(frozen=True)
class Subject:
    """The resource that a condition is about: an expression for its key, the alias of its row ('' where it has none
    in the statement), and the types that it may have (none: any)."""

    key: str
    row: str
    types: tuple[str, ...]


def leads(condition: Condition) -> bool:
    """Whether the condition is sure to select few resources."""
    match condition:
        case Clause(parameter=parameter, code=code, modifier=modifier, values=values):
            if modifier in _WIDE or code in _ROW:
                return False
            if parameter.type == "reference" and modifier != "identifier":
                return all(isinstance(v, Reference) for v in values)
            return code in SELECTIVE and all(not isinstance(v, Token) or v.code is not None for v in values)
        case Chain(links=links):
            return all(leads(link.condition) or _named(link.condition) for link in links)
        case Reverse(condition=inner):
            return leads(inner) or _named(inner)
        case And(parts=parts):
            return any(map(leads, parts))
        case Or(parts=parts):
            return all(map(leads, parts))
        case Compartment():
            return True
        case _:
            return False


def _named(condition: Condition) -> bool:
    """Whether the condition gives the ids."""
    return isinstance(condition, Clause) and condition.code == "_id" and not condition.modifier


def _needs_row(condition: Condition) -> bool:
    match condition:
        case Clause(code=code):
            return code in _ROW
        case And(parts=parts) | Or(parts=parts):
            return any(map(_needs_row, parts))
        case Not(part=part):
            return _needs_row(part)
        case Chain() | Compartment():
            return False
        case _:
            return True


_ONE: dict[str, Callable[[Any, str, Arguments], str]] = {
    "string": lambda v, word, a: conditions.string(v, "equals" if word == "unequal" else word, a),
    "uri": conditions.uri,
    "date": lambda v, _, a: conditions.date(v, a),
    "number": lambda v, _, a: conditions.number(v, a),
    "quantity": lambda v, _, a: conditions.quantity(v, a),
    "composite": lambda v, _, a: conditions.composite(v, a),
    "special": lambda v, _, a: conditions.near(v, a),
}
"""The condition of one value, by search type."""


class Where:
    """Conditions of one statement; its arguments gather in ``a``."""

    def __init__(self, numbers: Numbers, a: Arguments) -> None:
        self.numbers = numbers
        self.a = a
        self._aliases = 0

    def resources(
        self, parts: Sequence[Condition], types: tuple[str, ...], row: str, below: int | None = None
    ) -> tuple[str, list[str]]:
        """(what follows FROM, what must hold) for the resources that meet all parts; ``row`` is their alias.

        ``below``: their keys are to be below this, so that a later page does not list what the earlier ones gave.
        """
        waiting: list[Condition] = []
        for part in parts:
            waiting.extend(part.parts if isinstance(part, And) else (part,))
        where = [f"NOT {row}.deleted"]
        if types:
            where.append(self._of_types(f"{row}.type", types))
        leader = next((part for part in waiting if leads(part)), None)
        source = f"fhir_resource {row}"
        fence = ""
        if leader is not None:
            waiting.remove(leader)
            listed = self._alias("d")
            bound = "" if below is None else f" WHERE {listed}k.key < {self.a.add(below, 'bigint')}"
            source = (
                f"(SELECT DISTINCT key FROM ({self.keys(leader, types)}) {listed}k{bound}) {listed} "
                f"JOIN fhir_resource {row} ON {row}.key = {listed}.key"
            )
            # OFFSET 0 keeps the planner from turning a look-up per row into a join over all rows of the condition.
            fence = " OFFSET 0"
        subject = Subject(f"{row}.key", row, types)
        where.extend(self.holds(part, subject, fence) for part in waiting)
        return source, where

    def _alias(self, head: str) -> str:
        self._aliases += 1
        return f"{head}{self._aliases}"

    def _of_types(self, column: str, types: Sequence[str]) -> str:
        return conditions.one_of(column, [self.numbers.types[name] for name in types], self.a, "smallint")

    # --- a resource at hand --------------------------------------------------------------------------------------

    def holds(self, condition: Condition, subject: Subject, fence: str = "") -> str:
        """A truth value in SQL."""
        match condition:
            case Clause():
                return self._clause(condition, subject, fence)
            case Chain(code=code, links=(link,)):
                return self._chained(code, link, subject, fence)
            case Chain(code=code, links=links):
                return "(" + " OR ".join(self._chained(code, link, subject, fence) for link in links) + ")"
            case Reverse():
                return self._reversed(condition, subject, fence)
            case And(parts=parts):
                return "(" + " AND ".join(self.holds(part, subject, fence) for part in parts) + ")"
            case Or(parts=parts):
                return "(" + " OR ".join(self.holds(part, subject, fence) for part in parts) + ")"
            case Not(part=part):
                return f"NOT {self.holds(part, subject, fence)}"
            case _:
                return f"{subject.key} IN ({self.keys(condition, subject.types)})"

    def _clause(self, clause: Clause, subject: Subject, fence: str) -> str:
        if clause.code == "_id":
            return self._ids(clause, subject.row)
        if clause.code == "_lastUpdated":
            return self._updated(clause, subject.row)
        if clause.modifier == "missing":
            absent = clause.values == (Missing(True),)
            exists = " OR ".join(
                f"EXISTS (SELECT 1 FROM {table} x WHERE x.key = {subject.key} "
                f"AND {self._parameter(clause, subject.types)})"
                for table in self._tables(clause)
            )
            return f"NOT ({exists})" if absent else f"({exists})"
        negate = "NOT " if clause.modifier in ("not", "not-in") else ""
        return f"{negate}EXISTS (SELECT 1 FROM {self.rows(clause, subject.types)} AND x.key = {subject.key}{fence})"

    def _chained(self, code: str, link: Link, subject: Subject, fence: str) -> str:
        if self.numbers.parameters((link.type,), "url"):  # may be named by its canonical URL, too
            return f"{subject.key} IN ({self._chain_keys(code, link, subject.types)})"
        reference, row = self._alias("l"), self._alias("t")
        inner = Subject(f"{row}.key", row, (link.type,))
        parameter = self._number(f"{reference}.parameter", subject.types, code)
        held = self.holds(link.condition, inner, fence)
        return f"""EXISTS (SELECT 1 FROM fhir_reference {reference} JOIN fhir_resource {row} ON {_same(reference, row)}
            WHERE {reference}.key = {subject.key} AND {parameter} AND NOT {row}.deleted
              AND {self._of_types(f"{row}.type", (link.type,))} AND {held}{fence})"""

    def _reversed(self, condition: Reverse, subject: Subject, fence: str) -> str:
        if not subject.row or self._canonical(condition, subject.types):
            return f"{subject.key} IN ({self._reverse_keys(condition, subject.types)})"
        reference, row = self._alias("l"), self._alias("s")
        needed = _needs_row(condition.condition)
        joined = f"JOIN fhir_resource {row} ON {row}.key = {reference}.key AND NOT {row}.deleted" if needed else ""
        inner = Subject(f"{reference}.key", row if needed else "", (condition.source,))
        parameter = self._number(f"{reference}.parameter", (condition.source,), condition.code)
        return f"""EXISTS (SELECT 1 FROM fhir_reference {reference} {joined}
            WHERE {_same(reference, subject.row)} AND {parameter}
              AND {self.holds(condition.condition, inner, fence)}{fence})"""

    def _ids(self, clause: Clause, row: str) -> str:
        ids = [v.code for v in clause.values if isinstance(v, Token) and v.code]
        negate = "NOT " if clause.modifier == "not" else ""
        return f"{negate}({conditions.one_of(f'{row}.id', ids, self.a)})"

    def _updated(self, clause: Clause, row: str) -> str:
        # An instant has no width (R4 search 3.1.1.5.7).
        ranges = [v for v in clause.values if isinstance(v, Range)]
        return conditions.any_of(
            [conditions.date(value, self.a, f"{row}.updated", f"({row}.updated + 1)") for value in ranges]
        )

    # --- all that meet it ----------------------------------------------------------------------------------------

    def keys(self, condition: Condition, types: tuple[str, ...]) -> str:
        """``SELECT key`` of the resources of these types that meet the condition; a key may come twice."""
        match condition:
            case Clause() if condition.modifier not in _WIDE and condition.code not in _ROW:
                return f"SELECT x.key FROM {self.rows(condition, types)}"
            case Chain(code=code, links=links):
                return " UNION ALL ".join(self._chain_keys(code, link, types) for link in links)
            case Reverse():
                return self._reverse_keys(condition, types)
            case Or(parts=parts):
                return " UNION ALL ".join(f"({self.keys(part, types)})" for part in parts)
            case Compartment():
                return self._compartment(condition, types)
            case _:
                row = self._alias("r")
                source, where = self.resources([condition], types, row)
                return f"SELECT {row}.key FROM {source} WHERE {' AND '.join(where)}"

    def _chain_keys(self, code: str, link: Link, types: tuple[str, ...]) -> str:
        reference, row = self._alias("l"), self._alias("t")
        source, where = self.resources([link.condition], (link.type,), row)
        where.append(self._number(f"{reference}.parameter", types, code))
        held = " AND ".join(where)
        out = f"""SELECT {reference}.key FROM {source} JOIN fhir_reference {reference} ON {_same(reference, row)}
            WHERE {held}"""
        if urls := self.numbers.parameters((link.type,), "url"):
            out += f""" UNION ALL SELECT {reference}.key FROM {source}
            JOIN fhir_uri u ON u.key = {row}.key AND {conditions.one_of("u.parameter", urls, self.a, "smallint")}
            JOIN fhir_reference {reference} ON {reference}.target IS NULL AND {reference}.value = u.value
            WHERE {held}"""
        return out

    def _canonical(self, condition: Reverse, types: tuple[str, ...]) -> list[int]:
        """The parameters that hold the canonical URLs of those of the types that the reference can name."""
        targets = self.numbers.targets(condition.source, condition.code)
        return self.numbers.parameters([name for name in targets if not types or name in types], "url")

    def _reverse_keys(self, condition: Reverse, types: tuple[str, ...]) -> str:
        reference, row, target = self._alias("l"), self._alias("s"), self._alias("t")
        source, where = self.resources([condition.condition], (condition.source,), row)
        where.append(self._number(f"{reference}.parameter", (condition.source,), condition.code))
        urls = self._canonical(condition, types)
        source += f" JOIN fhir_reference {reference} ON {reference}.key = {row}.key"
        held = " AND ".join(where)
        of_types = f" AND {self._of_types(f'{target}.type', types)}" if types else ""
        out = f"""SELECT {target}.key FROM {source}
            JOIN fhir_resource {target} ON {_same(reference, target)} AND NOT {target}.deleted{of_types} WHERE {held}"""
        if urls:
            out += f""" UNION ALL SELECT u.key FROM {source} JOIN fhir_uri u ON u.value = {reference}.value
            AND {conditions.one_of("u.parameter", urls, self.a, "smallint")}
            WHERE {reference}.target IS NULL AND {held}"""
        return out

    def _compartment(self, wanted: Compartment, types: tuple[str, ...]) -> str:
        numbers: set[int] = set()
        for name, codes in compartment(wanted.name).items():
            if not types or name in types:
                numbers.update(n for code in codes for n in self.numbers.parameters((name,), code))
        ids = list(wanted.ids)
        parts = []
        if numbers:
            hashes = [reference_hash(wanted.name, id_) for id_ in ids]
            parts.append(
                f"SELECT x.key FROM fhir_reference x WHERE {conditions.one_of('x.hash', hashes, self.a, 'bigint')} "
                f"AND {conditions.one_of('x.parameter', sorted(numbers), self.a, 'smallint')} "
                f"AND {self._of_types('x.target', (wanted.name,))} AND {conditions.one_of('x.value', ids, self.a)}"
            )
        if not types or wanted.name in types:
            parts.append(
                f"SELECT x.key FROM fhir_resource x WHERE {self._of_types('x.type', (wanted.name,))} "
                f"AND {conditions.one_of('x.id', ids, self.a)}"
            )
        return " UNION ALL ".join(parts) or "SELECT NULL::bigint AS key WHERE false"

    # --- rows of one clause --------------------------------------------------------------------------------------

    @staticmethod
    def _tables(clause: Clause) -> list[str]:
        tables = [TABLE[clause.parameter.type]]
        return [*tables, "fhir_token"] if clause.parameter.type == "reference" else tables

    def _number(self, column: str, types: Sequence[str], code: str) -> str:
        return conditions.one_of(column, self.numbers.parameters(types, code), self.a, "smallint")

    def _parameter(self, clause: Clause, types: Sequence[str]) -> str:
        return self._number("x.parameter", types, clause.code)

    def rows(self, clause: Clause, types: tuple[str, ...]) -> str:
        """``table x WHERE parameter AND value``."""
        a, kind, modifier, values = self.a, clause.parameter.type, clause.modifier, clause.values
        if clause.code in ("_text", "_content"):
            for name in types or self.numbers.types:
                self.numbers.check(name, clause.code)
            return f"fhir_text x WHERE {conditions.full_text(values, clause.code == '_text', a)}"
        table = TABLE[kind]
        if modifier == "of-type":
            table = "fhir_composite"
            where = conditions.each(lambda v: conditions.of_type(v, a), values)
        elif modifier == "text" and kind == "reference":
            where = conditions.each(lambda v: conditions.string(v, "text", a, "x.display"), values)
        elif modifier == "text":
            table = "fhir_string"
            where = conditions.each(lambda v: conditions.string(v, "text", a), values)
        elif kind == "token" or modifier == "identifier":
            table = "fhir_token"
            where = conditions.tokens([v for v in values if isinstance(v, Token)], a)
        elif kind == "reference" and modifier in ("above", "below"):
            where = conditions.each(lambda v: conditions.within(v, modifier, a, self.numbers), values)
        elif kind == "reference":
            where = conditions.references([v for v in values if isinstance(v, Reference)], a, self.numbers.types)
        else:
            where = conditions.each(lambda v: _ONE[kind](v, modifier, a), values)
        if modifier == "unequal":  # some value is another one
            where = f"({where}) IS NOT TRUE"
        return f"{table} x WHERE {self._parameter(clause, types)} AND {where}"


def _same(reference: str, row: str) -> str:
    """A reference row leads to this resource. The hash selects, the text decides.

    The functions behind ``=`` stand in for it so that the planner does not multiply the fractions of three comparisons
    that say the same.
    """
    return (
        f"{row}.hash = {reference}.hash AND int2eq({row}.type, {reference}.target) "
        f"AND texteq({row}.id, {reference}.value)"
    )
