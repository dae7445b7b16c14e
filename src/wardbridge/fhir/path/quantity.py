"""Quantities of FHIRPath: an exact number with a UCUM unit or a calendar duration.

Standard: https://hl7.org/fhirpath/N1/#quantity, #time-valued-quantities.  A calendar year or month is never equal
to its UCUM namesake (365.25 days); the other durations are.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from wardbridge.fhir.path.units import canonical, spell

CALENDAR: dict[str, str] = {
    word + plural: code
    for word, code in {
        "year": "a", "month": "mo", "week": "wk", "day": "d",
        "hour": "h", "minute": "min", "second": "s", "millisecond": "ms",
    }.items()
    for plural in ("", "s")
}  # fmt: skip
WORDS = {code: word for word, code in CALENDAR.items() if not word.endswith("s")}
_TEXT = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)\s*(?:'([^']+)'|([a-z]+))?")


class Quantity(msgspec.Struct, frozen=True):
    """`value` with the UCUM code `unit`; `calendar` marks `4 days` as against `4 'd'`."""

    value: Decimal
    unit: str = "1"
    calendar: bool = False

    def __str__(self) -> str:
        if self.calendar:
            word = WORDS[self.unit]
            return f"{self.value} {word}" + ("" if self.value == 1 else "s")
        return f"{self.value} '{self.unit}'"

    @staticmethod
    def parse(text: str) -> Quantity | None:
        """Reads `1.5 'mg'`, `4 days` or `3`; None where the text is no quantity."""
        match = _TEXT.fullmatch(text.strip())
        if match is None:
            return None
        if match[3]:
            return Quantity(Decimal(match[1]), CALENDAR[match[3]], True) if match[3] in CALENDAR else None
        return Quantity(Decimal(match[1]), match[2] or "1")

    def _fuzzy(self) -> bool:
        return self.unit in ("a", "mo")

    def pair(self, other: Quantity, *, strict: bool = True) -> tuple[Decimal, Decimal] | None:
        """Both values in one unit, or None where they do not compare.  `strict`: calendar year is no 'a'."""
        if self.unit == other.unit and (self.calendar == other.calendar or not self._fuzzy() or not strict):
            return self.value, other.value
        if strict and self.calendar != other.calendar and (self._fuzzy() or other._fuzzy()):
            return None
        if self.calendar and other.calendar and {self.unit, other.unit} == {"a", "mo"}:
            return self.value * (12 if self.unit == "a" else 1), other.value * (12 if other.unit == "a" else 1)
        mine, theirs = canonical(self.unit), canonical(other.unit)
        if mine is None or theirs is None or mine[1] != theirs[1]:
            return None
        return self.value * mine[0], other.value * theirs[0]

    def equivalent(self, other: Quantity) -> bool:
        """`~`: equal when rounded to the less precise of the two, in the larger unit."""
        both = self.pair(other, strict=False)
        if both is None:
            return False
        size_a, size_b = canonical(self.unit), canonical(other.unit)
        if size_a is None or size_b is None:
            return _near(*both)
        largest = max(size_a[0], size_b[0])
        coarse = self if size_a[0] >= size_b[0] else other
        digits = min(places(coarse.value), max(places(self.value), places(other.value)))
        step = Decimal(1).scaleb(-digits)
        a, b = (x / largest for x in (self.value * size_a[0], other.value * size_b[0]))
        return a.quantize(step, ROUND_HALF_UP) == b.quantize(step, ROUND_HALF_UP)

    def times(self, other: Quantity) -> Quantity | None:
        return self._combine(other, 1)

    def over(self, other: Quantity) -> Quantity | None:
        return None if other.value == 0 else self._combine(other, -1)

    def _combine(self, other: Quantity, sign: int) -> Quantity | None:
        value = self.value * other.value if sign == 1 else self.value / other.value
        if other.unit == "1":
            return Quantity(value, self.unit, self.calendar)
        if self.unit == "1" and sign == 1:
            return Quantity(value, other.unit, other.calendar)
        mine, theirs = canonical(self.unit), canonical(other.unit)
        if mine is None or theirs is None:
            return None
        powers = dict(mine[1])
        for base, power in theirs[1]:
            powers[base] = powers.get(base, 0) + sign * power
        factor = mine[0] * theirs[0] if sign == 1 else mine[0] / theirs[0]
        return Quantity(value * factor, spell(tuple(sorted((b, p) for b, p in powers.items() if p))))


def places(value: Decimal) -> int:
    """Digits after the decimal point as written (72.50 has two)."""
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _near(a: Decimal, b: Decimal) -> bool:
    step = Decimal(1).scaleb(-min(places(a), places(b)))
    return a.quantize(step, ROUND_HALF_UP) == b.quantize(step, ROUND_HALF_UP)


def near(a: Decimal | int, b: Decimal | int) -> bool:
    """`~` of numbers: equal when rounded to the less precise of the two."""
    return _near(Decimal(a), Decimal(b))
