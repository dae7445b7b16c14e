"""``extract(resource) -> Rows``: compiled once a resource type from its SearchParameters, then pure.

The expressions are FHIRPath of the standard; each is compiled for the one type in question, and a parameter's
branches of other types are left out. Golden files: tests/fhir/search/golden.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from wardbridge.fhir.definitions.search import SearchParameter, published_parameters
from wardbridge.fhir.definitions.table import is_a, known
from wardbridge.fhir.search import values
from wardbridge.fhir.search.composite import Part, combine, split_parts
from wardbridge.fhir.search.expression import Typed, branches, evaluate, implied_systems
from wardbridge.fhir.search.hash import clip, token_hash
from wardbridge.fhir.search.rows import Rows
from wardbridge.fhir.search.words import words

Number = Callable[[str], Any]
"""What stands for a parameter's code in a row."""
Step = Callable[[Any, Rows], None]

NOT_INDEXED = frozenset({"_id", "_lastUpdated", "_text", "_content", "_filter", "_query"})
"""Answered from the resource row itself, from its words, or no parameter of one value at all."""

CONTAINED = 32767
"""Stands for a parameter: the types of the resources that one contains. Numbers of parameters never come so high."""

_TYPE_FILTER = re.compile(r"(.+)\.where\(resolve\(\) is ([A-Z]\w+)\)")


def parameters(type_name: str) -> dict[str, SearchParameter]:
    """The parameters of the standard that are extracted from a resource type, by code."""
    return {code: p for code, p in published_parameters(type_name).items() if code not in NOT_INDEXED and p.expression}


class Extractor:
    """The compiled extraction of one resource type."""

    def __init__(
        self,
        type_name: str,
        number: Number = lambda code: code,
        extra: Sequence[SearchParameter] = (),
        *,
        text: bool = False,
        standard: bool = True,
    ) -> None:
        """``text``: also give the words for full-text search. ``standard`` False: the parameters ``extra`` alone."""
        self.type = type_name
        self._text = text
        self._steps: list[Step] = []
        for code, parameter in {
            **(parameters(type_name) if standard else {}),
            **{p.code: p for p in extra},
        }.items():
            self._steps.extend(_steps(parameter, type_name, number(code)))

    def __call__(self, resource: dict[str, Any]) -> Rows:
        rows = Rows()
        for step in self._steps:
            step(resource, rows)
        for inner in resource.get("contained") or ():
            kind = inner.get("resourceType", "")
            rows.token.append((CONTAINED, token_hash(kind), kind.casefold(), None))
        rows.settle()
        if self._text:
            rows.text = words(resource)
        return rows


@lru_cache(maxsize=256)
def _extractor(type_name: str) -> Extractor:
    return Extractor(type_name)


def extract(resource: dict[str, Any]) -> Rows:
    """The search rows of a resource, parameters named by their codes. Raises KeyError for a type not of R4."""
    return _extractor(resource["resourceType"])(resource)


def _steps(parameter: SearchParameter, type_name: str, number: Any) -> Iterator[Step]:
    if parameter.type == "composite":
        yield from _composite(parameter, type_name, number)
        return
    make = _MAKERS.get(parameter.type)
    if make is None or parameter.expression is None:
        return
    for branch in branches(parameter.expression, type_name):
        wanted = None
        found = _TYPE_FILTER.fullmatch(branch)
        if found:  # resolve() needs no record here: a reference names its type
            branch, wanted = found[1], found[2]
        if parameter.type == "token" and (systems := implied_systems(branch, type_name)):
            yield _code_step(evaluate(branch, type_name), number, systems)
        else:
            yield make(evaluate(branch, type_name), number, wanted)


def _composite(parameter: SearchParameter, type_name: str, number: Any) -> Iterator[Step]:
    for branch in branches(parameter.expression or "", type_name):
        element = _element_type(branch, type_name)
        parts = split_parts(parameter, element)
        read = None if branch == type_name else evaluate(branch, type_name)
        yield _composite_step(read, parts, number)


def _element_type(path: str, type_name: str) -> str:
    """The type of the elements of a plain path such as ``Observation.component``."""
    current = known(type_name)
    for name in path.split(".")[1:]:
        element = current.elements[name]
        current = known(element.types[0])
    return current.name


def _composite_step(read: Typed | None, parts: list[Part], number: Any) -> Step:
    def step(resource: Any, rows: Rows) -> None:
        for _, element in ((None, resource),) if read is None else read(resource):
            rows.composite.extend((number, *columns) for columns in combine(parts, element, resource))

    return step


def _token_step(read: Typed, number: Any, wanted: str | None) -> Step:
    def step(resource: Any, rows: Rows) -> None:
        for kind, value in read(resource):
            for token in values.tokens(kind, value):
                rows.token.append((number, *token))
            if kind in ("CodeableConcept", "Coding", "Identifier"):
                for text in values.token_texts(kind, value):
                    rows.string.append((number, *values.string_row(text)))
            if kind == "Identifier":
                rows.composite.extend((number, *columns) for columns in values.of_type(value))

    return step


def _code_step(read: Typed, number: Any, systems: dict[str, str]) -> Step:
    def step(resource: Any, rows: Rows) -> None:
        for _, value in read(resource):
            for hash_, code, _ in values.tokens("code", value):
                rows.token.append((number, hash_, code, systems.get(code)))

    return step


def _string_step(read: Typed, number: Any, wanted: str | None) -> Step:
    def step(resource: Any, rows: Rows) -> None:
        for kind, value in read(resource):
            for text in values.strings(kind, value):
                rows.string.append((number, *values.string_row(text)))

    return step


def _date_step(read: Typed, number: Any, wanted: str | None) -> Step:
    def step(resource: Any, rows: Rows) -> None:
        for kind, value in read(resource):
            found = values.date(kind, value)
            if found:
                rows.date.append((number, *found))

    return step


def _number_step(read: Typed, number: Any, wanted: str | None) -> Step:
    def step(resource: Any, rows: Rows) -> None:
        for kind, value in read(resource):
            found = values.number(kind, value)
            if found:
                rows.number.append((number, *found))

    return step


def _quantity_step(read: Typed, number: Any, wanted: str | None) -> Step:
    def step(resource: Any, rows: Rows) -> None:
        for kind, value in read(resource):
            found = values.quantity(kind, value)
            if found:
                rows.quantity.append((number, *found))

    return step


def _reference_step(read: Typed, number: Any, wanted: str | None) -> Step:
    def step(resource: Any, rows: Rows) -> None:
        for kind, value in read(resource):
            if wanted is not None and not values.names_type(value, wanted):
                continue
            if kind[:1].isupper() and kind != "Reference" and is_a(kind, "Resource"):
                continue  # Bundle.entry[0].resource: a contained resource has no reference
            found = values.reference(kind, value)
            if found:
                rows.reference.append((number, *found))
            for token in values.logical(kind, value):
                rows.token.append((number, *token))

    return step


def _uri_step(read: Typed, number: Any, wanted: str | None) -> Step:
    def step(resource: Any, rows: Rows) -> None:
        for _, value in read(resource):
            if isinstance(value, str) and value:
                rows.uri.append((number, clip(value.replace("\x00", ""))))

    return step


def _position_step(read: Typed, number: Any, wanted: str | None) -> Step:
    def step(resource: Any, rows: Rows) -> None:
        for _, value in read(resource):
            place = values.position(value)
            if place is not None:
                rows.position.append((number, *place))

    return step


_MAKERS: dict[str, Callable[[Typed, Any, str | None], Step]] = {
    "token": _token_step,
    "string": _string_step,
    "date": _date_step,
    "number": _number_step,
    "quantity": _quantity_step,
    "reference": _reference_step,
    "uri": _uri_step,
    "special": _position_step,
}
"""``near`` is the one special parameter of R4 that has an expression."""
