"""Codes of the value sets that R4 binds as required (https://hl7.org/fhir/R4/terminologies.html#required)."""

from __future__ import annotations

from functools import cache

from wardbridge.fhir.definitions.table import packed


@cache
def valueset(url: str) -> dict[str, frozenset[str]] | None:
    """System -> codes of a value set, or None where it cannot be listed here (UCUM, MIME types, currencies)."""
    found = packed("codes.json.gz")["listed"].get(url)
    return None if found is None else {system: frozenset(names) for system, names in found.items()}


@cache
def codes(url: str) -> frozenset[str] | None:
    """All codes of a value set, whatever their system; None where it cannot be listed."""
    found = valueset(url)
    return None if found is None else frozenset().union(*found.values())
