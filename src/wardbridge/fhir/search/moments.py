"""FHIR dates as ranges on the time line: [low, high) in µs since the epoch, UTC.

A date stands for all of its day, a month for all of its month, a second for all of it; a time with a fraction is an
instant, which has no width beyond our precision of a microsecond (R4 search §3.1.1.4.7). A time without a zone is taken
in UTC: stored R4 values always have one, requests may not.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

SECOND = 1_000_000
EARLIEST = -(1 << 62)
LATEST = 1 << 62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:\d{2})?)?)?)?"
)


def _micros(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    delta = datetime(year, month, day, hour, minute, tzinfo=UTC) - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND


@lru_cache(maxsize=4096)
def span(text: str) -> tuple[int, int]:
    """The range that a date, dateTime or instant covers. Raises ValueError for what is none."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a date, dateTime or instant")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if year == "0000":
        raise ValueError("there is no year 0000")
    y = int(year)
    if month is None:
        return _micros(y, 1, 1), LATEST if y == 9999 else _micros(y + 1, 1, 1)
    m = int(month)
    if day is None:
        low = _micros(y, m, 1)
        return low, LATEST if (y, m) == (9999, 12) else _micros(y + m // 12, m % 12 + 1, 1)
    if hour is None:
        low = _micros(y, m, int(day))
        return low, low + 86_400 * SECOND
    midnight_after = hour == "24" and minute == "00"
    low = _micros(y, m, int(day), 0 if midnight_after else int(hour), int(minute))
    if midnight_after:
        low += 86_400 * SECOND
    if zone and zone != "Z":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
        low += int(offset.total_seconds()) * SECOND * (1 if zone[0] == "-" else -1)
    if second is None:
        return low, low + 60 * SECOND
    if int(second) > 60:
        raise ValueError(f"{text!r}: second out of range")
    low += int(second) * SECOND
    if fraction is None:
        return low, low + SECOND
    low += int(fraction[:6].ljust(6, "0"))
    return low, low + 1


def finer(text: str) -> bool:
    """Whether a time has digits other than zero beyond the microsecond."""
    found = _FORM.fullmatch(text)
    return found is not None and bool((found[7] or "")[6:].strip("0"))


def period(value: dict[str, Any]) -> tuple[int, int] | None:
    """The range of a Period; an absent end is open. None where neither end is a date."""
    start, end = value.get("start"), value.get("end")
    low = span(start)[0] if isinstance(start, str) else EARLIEST
    high = span(end)[1] if isinstance(end, str) else LATEST
    return None if (start is None and end is None) or high < low else (low, high)


def timing(value: dict[str, Any]) -> tuple[int, int] | None:
    """The outer range of a Timing: its events and its bounds. Repeats in between are not counted out."""
    ranges = [span(event) for event in value.get("event", ()) if isinstance(event, str)]
    bounds = value.get("repeat", {}).get("boundsPeriod")
    if isinstance(bounds, dict):
        found = period(bounds)
        if found:
            ranges.append(found)
    if not ranges:
        return None
    return min(low for low, _ in ranges), max(high for _, high in ranges)
