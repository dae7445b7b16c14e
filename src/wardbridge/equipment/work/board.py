"""The planning board: weeks across, technicians and teams down, minutes against what a week has; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec

from wardbridge.core.clock import from_datetime, to_datetime
from wardbridge.equipment.work.values import Line

CAPACITY = 1800
"""Minutes a week that a person has for planned work: 30 of 40 hours, the rest is faults and ways."""
USUAL = 30
"""Minutes of an order that nobody estimated."""


class Week(msgspec.Struct, frozen=True):
    """[start, stop) in µs, from Monday 00:00 of the site's zone; ``number`` as ISO 8601 counts."""

    start: int
    stop: int
    number: int


class Cell(msgspec.Struct, frozen=True):
    """What somebody has in a week; ``minutes`` of :data:`CAPACITY`."""

    lines: tuple[Line, ...]
    minutes: int

    @property
    def full(self) -> bool:
        """More than a week has."""
        return self.minutes > CAPACITY


class Row(msgspec.Struct, frozen=True):
    """A person (``person_id``) or a team (''), with a cell a week."""

    person_id: str
    name: str
    cells: tuple[Cell, ...]


def weeks(now: int, zone: ZoneInfo, count: int, skip: int = 0) -> list[Week]:
    """``count`` weeks from the running one on, ``skip`` weeks later; around a change of clocks 167 or 169 h."""
    local = to_datetime(now).astimezone(zone)
    monday = datetime(local.year, local.month, local.day, tzinfo=zone) - timedelta(days=local.weekday())
    starts = [monday + timedelta(weeks=skip + n) for n in range(count + 1)]
    return [
        Week(from_datetime(a), from_datetime(b), a.isocalendar().week)
        for a, b in pairwise(starts)
    ]  # fmt: skip


def rows(people: Sequence[tuple[str, str]], lines: Iterable[Line], across: Sequence[Week]) -> list[Row]:
    """A row for everybody of ``people`` (id, name), then for each team and each other person that has something."""
    held: dict[tuple[str, str], list[Line]] = {one: [] for one in people}
    names = dict(people)
    for line in lines:
        work = line.work
        key = (work.person_id, names.get(work.person_id, work.person)) if work.person_id else ("", work.team)
        held.setdefault(key, []).append(line)
    return [
        Row(ident, name, tuple(_cell(mine, week) for week in across))
        for (ident, name), mine in held.items()
    ]  # fmt: skip


def _cell(lines: Iterable[Line], week: Week) -> Cell:
    inside = tuple(line for line in lines if week.start <= (line.work.planned or 0) < week.stop)
    return Cell(inside, sum(line.work.minutes or USUAL for line in inside))
