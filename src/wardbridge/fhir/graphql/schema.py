"""Which fields a type has in GraphQL: its FHIR elements, and what R4 graphql.html adds to them.

Added are ``resourceType``, ``_name`` beside a primitive, ``resource`` of a Reference, ``[Type]List`` and
``[Type]Connection`` of a resource, and ``[Type](id:)`` where a query starts. Types are named as FHIR names them
(`Observation.component`); ``Query`` and the parts of a connection are our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Literal

from wardbridge.fhir.definitions.table import resource_types, type_of

Kind = Literal["element", "typename", "target", "one", "list", "connection"]
QUERY = "Query"


@dataclass(frozen=True)
class Slot:
    """One field: what it gives. ``types`` empty: a scalar; several: a resource of one of these types.

    ``key`` is the JSON property; ``primitive`` the FHIR type of a scalar.
    """

    kind: Kind
    key: str
    types: frozenset[str] = frozenset()
    many: bool = False
    primitive: str = ""


TYPENAME = Slot("typename", "__typename")
_SCALAR = {name: Slot("element", name) for name in ("resourceType", "count", "offset", "pagesize", "mode", "score")}
_PAGE_INFO = ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor")
_LINKS = ("first", "previous", "next", "last")


@cache
def slot(type_name: str, field: str) -> Slot | None:
    """The field of a type, None where it has none of that name."""
    if field == "__typename":
        return TYPENAME
    if type_name == QUERY:
        return _query(field)
    if type_name == "PageInfo":
        return Slot("element", field) if field in _PAGE_INFO else None
    if type_name.endswith("Connection") and type_name.removesuffix("Connection") in resource_types():
        return _connection(type_name.removesuffix("Connection"), field)
    if type_name.endswith("Edge") and type_name.removesuffix("Edge") in resource_types():
        if field == "resource":
            return Slot("element", "resource", frozenset({type_name.removesuffix("Edge")}))
        return _SCALAR[field] if field in ("mode", "score") else Slot("element", field) if field == "cursor" else None
    return _element(type_name, field)


def _element(type_name: str, field: str) -> Slot | None:
    kind = type_of(type_name)
    if kind is None:
        return None
    if field.startswith("_"):
        found = kind.keys.get(field[1:])
        inner = type_of(found[1]) if found else None
        if found is None or inner is None or not inner.primitive or inner.name == "xhtml":
            return None
        return Slot("element", field, frozenset({"Element"}), found[0].many)
    found = kind.keys.get(field)
    if found is not None:
        element, name = found
        inner = type_of(name)
        if inner is None or inner.primitive:
            return Slot("element", field, many=element.many, primitive=name)
        types = resource_types() if name in ("Resource", "DomainResource") else frozenset({name})
        return Slot("element", field, types, element.many)
    if field == "resource" and type_name == "Reference":
        return Slot("target", field, resource_types())
    if kind.resource:
        return _SCALAR["resourceType"] if field == "resourceType" else _search(field)
    return None


def _search(field: str) -> Slot | None:
    name = field.removesuffix("List")
    if name != field and name in resource_types():
        return Slot("list", field, frozenset({name}), many=True)
    name = field.removesuffix("Connection")
    if name != field and name in resource_types():
        return Slot("connection", field, frozenset({field}))
    return None


def _query(field: str) -> Slot | None:
    return Slot("one", field, frozenset({field})) if field in resource_types() else _search(field)


def _connection(name: str, field: str) -> Slot | None:
    if field == "edges":
        return Slot("element", field, frozenset({f"{name}Edge"}), many=True)
    if field == "pageInfo":
        return Slot("element", field, frozenset({"PageInfo"}))
    if field in _LINKS or field in ("count", "offset", "pagesize"):
        return Slot("element", field)
    return None


def narrowed(types: frozenset[str], condition: str) -> frozenset[str] | None:
    """The types that a fragment on ``condition`` applies to; None where there is no such type."""
    if condition in types:
        return frozenset({condition})
    if type_of(condition) is None:
        known = condition in (QUERY, "PageInfo") or slot(condition, "edges") or slot(condition, "mode")
        return frozenset() if known else None
    return frozenset(name for name in types if (kind := type_of(name)) is not None and condition in kind.ancestors)


def target_types(type_name: str, field: str) -> frozenset[str]:
    """The resource types that a Reference element may point to."""
    kind = type_of(type_name)
    found = kind.keys.get(field) if kind is not None else None
    return frozenset(found[0].targets) & resource_types() if found and found[0].targets else resource_types()


def closest(types: frozenset[str], field: str) -> str:
    """A field of a similar name, '' where there is none: for messages."""
    names: set[str] = set()
    for name in sorted(types)[:5]:
        kind = type_of(name)
        names.update(kind.keys if kind is not None else ())
    return next(iter(get_close_matches(field, sorted(names), 1)), "")
