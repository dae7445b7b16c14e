"""When the care happened that a resource tells of, for ``start`` and ``end`` of `$everything`.

The dates are those of the search parameters that speak of care, not of writing; a resource without any (a patient, an
allergy of unknown onset) always counts.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from wardbridge.fhir.definitions.search import search_parameters
from wardbridge.fhir.json import loads
from wardbridge.fhir.path import compile_typed
from wardbridge.fhir.search import values
from wardbridge.fhir.store.values import Stored

FIRST = (
    "date",
    "effective-time",
    "effective",
    "occurrence",
    "period",
    "onset-date",
    "whenhandedover",
    "service-date",
    "started",
    "authoredon",
    "authored",
    "authored-on",
    "recorded-date",
    "created",
    "sent",
)
"""Codes of date parameters, the most telling first."""
WITHOUT = frozenset(
    {"Patient", "RelatedPerson", "Person", "Practitioner", "Organization", "Location", "Device", "Group"}
)
"""Types whose dates are of birth, manufacture or writing."""


@cache
def _readers(type_name: str) -> tuple[Any, ...]:
    known = search_parameters(type_name)
    found = [p for code in FIRST if (p := known.get(code)) is not None and p.type == "date" and p.expression]
    return tuple(compile_typed(p.expression or "", type_name) for p in found)


def cares_within(stored: Stored, dates: tuple[int, int]) -> bool:
    """Whether it tells of care in [low, high), µs."""
    if stored.type in WITHOUT or not stored.body:
        return True
    resource = loads(stored.body)
    for read in _readers(stored.type):
        found = [span for kind, value in read(resource) if (span := values.date(kind, value)) is not None]
        if found:
            return any(low < dates[1] and high > dates[0] for low, high in found)
    return True
