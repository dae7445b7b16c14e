"""`toInteger()`, `convertsToInteger()` and their kin (https://hl7.org/fhirpath/N1/#conversion)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from wardbridge.fhir.path.functions.define import Entry, Make
from wardbridge.fhir.path.moments import Moment, moment
from wardbridge.fhir.path.nodes import Node, quantity
from wardbridge.fhir.path.quantity import Quantity
from wardbridge.fhir.path.scope import Fn, Items, Scope, single

_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,500}(\.[0-9]{1,500})?")


def to_boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.lower()
        return True if word in _TRUE else False if word in _FALSE else None
    if isinstance(value, int | Decimal) and value in (0, 1):
        return value == 1
    return None


def to_integer(value: Any) -> int | None:
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        found = int(value)
        return found if -(2**63) <= found < 2**63 else None
    return None


def to_decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool | int):
        return Decimal(int(value))
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, str) and _DECIMAL.fullmatch(value) else None


def to_string(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, int | Moment | Quantity):
        return str(value)
    return None


def to_quantity(value: Any) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool | int | Decimal):
        return Quantity(Decimal(int(value)) if isinstance(value, bool) else Decimal(value))
    if isinstance(value, Node) and isinstance(value.value, dict):
        return quantity(value.value)
    return Quantity.parse(value) if isinstance(value, str) else None


def to_date(value: Any) -> Moment | None:
    if isinstance(value, Moment) and value.kind != "Time":
        return Moment("Date", value.parts[:3])
    if isinstance(value, str):
        found = moment(value, "DateTime")
        return Moment("Date", found.parts[:3]) if found else None
    return None


def to_datetime(value: Any) -> Moment | None:
    if isinstance(value, Moment) and value.kind != "Time":
        return Moment("DateTime", value.parts, value.zone)
    return moment(value, "DateTime") if isinstance(value, str) else None


def to_time(value: Any) -> Moment | None:
    if isinstance(value, Moment):
        return value if value.kind == "Time" else None
    return moment(value, "Time") if isinstance(value, str) and not value.startswith("T") else None


_TO: dict[str, Callable[[Any], Any]] = {
    "Boolean": to_boolean,
    "Integer": to_integer,
    "Decimal": to_decimal,
    "String": to_string,
    "Quantity": to_quantity,
    "Date": to_date,
    "DateTime": to_datetime,
    "Time": to_time,
}


def _to(name: str, convert: Callable[[Any], Any]) -> Make:
    def make(before: Fn, unit: Fn | None = None) -> Fn:
        def run(s: Scope) -> Items:
            value = single(before(s), name)
            found = None if value is None else convert(value)
            return [] if found is None else _in_unit(found, single(unit(s), name) if unit else None)

        return run

    return make


def _in_unit(value: Any, unit: Any) -> Items:
    if unit is None:
        return [value]
    target = Quantity.parse(f"1 '{unit}'")
    both = target and value.pair(target)
    return [Quantity(both[0] / both[1], unit)] if both and both[1] else []


def _converts(name: str, convert: Callable[[Any], Any]) -> Make:
    def make(before: Fn, unit: Fn | None = None) -> Fn:
        def run(s: Scope) -> Items:
            value = single(before(s), name)
            return [] if value is None else [convert(value) is not None]

        return run

    return make


TABLE: dict[str, Entry] = {}
for _name, _convert in _TO.items():
    _most = 1 if _name == "Quantity" else 0
    TABLE[f"to{_name}"] = (0, _most, _to(f"to{_name}", _convert))
    TABLE[f"convertsTo{_name}"] = (0, _most, _converts(f"convertsTo{_name}", _convert))
