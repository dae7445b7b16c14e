"""Dates, dateTimes and times with the precision they were written in (https://hl7.org/fhirpath/N1/#datetime).

Comparing two of them gives nothing (None) where the written precision does not decide.  A value without time
zone never compares with one that has a zone, unless the date alone decides.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

import msgspec

from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.quantity import CALENDAR, Quantity

_MOMENT = re.compile(
    r"(?:([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?)?"
    r"(T?(?:([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?"
)
# Written digits by number of parts, for precision() and the boundaries.
DIGITS = {"Date": (4, 6, 8), "DateTime": (4, 6, 8, 10, 12, 17), "Time": (2, 4, 9)}


class Moment(msgspec.Struct, frozen=True):
    """`kind` is Date, DateTime or Time; `parts` year to second (or hour to second); `zone` minutes from UTC."""

    kind: str
    parts: tuple[int | Decimal, ...]
    zone: int | None = None

    @staticmethod
    def literal(text: str, position: int | None = None) -> Moment:
        """From a literal of an expression (`@2014-01-25T14:30`); PathError where there is no such day or time."""
        if text.startswith("@T"):
            found = moment(text[2:], "Time")
        else:
            found = moment(text[1:], "DateTime" if "T" in text else "Date")
        if found is None:
            raise PathError(f"{text} is no date or time", "syntax", position)
        return found

    @property
    def digits(self) -> int:
        """Precision as the number of digits: 4 for a year, 8 for a date, 17 for a millisecond."""
        count = DIGITS[self.kind][len(self.parts) - 1]
        last = self.parts[-1]
        if count in (9, 17) and isinstance(last, Decimal) and last == last.to_integral_value():
            return count if _has_fraction(last) else count - 3
        return count

    def __str__(self) -> str:
        clock, day = self.parts, ""
        if self.kind != "Time":
            day = "-".join(f"{p:0{4 if i == 0 else 2}d}" for i, p in enumerate(self.parts[:3]))
            clock = self.parts[3:]
        text = ":".join(_two(p) for p in clock)
        if self.kind == "Time":
            return text
        if self.kind == "Date":
            return day
        return f"{day}T{text}{_zone(self.zone)}" if text else day

    def compare(self, other: Moment) -> int | None:
        """-1, 0 or 1; None where precision or time zone leave it open, or where the kinds do not compare."""
        if (self.kind == "Time") != (other.kind == "Time"):
            return None
        a, b = self.parts, other.parts
        if self.kind != "Time" and self.zone != other.zone and len(a) > 3 and len(b) > 3:
            if self.zone is None or other.zone is None:
                return _apart(a, b)
            a, b = self.utc(), other.utc()
        for x, y in zip(a, b, strict=False):
            if x != y:
                return -1 if x < y else 1
        return 0 if len(a) == len(b) else None

    def utc(self) -> tuple[int | Decimal, ...]:
        """The parts moved to UTC, at the same precision."""
        year, month, day, hour, *rest = self.parts
        minute = int(rest[0]) if rest else 0
        try:
            base = datetime(int(year), int(month), int(day), int(hour), minute, tzinfo=UTC) - timedelta(
                minutes=self.zone or 0
            )
        except OverflowError:
            return self.parts
        whole = (base.year, base.month, base.day, base.hour, base.minute, *rest[1:])
        return whole[: len(self.parts)]

    def add(self, amount: Quantity, sign: int) -> Moment | None:
        """Moved by a duration; None where it leaves the calendar; PathError for a unit that is no duration."""
        # `1 'month'` is no UCUM, but is often written and can mean only one thing.
        word = CALENDAR.get(amount.unit)
        unit = word or amount.unit
        if not (amount.calendar or word) and unit not in ("s", "ms", "min", "h", "d", "wk"):
            raise PathError(f"'{unit}' cannot be added to a {self.kind}")
        value = amount.value * sign
        if self.kind == "Time":
            if unit in ("a", "mo"):
                raise PathError(f"'{unit}' cannot be added to a Time")
            return self._add_time(value, unit)
        try:
            if unit in ("a", "mo"):
                return self._add_months(int(value) * (12 if unit == "a" else 1))
            return self._add_seconds(value, unit)
        except (OverflowError, ValueError):
            return None

    def _add_months(self, months: int) -> Moment | None:
        year, rest = int(self.parts[0]), self.parts[1:]
        if not rest:
            return self._valid((year + int(months / 12),))
        total = year * 12 + int(rest[0]) - 1 + months
        year, month = total // 12, total % 12 + 1
        if len(rest) == 1:
            return self._valid((year, month))
        day = min(int(rest[1]), monthrange(year, month)[1])
        return self._valid((year, month, day, *rest[2:]))

    def _valid(self, parts: tuple[int | Decimal, ...]) -> Moment | None:
        return Moment(self.kind, parts, self.zone) if 1 <= parts[0] <= 9999 else None

    def _add_seconds(self, value: Decimal, unit: str) -> Moment | None:
        count = len(self.parts)
        if count < 3:
            # A partial date moves by whole parts: days become months of 30, months become years.
            days = int(value * _SECONDS[unit] / 86400)
            return self._add_months(int(days / 30) if count == 2 else int(days / 365) * 12)
        if count == 3:
            days = int(value * _SECONDS[unit] / 86400)
            moved = date(int(self.parts[0]), int(self.parts[1]), int(self.parts[2])) + timedelta(days=days)
            return Moment(self.kind, (moved.year, moved.month, moved.day), self.zone)
        if unit not in ("s", "ms"):
            value = Decimal(int(value))
        padded = (*self.parts, 0, 0)[:6]
        second = Decimal(padded[5])
        total = second + value * _SECONDS[unit]
        whole = total // 1 if total >= 0 or total == total // 1 else total // 1 - 1
        year, month, day, hour, minute = (int(p) for p in padded[:5])
        base = datetime(year, month, day, hour, minute, tzinfo=UTC) + timedelta(seconds=int(whole))
        fraction = total - whole
        last = Decimal(base.second) + fraction
        if isinstance(padded[5], Decimal) and _has_fraction(padded[5]) and not _has_fraction(last):
            last = last.quantize(padded[5])
        parts = (base.year, base.month, base.day, base.hour, base.minute, last)
        return Moment(self.kind, parts[:count], self.zone)

    def _add_time(self, value: Decimal, unit: str) -> Moment:
        if unit not in ("s", "ms"):
            value = Decimal(int(value))
        hour, minute, second = (*self.parts, 0, 0)[:3]
        total = (hour * 3600 + minute * 60 + second + value * _SECONDS[unit]) % 86400
        if total < 0:
            total += 86400
        parts = (int(total // 3600), int(total % 3600 // 60), Decimal(total % 60))
        return Moment("Time", parts[: len(self.parts)])

    def boundary(self, high: bool, digits: int | None) -> Moment | None:
        """The earliest or latest moment this one may mean, written with so many digits."""
        table = DIGITS[self.kind if self.kind == "Time" else "DateTime"]
        wanted = digits if digits is not None else {"Date": 8, "DateTime": 17, "Time": 9}[self.kind]
        if wanted not in table:
            return None
        count = table.index(wanted) + 1
        parts = list(self.parts)
        if self.kind == "DateTime" and len(parts) == 4:
            parts.append(0)  # FHIR has no dateTime of hours alone: an hour means its full hour, T08 is T08:00
        if self.kind == "Time":
            fill: list[int | Decimal] = [23, 59, Decimal("59.999")] if high else [0, 0, Decimal("0.000")]
            parts = (parts + fill[len(parts) :])[:count]
            return Moment("Time", tuple(_milli(p, high) if i == 2 else p for i, p in enumerate(parts)))
        if len(parts) < 2:
            parts.append(12 if high else 1)
        if len(parts) < 3:
            parts.append(monthrange(int(parts[0]), int(parts[1]))[1] if high else 1)
        fill = [23, 59, Decimal("59.999")] if high else [0, 0, Decimal("0.000")]
        parts = (parts + fill[len(parts) - 3 :])[:count]
        if count <= 3:
            return Moment("DateTime" if self.kind == "DateTime" and count > 3 else "Date", tuple(parts))
        zone = self.zone if self.zone is not None else (-12 * 60 if high else 14 * 60)
        return Moment("DateTime", tuple(_milli(p, high) if i == 5 else p for i, p in enumerate(parts)), zone)


_SECONDS = {
    "s": Decimal(1), "ms": Decimal("0.001"), "min": Decimal(60), "h": Decimal(3600), "d": Decimal(86400),
    "wk": Decimal(604800),
}  # fmt: skip


def _milli(second: int | Decimal, high: bool) -> Decimal:
    value = Decimal(second)
    if _has_fraction(value):
        return value.quantize(Decimal("0.001"))
    return value + (Decimal("0.999") if high else Decimal("0.000"))


def _has_fraction(second: int | Decimal) -> bool:
    return isinstance(second, Decimal) and bool(second.as_tuple().exponent)


def _two(part: int | Decimal) -> str:
    if isinstance(part, int):
        return f"{part:02d}"
    text = f"{part:f}"
    return "0" + text if part < 10 else text


def _zone(minutes: int | None) -> str:
    if minutes is None:
        return ""
    if minutes == 0:
        return "Z"
    sign, size = ("-", -minutes) if minutes < 0 else ("+", minutes)
    return f"{sign}{size // 60:02d}:{size % 60:02d}"


def _apart(a: tuple[int | Decimal, ...], b: tuple[int | Decimal, ...]) -> int | None:
    """Order of two moments of which one has no zone: decided where no zone could turn it round."""
    try:
        gap = date(*(int(p) for p in a[:3])) - date(*(int(p) for p in b[:3]))
    except ValueError:
        return None
    return None if abs(gap.days) < 2 else (1 if gap.days > 0 else -1)


@lru_cache(maxsize=4096)
def moment(text: str, kind: str) -> Moment | None:
    """Reads `2014-01-25T14:30:00.0+01:00` (kind DateTime), a date or a time; None where it is none."""
    match = _MOMENT.fullmatch(f"T{text}" if kind == "Time" and not text.startswith("T") else text)
    if match is None:
        return None
    year, month, day, clock, hour, minute, second, zone = match.groups()
    if (kind == "Time") != (year is None) or (kind == "Date" and clock) or (kind == "Time" and zone):
        return None
    if (kind == "Time" and hour is None) or (hour is not None and year is not None and day is None):
        return None
    parts: list[int | Decimal] = [int(p) for p in (year, month, day, hour, minute) if p is not None]
    if second is not None:
        parts.append(Decimal(second))
    limits = (24, 60, 61) if kind == "Time" else (10000, 13, 32, 24, 60, 61)
    if any(p >= limit for p, limit in zip(parts, limits, strict=False)):
        return None
    if kind != "Time":
        if parts[0] == 0 or (len(parts) > 1 and parts[1] == 0):
            return None
        if len(parts) > 2 and not 1 <= parts[2] <= monthrange(int(parts[0]), int(parts[1]))[1]:
            return None
    offset = None
    if zone == "Z":
        offset = 0
    elif zone:
        offset = (1 if zone[0] == "+" else -1) * (int(zone[1:3]) * 60 + int(zone[4:6]))
    return Moment(kind, tuple(parts), offset)


def from_micros(micros: int, kind: str) -> Moment:
    """µs since the epoch as a UTC DateTime, Date or Time with milliseconds."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    second = Decimal(at.second * 1000 + at.microsecond // 1000).scaleb(-3)
    if kind == "Date":
        return Moment("Date", (at.year, at.month, at.day))
    if kind == "Time":
        return Moment("Time", (at.hour, at.minute, second))
    return Moment("DateTime", (at.year, at.month, at.day, at.hour, at.minute, second), 0)


__all__ = ["Moment", "from_micros", "moment"]
