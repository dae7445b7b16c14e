"""Service hours: time counted only while a contract's service desk works. Pure.

Written as ``mo-fr 08:00-17:00; sa 09:00-12:00`` (empty: round the clock), in the contract's time zone, without its
holidays. A day has as many hours as its clock change gives it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from wardbridge.core.clock import HOUR, from_datetime, to_datetime
from wardbridge.core.errors import Invalid

DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
_PART = re.compile(
    r"(?P<first>[a-z]{2})(?:-(?P<last>[a-z]{2}))?\s+(?P<start>\d\d?:\d\d)-(?P<stop>\d\d?:\d\d)", re.ASCII
)
_LONGEST = timedelta(days=3660)


class Hours(msgspec.Struct, frozen=True):
    """Minutes of the day from and to, by weekday (Monday first); ``always`` where nothing is written."""

    days: tuple[tuple[tuple[int, int], ...], ...]
    zone: str
    holidays: frozenset[str] = frozenset()
    always: bool = False


def parse(text: str, zone: str = "UTC", holidays: Collection[str] = ()) -> Hours:
    """Service hours of a contract. Raises Invalid with the part that cannot be read."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Invalid(f"there is no time zone {zone!r}", "zone") from error
    for day in holidays:
        try:
            date.fromisoformat(day)
        except ValueError as error:
            raise Invalid(f"a holiday is written as 2026-12-25, not {day!r}", "holidays") from error
    if not text.strip():
        return Hours(((),) * 7, zone, frozenset(), True)
    days: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for part in text.lower().split(";"):
        if not part.strip():
            continue
        found = _PART.fullmatch(part.strip())
        if found is None or found["first"] not in DAYS or (found["last"] or "mo") not in DAYS:
            raise Invalid(f"service hours are written as: mo-fr 08:00-17:00; not {part.strip()!r}", "hours")
        first = DAYS.index(found["first"])
        last = DAYS.index(found["last"] or found["first"])
        start, stop = _minutes(found["start"]), _minutes(found["stop"])
        if last < first or stop <= start:
            raise Invalid(f"days and hours go forward: {part.strip()!r}", "hours")
        for weekday in range(first, last + 1):
            if any(start < end and begin < stop for begin, end in days[weekday]):
                raise Invalid(f"these hours overlap others: {part.strip()!r}", "hours")
            days[weekday].append((start, stop))
    return Hours(tuple(tuple(sorted(day)) for day in days), zone, frozenset(holidays))


def _minutes(text: str) -> int:
    hour, minute = (int(part) for part in text.split(":"))
    if hour * 60 + minute > 24 * 60 or minute > 59:
        raise Invalid(f"there is no time {text}", "hours")
    return hour * 60 + minute


def _windows(hours: Hours, day: date) -> list[tuple[int, int]]:
    """The service hours of one local day, in µs."""
    if day.isoformat() in hours.holidays:
        return []
    zone = ZoneInfo(hours.zone)

    def moment(minute: int) -> int:
        extra, rest = divmod(minute, 24 * 60)
        return from_datetime(datetime.combine(day + timedelta(days=extra), time(rest // 60, rest % 60), zone))

    return [(moment(start), moment(stop)) for start, stop in hours.days[day.weekday()]]


def served(hours: Hours, start: int, stop: int) -> int:
    """µs of service time in ``[start, stop)``; 0 where it ends before it begins."""
    if stop <= start:
        return 0
    if hours.always:
        return stop - start
    zone = ZoneInfo(hours.zone)
    day, last = to_datetime(start).astimezone(zone).date(), to_datetime(stop).astimezone(zone).date()
    day = max(day, last - _LONGEST)
    total = 0
    while day <= last:
        total += sum(max(0, min(end, stop) - max(begin, start)) for begin, end in _windows(hours, day))
        day += timedelta(days=1)
    return total


def is_open(hours: Hours, at: int) -> bool:
    """Whether the desk works at this moment."""
    return served(hours, at, at + 1) == 1


def due(hours: Hours, start: int, need: float) -> int | None:
    """The moment at which ``need`` service hours since ``start`` are over; None where the desk never works."""
    left = round(need * HOUR)
    if hours.always:
        return start + left
    if not any(hours.days):
        return None
    day = to_datetime(start).astimezone(ZoneInfo(hours.zone)).date()
    end = day + _LONGEST
    while day <= end:
        for begin, stop in _windows(hours, day):
            length = max(0, stop - max(begin, start))
            if length >= left and length:
                return max(begin, start) + left
            left -= length
        day += timedelta(days=1)
    return None
