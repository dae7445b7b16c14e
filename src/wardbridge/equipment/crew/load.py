"""How heavy somebody's last four weeks were, in shown terms, with a warning before it is too much; pure.

The terms are counts that anybody can check. Each has two limits that the site sets: from ``warn`` on it adds its weight
once, from ``high`` on twice. The level is the worst of: two terms high → ``too much``; any term high, or points of at
least 4 → ``watch``; else ``fine``. It says when somebody needs relief. It compares nobody with anybody: there is no
order of people by it, here or on any page. All times are µs since the epoch (UTC), days are of the site's zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec

from wardbridge.core.clock import to_datetime

WINDOW_DAYS = 28
NIGHT = (22, 6)
"""From and to which hour of the day it is night."""
LEVELS = ("fine", "watch", "too much")


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """From which value on a term counts; ``weight`` in points."""

    term: str
    warn: int
    high: int
    weight: int = 1


LIMITS = (
    Limit(term="interrupts", warn=40, high=80),
    Limit(term="night-calls", warn=4, high=8, weight=2),
    Limit(term="nights-worked", warn=6, high=10),
    Limit(term="hours-over", warn=10, high=25, weight=2),
    Limit(term="overdue", warn=5, high=12),
    Limit(term="weekends", warn=3, high=4),
    Limit(term="days-without-free", warn=10, high=14, weight=2),
)
"""What a house starts with; it sets its own."""
NAMES = {
    "interrupts": "calls, pages and urgent requests",
    "night-calls": "times called at night",
    "nights-worked": "nights worked",
    "hours-over": "hours over plan",
    "overdue": "own work that is overdue",
    "weekends": "weekends with work or on call",
    "days-without-free": "days since the last free day",
}
SUGGESTIONS = {
    "interrupts": "Let somebody else answer the telephone for half of each day.",
    "night-calls": "Take this person out of the night rota for two weeks; look at what calls so often.",
    "nights-worked": "Plan day shifts until four weeks hold fewer nights.",
    "hours-over": "Give the hours back as free days, and move planned maintenance to others.",
    "overdue": "Share out the overdue work, or move its dates with a reason.",
    "weekends": "Keep the next two weekends free.",
    "days-without-free": "A free day comes first.",
}


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one person: moments of interrupts, (day, planned, worked, night) in minutes, intervals on call,
    how many own orders are overdue now."""

    interrupts: tuple[int, ...] = ()
    days: tuple[tuple[date, int, int, bool], ...] = ()
    duties: tuple[tuple[int, int], ...] = ()
    overdue: int = 0


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One term of a load: its value, its limits, the points it adds; state fine, warn or high."""

    term: str
    value: int
    warn: int
    high: int
    points: int
    state: str

    @property
    def name(self) -> str:
        """In words."""
        return NAMES[self.term]


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """A load with everything that it comes from."""

    level: str
    points: int
    terms: tuple[Term, ...]
    suggestions: tuple[str, ...]


def is_night(at: int, zone: ZoneInfo) -> bool:
    """Whether a moment lies in the night of the site."""
    hour = to_datetime(at).astimezone(zone).hour
    return hour >= NIGHT[0] or hour < NIGHT[1]


def values(facts: Facts, now: int, zone: ZoneInfo) -> dict[str, int]:
    """The terms of the four weeks that end with today."""
    today = to_datetime(now).astimezone(zone).date()
    since = today - timedelta(days=WINDOW_DAYS - 1)
    calls = [at for at in facts.interrupts if at <= now and to_datetime(at).astimezone(zone).date() >= since]
    days = [row for row in facts.days if since <= row[0] <= today]
    worked = {day for day, _, minutes, _ in days if minutes} | {to_datetime(at).astimezone(zone).date() for at in calls}
    busy = worked | _duty_days(facts.duties, since, today, now, zone)
    over = sum(minutes - planned for _, planned, minutes, _ in days)
    return {
        "interrupts": len(calls),
        "night-calls": sum(is_night(at, zone) for at in calls),
        "nights-worked": sum(1 for _, _, minutes, night in days if night and minutes),
        "hours-over": max(over, 0) // 60,
        "overdue": facts.overdue,
        "weekends": len({(day - timedelta(days=day.weekday())) for day in busy if day.weekday() >= 5}),
        "days-without-free": _since_free(busy, today),
    }


def _duty_days(duties: Iterable[tuple[int, int]], since: date, today: date, now: int, zone: ZoneInfo) -> set[date]:
    found = set()
    for start, stop in duties:
        if start > now:
            continue
        day = max(to_datetime(start).astimezone(zone).date(), since)
        last = min(to_datetime(min(stop, now + 1) - 1).astimezone(zone).date(), today)
        while day <= last:
            found.add(day)
            day += timedelta(days=1)
    return found


def _since_free(busy: set[date], today: date) -> int:
    """How many days in a row, up to today, had work or duty; a free day today is not over yet, so it starts before."""
    day = today if today in busy else today - timedelta(days=1)
    count = 0
    while day in busy and count < WINDOW_DAYS:
        count += 1
        day -= timedelta(days=1)
    return count


def score(values: Mapping[str, int], limits: Sequence[Limit]) -> Load:
    """The level of a person's load, with its terms and what would help."""
    terms = []
    for limit in limits:
        value = values.get(limit.term, 0)
        state = "high" if value >= limit.high else "warn" if value >= limit.warn else "fine"
        points = {"fine": 0, "warn": 1, "high": 2}[state] * limit.weight
        terms.append(Term(term=limit.term, value=value, warn=limit.warn, high=limit.high, points=points, state=state))
    counted = [term for term, limit in zip(terms, limits, strict=True) if limit.weight]
    high = sum(term.state == "high" for term in counted)
    points = sum(term.points for term in terms)
    level = "too much" if high >= 2 else "watch" if high or points >= 4 else "fine"
    worst = sorted((term for term in counted if term.state != "fine"), key=lambda term: -term.points)
    return Load(level=level, points=points, terms=tuple(terms),
                suggestions=tuple(SUGGESTIONS[term.term] for term in worst[:3]))  # fmt: skip


def weeks(facts: Facts, now: int, zone: ZoneInfo, count: int = 8) -> list[tuple[date, int, int, int]]:
    """(Monday, interrupts, night calls, minutes worked) of the last weeks, oldest first."""
    today = to_datetime(now).astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    starts = [monday - timedelta(weeks=back) for back in range(count - 1, -1, -1)]
    found = {start: [0, 0, 0] for start in starts}
    for at in facts.interrupts:
        day = to_datetime(at).astimezone(zone).date()
        row = found.get(day - timedelta(days=day.weekday())) if at <= now else None
        if row is not None:
            row[0] += 1
            row[1] += is_night(at, zone)
    for day, _, minutes, _ in facts.days:
        row = found.get(day - timedelta(days=day.weekday()))
        if row is not None:
            row[2] += minutes
    return [(start, *found[start]) for start in starts]  # type: ignore[misc]
