"""Fixed values, patterns and limits (https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from wardbridge.fhir.definitions.table import type_of
from wardbridge.fhir.path.equality import compare
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.nodes import Node

_NUMBERS = (int, float, Decimal)


def same(wanted: Any, found: Any) -> bool:
    """Whether a value is exactly the fixed one: all of it, in order, and nothing more."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict) or wanted.keys() != found.keys():
            return False
        return all(same(value, found[key]) for key, value in wanted.items())
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(wanted) != len(found):
            return False
        return all(same(a, b) for a, b in zip(wanted, found, strict=True))
    return _equal(wanted, found)


def fits(pattern: Any, found: Any) -> bool:
    """Whether a value holds all that the pattern holds; more is allowed, and arrays in any order."""
    if isinstance(pattern, dict):
        return isinstance(found, dict) and all(
            key in found and fits(value, found[key]) for key, value in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(found, list) and all(any(fits(wanted, item) for item in found) for wanted in pattern)
    return _equal(pattern, found)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, _NUMBERS) and isinstance(b, _NUMBERS):
        return Decimal(str(a)) == Decimal(str(b))
    return type(a) is type(b) and bool(a == b)


def within(operator: str, value: Any, limit: Any, type_name: str) -> bool | None:
    """Whether `value operator limit` holds for values of that type; None where they do not compare."""
    kind = type_of(type_name)
    try:
        return compare(operator, Node(value, kind), Node(limit, kind))
    except (PathError, TypeError, ArithmeticError):
        return None
