"""Who is on call: rotas, exceptions and the duties that follow from them; pure and safe over clock changes.

Wall times are of the rota's zone. A duty from 08:00 to 08:00 is 23 or 25 hours long when the clock changes; a wall time
that a change leaves out means the moment after the gap, one that comes twice the first pass. So neighbouring duties
always meet: who is on call is one person at any moment that a rota covers. All times are µs since the epoch (UTC).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from wardbridge.core.clock import DAY, from_datetime, to_datetime
from wardbridge.core.errors import Invalid

SIDES = ("biomed", "it", "clinical")
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
MOST_PEOPLE = 50


class Rota(msgspec.Struct, frozen=True, kw_only=True):
    """People in turn, ``turn_days`` each from ``first`` on. On each of ``days`` (1 Monday … 7 Sunday) a duty starts at
    ``from_time`` and lasts to the next ``to_time``. ``level`` 1 is called first; of rotas that overlap on a level the
    smaller ``rank`` counts."""

    rota_id: str
    side: str
    title: str
    zone: str
    first: date
    people: tuple[str, ...]
    level: int = 1
    last: date | None = None
    from_time: str = "08:00"
    to_time: str = "08:00"
    days: tuple[int, ...] = EVERY_DAY
    turn_days: int = 7
    rank: int = 0
    created: int = 0


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody else from ``start`` to ``stop`` (exclusive); '' nobody. The newest one counts."""

    exception_id: str
    rota_id: str
    start: int
    stop: int
    person_id: str
    reason: str = ""
    created: int = 0


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """``person_id`` is on call from ``start`` to ``stop`` (exclusive); '' where the rota leaves a gap. ``turn`` counts
    the rota's turns from its first day."""

    start: int
    stop: int
    person_id: str
    rota_id: str
    side: str
    level: int
    turn: int = 0
    exchanged: bool = False


def clock_time(text: str) -> time:
    """``HH:MM``. Raises Invalid."""
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - a wall time
    except ValueError:
        raise Invalid(f"{text!r} is not a time (HH:MM)", "time") from None


def checked(rota: Rota) -> None:
    """Raises Invalid with the field in ``where``."""
    if rota.side not in SIDES:
        raise Invalid(f"a rota is for: {', '.join(SIDES)}", "side")
    if not 1 <= len(rota.title.strip()) <= 120:
        raise Invalid("a rota has a title", "title")
    if not 1 <= rota.level <= 5:
        raise Invalid("a level is 1 (called first) to 5", "level")
    try:
        ZoneInfo(rota.zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise Invalid(f"{rota.zone!r} is not an IANA time zone", "zone") from None
    clock_time(rota.from_time)
    clock_time(rota.to_time)
    if not rota.days or not set(rota.days) <= set(EVERY_DAY):
        raise Invalid("days are 1 (Monday) to 7 (Sunday)", "days")
    if not 1 <= rota.turn_days <= 28:
        raise Invalid("a turn is 1 to 28 days", "turn_days")
    if not 1 <= len(rota.people) <= MOST_PEOPLE:
        raise Invalid(f"a rota has 1 to {MOST_PEOPLE} people", "people")
    if rota.last is not None and rota.last < rota.first:
        raise Invalid("it ends before it begins", "last")


def moment(day: date, wall: time, zone: ZoneInfo) -> int:
    """A wall time as µs. One that a clock change leaves out is moved on by the gap."""
    local = datetime.combine(day, wall, tzinfo=zone)
    return from_datetime(local.astimezone(UTC))


def _days(rota: Rota, start: int, stop: int, zone: ZoneInfo) -> Iterable[date]:
    """The local days whose duty may touch [start, stop)."""
    day = max(rota.first, to_datetime(start - 2 * DAY).astimezone(zone).date())
    last = to_datetime(stop).astimezone(zone).date()
    if rota.last is not None:
        last = min(last, rota.last)
    while day <= last:
        if day.isoweekday() in rota.days:
            yield day
        day += timedelta(days=1)


def turns(rota: Rota, start: int, stop: int) -> list[Duty]:
    """The duties of a rota that touch [start, stop), whole, without exceptions."""
    zone = ZoneInfo(rota.zone)
    from_time, to_time = clock_time(rota.from_time), clock_time(rota.to_time)
    over = timedelta(days=0 if to_time > from_time else 1)
    found = []
    for day in _days(rota, start, stop, zone):
        begin, end = moment(day, from_time, zone), moment(day + over, to_time, zone)
        if begin < stop and end > start and begin < end:
            turn = (day - rota.first).days // rota.turn_days
            who = rota.people[turn % len(rota.people)]
            found.append(Duty(start=begin, stop=end, person_id=who, rota_id=rota.rota_id, side=rota.side,
                              level=rota.level, turn=turn))  # fmt: skip
    return found


def duties(rotas: Sequence[Rota], exchanges: Sequence[Exchange], start: int, stop: int) -> list[Duty]:
    """Who is on call within [start, stop), cut to it: on each side and level one person at a time, in order.

    Neighbouring duties of one turn are joined. Where an exception names nobody, ``person_id`` is
    ''.
    """
    changed: dict[str, list[Exchange]] = {}
    for one in sorted(exchanges, key=lambda one: (one.created, one.exception_id)):
        changed.setdefault(one.rota_id, []).append(one)
    pieces: list[tuple[int, str, Duty]] = []
    for rota in rotas:
        for duty in turns(rota, start, stop):
            parts = [duty]
            for swap in changed.get(rota.rota_id, ()):
                parts = [piece for part in parts for piece in _cut(part, swap)]
            pieces += [(rota.rank, rota.rota_id, part) for part in parts]
    found: list[Duty] = []
    for side, level in sorted({(duty.side, duty.level) for _, _, duty in pieces}):
        found += _line([piece for piece in pieces if (piece[2].side, piece[2].level) == (side, level)], start, stop)
    return sorted(found, key=lambda duty: (duty.start, duty.side, duty.level))


def _cut(duty: Duty, swap: Exchange) -> list[Duty]:
    low, high = max(duty.start, swap.start), min(duty.stop, swap.stop)
    if low >= high:
        return [duty]
    replace = msgspec.structs.replace
    parts = [replace(duty, stop=low), replace(duty, start=low, stop=high, person_id=swap.person_id, exchanged=True),
             replace(duty, start=high)]  # fmt: skip
    return [part for part in parts if part.start < part.stop]


def _line(pieces: Sequence[tuple[int, str, Duty]], start: int, stop: int) -> list[Duty]:
    """One person at a time: between any two edges the first by rank, an exception before what it overlaps."""
    edges = sorted({min(max(at, start), stop) for _, _, duty in pieces for at in (duty.start, duty.stop)})
    found: list[Duty] = []
    for low, high in pairwise(edges):
        here = [piece for piece in pieces if piece[2].start <= low and piece[2].stop >= high]
        if not here:
            continue
        named = [piece for piece in here if piece[2].person_id] or here
        _, _, duty = min(named, key=lambda piece: (piece[0], not piece[2].exchanged, piece[1], piece[2].start))
        part = msgspec.structs.replace(duty, start=low, stop=high)
        last = found[-1] if found else None
        if last and last.stop == low and _same(last, part):
            found[-1] = msgspec.structs.replace(last, stop=high)
        else:
            found.append(part)
    return found


def _same(one: Duty, other: Duty) -> bool:
    return (one.person_id, one.rota_id, one.turn, one.exchanged) == (
        other.person_id, other.rota_id, other.turn, other.exchanged)  # fmt: skip


def at(rotas: Sequence[Rota], exchanges: Sequence[Exchange], when: int, side: str = "") -> list[Duty]:
    """Who is on call at a moment: by side, then level: the order in which people are called.

    ``start`` and ``stop`` of these duties are cut to the moment; :func:`duties` has them whole.
    """
    found = [duty for duty in duties(rotas, exchanges, when, when + 1) if duty.person_id and side in ("", duty.side)]
    return sorted(found, key=lambda duty: (duty.side, duty.level))


def gaps(
    rotas: Sequence[Rota], exchanges: Sequence[Exchange], start: int, stop: int, side: str
) -> list[tuple[int, int]]:
    """When within [start, stop) a side has nobody who is called first."""
    found, reached = [], start
    for duty in duties([one for one in rotas if one.side == side and one.level == 1], exchanges, start, stop):
        if not duty.person_id:
            continue
        if duty.start > reached:
            found.append((reached, duty.start))
        reached = max(reached, duty.stop)
    if reached < stop:
        found.append((reached, stop))
    return found
