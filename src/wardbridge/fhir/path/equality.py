"""`=`, `~` and `<` of FHIRPath items (https://hl7.org/fhirpath/N1/#equality, #equivalence, #comparison)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.moments import Moment
from wardbridge.fhir.path.nodes import Node, system
from wardbridge.fhir.path.quantity import Quantity, near


def _number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and type(value) is not bool


def equal(left: Any, right: Any) -> bool | None:
    """Whether two items are equal; None where precision, time zone or unit leave it open."""
    a, b = system(left), system(right)
    if type(a) is type(b) is str:
        return bool(a == b)
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if _number(a) and _number(b):
        return a == b  # type: ignore[no-any-return]
    if isinstance(a, Moment) and isinstance(b, Moment):
        if (a.kind == "Time") != (b.kind == "Time"):
            return False
        order = a.compare(b)
        return None if order is None else order == 0
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        x, y = _quantity(a), _quantity(b)
        if x is None or y is None:
            return False
        both = x.pair(y)
        return None if both is None else both[0] == both[1]
    if isinstance(a, Node) and isinstance(b, Node):
        return a.value == b.value  # type: ignore[no-any-return]
    if a is None and b is None:
        return isinstance(left, Node) and isinstance(right, Node) and left.extra == right.extra
    return bool(a == b)


def _quantity(value: Any) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    return Quantity(Decimal(value)) if _number(value) else None


def equal_lists(left: list[Any], right: list[Any]) -> bool | None:
    """Equality of collections, in order; None where one is empty or where a pair is open."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    open_ = False
    for a, b in zip(left, right, strict=True):
        found = equal(a, b)
        if found is False:
            return False
        open_ = open_ or found is None
    return None if open_ else True


def equivalent(left: Any, right: Any) -> bool:
    """Whether two items are equivalent: case and white space of strings, decimals by their precision."""
    a, b = system(left), system(right)
    if isinstance(a, str) and isinstance(b, str):
        return " ".join(a.split()).casefold() == " ".join(b.split()).casefold()
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if _number(a) and _number(b):
        return near(a, b)
    if isinstance(a, Moment) and isinstance(b, Moment):
        return a.compare(b) == 0
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        x, y = _quantity(a), _quantity(b)
        return x is not None and y is not None and x.equivalent(y)
    if isinstance(a, Node) and isinstance(b, Node):
        mine, theirs = a.children(), b.children()
        return bool(mine) and equivalent_lists(mine, theirs)
    return a is not None and bool(a == b)


def equivalent_lists(left: list[Any], right: list[Any]) -> bool:
    """Equivalence of collections, whatever the order; two empty ones are equivalent."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for item in left:
        for i, other in enumerate(rest):
            if equivalent(item, other):
                del rest[i]
                break
        else:
            return False
    return True


def distinct(items: list[Any]) -> list[Any]:
    """The items without repetition by `=`, in order."""
    if len(items) < 2:
        return items
    out: list[Any] = []
    seen: set[Any] = set()
    for item in items:
        value = system(item)
        # Strings equal nothing but strings, so most lists need no pairwise comparison.
        if type(value) is str:
            if value in seen:
                continue
            seen.add(value)
        elif any(type(o) is not str and equal(item, o) is True for o in out):
            continue
        out.append(item)
    return out


def contains(items: list[Any], item: Any) -> bool:
    return any(equal(item, other) is True for other in items)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
    "<=": lambda a, b: bool(a <= b),
    ">=": lambda a, b: bool(a >= b),
}


def compare(operator: str, left: Any, right: Any) -> bool | None:
    """`<`, `>`, `<=`, `>=` of two items; None where it is open; PathError where the types do not compare."""
    a, b = system(left), system(right)
    decide = _COMPARE[operator]
    if _number(a) and _number(b):
        return decide(a, b)
    if isinstance(a, str) and isinstance(b, str):
        return decide(a, b)
    if isinstance(a, Moment) and isinstance(b, Moment) and (a.kind == "Time") == (b.kind == "Time"):
        order = a.compare(b)
        return None if order is None else decide(order, 0)
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        x, y = _quantity(a), _quantity(b)
        if x is not None and y is not None:
            both = x.pair(y)
            return None if both is None else decide(*both)
    if a is None or b is None:
        return None
    raise PathError(f"{_name(a)} and {_name(b)} do not compare")


def _name(value: Any) -> str:
    if isinstance(value, Node):
        return value.type.name if value.type else "an object"
    return value.kind if isinstance(value, Moment) else type(value).__name__
