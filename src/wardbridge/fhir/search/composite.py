"""Composite parameters: the values of one element side by side in one row (R4 search §3.1.1.4.13).

The first part (a token or a reference) is hashed and selects; up to two more parts follow, as text or as ranges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from wardbridge.fhir.definitions.search import Component, SearchParameter, search_parameter
from wardbridge.fhir.search import values
from wardbridge.fhir.search.expression import Typed, evaluate, implied_systems

Columns = tuple[Any, ...]
"""(hash, code, system, hash2, code2, system2, low, high, low2, high2, unit, base unit, base low, base high)"""


_CROSSED = frozenset({"http://hl7.org/fhir/SearchParameter/DocumentReference-relationship"})
"""R4's definition names the parts (reference, token) but gives the paths the other way round."""


@dataclass(frozen=True)
class Part:
    """One component: its search type, and how to read it from the element (or from the resource: ``whole``)."""

    type: str
    read: Typed
    whole: bool
    systems: dict[str, str]
    """Systems of its codes where the element implies them."""


def split_parts(parameter: SearchParameter, element_type: str) -> list[Part]:
    """The parts of a composite, in order, compiled for the type of its element."""
    parts = []
    components = list(parameter.components)
    if parameter.url in _CROSSED:
        paths = [component.expression for component in reversed(components)]
        components = [Component(c.definition, path) for c, path in zip(components, paths, strict=True)]
    for component in components:
        definition = search_parameter(component.definition)
        if definition is None:
            raise KeyError(component.definition)
        whole = component.expression.startswith("%resource.")
        text = component.expression.removeprefix("%resource.")
        owner = parameter.base[0] if whole else element_type
        parts.append(Part(definition.type, evaluate(text, owner), whole, implied_systems(text, owner)))
    return parts


def component_types(parameter: SearchParameter) -> list[str]:
    """The search types of the parts, in order."""
    found = [search_parameter(component.definition) for component in parameter.components]
    return [definition.type for definition in found if definition is not None]


def _first(part: Part, source: Any) -> list[Columns]:
    """(hash, code, system) of a part that is a token, a reference or a text."""
    out: list[Columns] = []
    for kind, value in part.read(source):
        if part.type == "reference":
            found = values.reference(kind, value)
            if found:
                out.append((found[0], found[2], found[1] or None))
        elif part.type == "string":
            out.extend((None, values.string_row(text)[0], None) for text in values.strings(kind, value))
        else:
            out.extend(
                (hash_, code, system or part.systems.get(code)) for hash_, code, system in values.tokens(kind, value)
            )
    return out


def _range(part: Part, source: Any) -> list[Columns]:
    """(low, high, system, code, unit, base unit, base low, base high) of a part that is a range."""
    out: list[Columns] = []
    for kind, value in part.read(source):
        found: Any = None
        if part.type == "quantity":
            found = values.quantity(kind, value)
        elif part.type == "number":
            span = values.number(kind, value)
            found = span and (*span, None, None, None, None, None, None)
        elif part.type == "date":
            moment = values.date(kind, value)
            found = moment and (*moment, None, None, None, None, None, None)
        if found:
            out.append(found)
    return out


_TEXT = frozenset({"token", "reference", "string"})


def combine(parts: list[Part], element: Any, resource: Any) -> Iterator[Columns]:
    """The rows of one element: every combination of the values of its parts; none where a part has none."""
    sides: list[list[Columns]] = []
    # From the end: most elements have a first part, and no value of the type that the last one is for.
    for part in reversed(parts):
        found = (_first if part is parts[0] or part.type in _TEXT else _range)(
            part, resource if part.whole else element
        )
        if not found:
            return
        sides.append(found)
    first, *others = reversed(sides)
    for combination in product(first, *others):
        hash_, code, system = combination[0]
        hash2 = code2 = system2 = low = high = low2 = high2 = unit = base = base_low = base_high = None
        for part, value in zip(parts[1:], combination[1:], strict=True):
            if part.type in _TEXT:
                hash2, code2, system2 = value
            elif low is None and high is None:
                low, high, system2, code2, unit, base, base_low, base_high = value
            else:
                low2, high2 = value[:2]
        yield (hash_, code, system, hash2, code2, system2, low, high, low2, high2, unit, base, base_low, base_high)
