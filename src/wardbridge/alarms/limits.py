"""Alarm limits: the site's defaults, narrowed by ward and by patient, watched with a delay.

An alarm starts when a value has been beyond its limit for the delay without a break, and ends when it
has been back inside for the same time. Age is not health: a value that is no longer live neither
starts nor ends anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from wardbridge.core.clock import SECOND
from wardbridge.terminology.slots import BY_NAME


class Limit(msgspec.Struct, frozen=True):
    """Limits of one slot. ``source`` is the scope that they come from."""

    slot: str
    low: float | None
    high: float | None
    priority: str
    delay_seconds: int
    source: str = "site"
    by: str = ""
    at: int = 0


SITE: tuple[Limit, ...] = (
    Limit("hr", 45.0, 130.0, "high", 10),
    Limit("spo2", 88.0, None, "high", 10),
    Limit("rr", 8.0, 30.0, "medium", 15),
    Limit("abp-sys", 85.0, 185.0, "medium", 10),
    Limit("abp-mean", 58.0, 120.0, "high", 10),
    Limit("nibp-sys", 85.0, 185.0, "medium", 0),
    Limit("temp", 35.0, 39.5, "medium", 60),
    Limit("etco2", 22.0, 60.0, "medium", 15),
)
"""Adult starting values; every site must set its own (docs/alarms.md)."""


def effective(stored: Mapping[str, Sequence[Limit]], ward: str, patient_id: str) -> dict[str, Limit]:
    """The limits that hold for a patient on a ward: patient before ward before site."""
    found = {limit.slot: limit for limit in SITE}
    for scope in ("site", f"ward/{ward}", f"patient/{patient_id}"):
        for limit in stored.get(scope, ()):
            found[limit.slot] = msgspec.structs.replace(limit, source=scope.partition("/")[0])
    return found


class Watch(msgspec.Struct, frozen=True):
    """What is known of one slot of one patient. ``side`` is '', low or high: which limit is broken;
    ``alarm`` the side that an alarm stands for; ``since`` (µs) when ``side`` last changed."""

    side: str = ""
    since: int = 0
    alarm: str = ""


def side_of(limit: Limit, number: float) -> str:
    """Which bound ``number`` breaks: low, high or ''."""
    if limit.low is not None and number < limit.low:
        return "low"
    if limit.high is not None and number > limit.high:
        return "high"
    return ""


def watch(known: Watch, limit: Limit, number: float, now: int) -> Watch:
    """The watch after a live value. ``alarm`` differs from before where an alarm starts or ends."""
    side = side_of(limit, number)
    since = known.since if side == known.side and known.since else now
    alarm = known.alarm
    if side != alarm and now - since >= limit.delay_seconds * SECOND:
        alarm = side
    return Watch(side, since, alarm)


def check(limit: Limit) -> str:
    """What is wrong with a limit that a person entered; '' when nothing is."""
    if limit.slot not in BY_NAME:
        return f"no parameter {limit.slot!r}"
    for bound in (limit.low, limit.high):
        if bound is not None and not -100 <= bound <= 1000:
            return f"{bound:g} is no sensible limit"
    if limit.low is not None and limit.high is not None and limit.low >= limit.high:
        return "the lower limit must be below the upper one"
    if limit.priority not in {"high", "medium", "low"}:
        return f"no priority {limit.priority!r}"
    if not 0 <= limit.delay_seconds <= 600:
        return "the delay is 0 to 600 seconds"
    return ""
