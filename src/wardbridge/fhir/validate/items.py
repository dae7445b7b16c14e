"""The items of an element, whatever its name in JSON: `valueQuantity`, `_birthDate`, entries of an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from wardbridge.fhir.definitions.table import Element, type_of
from wardbridge.fhir.validate.issues import Place


class Item(NamedTuple):
    """One item: its JSON value (None where only extensions are given), what stands in `_name`, its type and place."""

    value: Any
    extra: Any
    type: str
    place: Place

    @property
    def holder(self) -> dict[str, Any]:
        """The JSON object that has the item's children."""
        if type(self.value) is dict:
            return self.value
        return self.extra if type(self.extra) is dict else {}


Gather: TypeAlias = Callable[[dict[str, Any], Place], list[Item]]


def gatherer(element: Element) -> Gather:
    """A function that lists the items of an element in an object at a place; JSON of a wrong form gives none."""
    rows = []
    for key, type_name in element.keys:
        kind = type_of(type_name)
        label = f"{element.name}.ofType({type_name})" if element.choice else element.name
        rows.append((key, f"_{key}" if kind is not None and kind.primitive else "", type_name, label))
    many = element.many

    def gather(holder: dict[str, Any], place: Place) -> list[Item]:
        out: list[Item] = []
        for key, shadow, type_name, label in rows:
            value = holder.get(key)
            extra = holder.get(shadow) if shadow else None
            if value is None and extra is None:
                continue
            if not many:
                out.append(_item(value, extra, type_name, (place, label, -1)))
                continue
            values = value if type(value) is list else []
            extras = extra if type(extra) is list else []
            for i in range(max(len(values), len(extras))):
                one = values[i] if i < len(values) else None
                more = extras[i] if i < len(extras) else None
                if one is not None or more is not None:
                    out.append(_item(one, more, type_name, (place, label, i)))
        return out

    return gather


def _item(value: Any, extra: Any, type_name: str, place: Place) -> Item:
    if type_name == "Resource" and type(value) is dict and type(value.get("resourceType")) is str:
        type_name = value["resourceType"]
    return Item(value, extra, type_name, place)
