"""Prefixes of ordered values: eq ne gt lt ge le sa eb ap (R4 search §3.1.1.4.5)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from wardbridge.fhir.search.moments import finer, span
from wardbridge.fhir.search.numbers import implied, number
from wardbridge.fhir.search.query import Range

PREFIXES = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})


@dataclass(frozen=True)
class Now:
    """The present, µs since the epoch; ``ap`` on dates widens by a tenth of the distance to it."""

    micros: int


def split_prefix(text: str) -> tuple[str, str]:
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


def date_range(text: str, now: Now) -> Range:
    """Raises ValueError."""
    prefix, rest = split_prefix(text)
    # A plus sign that was not percent-encoded arrives as a blank.
    rest = rest.replace(" ", "+")
    low, high = span(rest)
    if finer(rest) and prefix not in ("eq", "ne", "ap"):
        # It lies between two microseconds, and the store knows no more: seen from the later one, but for what may be
        # as late as it is.
        low, high = (low, low) if prefix == "ge" else (high, high)
    if prefix == "ap":
        slack = abs(now.micros - low) // 10
        low, high = low - slack, high + slack
    return Range(prefix, low, high)


def number_range(text: str) -> Range:
    """Raises ValueError."""
    prefix, rest = split_prefix(text)
    point = number(rest)
    low, high = implied(rest)
    if prefix == "ap":
        slack = abs(point) / Decimal(10)
        low, high = min(low, point - slack), max(high, point + slack)
    return Range(prefix, low, high, point)
