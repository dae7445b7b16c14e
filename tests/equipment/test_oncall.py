"""On call in table and record: rotas, swaps by agreement of both, calendar, hand-over."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.equipment.conftest import NURSE, OPERATOR, TECHNICIAN, Stocked, person

from wardbridge.core.clock import DAY, HOUR, FakeClock, from_datetime
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.crew import calendar, handover, oncall
from wardbridge.equipment.crew.rota import Duty, Rota
from wardbridge.equipment.crew.store import rota as store
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

SECOND = person("operator", "Second")
START = from_datetime(datetime(2026, 3, 2, 9, tzinfo=UTC))


@pytest.fixture
async def staffed(shop: Shop, clock: FakeClock) -> Shop:
    """People in the house, and a weekly rota of two operators."""
    clock.set(START)
    for who in (OPERATOR, SECOND, TECHNICIAN, NURSE):
        await shop.pool.execute(
            "INSERT INTO person (person_id, login, display, roles, password) VALUES ($1, $1, $2, $3, 'x')",
            who.id, who.display, sorted(who.roles),
        )  # fmt: skip
    return shop


async def weekly(shop: Shop, **given: Any) -> str:
    async with shop.acting(OPERATOR) as conn:
        return await oncall.put(shop, conn, Rota(**{
            "rota_id": "", "side": "it", "title": "IT on call", "zone": "Europe/Berlin", "first": date(2026, 3, 2),
            "people": (OPERATOR.id, SECOND.id), **given,
        }))  # fmt: skip


async def who(shop: Shop, at: int, side: str = "it") -> list[str]:
    return [duty.person_id for duty in await oncall.on_call(shop.pool, side, at)]


async def test_who_is_called_now_in_the_order_of_escalation(staffed: Shop) -> None:
    await weekly(staffed)
    await weekly(staffed, level=2, title="IT second", people=(SECOND.id, OPERATOR.id))
    assert await who(staffed, START) == [OPERATOR.id, SECOND.id]
    assert await who(staffed, START + 7 * DAY) == [SECOND.id, OPERATOR.id]
    assert await who(staffed, START - 3 * DAY) == []
    assert await oncall.gaps(staffed.pool, START, START + 60 * DAY, "it") == []
    assert await oncall.gaps(staffed.pool, START, START + DAY, "biomed") == [(START, START + DAY)]


async def test_a_rota_names_people_of_its_side(staffed: Shop) -> None:
    with pytest.raises(Invalid, match="not of it"):
        await weekly(staffed, people=(TECHNICIAN.id,))
    with pytest.raises(NotFound):
        await weekly(staffed, people=("person-nobody",))


async def test_a_swap_needs_the_word_of_both(staffed: Shop, clock: FakeClock) -> None:
    rota_id = await weekly(staffed)
    mine, theirs = (START + 2 * DAY, START + 3 * DAY), (START + 8 * DAY, START + 9 * DAY)
    async with staffed.acting(OPERATOR) as conn:
        with pytest.raises(Conflict, match="not your duty"):
            await oncall.ask(staffed, conn, rota_id, SECOND.id, *theirs, by=OPERATOR)
        with pytest.raises(Invalid):
            await oncall.ask(staffed, conn, rota_id, TECHNICIAN.id, *mine, by=OPERATOR)
        swap = await oncall.ask(staffed, conn, rota_id, SECOND.id, *mine, by=OPERATOR, back=theirs)
        assert await who(staffed, mine[0]) == [OPERATOR.id]
        with pytest.raises(Forbidden):
            await oncall.answer(staffed, conn, swap, "agreed", by=OPERATOR)
    assert [one.swap_id for one in await store.open_swaps(staffed.pool, SECOND.id, START)] == [swap]
    async with staffed.acting(SECOND) as conn:
        await oncall.answer(staffed, conn, swap, "agreed", by=SECOND)
        with pytest.raises(Conflict):
            await oncall.answer(staffed, conn, swap, "refused", by=SECOND)
    assert [await who(staffed, at) for at in (mine[0], mine[1], theirs[0], theirs[1])] == [
        [SECOND.id], [OPERATOR.id], [OPERATOR.id], [SECOND.id]]  # fmt: skip
    async with staffed.acting(OPERATOR) as conn:
        with pytest.raises(Conflict):  # no longer theirs to give
            await oncall.ask(staffed, conn, rota_id, SECOND.id, *mine, by=OPERATOR)


async def test_a_swap_whose_duty_changed_meanwhile_is_not_made(staffed: Shop) -> None:
    rota_id = await weekly(staffed)
    start, stop = START + 2 * DAY, START + 3 * DAY
    async with staffed.acting(OPERATOR) as conn:
        swap = await oncall.ask(staffed, conn, rota_id, SECOND.id, start, stop, by=OPERATOR)
        await oncall.exchange(staffed, conn, rota_id, start, start + HOUR, "", "illness")
    async with staffed.acting(SECOND) as conn:
        with pytest.raises(Conflict, match="meanwhile"):
            await oncall.answer(staffed, conn, swap, "agreed", by=SECOND)
        await oncall.answer(staffed, conn, swap, "refused", by=SECOND)
    assert await oncall.gaps(staffed.pool, START, START + 7 * DAY, "it") == [(start, start + HOUR)]


async def test_a_duty_is_given_away_once_even_when_two_colleagues_agree_at_once(staffed: Shop) -> None:
    third = person("operator", "Third")
    await staffed.pool.execute(
        "INSERT INTO person (person_id, login, display, roles, password) VALUES ($1, $1, $2, $3, 'x')",
        third.id, third.display, sorted(third.roles),
    )  # fmt: skip
    rota_id = await weekly(staffed)
    start, stop = START + 2 * DAY, START + 3 * DAY
    async with staffed.acting(OPERATOR) as conn:
        swaps = [(who, await oncall.ask(staffed, conn, rota_id, who.id, start, stop, by=OPERATOR))
                 for who in (SECOND, third)]  # fmt: skip

    async def agree(who: Principal, swap: str) -> str:
        try:
            async with staffed.acting(who) as conn:
                await oncall.answer(staffed, conn, swap, "agreed", by=who)
            return who.id
        except Conflict:
            return ""

    took = [one for one in await asyncio.gather(*(agree(*swap) for swap in swaps)) if one]
    assert len(took) == 1
    assert await who(staffed, start) == took
    await asyncio.gather(*(oncall.keep(staffed) for _ in range(3)))


async def test_duties_are_schedules_and_slots_and_taken_back_when_they_change(staffed: Shop, clock: FakeClock) -> None:
    rota_id = await weekly(staffed)
    rows = await store.slots(staffed.pool, START)
    assert len(rows) >= 7
    async with staffed.acting(OPERATOR) as conn:
        slot = await staffed.record.current(conn, "Slot", rows[0][0])
        assert slot is not None
        schedule = await staffed.record.current(conn, "Schedule", slot["schedule"]["reference"].split("/")[1])
        assert schedule is not None
        role = await staffed.record.current(conn, "PractitionerRole", schedule["actor"][0]["reference"].split("/")[1])
        assert role is not None
        assert role["practitioner"]["display"] in ("Operator", "Second")
        assert await oncall.publish(staffed, conn) == 0, "nothing changed"
        future = next(row for row in rows if row[3] > START + 10 * DAY)
        await oncall.exchange(staffed, conn, rota_id, future[3], future[4], OPERATOR.id, "conference")
        gone = await staffed.record.current(conn, "Slot", future[0])
        assert gone is not None
        assert gone["status"] == ("busy" if future[2] == OPERATOR.id else "entered-in-error")
    alone = await weekly(staffed, side="biomed", title="Biomed", people=(TECHNICIAN.id,))
    mine = [row for row in await store.slots(staffed.pool, START) if row[1] == alone]
    assert len(mine) == 8, "somebody who is alone on a rota has a duty each turn"
    clock.set(START + 3 * DAY)
    assert await oncall.keep(staffed) <= 3, "only what came into the eight weeks"


async def test_a_calendar_opens_by_its_secret_only(staffed: Shop) -> None:
    await weekly(staffed)
    async with staffed.acting(OPERATOR) as conn:
        first = await calendar.open_address(staffed, conn, by=OPERATOR)
        token = await calendar.open_address(staffed, conn, by=OPERATOR)
    for wrong in (first, token + "x", "", "x" * 500):
        with pytest.raises(NotFound):
            await calendar.of_token(staffed.pool, wrong, "St. Test", START)
    text = await calendar.of_token(staffed.pool, token, "St. Test", START)
    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert "DTSTART:20260302T070000Z" in text
    assert "SECOND" not in text.upper().replace("SECONDS", "")
    assert not await staffed.pool.fetchval("SELECT count(*) FROM change WHERE after::text LIKE '%' || $1 || '%'", token)
    await staffed.pool.execute("UPDATE person SET enabled = false WHERE person_id = $1", OPERATOR.id)
    with pytest.raises(NotFound):
        await calendar.of_token(staffed.pool, token, "St. Test", START)


def test_calendar_lines_are_folded_and_escaped() -> None:
    duty = Duty(start=START, stop=START + HOUR, person_id="p", rota_id="r", side="it", level=1)
    text = calendar.ics([duty], {"r": "Nächte; Tage, " + "ü" * 80}, "Haus, West", START)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    whole = text.replace("\r\n ", "")
    assert "SUMMARY:On call: Nächte\\; Tage\\, " + "ü" * 80 in whole
    assert "X-WR-CALNAME:On call\\, Haus\\, West" in whole


async def test_a_hand_over_is_accepted_by_the_next_person(staffed: Shop, stock: Stocked) -> None:
    await stock(1, state="quarantined")
    async with staffed.acting(OPERATOR) as conn:
        with pytest.raises(Forbidden):
            await handover.give(staffed, conn, "biomed", "", by=OPERATOR)
        one = await handover.give(staffed, conn, "it", "Switch 3 is warm.", by=OPERATOR)
        with pytest.raises(Forbidden):
            await handover.accept(staffed, conn, one, by=OPERATOR)
        with pytest.raises(Forbidden):
            await handover.accept(staffed, conn, one, by=TECHNICIAN)
    (waiting,) = await handover.waiting(staffed.pool, "it")
    assert waiting.content.quarantined == ("Flow 3 model-1-A1",)
    async with staffed.acting(SECOND) as conn:
        await handover.accept(staffed, conn, one, by=SECOND, answer="seen")
        with pytest.raises(Conflict):
            await handover.accept(staffed, conn, one, by=SECOND)
    assert await handover.waiting(staffed.pool) == []
    (kept,) = await store.handovers(staffed.pool, side="it")
    assert (kept.accepted_display, kept.answer) == ("Second", "seen")
    async with staffed.acting(OPERATOR) as conn:
        given = await handover.give(staffed, conn, "it", "", by=OPERATOR, to_id=SECOND.id)
        with pytest.raises(Forbidden, match="given to Second"):
            await handover.accept(staffed, conn, given, by=person("operator", "Third"))
