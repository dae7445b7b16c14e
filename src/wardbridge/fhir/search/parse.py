"""From names and values of a request to a :class:`Query`. Strict: what is not understood is refused (400).

R4: https://hl7.org/fhir/R4/search.html. Not yet: chaining, ``_has``, ``_filter``, ``:in :not-in :above :below`` on
tokens, ``:of-type``, ``:iterate``; each is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.search import SearchParameter, search_parameters
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.search.prefix import Now
from wardbridge.fhir.search.query import Clause, Include, Missing, Query, Sort, Value
from wardbridge.fhir.search.text import split_values
from wardbridge.fhir.search.written import value_of

LARGEST_COUNT = 1000
DEFAULT_COUNT = 20

MODIFIERS: dict[str, frozenset[str]] = {
    "string": frozenset({"exact", "contains", "text"}),
    "token": frozenset({"not", "text"}),
    "reference": frozenset({"identifier"}),
    "uri": frozenset({"above", "below"}),
    "date": frozenset(),
    "number": frozenset(),
    "quantity": frozenset(),
    "composite": frozenset(),
}
"""Modifiers beside ``:missing`` (all) and ``:[type]`` (references), by search type (R4 search §3.1.1.4.1)."""

LATER = frozenset({"in", "not-in", "of-type", "above", "below", "iterate", "recurse"})
UNSUPPORTED = frozenset(
    {"_text", "_content", "_filter", "_query", "_list", "_has", "near", "_contained", "_containedType"}
)
IGNORED = frozenset({"_format", "_pretty"})
"""Read by the HTTP layer."""


class UnknownParameter(Invalid):
    """A parameter or modifier that this server does not know; ``Prefer: handling=lenient`` may pass over it."""

    code = "not-supported"


def supported(type_name: str) -> dict[str, SearchParameter]:
    """The parameters that can be searched on a type."""
    return {
        code: p
        for code, p in search_parameters(type_name).items()
        if code not in UNSUPPORTED and (p.expression or code in ("_id", "_lastUpdated"))
    }


def parse(
    types: Sequence[str],
    parameters: Iterable[tuple[str, str]],
    *,
    now: int = 0,
    lenient: bool = False,
    bases: tuple[str, ...] = (),
) -> Query:
    """``types`` empty: every resource type. ``now`` (µs) is for the prefix ``ap``; ``bases`` are our own URLs.

    Raises Invalid, with the parameter's name in ``where``; UnknownParameter unless ``lenient``.
    """
    query = Query(tuple(types))
    clauses: list[Clause] = []
    kept: list[tuple[str, str]] = []
    ignored: list[str] = []
    pairs = [(name, value) for name, value in parameters if name not in IGNORED]
    named = [value for name, value in pairs if name == "_type"]
    if named:
        query = replace(query, types=_types(query.types, named))
    for name, value in pairs:
        try:
            if name == "_type":
                pass
            elif name in _RESULT:
                query = _RESULT[name](query, value)
            elif name.split(":")[0] in ("_include", "_revinclude"):
                query = _include(query, name, value)
            else:
                clauses.append(_clause(query.types, name, value, Now(now), bases))
        except UnknownParameter as error:
            if not lenient:
                raise
            ignored.append(error.message)
            continue
        kept.append((name, value))
    if query.elements and query.summary == "count":
        raise Invalid("_elements and _summary=count exclude each other", "_elements")
    return replace(query, clauses=tuple(clauses), ignored=tuple(ignored), parameters=tuple(kept))


def find(types: Sequence[str], code: str) -> SearchParameter | None:
    """The parameter of that code, if each of the types has one of the same search type."""
    found: SearchParameter | None = None
    for type_name in types or ("Resource",):
        parameter = supported(type_name).get(code)
        if parameter is None or (found is not None and found.type != parameter.type):
            return None
        found = parameter
    return found


def _types(given: tuple[str, ...], named: Sequence[str]) -> tuple[str, ...]:
    wanted = [name.strip() for value in named for name in value.split(",")]
    for name in wanted:
        if name not in resource_types():
            raise Invalid(f"_type: {name!r} is not a resource type of R4", "_type")
        if given and name not in given:
            raise Invalid("_type is for searches over the whole system", "_type")
    return tuple(dict.fromkeys(wanted))


def _where(types: Sequence[str]) -> str:
    return ", ".join(types) or "all types"


def _clause(types: tuple[str, ...], name: str, value: str, now: Now, bases: tuple[str, ...]) -> Clause:
    code, _, modifier = name.partition(":")
    if code == "_has":
        raise Invalid("reverse chaining (_has) is not supported yet", name)
    if "." in code or "." in modifier:
        raise Invalid(f"{name}: chained parameters are not supported yet", name)
    if code in UNSUPPORTED:
        raise UnknownParameter(f"the parameter {code} is not supported yet", name)
    parameter = find(types, code)
    if parameter is None:
        raise UnknownParameter(f"unknown search parameter {code!r} for {_where(types)}", name)
    if value == "":
        raise Invalid(f"{name} has no value", name)
    if modifier == "missing":
        if value not in ("true", "false") or code in ("_id", "_lastUpdated"):
            raise Invalid(f"{name} must be true or false", name)
        return Clause(code, parameter, modifier, (Missing(value == "true"),))
    target = ""
    if modifier and modifier not in MODIFIERS[parameter.type]:
        if parameter.type == "reference" and modifier in resource_types():
            target = modifier
            if parameter.targets and target not in parameter.targets:
                raise Invalid(f"{name}: {code} cannot refer to {target}", name)
        elif modifier in LATER:
            raise UnknownParameter(f"{name}: the modifier :{modifier} is not supported yet here", name)
        else:
            raise UnknownParameter(f"{name}: {parameter.type} parameters have no modifier :{modifier}", name)
    values: list[Value] = []
    for written in split_values(value):
        try:
            values.append(value_of(parameter, types, modifier, target, written, now, bases))
        except (ValueError, OverflowError) as error:
            raise Invalid(f"{name}: {error}", name) from error
    return Clause(code, parameter, modifier, tuple(dict.fromkeys(values)))


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
        code = code.lstrip("-")
        parameter = find(query.types, code) if code else None
        if parameter is None or parameter.type in ("composite", "special"):
            raise UnknownParameter(
                f"_sort: {code!r} is not a parameter that {_where(query.types)} can be sorted by", "_sort"
            )
        out.append(Sort(code, parameter.type, descending))
    if len(out) > 4:
        raise Invalid("_sort takes at most four parameters", "_sort")
    return replace(query, sort=query.sort + tuple(out))


def _cursor(query: Query, value: str) -> Query:
    return replace(query, cursor=value)


_RESULT = {
    "_count": _count,
    "_total": _total,
    "_summary": _summary,
    "_elements": _elements,
    "_sort": _sort,
    "_cursor": _cursor,
}


def _include(query: Query, name: str, value: str) -> Query:
    base, _, modifier = name.partition(":")
    if modifier in ("iterate", "recurse"):
        raise Invalid(f"{name}: iteration is not supported yet", name)
    if modifier:
        raise UnknownParameter(f"{name}: no such modifier", name)
    reverse = base == "_revinclude"
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
    if target and target not in resource_types():
        raise Invalid(f"{name}={value}: {target!r} is not a resource type of R4", name)
    return replace(query, includes=(*query.includes, Include(source, code, target, reverse)))
