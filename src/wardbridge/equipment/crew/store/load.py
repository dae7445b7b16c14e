"""SQL of the load: what people enter about themselves, what the tables know, the site's limits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.crew.load import Facts, Limit

Source = Connection | Pool


async def limits(source: Source) -> list[Limit]:
    """The site's limits; the order is the pages'."""
    return [Limit(**dict(row)) for row in await source.fetch("SELECT * FROM load_limit ORDER BY term")]


async def put_limit(conn: Connection, one: Limit) -> None:
    """Insert or replace."""
    await conn.execute(
        """INSERT INTO load_limit (term, warn, high, weight) VALUES ($1, $2, $3, $4)
           ON CONFLICT (term) DO UPDATE SET warn = excluded.warn, high = excluded.high, weight = excluded.weight""",
        one.term, one.warn, one.high, one.weight,
    )  # fmt: skip


async def seed_limits(conn: Connection, some: Sequence[Limit]) -> None:
    """Those that are not there yet."""
    known = {one.term for one in await limits(conn)}
    for one in some:
        if one.term not in known:
            await put_limit(conn, one)


async def add_interrupt(conn: Connection, ident: str, person_id: str, kind: str, at: int, minutes: int) -> None:
    """Append an interrupt."""
    await conn.execute(
        "INSERT INTO interrupt (interrupt_id, person_id, kind, at, minutes) VALUES ($1, $2, $3, $4, $5)",
        ident, person_id, kind, at, minutes,
    )  # fmt: skip


async def put_day(conn: Connection, person_id: str, day: date, planned: int, worked: int, night: bool) -> None:
    """Hours of a day; a later entry replaces an earlier one."""
    await conn.execute(
        """INSERT INTO work_day (person_id, day, planned, worked, night) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (person_id, day) DO UPDATE SET planned = excluded.planned, worked = excluded.worked,
                  night = excluded.night""",
        person_id, day, planned, worked, night,
    )  # fmt: skip


async def facts(source: Source, people: Sequence[str], since: int, day: date, now: int) -> dict[str, Facts]:
    """What the tables know of each of these people from ``since`` (µs) and ``day`` on; no duties. Three statements for
    any number of people. Urgent orders that somebody was given count as interrupts from the moment they came in."""
    ids = list(people)
    calls = await source.fetch(
        """SELECT person_id, array_agg(at ORDER BY at) AS at FROM (
               SELECT person_id, at FROM interrupt WHERE person_id = ANY($1) AND at >= $2
               UNION ALL
               SELECT person_id, reported_at FROM work
               WHERE person_id = ANY($1) AND reported_at >= $2 AND priority IN ('urgent', 'asap', 'stat')) i
           GROUP BY person_id""",
        ids, since,
    )  # fmt: skip
    days = await source.fetch(
        """SELECT person_id, day, planned, worked, night FROM work_day WHERE person_id = ANY($1) AND day >= $2
           ORDER BY day""", ids, day,
    )  # fmt: skip
    late = await source.fetch(
        """SELECT person_id, count(*) AS count FROM work
           WHERE person_id = ANY($1) AND state NOT IN ('resolved', 'cancelled') AND due < $2 GROUP BY person_id""",
        ids, now,
    )  # fmt: skip
    interrupts = {row["person_id"]: tuple(row["at"]) for row in calls}
    overdue = {row["person_id"]: row["count"] for row in late}
    hours: dict[str, list[tuple[date, int, int, bool]]] = {}
    for row in days:
        hours.setdefault(row["person_id"], []).append((row["day"], row["planned"], row["worked"], row["night"]))
    return {
        one: Facts(interrupts=interrupts.get(one, ()), days=tuple(hours.get(one, ())), overdue=overdue.get(one, 0))
        for one in ids
    }
