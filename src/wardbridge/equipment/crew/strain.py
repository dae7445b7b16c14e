"""Who may see which load: everybody their own with all its terms, the administrator sums and warnings, nobody else any.

Warnings name whom to relieve and how; they hold no values. Nothing here sorts people by load.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import msgspec

from wardbridge.core.clock import DAY, to_datetime
from wardbridge.core.db import Connection
from wardbridge.core.errors import Forbidden, Invalid
from wardbridge.equipment.crew import load, oncall
from wardbridge.equipment.crew.load import Facts, Limit, Load
from wardbridge.equipment.crew.store import load as store
from wardbridge.equipment.crew.store import rota
from wardbridge.equipment.crew.store.load import Source
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing.sign import SIDES
from wardbridge.security.principal import Principal

WEEKS = 8
LEAST = 3
"""A sum of fewer people than this says too much about each of them, so it is not shown."""
KINDS = ("call", "page", "urgent")


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's own load, and their last weeks: (Monday, interrupts, at night, minutes worked)."""

    load: Load
    weeks: tuple[tuple[date, int, int, int], ...]


class Team(msgspec.Struct, frozen=True, kw_only=True):
    """A side's sums; ``terms`` empty where it has fewer than three people."""

    side: str
    people: int
    watch: int
    too_much: int
    terms: tuple[tuple[str, int], ...]
    weeks: tuple[tuple[date, int, int, int], ...]


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who needs relief: the level and what helps, no values."""

    display: str
    side: str
    level: str
    suggestions: tuple[str, ...]


async def _facts(source: Source, people: Sequence[str], now: int, zone: ZoneInfo) -> dict[str, Facts]:
    day = to_datetime(now).astimezone(zone).date() - timedelta(weeks=WEEKS, days=7)
    since = now - (WEEKS * 7 + 7) * DAY
    found = await store.facts(source, people, since, day, now)
    duties: dict[str, list[tuple[int, int]]] = {}
    for duty in await oncall.duties(source, now - 29 * DAY, now + 1):
        duties.setdefault(duty.person_id, []).append((duty.start, duty.stop))
    return {one: msgspec.structs.replace(facts, duties=tuple(duties.get(one, ()))) for one, facts in found.items()}


async def own(source: Source, by: Principal, now: int, zone: ZoneInfo) -> Own:
    """One's own load with its terms. There is no way to ask for another person's."""
    facts = (await _facts(source, [by.id], now, zone))[by.id]
    limits = await store.limits(source)
    return Own(load=load.score(load.values(facts, now, zone), limits), weeks=tuple(load.weeks(facts, now, zone, WEEKS)))


async def team(source: Source, by: Principal, now: int, zone: ZoneInfo) -> tuple[list[Team], list[Warned]]:
    """Sums of each side, and who needs relief, by name. Raises Forbidden for everybody but administrators."""
    if "administrator" not in by.roles:
        raise Forbidden("the load of others is not shown; leads see sums and warnings", "person")
    limits = await store.limits(source)
    everybody = await rota.people(source)
    sides = {one: next((side for side in ("biomed", "it") if roles & SIDES[side]), "")
             for one, (_, roles) in everybody.items()}  # fmt: skip
    facts = await _facts(source, [one for one, side in sides.items() if side], now, zone)
    values = {one: load.values(known, now, zone) for one, known in facts.items()}
    loads = {one: load.score(found, limits) for one, found in values.items()}
    teams = []
    for side in ("biomed", "it"):
        mine = [one for one in facts if sides[one] == side]
        enough = len(mine) >= LEAST
        courses = [load.weeks(facts[one], now, zone, WEEKS) for one in mine] if enough else []
        teams.append(Team(
            side=side, people=len(mine), watch=sum(loads[one].level == "watch" for one in mine),
            too_much=sum(loads[one].level == "too much" for one in mine),
            terms=tuple((limit.term, sum(values[one][limit.term] for one in mine)) for limit in limits
                        if limit.term != "days-without-free") if enough else (),
            weeks=tuple((rows[0][0], *(sum(row[n] for row in rows) for n in (1, 2, 3)))
                        for rows in zip(*courses, strict=True)),
        ))  # fmt: skip
    warned = [
        Warned(display=everybody[one][0], side=sides[one], level=found.level, suggestions=found.suggestions)
        for one, found in loads.items() if found.level != "fine"
    ]  # fmt: skip
    return teams, sorted(warned, key=lambda one: (one.display.lower(), one.side))


async def interrupted(shop: Shop, conn: Connection, kind: str, at: int, minutes: int, *, by: Principal) -> None:
    """Note an interrupt of one's own. Raises Invalid."""
    now = shop.clock.now()
    if kind not in KINDS:
        raise Invalid(f"an interrupt is one of: {', '.join(KINDS)}", "kind")
    if not 0 <= minutes <= 1440:
        raise Invalid("0 to 1440 minutes", "minutes")
    at = at or now
    if not now - 60 * DAY <= at <= now:
        raise Invalid("an interrupt of the last 60 days", "at")
    await store.add_interrupt(conn, shop.ids(), by.id, kind, at, minutes)


async def worked(
    conn: Connection, day: date, planned: int, minutes: int, *, night: bool, by: Principal, today: date
) -> None:
    """Note the hours of a day of one's own, in minutes. Raises Invalid."""
    if not today - timedelta(days=60) <= day <= today:
        raise Invalid("a day of the last 60", "day")
    if not 0 <= planned <= 1440 or not 0 <= minutes <= 1440:
        raise Invalid("a day has 24 hours", "worked")
    await store.put_day(conn, by.id, day, planned, minutes, night)


async def limit(conn: Connection, one: Limit, *, by: Principal) -> None:
    """Set the site's limits of a term. Raises Forbidden for everybody but administrators, Invalid."""
    if "administrator" not in by.roles:
        raise Forbidden("administrators set the limits", "person")
    if one.term not in load.NAMES or not 0 < one.warn <= one.high <= 100_000 or not 0 <= one.weight <= 10:
        raise Invalid("a warning from 1 on, not above what is too much; a weight of 0 to 10", "limit")
    await store.put_limit(conn, one)
