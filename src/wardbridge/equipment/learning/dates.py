"""Months on from a moment, as people count them (UTC calendar): 31 January + 1 month is the last of February."""

from __future__ import annotations

import calendar

from wardbridge.core.clock import from_datetime, to_datetime


def months_on(at: int, months: int) -> int:
    """``at`` (µs) moved by ``months``; the time of day stays."""
    moment = to_datetime(at)
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return from_datetime(moment.replace(year=year, month=month + 1, day=day))
