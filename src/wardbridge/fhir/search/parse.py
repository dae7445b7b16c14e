"""From names and values of a request to a :class:`Query`. Strict: what is not understood is refused (400).

R4: https://hl7.org/fhir/R4/search.html. Conditions are read by ``clauses.py`` and ``filter.py``, all that shapes the
answer by ``result.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.search.clauses import Reading, UnknownParameter, condition, find, supported
from wardbridge.fhir.search.filter import filtered
from wardbridge.fhir.search.prefix import Now
from wardbridge.fhir.search.query import Condition, Query
from wardbridge.fhir.search.result import RESULT, include

__all__ = ["UnknownParameter", "find", "parse", "supported"]

IGNORED = frozenset({"_format", "_pretty"})
"""Read by the HTTP layer."""


def parse(
    types: Sequence[str],
    parameters: Iterable[tuple[str, str]],
    *,
    now: int = 0,
    lenient: bool = False,
    bases: tuple[str, ...] = (),
    text: bool = True,
) -> Query:
    """``types`` empty: every resource type. ``now`` (µs) is for the prefix ``ap``; ``bases`` are our own URLs;
    ``text``: full text is kept.

    Raises Invalid, with the parameter's name in ``where``; UnknownParameter unless ``lenient``.
    """
    query = Query(tuple(types))
    clauses: list[Condition] = []
    kept: list[tuple[str, str]] = []
    ignored: list[str] = []
    pairs = [(name, value) for name, value in parameters if name not in IGNORED]
    named = [value for name, value in pairs if name == "_type"]
    if named:
        query = replace(query, types=_types(query.types, named))
    reading = Reading(Now(now), bases, text)
    for name, value in pairs:
        try:
            if name == "_type":
                pass
            elif name in RESULT:
                query = RESULT[name](query, value)
            elif name.split(":")[0] in ("_include", "_revinclude"):
                query = include(query, name, value)
            elif name == "_filter":
                clauses.append(filtered(query.types, value, reading))
            else:
                clauses.append(condition(query.types, name, value, reading))
        except UnknownParameter as error:
            if not lenient:
                raise
            ignored.append(error.message)
            continue
        kept.append((name, value))
    if query.elements and query.summary == "count":
        raise Invalid("_elements and _summary=count exclude each other", "_elements")
    if query.includes and query.summary == "text":
        raise Invalid("_include and _revinclude cannot be mixed with _summary=text", "_summary")
    return replace(query, clauses=tuple(clauses), ignored=tuple(ignored), parameters=tuple(kept))


def _types(given: tuple[str, ...], named: Sequence[str]) -> tuple[str, ...]:
    wanted = [name.strip() for value in named for name in value.split(",")]
    for name in wanted:
        if name not in resource_types():
            raise Invalid(f"_type: {name!r} is not a resource type of R4", "_type")
        if given and name not in given:
            raise Invalid("_type is for searches over the whole system", "_type")
    return tuple(dict.fromkeys(wanted))
