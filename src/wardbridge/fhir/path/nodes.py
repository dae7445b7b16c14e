"""FHIR elements as FHIRPath sees them: a JSON value with its type, and what hangs beside a primitive (`_name`).

Standard: https://hl7.org/fhir/R4/fhirpath.html (FHIR types in FHIRPath), https://hl7.org/fhir/R4/json.html#primitive
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, TypeAlias

import msgspec

from wardbridge.fhir.definitions.table import Type, type_of
from wardbridge.fhir.path.moments import Moment, moment
from wardbridge.fhir.path.quantity import Quantity

UCUM = "http://unitsofmeasure.org"
MOST = 1000
Step: TypeAlias = tuple[str, str | None, "Type | None", bool]


class TypeInfo(msgspec.Struct, frozen=True):
    """What `type()` gives."""

    namespace: str
    name: str


class Node:
    """One FHIR element: `value` is JSON (None where only extensions are given), `extra` the `_name` object."""

    __slots__ = ("extra", "type", "value")

    def __init__(self, value: Any, type: Type | None, extra: dict[str, Any] | None = None) -> None:
        self.value = value
        self.type = type
        self.extra = extra

    def child(self, name: str, out: list[Any]) -> None:
        """Appends the children of that name."""
        value = self.value
        kind = self.type
        if type(value) is dict:
            if kind is None:
                found = value.get(name)
                if found is not None:
                    _spread(found, None, None, out)
                return
            for key, shadow, inner, resource in _steps(kind.name).get(name, ()):
                found = value.get(key)
                if shadow is not None and shadow in value:
                    _spread_primitive(found, value[shadow], inner, out)
                elif found is not None:
                    _spread(found, inner, resource, out)
        elif self.extra is not None and kind is not None and kind.primitive:
            if name == "extension":
                out.extend(Node(item, EXTENSION()) for item in _as_list(self.extra.get("extension")))
            elif name == "id" and "id" in self.extra:
                out.append(Node(self.extra["id"], type_of("string")))

    def children(self) -> list[Any]:
        """All child elements, in the order in which they stand in the JSON."""
        out: list[Any] = []
        value = self.value
        if type(value) is dict:
            if self.type is None:
                for key in value:
                    self.child(key, out)
                return out
            table = _properties(self.type.name)
            for key, found in value.items():
                step = table.get(key)
                if step is None:
                    step = table.get(key[1:]) if key[:1] == "_" and key[1:] not in value else None
                    if step is not None and step[1] is not None:
                        _spread_primitive(None, found, step[2], out)
                elif step[1] is not None and step[1] in value:
                    _spread_primitive(found, value[step[1]], step[2], out)
                elif found is not None:
                    _spread(found, step[2], step[3], out)
        elif self.extra is not None:
            self.child("id", out)
            self.child("extension", out)
        return out

    def __repr__(self) -> str:
        return f"Node({self.type.name if self.type else '?'}: {self.value!r})"


def EXTENSION() -> Type | None:
    return type_of("Extension")


@cache
def _steps(type_name: str) -> dict[str, tuple[Step, ...]]:
    kind = type_of(type_name)
    assert kind is not None
    out: dict[str, tuple[Step, ...]] = {}
    for element in kind.elements.values():
        steps = []
        for key, name in element.keys:
            inner = type_of(name)
            primitive = inner is not None and inner.primitive
            steps.append((key, f"_{key}" if primitive else None, inner, name == "Resource"))
        out[element.name] = tuple(steps)
    return out


@cache
def _properties(type_name: str) -> dict[str, Step]:
    return {step[0]: step for steps in _steps(type_name).values() for step in steps}


def _as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if type(value) is list else [value]


def typed(value: Any, declared: Type | None) -> Node:
    """A node for a JSON value; a resource's type is what it says itself."""
    if type(value) is dict and (declared is None or declared.resource):
        name = value.get("resourceType")
        if isinstance(name, str):
            return Node(value, type_of(name) or declared)
    return Node(value, declared)


def _spread(found: Any, inner: Type | None, resource: bool | None, out: list[Any]) -> None:
    if type(found) is list:
        make = typed if resource or inner is None else Node
        out.extend(make(item, inner) for item in found if item is not None)
    else:
        out.append(typed(found, inner) if resource or inner is None else Node(found, inner))


def _spread_primitive(found: Any, shadow: Any, inner: Type | None, out: list[Any]) -> None:
    values, extras = _as_list(found), _as_list(shadow)
    for i in range(max(len(values), len(extras))):
        value = values[i] if i < len(values) else None
        extra = extras[i] if i < len(extras) else None
        if type(extra) is not dict:
            extra = None
        if value is not None or extra is not None:
            out.append(Node(value, inner, extra))


def decimal(value: Any) -> Decimal | None:
    """A JSON number as an exact decimal; a float (from a decoder that lost the text) by its shortest form."""
    if isinstance(value, Decimal):
        # Reckoning with 1e999999999 would write out its digits; no measurement needs such a number.
        return value if -MOST < value.adjusted() < MOST else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _integer(value: Any) -> Any:
    return value if type(value) is int else None


def _boolean(value: Any) -> Any:
    return value if type(value) is bool else None


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _moment(kind: str) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        # A dateTime that is none stays text, so that it compares with nothing but text.
        return (moment(value, kind) or value) if isinstance(value, str) else None

    return convert


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "boolean": _boolean,
    "integer": _integer,
    "positiveInt": _integer,
    "unsignedInt": _integer,
    "decimal": decimal,
    "date": _moment("Date"),
    "dateTime": _moment("DateTime"),
    "instant": _moment("DateTime"),
    "time": _moment("Time"),
}


def system(item: Any) -> Any:
    """The System value of a FHIR primitive or quantity; other items unchanged; None for a primitive without value."""
    if type(item) is not Node:
        return item
    kind = item.type
    value = item.value
    if kind is None:
        if isinstance(value, float):
            return decimal(value)
        return item if isinstance(value, dict) else value
    if kind.primitive:
        return None if value is None else _CONVERT.get(kind.name, _text)(value)
    if "Quantity" in kind.ancestors and type(value) is dict:
        return quantity(value) or item
    return item


def quantity(value: dict[str, Any]) -> Quantity | None:
    """A FHIR Quantity as a System one; None where it has no value or a comparator."""
    number = decimal(value.get("value"))
    if number is None or "comparator" in value:
        return None
    code, unit = value.get("code"), value.get("unit")
    if value.get("system") == UCUM and isinstance(code, str):
        return Quantity(number, code)
    return Quantity(number, code if isinstance(code, str) else unit if isinstance(unit, str) else "1")


SYSTEM: dict[type, str] = {
    bool: "Boolean",
    int: "Integer",
    Decimal: "Decimal",
    str: "String",
    Quantity: "Quantity",
}


def system_name(item: Any) -> str | None:
    """`Integer`, `DateTime` ... of a System value; None for other items."""
    if isinstance(item, Moment):
        return item.kind
    found = SYSTEM.get(type(item))
    return "Decimal" if found is None and isinstance(item, Decimal) else found


def type_info(item: Any) -> TypeInfo:
    if isinstance(item, Node):
        kind = item.type
        if kind is None:
            return TypeInfo("System", "Any")
        return TypeInfo("FHIR", kind.base or kind.name if kind.kind == "backbone" else kind.name)
    if isinstance(item, TypeInfo):
        return TypeInfo("System", "TypeInfo")
    return TypeInfo("System", system_name(item) or "Any")


def plain(item: Any) -> Any:
    """The item as JSON: elements as they were written, dates and quantities of the expression as text."""
    if isinstance(item, Node):
        return item.extra if item.value is None else item.value
    if isinstance(item, Moment | Quantity):
        return str(item)
    if isinstance(item, TypeInfo):
        return {"namespace": item.namespace, "name": item.name}
    return item


def descendants(items: list[Any]) -> Iterator[Any]:
    """All elements below the items, each level before the next."""
    level = items
    while level:
        below: list[Any] = []
        for item in level:
            if type(item) is Node:
                below += item.children()
        yield from below
        level = below
