"""Numbers with the precision in which they were written (R4 search §3.1.1.4.6).

A stored decimal is a point. A searched one stands for a range: ``100`` for [99.5, 100.5), ``1e2`` for [50, 150).
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

_FORM = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?")
LARGEST = 300
"""Exponents beyond this are refused: no measured value has them, and a numeric of that size is costly."""


def number(text: str) -> Decimal:
    """Raises ValueError for what is no FHIR decimal, or one beyond 10^300."""
    if not _FORM.fullmatch(text) or len(text) > 100:
        raise ValueError(f"{text[:40]!r} is not a number")
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text[:40]!r} is not a number") from error
    if value and abs(value.adjusted()) > LARGEST:
        raise ValueError(f"{text[:40]!r} is out of range")
    return value


def implied(text: str) -> tuple[Decimal, Decimal]:
    """The range [low, high) that a written number stands for."""
    value = number(text)
    half = Decimal((0, (5,), int(value.as_tuple().exponent) - 1))
    return value - half, value + half
