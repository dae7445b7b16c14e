"""The load of a person: their own, sums and warnings for administrators, nothing for anybody else."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.equipment.conftest import ADMINISTRATOR, NURSE, OPERATOR, PHYSICIAN, TECHNICIAN, person

from wardbridge.core.clock import DAY, HOUR, to_datetime
from wardbridge.core.errors import Forbidden, Invalid
from wardbridge.equipment.crew import strain
from wardbridge.equipment.crew.load import LIMITS, Limit
from wardbridge.equipment.crew.store import load as store
from wardbridge.equipment.shop import Shop

ZONE = ZoneInfo("Europe/Berlin")
OTHERS = [person("technician", name) for name in ("Ann", "Bea")]


async def busy(shop: Shop) -> None:
    """Three technicians and an operator; the first one has had a hard month."""
    for who in (TECHNICIAN, *OTHERS, OPERATOR, ADMINISTRATOR):
        await shop.pool.execute(
            "INSERT INTO person (person_id, login, display, roles, password) VALUES ($1, $1, $2, $3, 'x')",
            who.id, who.display, sorted(who.roles),
        )  # fmt: skip
    now = shop.clock.now()
    today = to_datetime(now).astimezone(ZONE).date()
    async with shop.acting(TECHNICIAN) as conn:
        await store.seed_limits(conn, LIMITS)
        for number in range(90):
            await strain.interrupted(shop, conn, "call", now - number * 7 * HOUR, 10, by=TECHNICIAN)
        for back in range(20):
            day = today - timedelta(days=back)
            await strain.worked(conn, day, 480, 600, night=back % 3 == 0, by=TECHNICIAN, today=today)


async def test_everybody_sees_their_own_load_with_its_terms(shop: Shop) -> None:
    await busy(shop)
    now = shop.clock.now()
    mine = await strain.own(shop.pool, TECHNICIAN, now, ZONE)
    terms = {term.term: term.value for term in mine.load.terms}
    assert mine.load.level == "too much"
    assert (terms["interrupts"], terms["hours-over"], terms["days-without-free"]) == (90, 40, 27)
    assert terms["nights-worked"] == 7
    assert mine.load.suggestions
    assert sum(calls for _, calls, _, _ in mine.weeks) == 90
    other = await strain.own(shop.pool, OTHERS[0], now, ZONE)
    assert (other.load.level, other.load.points) == ("fine", 0)


async def test_nobody_but_an_administrator_sees_anything_of_others(shop: Shop) -> None:
    await busy(shop)
    for who in (TECHNICIAN, OPERATOR, NURSE, PHYSICIAN, OTHERS[0]):
        with pytest.raises(Forbidden):
            await strain.team(shop.pool, who, shop.clock.now(), ZONE)


async def test_leads_see_sums_and_who_needs_relief_but_no_values_of_a_person(shop: Shop) -> None:
    await busy(shop)
    teams, warned = await strain.team(shop.pool, ADMINISTRATOR, shop.clock.now(), ZONE)
    biomed, it = teams
    assert (biomed.people, biomed.too_much, dict(biomed.terms)["interrupts"]) == (3, 1, 90)
    assert (it.people, it.terms, it.weeks) == (1, (), ()), "one person's sum would be that person's value"
    assert [(one.display, one.level) for one in warned] == [("Technician", "too much")]
    assert set(msgspec.to_builtins(warned[0])) == {"display", "side", "level", "suggestions"}
    assert not any(char.isdigit() for char in "".join(warned[0].suggestions))


async def test_limits_are_the_houses_data(shop: Shop) -> None:
    await busy(shop)
    async with shop.acting(ADMINISTRATOR) as conn:
        for one in LIMITS:
            await strain.limit(conn, Limit(term=one.term, warn=1000, high=1000), by=ADMINISTRATOR)
        with pytest.raises(Invalid):
            await strain.limit(conn, Limit(term="overdue", warn=5, high=4), by=ADMINISTRATOR)
        with pytest.raises(Forbidden):
            await strain.limit(conn, LIMITS[0], by=TECHNICIAN)
    assert (await strain.own(shop.pool, TECHNICIAN, shop.clock.now(), ZONE)).load.level == "fine"


async def test_entries_are_recent_and_possible(shop: Shop) -> None:
    now = shop.clock.now()
    async with shop.acting(TECHNICIAN) as conn:
        for kind, at, minutes in (
            ("sms", now, 1),
            ("call", now + HOUR, 1),
            ("call", now - 61 * DAY, 1),
            ("call", now, -1),
        ):
            with pytest.raises(Invalid):
                await strain.interrupted(shop, conn, kind, at, minutes, by=TECHNICIAN)
        today = to_datetime(now).date()
        with pytest.raises(Invalid):
            await strain.worked(conn, today + timedelta(days=1), 1, 1, night=False, by=TECHNICIAN, today=today)
