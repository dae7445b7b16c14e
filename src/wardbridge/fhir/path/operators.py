"""Operators of FHIRPath as makers of closures (https://hl7.org/fhirpath/N1/#operations)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DecimalException
from typing import Any

from wardbridge.fhir.path.equality import compare, contains, distinct, equal_lists, equivalent_lists
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.moments import Moment
from wardbridge.fhir.path.quantity import Quantity
from wardbridge.fhir.path.scope import Fn, Items, Scope, boolean, single, string, truth


def _number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and type(value) is not bool


def _lift(value: Any) -> Any:
    """A number beside a quantity counts as a quantity of unit 1."""
    return Quantity(Decimal(value)) if _number(value) else value


def _arithmetic(name: str, decide: Callable[[Any, Any], Any]) -> Callable[[Fn, Fn], Fn]:
    def make(left: Fn, right: Fn) -> Fn:
        def run(s: Scope) -> Items:
            a, b = single(left(s), name), single(right(s), name)
            if a is None or b is None:
                return []
            try:
                value = decide(a, b)
            except (DecimalException, OverflowError):
                # Beyond what can be reckoned exactly: no result, as the standard says of overflow.
                return []
            return [] if value is None else [value]

        return run

    return make


def _fail(name: str, a: Any, b: Any) -> PathError:
    return PathError(f"{name} does not apply to {type(a).__name__} and {type(b).__name__}")


def plus(a: Any, b: Any) -> Any:
    if _number(a) and _number(b):
        return a + b
    if isinstance(a, str) and isinstance(b, str):
        return a + b
    if isinstance(a, Moment) and isinstance(b, Quantity):
        return a.add(b, 1)
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        return _quantities(a, b, 1)
    raise _fail("+", a, b)


def minus(a: Any, b: Any) -> Any:
    if _number(a) and _number(b):
        return a - b
    if isinstance(a, Moment) and isinstance(b, Quantity):
        return a.add(b, -1)
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        return _quantities(a, b, -1)
    raise _fail("-", a, b)


def _quantities(a: Any, b: Any, sign: int) -> Quantity | None:
    a, b = _lift(a), _lift(b)
    if not (isinstance(a, Quantity) and isinstance(b, Quantity)):
        raise _fail("+" if sign == 1 else "-", a, b)
    if a.unit == b.unit and a.calendar == b.calendar:
        return Quantity(a.value + sign * b.value, a.unit, a.calendar)
    both = a.pair(b)
    if both is None:
        return None
    # Reckoned in the base unit; the result is written in the left one's unit.
    factor = both[0] / a.value if a.value else None
    if factor is None:
        return Quantity(sign * b.value, b.unit, b.calendar)
    return Quantity((both[0] + sign * both[1]) / factor, a.unit, a.calendar)


def times(a: Any, b: Any) -> Any:
    if _number(a) and _number(b):
        return a * b
    x, y = _lift(a), _lift(b)
    if isinstance(x, Quantity) and isinstance(y, Quantity):
        return x.times(y)
    raise _fail("*", a, b)


def divided(a: Any, b: Any) -> Any:
    if _number(a) and _number(b):
        return None if b == 0 else Decimal(a) / Decimal(b)
    x, y = _lift(a), _lift(b)
    if isinstance(x, Quantity) and isinstance(y, Quantity):
        return x.over(y)
    raise _fail("/", a, b)


def div(a: Any, b: Any) -> Any:
    if not (_number(a) and _number(b)):
        raise _fail("div", a, b)
    return None if b == 0 else int(Decimal(a) // Decimal(b))


def mod(a: Any, b: Any) -> Any:
    if not (_number(a) and _number(b)):
        raise _fail("mod", a, b)
    if b == 0:
        return None
    rest = Decimal(a) % Decimal(b)
    return int(rest) if type(a) is type(b) is int else rest


def negative(items: Items) -> Items:
    value = single(items, "-")
    if value is None:
        return []
    if _number(value):
        return [-value]
    if isinstance(value, Quantity):
        return [Quantity(-value.value, value.unit, value.calendar)]
    raise PathError(f"- does not apply to {type(value).__name__}")


def _concatenate(left: Fn, right: Fn) -> Fn:
    return lambda s: [(string(left(s), "&") or "") + (string(right(s), "&") or "")]


def _union(left: Fn, right: Fn) -> Fn:
    return lambda s: distinct(left(s) + right(s))


def _equal(left: Fn, right: Fn) -> Fn:
    return lambda s: boolean(equal_lists(left(s), right(s)))


def _unequal(left: Fn, right: Fn) -> Fn:
    def run(s: Scope) -> Items:
        found = equal_lists(left(s), right(s))
        return [] if found is None else [not found]

    return run


def _equivalent(left: Fn, right: Fn) -> Fn:
    return lambda s: [equivalent_lists(left(s), right(s))]


def _inequivalent(left: Fn, right: Fn) -> Fn:
    return lambda s: [not equivalent_lists(left(s), right(s))]


def _comparison(operator: str) -> Callable[[Fn, Fn], Fn]:
    def make(left: Fn, right: Fn) -> Fn:
        def run(s: Scope) -> Items:
            a, b = left(s), right(s)
            if not a or not b:
                return []
            if len(a) > 1 or len(b) > 1:
                raise PathError(f"{operator}: expected one item on each side")
            return boolean(compare(operator, a[0], b[0]))

        return run

    return make


def _member_of(left: Fn, right: Fn) -> Fn:
    def run(s: Scope) -> Items:
        items = left(s)
        if not items:
            return []
        if len(items) > 1:
            raise PathError(f"in: expected one item, found {len(items)}")
        return [contains(right(s), items[0])]

    return run


def _and(left: Fn, right: Fn) -> Fn:
    def run(s: Scope) -> Items:
        a = truth(left(s))
        if a is False:
            return [False]
        b = truth(right(s))
        if b is False:
            return [False]
        return [True] if a and b else []

    return run


def _or(left: Fn, right: Fn) -> Fn:
    def run(s: Scope) -> Items:
        a = truth(left(s))
        if a:
            return [True]
        b = truth(right(s))
        if b:
            return [True]
        return [] if a is None or b is None else [False]

    return run


def _xor(left: Fn, right: Fn) -> Fn:
    def run(s: Scope) -> Items:
        a, b = truth(left(s)), truth(right(s))
        return [] if a is None or b is None else [a is not b]

    return run


def _implies(left: Fn, right: Fn) -> Fn:
    def run(s: Scope) -> Items:
        a = truth(left(s))
        if a is False:
            return [True]
        b = truth(right(s))
        if b:
            return [True]
        return [] if a is None or b is None else [False]

    return run


OPERATORS: dict[str, Callable[[Fn, Fn], Fn]] = {
    "+": _arithmetic("+", plus),
    "-": _arithmetic("-", minus),
    "*": _arithmetic("*", times),
    "/": _arithmetic("/", divided),
    "div": _arithmetic("div", div),
    "mod": _arithmetic("mod", mod),
    "&": _concatenate,
    "|": _union,
    "=": _equal,
    "!=": _unequal,
    "~": _equivalent,
    "!~": _inequivalent,
    "<": _comparison("<"),
    ">": _comparison(">"),
    "<=": _comparison("<="),
    ">=": _comparison(">="),
    "in": _member_of,
    "contains": lambda left, right: _member_of(right, left),
    "and": _and,
    "or": _or,
    "xor": _xor,
    "implies": _implies,
}
