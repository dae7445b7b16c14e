"""The risk register over the real database and record."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.equipment.conftest import OPERATOR, TECHNICIAN, Stocked

from wardbridge.core.clock import DAY, FakeClock
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.changes.risks import desk, store
from wardbridge.equipment.changes.risks.values import Risk, Score
from wardbridge.equipment.changes.values import Measure
from wardbridge.equipment.shop import Shop


def risk(now: int, **fields: Any) -> Risk:
    known: dict[str, Any] = {
        "risk_id": "", "title": "Pumps speak without encryption", "property": "security", "state": "open",
        "cause": "old protocol", "effect": "values can be read", "inherent": Score(severity=4, probability=3),
        "residual": Score(severity=4, probability=1), "owner": "IT", "review_due": now + 30 * DAY,
        "measures": (Measure(text="own VLAN", owner="IT", due=now + DAY),), "links": (("model", "model-1"),),
    }  # fmt: skip
    return Risk(**(known | fields))


async def test_a_risk_is_written_reviewed_and_closed(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    (asset,) = await stock(1)
    now = clock.now()
    async with shop.acting(OPERATOR) as conn:
        one = await desk.write(shop, conn, risk(now, links=(("model", "model-1"), ("advisory", "ICSMA-1"))), OPERATOR)
        basic = await shop.record.current(conn, "Basic", one.risk_id)
        with pytest.raises(Conflict):
            await desk.write(shop, conn, one, TECHNICIAN, seen=7)
        one = await desk.write(
            shop, conn, msgspec.structs.replace(one, links=(("model", "model-1"),)), OPERATOR, seen=1
        )
        assert (await store.get(conn, one.risk_id)) == one
        with pytest.raises(Conflict, match="not done"):
            await desk.review(shop, conn, one.risk_id, "closed", now + DAY, OPERATOR)
        await desk.done(shop, conn, one.risk_id, 1)
        one = await desk.review(shop, conn, one.risk_id, "closed", now + DAY, OPERATOR)
    assert basic is not None
    assert basic["code"]["text"] == "Risk register entry"
    assert (one.state, one.reviewed_at, one.version) == ("closed", now, 4)
    assert await store.of_device(shop.pool, asset.device_id) == []


async def test_overdue_reviews_come_first_and_are_found_by_machine(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    (asset,) = await stock(1)
    now = clock.now()
    async with shop.acting(OPERATOR) as conn:
        later = await desk.write(shop, conn, risk(now), OPERATOR)
        sooner = await desk.write(
            shop, conn, risk(now, review_due=now + DAY, links=(("device", asset.device_id),)), OPERATOR
        )
    clock.set(now + 2 * DAY)
    found = await store.find(shop.pool)
    assert [one.risk_id for one in found] == [sooner.risk_id, later.risk_id]
    assert [one.risk_id for one in await store.find(shop.pool, due_before=clock.now())] == [sooner.risk_id]
    assert {one.risk_id for one in await store.of_device(shop.pool, asset.device_id)} == {sooner.risk_id, later.risk_id}
    assert [one.risk_id for one in await store.find(shop.pool, link=("model", "model-1"))] == [later.risk_id]


@pytest.mark.parametrize("wrong", [
    {"title": " "}, {"property": "money"}, {"inherent": Score(severity=9, probability=1)}, {"measures": ()},
    {"measures": (Measure(text="x", owner="", due=1),)}, {"links": (("ghost", "x"),)},
    {"links": (("device", "nobody"),)}, {"review_due": 0},
])  # fmt: skip
async def test_what_does_not_fit_is_refused(shop: Shop, stock: Stocked, wrong: dict[str, Any]) -> None:
    await stock(1)
    async with shop.acting(OPERATOR) as conn:
        with pytest.raises(Invalid):
            await desk.write(shop, conn, risk(shop.clock.now(), **wrong), OPERATOR)
        with pytest.raises(NotFound):
            await desk.done(shop, conn, "nobody", 1)
