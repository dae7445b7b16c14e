"""Search criteria judged in memory: a clause becomes a predicate on a resource's search rows; no SQL per event.

The predicates say the same as the conditions of the store (`store/conditions.py`; a test compares both). What needs
more than the one resource (chains, ``_has``, value sets, full text) is refused when the subscription is made (422).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.search import SearchParameter
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.search.hash import clip, fold, reference_hash, token_hash
from wardbridge.fhir.search.parse import parse
from wardbridge.fhir.search.query import (
    And,
    Clause,
    Composite,
    Condition,
    Missing,
    Not,
    Or,
    Quantity,
    Range,
    Reference,
    Text,
    Token,
    Uri,
)
from wardbridge.fhir.search.rows import Rows

Judged: TypeAlias = Callable[[Rows, str, int], bool]
"""(search rows, id, lastUpdated in µs) → whether the resource is meant."""
Row: TypeAlias = tuple[Any, ...]
Key: TypeAlias = tuple[str, str, int]
"""(table, parameter, hash): what a resource must have for a criterion to hold."""

MODIFIERS: dict[str, frozenset[str]] = {
    "string": frozenset({"", "exact", "contains", "missing"}),
    "token": frozenset({"", "not", "text", "missing"}),
    "reference": frozenset({"", "identifier", "missing"}),
    "uri": frozenset({"", "above", "below", "missing"}),
    "date": frozenset({"", "missing"}),
    "number": frozenset({"", "missing"}),
    "quantity": frozenset({"", "missing"}),
    "composite": frozenset({"", "missing"}),
}
"""What can be judged from one resource's rows; ``:[type]`` on references beside these."""
VALUES = (Token, Text, Range, Quantity, Reference, Uri, Composite, Missing)


class NotJudged(Invalid):
    """Criteria that cannot be judged from the resource alone (422)."""

    status = 422
    code = "not-supported"


@dataclass(frozen=True)
class Criteria:
    """Criteria on one type. ``keys``: one of them is on every resource that they mean; empty: nothing is known.
    ``parameters``: those whose rows are looked at."""

    type: str
    text: str
    holds: Judged
    keys: frozenset[Key]
    parameters: tuple[SearchParameter, ...] = ()


def criteria(type_name: str, text: str, now: int, bases: tuple[str, ...], where: str) -> Criteria:
    """Compile ``code=8867-4&subject=Patient/1``. ``where`` is the FHIRPath of the element, for errors.

    Raises NotJudged (422) for what cannot be judged in memory, Invalid for what is no search at all.
    """
    if type_name not in resource_types():
        raise NotJudged(f"{type_name[:60]!r} is not a resource type of R4", where)
    pairs = parse_qsl(text, keep_blank_values=True)
    for name, _ in pairs:
        _check_name(name, where)
    try:
        query = parse([type_name], pairs, now=now, bases=bases)
    except Invalid as error:
        raise NotJudged(error.message, where) from error
    if len(query.clauses) != len(pairs):
        raise NotJudged("only search parameters that select resources have a meaning here", where)
    tests = [_condition(clause, where) for clause in query.clauses]
    found = [keys for clause in query.clauses if isinstance(clause, Clause) and (keys := _keys(clause))]
    rarest = min(found, key=len) if found else frozenset[Key]()

    def holds(rows: Rows, id_: str, updated: int) -> bool:
        return all(test(rows, id_, updated) for test in tests)

    return Criteria(type_name, text, holds, rarest, tuple(found_in(query.clauses)))


def found_in(conditions: Iterable[Condition]) -> Iterator[SearchParameter]:
    """The parameters of conditions."""
    for condition in conditions:
        match condition:
            case Clause(parameter=parameter) if parameter.expression:
                yield parameter
            case And(parts=parts) | Or(parts=parts):
                yield from found_in(parts)
            case Not(part=part):
                yield from found_in([part])


def keys_of(rows: Rows) -> Iterator[Key]:
    """The keys that a resource has."""
    for row in rows.token:
        yield "token", row[0], row[1]
    for row in rows.reference:
        yield "reference", row[0], row[1]


def _check_name(name: str, where: str) -> None:
    code, _, modifier = name.partition(":")
    if "." in name or code.startswith("_has") or ":" in modifier:
        raise NotJudged(f"{name}: chained parameters cannot be judged from the resource that changed", where)


def _condition(condition: Condition, where: str) -> Judged:
    match condition:
        case Clause():
            return _clause(condition, where)
        case And(parts=parts):
            both = [_condition(part, where) for part in parts]
            return lambda rows, id_, updated: all(test(rows, id_, updated) for test in both)
        case Or(parts=parts):
            either = [_condition(part, where) for part in parts]
            return lambda rows, id_, updated: any(test(rows, id_, updated) for test in either)
        case Not(part=part):
            test = _condition(part, where)
            return lambda rows, id_, updated: not test(rows, id_, updated)
        case _:
            raise NotJudged("criteria on other resources cannot be judged from the resource that changed", where)


def _clause(clause: Clause, where: str) -> Judged:
    code, kind, modifier = clause.code, clause.parameter.type, clause.modifier
    allowed = MODIFIERS.get(kind)
    named = kind == "reference" and modifier in resource_types()
    if code == "_id":
        return _ids(clause)
    known = all(isinstance(value, VALUES) for value in clause.values)
    if allowed is None or not known or (modifier not in allowed and not named):
        suffix = f":{modifier}" if modifier else ""
        raise NotJudged(f"{code}{suffix} cannot be judged from the resource that changed", where)
    if code == "_lastUpdated":
        return _updated(clause)
    if isinstance(clause.values[0], Missing):
        return _missing(clause)
    table, test = _test(clause, where)
    negate = modifier == "not"

    def judged(rows: Rows, id_: str, updated: int) -> bool:
        return any(row[0] == code and test(row) for row in getattr(rows, table)) is not negate

    return judged


def _ids(clause: Clause) -> Judged:
    ids = {value.code for value in clause.values if isinstance(value, Token)}
    negate = clause.modifier == "not"
    return lambda rows, id_, updated: (id_ in ids) is not negate


def _updated(clause: Clause) -> Judged:
    tests = [_date(value) for value in clause.values if isinstance(value, Range)]
    return lambda rows, id_, updated: any(test(("", updated, updated + 1000)) for test in tests)


def _missing(clause: Clause) -> Judged:
    absent = any(isinstance(value, Missing) and value.absent for value in clause.values)
    code, kind = clause.code, clause.parameter.type
    tables = (kind, "token") if kind == "reference" else (kind,)

    def judged(rows: Rows, id_: str, updated: int) -> bool:
        return any(row[0] == code for table in tables for row in getattr(rows, table)) is not absent

    return judged


def _test(clause: Clause, where: str) -> tuple[str, Callable[[Row], bool]]:
    """(table of the rows, predicate on one of them)."""
    kind, modifier = clause.parameter.type, clause.modifier
    if modifier == "text":
        return "string", _any(_word, clause.values)
    if kind == "token" or modifier == "identifier":
        return "token", _any(_token, clause.values)
    if kind == "string":
        return "string", _any(_STRING[modifier], clause.values)
    if kind == "uri":
        return "uri", _any(_URI[modifier], clause.values)
    makers: dict[str, Callable[[Any], Callable[[Row], bool]]] = {
        "reference": _reference,
        "date": _date,
        "number": lambda value: _number(value, 1, 2),
        "quantity": lambda value: _quantity(value, 1, 2, 3, 4, 5, 6, 7, 8),
        "composite": lambda value: _composite(value, where),
    }
    return kind, _any(makers[kind], clause.values)


def _any(make: Callable[[Any], Callable[[Row], bool]], values: Iterable[Any]) -> Callable[[Row], bool]:
    tests = [make(value) for value in values]
    if len(tests) == 1:
        return tests[0]
    return lambda row: any(test(row) for test in tests)


def _token(value: Token, hash_: int = 1, code: int = 2, system: int = 3) -> Callable[[Row], bool]:
    wanted_system, wanted = value.system, value.code
    if wanted is None:
        return lambda row: row[system] == wanted_system
    if wanted_system is None:
        return lambda row: row[code] == wanted
    expected = wanted_system or None
    return lambda row: row[code] == wanted and (row[system] or None) == expected


def _reference(value: Reference) -> Callable[[Row], bool]:
    plain = {(t.type, clip(t.value)) for t in value.targets if not t.version}
    versioned = {(t.type, clip(t.value), t.version) for t in value.targets if t.version}
    return lambda row: (row[2], row[3]) in plain or (row[2], row[3], row[4]) in versioned


def _starts(value: Text) -> Callable[[Row], bool]:
    text = clip(fold(value.text))
    return lambda row: row[1].startswith(text)


def _exact(value: Text) -> Callable[[Row], bool]:
    return lambda row: row[2] == value.text


def _contains(value: Text) -> Callable[[Row], bool]:
    text = clip(fold(value.text))
    return lambda row: text in row[1]


def _word(value: Text) -> Callable[[Row], bool]:
    text = clip(fold(value.text))
    return lambda row: row[1].startswith(text) or f" {text}" in row[1]


_STRING = {"": _starts, "exact": _exact, "contains": _contains}


def _uri(value: Uri) -> Callable[[Row], bool]:
    text = clip(value.text)
    return lambda row: row[1] == text


def _below(value: Uri) -> Callable[[Row], bool]:
    text = clip(value.text)
    return lambda row: row[1].startswith(text)


def _above(value: Uri) -> Callable[[Row], bool]:
    text = clip(value.text)
    steps = [at for at, sign in enumerate(text) if sign in "/:"]
    above = {text, *(text[:at] for at in steps), *(text[: at + 1] for at in steps)} - {""}
    return lambda row: row[1] in above


_URI = {"": _uri, "below": _below, "above": _above}


def _date(value: Range, low: int = 1, high: int = 2) -> Callable[[Row], bool]:
    """Ranges are half open: [low, high) (R4 search §3.1.1.4.5)."""
    start, end = value.low, value.high
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "eq": lambda a, b: start <= a < end and b <= end,
        "ne": lambda a, b: a < start or b > end,
        "gt": lambda a, b: b > end,
        "lt": lambda a, b: a < start,
        "ge": lambda a, b: b > start and (a >= start or b > end),
        "le": lambda a, b: a < end and (b <= end or a < start),
        "sa": lambda a, b: a >= end,
        "eb": lambda a, b: b <= start,
        "ap": lambda a, b: a < end and b > start,
    }
    test = tests[value.prefix]
    return lambda row: row[low] is not None and row[high] is not None and test(row[low], row[high])


def _number(value: Range, low: int, high: int) -> Callable[[Row], bool]:
    """Stored decimals are points (low = high), stored Ranges closed, an absent end (None) open."""
    start, end = value.low, value.high
    point = value.point if value.point is not None else Decimal(0)
    tests: dict[str, Callable[[Any, Any], bool]] = {
        "eq": lambda a, b: a is not None and b is not None and start <= a < end and b < end,
        "ne": lambda a, b: a is None or b is None or a < start or b >= end,
        "ap": lambda a, b: (a is None or a <= end) and (b is None or b >= start),
        "gt": lambda a, b: b is None or b > point,
        "ge": lambda a, b: b is None or b >= point,
        "lt": lambda a, b: a is None or a < point,
        "le": lambda a, b: a is None or a <= point,
        "sa": lambda a, b: a is not None and a > point,
        "eb": lambda a, b: b is not None and b < point,
    }
    test = tests[value.prefix]
    return lambda row: test(row[low], row[high])


def _quantity(
    value: Quantity,
    low: int,
    high: int,
    system: int,
    code: int,
    unit: int,
    base_unit: int,
    base_low: int,
    base_high: int,
) -> Callable[[Row], bool]:
    """In the unit as written, or in the canonical unit where both sides have one."""
    plain = _number(value.range, low, high)
    base = _number(value.base, base_low, base_high) if value.base is not None else None

    def judged(row: Row) -> bool:
        if base is not None and row[base_unit] is not None and row[base_unit] == value.base_unit and base(row):
            return True
        if not plain(row):
            return False
        if value.code is not None and row[code] != value.code and (value.system or row[unit] != value.code):
            return False
        return value.system is None or bool(row[system] == value.system)

    return judged


def _composite(value: Composite, where: str) -> Callable[[Row], bool]:
    """Every part of one row; columns as in :class:`Rows`."""
    tests = [_first(value.parts[0], where)]
    ranges = 0
    for part in value.parts[1:]:
        if isinstance(part, Token):
            tests.append(_token(part, 4, 5, 6))
        elif isinstance(part, Text):
            text = clip(fold(part.text))
            tests.append(lambda row, text=text: row[5] is not None and row[5].startswith(text))  # type: ignore[misc]
        elif isinstance(part, Quantity):
            tests.append(_quantity(part, 7, 8, 6, 5, 11, 12, 13, 14))
        elif isinstance(part, Range) and part.point is None:
            tests.append(_date(part, 7, 8))
        elif isinstance(part, Range):
            tests.append(_number(part, 9, 10) if ranges else _number(part, 7, 8))
            ranges += 1
        else:
            raise NotJudged("this composite cannot be judged from the resource that changed", where)
    return lambda row: all(test(row) for test in tests)


def _first(part: Any, where: str) -> Callable[[Row], bool]:
    if isinstance(part, Token):
        return _token(part)
    if isinstance(part, Reference):
        values = {clip(target.value) for target in part.targets}
        hashes = {reference_hash(target.type, target.value) for target in part.targets}
        return lambda row: row[1] in hashes and row[2] in values
    raise NotJudged("this composite cannot be judged from the resource that changed", where)


def _keys(clause: Clause) -> frozenset[Key]:
    """What one of is on every resource that the clause means; empty where that cannot be said."""
    if clause.code == "_id" or (clause.modifier and clause.modifier not in resource_types()):
        return frozenset()
    found: set[Key] = set()
    for value in clause.values:
        if isinstance(value, Token) and value.code is not None:
            found.add(("token", clause.code, token_hash(value.code)))
        elif isinstance(value, Reference):
            found.update(("reference", clause.code, reference_hash(t.type, t.value)) for t in value.targets)
        else:
            return frozenset()
    return frozenset(found)
