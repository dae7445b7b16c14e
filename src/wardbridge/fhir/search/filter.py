"""``_filter`` (R4 search_filter.html): comparisons joined by and, or, not, with parentheses and chained paths.

    filter     = comparison | filter ("and" | "or") filter | ["not"] "(" filter ")"
    comparison = path operator value
    path       = parameter [":" type] ["[" filter "]"] ["." path]
    value      = JSON string | any signs but blanks, ")" and "]"

``and`` and ``or`` have no precedence: they are taken from left to right. ``ne`` holds where some value is unequal, as
the standard words it. Raises Invalid that names the place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.search import SearchParameter
from wardbridge.fhir.search.clauses import Reading, UnknownParameter, chain, clause, find, named, reverse
from wardbridge.fhir.search.query import And, Asked, Clause, Condition, Missing, Not, Or, Range, Text, Uri, Value
from wardbridge.fhir.search.written import value_of

LONGEST = 4000
DEEPEST = 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_\-:]*")
_WORD = re.compile(r"[A-Za-z]+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_TOKEN = re.compile(r"[^\s)\]]+")

ORDERED = {"eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb"}
"""Operators that are prefixes of dates, numbers and quantities."""
TEXTS = {"eq": "equals", "ne": "equals", "co": "contains", "sw": "", "ew": "ends"}
"""Operators of strings with the modifier that they stand for."""
CODES = {"in": "in", "ni": "not-in", "ss": "below", "sb": "above"}
"""Operators of codes that the terminology service answers: ``ss``: the value subsumes the concept."""
OPERATORS = ORDERED | set(TEXTS) | set(CODES) | {"pr", "po", "re"}

Make = Callable[[tuple[str, ...]], Condition]
"""Makes the condition once the types are known: a path decides them."""


def filtered(types: tuple[str, ...], text: str, reading: Reading) -> Condition:
    """The condition of a filter. Raises Invalid, UnknownParameter."""
    if len(text) > LONGEST:
        raise Invalid(f"_filter has more than {LONGEST} characters", "_filter")
    source = _Source(text, reading)
    make = source.filter(0)
    source.blanks()
    if source.at < len(text):
        raise source.wrong("expected 'and' or 'or'")
    return make(types)


class _Source:
    """The text and how far it has been read."""

    def __init__(self, text: str, reading: Reading) -> None:
        self.text = text
        self.reading = reading
        self.at = 0

    def wrong(self, what: str) -> Invalid:
        rest = self.text[self.at : self.at + 20]
        return Invalid(f"_filter: {what} at {rest!r} (character {self.at + 1})", "_filter")

    def blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, pattern: re.Pattern[str]) -> str:
        self.blanks()
        found = pattern.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0]

    def sign(self, sign: str) -> bool:
        if self.text.startswith(sign, self.at):
            self.at += 1
            return True
        return False

    def filter(self, depth: int) -> Make:
        if depth > DEEPEST:
            raise self.wrong(f"more than {DEEPEST} levels")
        made = self.single(depth)
        while True:
            before = self.at
            word = self.take(_WORD).lower()
            if word not in ("and", "or"):
                self.at = before
                return made
            made = _joined(word, made, self.single(depth))

    def single(self, depth: int) -> Make:
        self.blanks()
        before = self.at
        negated = self.take(_WORD).lower() == "not"
        self.blanks()
        if not (negated and self.text.startswith("(", self.at)):
            negated, self.at = False, before
        if self.sign("("):
            inner = self.filter(depth + 1)
            self.blanks()
            if not self.sign(")"):
                raise self.wrong("expected ')'")
            return (lambda types: Not(inner(types))) if negated else inner
        return self.path(depth)

    def path(self, depth: int) -> Make:
        name = self.take(_NAME)
        if not name:
            raise self.wrong("expected the name of a parameter")
        inside = None
        if self.sign("["):
            inside = self.filter(depth + 1)
            self.blanks()
            if not self.sign("]"):
                raise self.wrong("expected ']'")
        if self.sign("."):
            return _followed(name, inside, self.path(depth + 1))
        if inside is not None:
            raise self.wrong("expected '.' and a parameter after ']'")
        operator = self.take(_WORD).lower()
        if operator not in OPERATORS:
            raise self.wrong(f"expected an operator ({', '.join(sorted(OPERATORS))}) before this, not {operator!r}")
        value = self.value()
        reading = self.reading
        if name.startswith("_has:"):
            return _had(name, lambda types: compare(types, name.split(":", 3)[3], operator, value, reading))
        return lambda types: compare(types, name, operator, value, reading)

    def value(self) -> str:
        string = self.take(_STRING)
        if string:
            try:
                return str(json.loads(string))
            except ValueError as error:
                raise self.wrong("a string is not well formed before this") from error
        token = self.take(_TOKEN)
        if not token:
            raise self.wrong("expected a value")
        return token


def _joined(word: str, left: Make, right: Make) -> Make:
    if word == "and":
        return lambda types: And((left(types), right(types)))
    return lambda types: Or((left(types), right(types)))


def _followed(name: str, inside: Make | None, rest: Make) -> Make:
    def there(types: tuple[str, ...]) -> Condition:
        return rest(types) if inside is None else And((inside(types), rest(types)))

    if name.startswith("_has:"):
        _, source, code, last = (*name.split(":", 3), "", "", "")[:4]
        return lambda types: reverse(types, source, code, lambda at: chain(at, last, there, name), name)
    return lambda types: chain(types, name, there, name)


def _had(name: str, leaf: Make) -> Make:
    _, source, code, last = (*name.split(":", 3), "", "", "")[:4]
    if not last:
        raise Invalid(f"_filter: {name}: expected _has:[type]:[reference parameter]:[parameter]", "_filter")
    return lambda types: reverse(types, source, code, leaf, name)


def compare(types: tuple[str, ...], code: str, operator: str, value: str, reading: Reading) -> Condition:
    """``code operator value`` for resources of these types. Raises Invalid, UnknownParameter."""
    parameter = find(types, code)
    if parameter is None:
        raise UnknownParameter(f"_filter: unknown search parameter {code!r} for {named(types)}", "_filter")
    if operator == "pr":
        if value not in ("true", "false") or code in ("_id", "_lastUpdated"):
            raise Invalid(f"_filter: {code} pr: expected true or false", "_filter")
        return Clause(code, parameter, "missing", (Missing(value == "false"),))
    try:
        modifier, found = _meaning(types, parameter, operator, value, reading)
    except (ValueError, OverflowError) as error:
        raise Invalid(f"_filter: {code} {operator}: {error}", "_filter") from error
    if operator == "ne" and parameter.type not in ("date", "number", "quantity"):
        if code == "_id":
            return Clause(code, parameter, "not", (found,))
        modifier = "unequal"
    return Clause(code, parameter, modifier, (found,))


def _meaning(
    types: tuple[str, ...], parameter: SearchParameter, operator: str, value: str, reading: Reading
) -> tuple[str, Value]:
    kind = parameter.type
    if kind in ("date", "number", "quantity"):
        if operator == "po" and kind == "date":
            found = clause(types, parameter.code, value, reading).values[0]
            assert isinstance(found, Range)
            return "", replace(found, prefix="ap")
        if operator in ORDERED:
            return "", value_of(parameter, types, "", "", operator + value, reading.now, reading.bases)
    elif kind == "string" and operator in TEXTS:
        return TEXTS[operator], Text(value)
    elif kind == "uri" and operator in TEXTS:
        return {"co": "contains", "sw": "starts", "ew": "ends"}.get(operator, ""), Uri(value)
    elif kind == "token" and operator in CODES:
        return CODES[operator], Asked(CODES[operator], value)
    elif operator in ("eq", "ne") or (operator == "re" and kind == "reference"):
        return "", value_of(parameter, types, "", "", value, reading.now, reading.bases)
    raise ValueError(f"{kind} parameters do not have this operator")
