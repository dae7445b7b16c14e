"""When planned work falls due: by months, by a meter, whichever comes first; pure.

A schedule runs in periods. A period begins when the work of the last one ended, and has one order; so a clock that
jumps, or a process that dies between two steps, can neither flood anybody nor lose a period.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime

import msgspec

from wardbridge.core.clock import DAY, from_datetime, to_datetime


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``schedule``. ``months`` from the end of the last work, or on the grid of ``anchor`` (µs) where
    ``fixed``; ``every`` in the unit of ``meter`` (hours for ``use``). ``aem`` is the case that permits it to differ
    from the manufacturer's."""

    schedule_id: str
    name: str
    kind: str = "maintenance"
    device_id: str | None = None
    model_id: str | None = None
    procedure_id: str = ""
    months: int | None = None
    fixed: bool = False
    anchor: int | None = None
    meter: str = ""
    every: float | None = None
    ahead_days: int = 30
    minutes: int | None = None
    side: str = "biomed"
    team: str = ""
    priority: str = "routine"
    aem: str | None = None
    active: bool = True
    created: int = 0


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``schedule_period``: what runs now. ``due`` is the calendar's, ``meter`` the reading at its start."""

    schedule_id: str
    device_id: str
    period: int
    since: int
    meter: float = 0.0
    due: int | None = None
    ordered: bool = False


def add_months(at: int, months: int) -> int:
    """The same day and time so many months later, the month's last day where it has no such day."""
    then = to_datetime(at)
    count = then.year * 12 + then.month - 1 + months
    year, month = divmod(count, 12)
    if not 1970 <= year <= 9000:
        return at
    day = min(then.day, calendar.monthrange(year, month + 1)[1])
    return from_datetime(datetime(year, month + 1, day, then.hour, then.minute, then.second, then.microsecond, UTC))


def calendar_due(schedule: Schedule, since: int) -> int | None:
    """When the calendar wants it, for a period that began at ``since``; None where only a meter counts.

    On a fixed grid the next point that lies at least half an interval ahead: work done shortly before its day, or long
    after it, does not fall due again at once.
    """
    if schedule.months is None:
        return None
    if not schedule.fixed or schedule.anchor is None:
        return add_months(since, schedule.months)
    earliest = since + (add_months(since, schedule.months) - since) // 2
    then, anchor = to_datetime(earliest), to_datetime(schedule.anchor)
    between = (then.year - anchor.year) * 12 + then.month - anchor.month
    step = between // schedule.months - 1
    while (due := add_months(schedule.anchor, step * schedule.months)) < earliest:
        step += 1
    return due


def meter_due(schedule: Schedule, period: Period, reading: float, now: int) -> int | None:
    """When the meter reaches its limit, by its pace in this period so far; ``now`` where it has, None where it
    does not move. A meter that went back (it was replaced) has no say until people start a new period."""
    if schedule.every is None:
        return None
    used = reading - period.meter
    if used >= schedule.every:
        return now
    if used <= 0 or now <= period.since:
        return None
    left = (schedule.every - used) / used * (now - period.since)
    return now + round(left) if left < 4000 * DAY else None


def due_of(schedule: Schedule, period: Period, reading: float, now: int) -> int | None:
    """The first of what calendar and meter want; None where neither does."""
    found = [at for at in (period.due, meter_due(schedule, period, reading, now)) if at is not None]
    return min(found, default=None)


def wants_order(schedule: Schedule, period: Period, reading: float, now: int) -> int | None:
    """When the work is due, if its order is to be written now: at most ``ahead_days`` before; else None."""
    if period.ordered:
        return None
    due = due_of(schedule, period, reading, now)
    return due if due is not None and due <= now + schedule.ahead_days * DAY else None


def first_period(schedule: Schedule, device_id: str, done: int | None, installed: int | None, reading: float,
                 now: int) -> Period:  # fmt: skip
    """Where a schedule begins on a machine: with the last known work, else its installation. What would be overdue
    from the first day on, for want of history, is due after the usual notice instead."""
    since = min(now, max(done or 0, installed or 0) or now)
    due = calendar_due(schedule, since)
    if due is not None and due < now and done is None:
        due = now + schedule.ahead_days * DAY
    return Period(schedule_id=schedule.schedule_id, device_id=device_id, period=1, since=since, meter=reading, due=due)


def next_period(schedule: Schedule, period: Period, ended: int, reading: float) -> Period:
    """The period after the one whose work ended at ``ended`` (µs)."""
    since = max(ended, period.since)
    return Period(
        schedule_id=period.schedule_id, device_id=period.device_id, period=period.period + 1, since=since,
        meter=reading, due=calendar_due(schedule, since),
    )  # fmt: skip
