"""AEM: no imaging, no laser, no short history, no assessor who asked for it; in pure code and in the database alike.

42 CFR 482.41(d)(2), CMS S&C 14-07.
"""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.equipment.conftest import ADMINISTRATOR, NURSE, TECHNICIAN, Stocked, person

from wardbridge.core.clock import DAY, FakeClock
from wardbridge.core.errors import Conflict, Forbidden, Invalid
from wardbridge.equipment.register import desk as register
from wardbridge.equipment.register.values import CLASSES, Model
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import aem, aem_rules, desk, schedules
from wardbridge.equipment.work.aem_rules import MONTH, MOVES, Case, Rule
from wardbridge.equipment.work.plans import Schedule
from wardbridge.equipment.work.store import aem as store
from wardbridge.equipment.work.store import schedules as kept
from wardbridge.security.acting import act

ASSESSOR = person("technician", "Ines")


@given(st.sampled_from(CLASSES), st.integers(0, 20), st.one_of(st.none(), st.integers(0, 100)), st.integers(1, 10),
       st.integers(1, 60))  # fmt: skip
def test_never_for_imaging_laser_or_short_history(
    class_: str, done: int, months: int | None, least: int, span: int
) -> None:
    now = 200 * MONTH
    why = aem_rules.forbidden(class_, done, None if months is None else now - months * MONTH, Rule(least, span), now)
    if class_ in ("imaging", "radiologic", "laser") or done < least or months is None or months < span:
        assert why
    else:
        assert why == ""


@given(st.lists(st.sampled_from(sorted({to for tos in MOVES.values() for to in tos})), max_size=12))
def test_no_walk_ends_complete_without_an_assessment(steps: list[str]) -> None:
    state, seen = "new", ["new"]
    for to in steps:
        if to in MOVES[state]:
            state = to
            seen.append(to)
    if state == "closed-complete":
        assert seen[seen.index("closed-complete") - 1] == "model-setup"
        assert "review" in seen
    bare = Case(case_id="c", model_id="m", requester_id="p", requester="P", opened=0, since=0, state=state)
    assert len(aem_rules.lacks(bare)) == 6


async def worn(shop: Shop, clock: FakeClock, count: int, stock: Stocked, **fields: Any) -> str:
    """A machine with ``count`` completed maintenances, monthly up to now; its id."""
    (asset,) = await stock(1, **fields)
    for _ in range(count):
        async with shop.acting(TECHNICIAN) as conn:
            work = await desk.order(shop, conn, asset.device_id, "maintenance", "PM", "", TECHNICIAN)
            await desk.resolve(shop, conn, work.work_id, "done", TECHNICIAN)
        await clock.advance(3 * MONTH / 1e6)
    return str(asset.device_id)


@pytest.mark.parametrize("class_", ["imaging", "laser", "therapy"])
@pytest.mark.parametrize("count", [0, 4, 5])
async def test_database_and_code_agree(shop: Shop, stock: Stocked, clock: FakeClock, class_: str, count: int) -> None:
    await worn(shop, clock, count, stock, class_=class_)
    for later in (0, 400 * DAY):
        at = clock.now() + later
        async with shop.pool.acquire() as conn:
            assert await aem.forbidden(shop, conn, "model-1", at) == await store.forbidden(conn, "model-1", at)
    if class_ != "therapy" or count < 5:
        with pytest.raises(Invalid, match="no AEM"):
            async with shop.acting(NURSE) as conn:
                await aem.request(shop, conn, "model-1", "low risk", NURSE)
        case = Case(case_id="c", model_id="model-1", requester_id="a", requester="A", opened=0, since=clock.now(),
                    state="closed-complete", assessor_id="b", assessor="B", qualification="BMET", rationale="r",
                    documents=("d",), months=24, evaluate_due=clock.now() + 1)  # fmt: skip
        async with shop.pool.acquire() as conn:
            with pytest.raises(asyncpg.CheckViolationError):
                await forced(conn, clock, store.put, case)


async def forced(conn: Any, clock: FakeClock, write: Any, what: Any) -> None:
    """Past every function of ours: what the database itself says."""
    async with conn.transaction():
        await act(conn, TECHNICIAN, clock.now())
        await write(conn, what)


async def accepted(shop: Shop, clock: FakeClock) -> Case:
    async with shop.acting(TECHNICIAN) as conn:
        case = await aem.request(shop, conn, "model-1", "five years without a failure", TECHNICIAN)
        await aem.move(shop, conn, case.case_id, "open", TECHNICIAN)
        await aem.move(shop, conn, case.case_id, "review", TECHNICIAN)
        with pytest.raises(Forbidden):
            await aem.assess(shop, conn, case.case_id, TECHNICIAN, months=24)
        with pytest.raises(Invalid, match="lacks"):
            await aem.move(shop, conn, case.case_id, "model-setup", ASSESSOR)
        await aem.assess(shop, conn, case.case_id, ASSESSOR, months=24, qualification="BMET III", documents=("PM log",),
                         activity="functional check", evaluate_due=clock.now() + 365 * DAY)  # fmt: skip
        with pytest.raises(Forbidden):
            await aem.move(shop, conn, case.case_id, "model-setup", TECHNICIAN)
        await aem.move(shop, conn, case.case_id, "model-setup", ASSESSOR)
        return await aem.move(shop, conn, case.case_id, "closed-complete", ASSESSOR)


async def test_a_case_permits_a_schedule_of_its_own_until_the_class_forbids_it(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    await worn(shop, clock, 6, stock, criticality="life-support")
    own = Schedule(schedule_id="s", name="AEM check", model_id="model-1", months=24)
    case = await accepted(shop, clock)
    with pytest.raises(Conflict):
        async with shop.acting(NURSE) as conn:
            await aem.request(shop, conn, "model-1", "again", NURSE)
    ((_, model, _, machines, critical),) = await store.every(shop.pool)
    assert (model, machines, critical) == ("Acme Flow 3", 1, 1), "critical machines may be in, and are marked"
    async with shop.acting(ADMINISTRATOR) as conn:
        await schedules.put(shop, conn, Schedule(**{**_fields(own), "aem": case.case_id}))
        with pytest.raises(Invalid):
            await aem.evaluate(shop, conn, case.case_id, ASSESSOR, "fine", clock.now())
        await aem.evaluate(shop, conn, case.case_id, ASSESSOR, "no failures", clock.now() + 365 * DAY)
    async with shop.acting(ADMINISTRATOR) as conn:
        await register.add_models(
            shop, conn, [Model(model_id="model-1", manufacturer="Acme", name="Flow 3", class_="laser")]
        )
    ended = await store.get(shop.pool, case.case_id)
    assert ended is not None
    assert (ended.state, ended.reason) == ("cancelled", "the class of the model became laser")
    (schedule,) = await kept.get(shop.pool, ["s"])
    assert not schedule.active
    logged = await shop.pool.fetchval("SELECT count(*) FROM change WHERE table_name = 'aem_case' AND action = 'U'")
    assert logged == 7


async def test_a_schedule_cannot_borrow_another_models_case(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    await worn(shop, clock, 6, stock)
    case = await accepted(shop, clock)
    (other,) = await stock(1, model_id="model-2", name="Flow 4")
    schedule = Schedule(schedule_id="x", name="n", device_id=other.device_id, months=24, aem=case.case_id)
    async with shop.pool.acquire() as conn:
        with pytest.raises(asyncpg.CheckViolationError):
            await forced(conn, clock, kept.put, [schedule])


def _fields(schedule: Schedule) -> dict[str, Any]:
    return {name: getattr(schedule, name) for name in Schedule.__struct_fields__}
