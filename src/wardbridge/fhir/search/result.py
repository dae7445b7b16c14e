"""Parameters that shape the answer: ``_count _total _summary _elements _sort _include ...`` (R4 search §3.1.1.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.search import search_parameters
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.search.clauses import UnknownParameter, find, named
from wardbridge.fhir.search.query import Include, Query, Sort

LARGEST_COUNT = 1000


def _count(query: Query, value: str) -> Query:
    if not value.isdecimal() or len(value) > 9:
        raise Invalid("_count must be a whole number", "_count")
    if int(value) == 0:
        return replace(query, count=0, summary=query.summary or "count")
    return replace(query, count=min(int(value), LARGEST_COUNT))


def _total(query: Query, value: str) -> Query:
    if value not in ("none", "estimate", "accurate"):
        raise Invalid("_total must be none, estimate or accurate", "_total")
    return replace(query, total=value)


def _summary(query: Query, value: str) -> Query:
    if value not in ("true", "false", "text", "data", "count"):
        raise Invalid("_summary must be true, text, data, count or false", "_summary")
    return replace(query, summary="" if value == "false" else value)


def _elements(query: Query, value: str) -> Query:
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    if not names:
        raise Invalid("_elements names no element", "_elements")
    return replace(query, elements=query.elements + names)


def _sort(query: Query, value: str) -> Query:
    out: list[Sort] = []
    for name in value.split(","):
        code = name.strip()
        descending = code.startswith("-")
        code = code.removeprefix("-")
        parameter = find(query.types, code) if code else None
        if parameter is None or parameter.type in ("composite", "special"):
            raise UnknownParameter(
                f"_sort: {code!r} is not a parameter that {named(query.types)} can be sorted by", "_sort"
            )
        out.append(Sort(code, parameter.type, descending))
    if len(query.sort) + len(out) > 4:
        raise Invalid("_sort takes at most four parameters", "_sort")
    return replace(query, sort=query.sort + tuple(out))


def _contained(query: Query, value: str) -> Query:
    if value not in ("true", "false", "both"):
        raise Invalid("_contained must be true, false or both", "_contained")
    return replace(query, contained="" if value == "false" else value)


def _contained_type(query: Query, value: str) -> Query:
    if value not in ("container", "contained"):
        raise Invalid("_containedType must be container or contained", "_containedType")
    return replace(query, container=value == "container")


def _cursor(query: Query, value: str) -> Query:
    return replace(query, cursor=value)


RESULT: dict[str, Callable[[Query, str], Query]] = {
    "_count": _count,
    "_total": _total,
    "_summary": _summary,
    "_elements": _elements,
    "_sort": _sort,
    "_contained": _contained,
    "_containedType": _contained_type,
    "_cursor": _cursor,
}


def include(query: Query, name: str, value: str) -> Query:
    """``_include`` and ``_revinclude``, with ``:iterate`` (or its old name ``:recurse``) (R4 search §3.1.1.5.3)."""
    base, _, modifier = name.partition(":")
    if modifier not in ("", "iterate", "recurse"):
        raise UnknownParameter(f"{name}: no such modifier", name)
    source, _, rest = value.partition(":")
    code, colon, target = rest.partition(":")
    if colon and not target.strip():
        raise Invalid(f"{name}={value}: the target type after the colon is missing", name)
    if value in ("*", "*:*"):
        source, code = "", "*"
    elif source not in resource_types() or not code:
        raise Invalid(f"{name}={value}: expected [source type]:[parameter] or *", name)
    elif code != "*":
        parameter = search_parameters(source).get(code)
        if parameter is None or parameter.type != "reference":
            raise Invalid(f"{name}={value}: {source} has no reference parameter {code!r}", name)
        if target in resource_types() and parameter.targets and target not in parameter.targets:
            raise Invalid(f"{name}={value}: {code} cannot refer to {target}", name)
    if target and target not in resource_types():
        raise Invalid(f"{name}={value}: {target!r} is not a resource type of R4", name)
    wanted = Include(source, code, target, base == "_revinclude", bool(modifier))
    return replace(query, includes=tuple(dict.fromkeys((*query.includes, wanted))))
