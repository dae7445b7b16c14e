"""Whether one resource meets a condition, asked of its search rows in memory: for contained resources, which have no
rows in the store (R4 search §3.1.1.5.6). The meaning of a value is that of ``store/conditions.py``, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from wardbridge.fhir.search.clauses import UnknownParameter
from wardbridge.fhir.search.hash import clip, fold
from wardbridge.fhir.search.query import (
    And,
    Clause,
    Condition,
    Missing,
    Not,
    Or,
    Quantity,
    Range,
    Reference,
    Text,
    Token,
    Typed,
    Uri,
)
from wardbridge.fhir.search.rows import Rows

Row = tuple[Any, ...]
"""A row without its parameter."""

_TABLE = {"token": "token", "string": "string", "date": "date", "number": "number", "quantity": "quantity"}
_TABLE |= {"reference": "reference", "uri": "uri"}


def matches(condition: Condition, rows: Rows, id_: str) -> bool:
    """``rows``: of ``extract``, parameters by their codes. Raises UnknownParameter for what cannot be asked so."""
    match condition:
        case And(parts=parts):
            return all(matches(part, rows, id_) for part in parts)
        case Or(parts=parts):
            return any(matches(part, rows, id_) for part in parts)
        case Not(part=part):
            return not matches(part, rows, id_)
        case Clause(code="_id", modifier=modifier, values=values):
            return any(isinstance(v, Token) and v.code == id_ for v in values) != (modifier == "not")
        case Clause() if condition.parameter.type in _TABLE and condition.code not in _ELSEWHERE:
            return _clause(condition, rows)
        case Clause(code=code):
            raise UnknownParameter(f"{code} cannot be asked of contained resources", code)
        case _:
            raise UnknownParameter("chains cannot be asked of contained resources", "_contained")


_ELSEWHERE = frozenset({"_text", "_content", "_lastUpdated"})


def _clause(clause: Clause, rows: Rows) -> bool:
    kind, modifier = clause.parameter.type, clause.modifier

    def of(table: str) -> list[Row]:
        return [row[1:] for row in getattr(rows, table) if row[0] == clause.code]

    if modifier == "missing":
        found = of(_TABLE[kind]) or (of("token") if kind == "reference" else [])
        return (not found) == (clause.values == (Missing(True),))
    table = _TABLE[kind]
    if modifier == "text" and kind == "token":
        table = "string"
    elif modifier == "identifier":
        table = "token"
    elif modifier == "of-type":
        table = "composite"
    elif modifier in ("above", "below") and kind == "reference":
        raise UnknownParameter(f"{clause.code}:{modifier} cannot be asked of contained resources", clause.code)
    held = any(_value(value, modifier, row) for row in of(table) for value in clause.values)
    if modifier == "unequal":
        return any(not any(_value(value, "equals", row) for value in clause.values) for row in of(table))
    return held != (modifier in ("not", "not-in"))


def _value(value: Any, modifier: str, row: Row) -> bool:
    match value:
        case Token():
            return _token(value, row[1], row[2])
        case Typed(system=system, code=code, value=written):
            return bool(row[1] == written and (row[5], row[4]) == (system, code))
        case Text(text=text):
            return _text(text, modifier, row[4] or "" if len(row) == 5 else row[0], row[1] if len(row) == 2 else "")
        case Reference(targets=targets):
            return any(
                (t.type, clip(t.value)) == (row[1], row[2]) and (not t.version or t.version == row[3]) for t in targets
            )
        case Uri(text=text):
            return _uri(clip(text), modifier, row[0])
        case Range(point=None):
            return date_holds(value, row[0], row[1])
        case Range():
            return number_holds(value, row[0], row[1])
        case Quantity():
            return _quantity(value, row)
        case _:
            return False


def _token(wanted: Token, code: str, system: str | None) -> bool:
    if wanted.code is not None and wanted.code != code:
        return False
    return wanted.system is None or (wanted.system or None) == system


def _text(wanted: str, modifier: str, value: str, exact: str) -> bool:
    folded = clip(fold(wanted))
    if modifier == "exact":
        return exact == wanted
    if modifier == "contains":
        return folded in value
    if modifier == "text":
        return value.startswith(folded) or f" {folded}" in value
    if modifier == "ends":
        return value.endswith(folded)
    return value == folded if modifier == "equals" else value.startswith(folded)


def _uri(wanted: str, modifier: str, value: str) -> bool:
    if modifier in ("below", "starts"):
        return value.startswith(wanted)
    if modifier == "above":
        rest = wanted.removeprefix(value)
        return bool(value) and wanted.startswith(value) and (not rest or value[-1] in "/:" or rest[0] in "/:")
    if modifier == "contains":
        return wanted in value
    return value.endswith(wanted) if modifier == "ends" else value == wanted


_DATE: dict[str, Callable[[Any, Any, Any, Any], bool]] = {
    "eq": lambda low, high, start, end: start <= low < end and high <= end,
    "ne": lambda low, high, start, end: low < start or high > end,
    "gt": lambda low, high, start, end: high > end,
    "lt": lambda low, high, start, end: low < start,
    "ge": lambda low, high, start, end: high > start and (low >= start or high > end),
    "le": lambda low, high, start, end: low < end and (high <= end or low < start),
    "sa": lambda low, high, start, end: low >= end,
    "eb": lambda low, high, start, end: high <= start,
    "ap": lambda low, high, start, end: low < end and high > start,
}


def date_holds(wanted: Range, low: int, high: int) -> bool:
    return _DATE[wanted.prefix](low, high, wanted.low, wanted.high)


_INFINITE = Decimal("Infinity")


def number_holds(wanted: Range, low: Decimal | None, high: Decimal | None) -> bool:
    """An absent end is open."""
    if wanted.prefix in ("eq", "sa", "eb") and (low is None or high is None):
        if wanted.prefix == "sa":
            return low is not None and low > _point(wanted)
        return wanted.prefix == "eb" and high is not None and high < _point(wanted)
    bottom, top = -_INFINITE if low is None else low, _INFINITE if high is None else high
    point = _point(wanted)
    return {
        "eq": wanted.low <= bottom < wanted.high and top < wanted.high,
        "ne": low is None or high is None or bottom < wanted.low or top >= wanted.high,
        "ap": bottom <= wanted.high and top >= wanted.low,
        "gt": top > point,
        "ge": top >= point,
        "lt": bottom < point,
        "le": bottom <= point,
        "sa": bottom > point,
        "eb": top < point,
    }[wanted.prefix]


def _point(wanted: Range) -> Decimal:
    return Decimal(wanted.low) if wanted.point is None else wanted.point


def _quantity(wanted: Quantity, row: Sequence[Any]) -> bool:
    low, high, system, code, unit, base_unit, base_low, base_high = row
    held = number_holds(wanted.range, low, high)
    if wanted.code is not None:
        held = held and (code == wanted.code or (not wanted.system and unit == wanted.code))
    if wanted.system is not None:
        held = held and system == wanted.system
    if held or wanted.base is None or wanted.base_unit != base_unit:
        return held
    return number_holds(wanted.base, base_low, base_high)
