"""Mathematics, and the boundaries of what a written value may mean (https://hl7.org/fhirpath/N1/#math)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal, DecimalException
from typing import Any

from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.functions.define import Entry, Make, on_value
from wardbridge.fhir.path.moments import Moment
from wardbridge.fhir.path.quantity import Quantity, places
from wardbridge.fhir.path.scope import Fn, Items, Scope, integer, single

MOST_DIGITS = 31


def _on_number(name: str, decide: Callable[..., Any]) -> Make:
    def checked(value: Any, *args: Any) -> Any:
        for given in (value, *args):
            if isinstance(given, bool) or not isinstance(given, int | Decimal):
                raise PathError(f"{name}: expected a number, found {type(given).__name__}")
        try:
            return decide(value, *args)
        except (DecimalException, OverflowError):
            return None

    return on_value(name, checked)


def _abs(value: Any) -> Any:
    if isinstance(value, Quantity):
        return Quantity(abs(value.value), value.unit, value.calendar)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise PathError("abs: expected a number")
    return abs(value)


def _round(value: int | Decimal, digits: Any = 0) -> Decimal | int:
    if digits < 0:
        raise PathError("round: expected a precision of 0 or more")
    if isinstance(value, int):
        return value
    rounded = value.quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP)
    return rounded if digits else int(rounded)


def _power(base: Any, exponent: Any) -> int | Decimal | None:
    if abs(exponent) > 10_000:
        return None
    if isinstance(base, int) and isinstance(exponent, int):
        if exponent >= 0 and abs(base) < 2**63:
            found = base**exponent if exponent <= 64 or abs(base) < 2 else None
            return found
        return Decimal(base) ** exponent
    found_ = Decimal(base) ** Decimal(exponent)
    return found_ if found_.is_finite() else None


def _sqrt(value: int | Decimal) -> Decimal | None:
    return None if value < 0 else Decimal(value).sqrt()


def _ln(value: int | Decimal) -> Decimal | None:
    return None if value <= 0 else Decimal(value).ln()


def _log(value: int | Decimal, base: int | Decimal) -> Decimal | None:
    if value <= 0 or base <= 0 or base == 1:
        return None
    found = Decimal(value).ln() / Decimal(base).ln()
    # Two inexact logarithms: keep what they are good for, so that 100.log(10) is 2.
    return found.quantize(Decimal("1e-20")).normalize() if abs(found) < 1000 else found


def _low(size: Decimal, digits: int) -> Decimal:
    half = Decimal(5).scaleb(-places(size) - 1)
    return (size - half).quantize(Decimal(1).scaleb(-digits), ROUND_FLOOR)


def _high(size: Decimal, digits: int) -> Decimal:
    half = Decimal(5).scaleb(-places(size) - 1)
    return (size + half).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def number_boundary(value: Decimal, high: bool, digits: int | None) -> Decimal | None:
    """The least or greatest number that a written one may stand for (1.587 is 1.5865 to 1.5875)."""
    wanted = 8 if digits is None else digits
    if not 0 <= wanted <= MOST_DIGITS:
        return None
    try:
        if value < 0:
            found = (_low if high else _high)(value.copy_abs(), wanted)
            return found.copy_negate()
        return (_high if high else _low)(value, wanted)
    except DecimalException:
        return None


def _boundary(name: str, high: bool) -> Make:
    def make(before: Fn, precision: Fn | None = None) -> Fn:
        def run(s: Scope) -> Items:
            value = single(before(s), name)
            digits = integer(precision(s), name) if precision is not None else None
            found: Any = None
            if isinstance(value, Moment):
                found = value.boundary(high, digits)
            elif isinstance(value, Quantity):
                number = number_boundary(value.value, high, digits)
                found = None if number is None else Quantity(number, value.unit, value.calendar)
            elif isinstance(value, int | Decimal) and not isinstance(value, bool):
                found = number_boundary(Decimal(value), high, digits)
            elif value is not None:
                raise PathError(f"{name}: expected a number, date or time")
            return [] if found is None else [found]

        return run

    return make


def _precision(value: Any) -> int:
    if isinstance(value, Moment):
        return value.digits
    if isinstance(value, Quantity):
        return places(value.value)
    if isinstance(value, Decimal):
        return places(value)
    if type(value) is int:
        return 0
    raise PathError("precision: expected a number, date or time")


def _whole(rounding: str) -> Callable[[int | Decimal], int]:
    return lambda value: int(Decimal(value).to_integral_value(rounding))


TABLE: dict[str, Entry] = {
    "abs": (0, 0, on_value("abs", _abs)),
    "ceiling": (0, 0, _on_number("ceiling", _whole(ROUND_CEILING))),
    "floor": (0, 0, _on_number("floor", _whole(ROUND_FLOOR))),
    "truncate": (0, 0, _on_number("truncate", _whole(ROUND_DOWN))),
    "round": (0, 1, _on_number("round", _round)),
    "exp": (0, 0, _on_number("exp", lambda value: Decimal(value).exp())),
    "ln": (0, 0, _on_number("ln", _ln)),
    "log": (1, 1, _on_number("log", _log)),
    "power": (1, 1, _on_number("power", _power)),
    "sqrt": (0, 0, _on_number("sqrt", _sqrt)),
    "lowBoundary": (0, 1, _boundary("lowBoundary", False)),
    "highBoundary": (0, 1, _boundary("highBoundary", True)),
    "precision": (0, 0, on_value("precision", _precision)),
}
