"""The fleet list: filters, facets, map and saved views."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.equipment.conftest import NURSE, OPERATOR, TECHNICIAN, Stocked

from wardbridge.core.clock import DAY
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.fleet import list as fleet
from wardbridge.equipment.fleet import store
from wardbridge.equipment.fleet.values import DUE, SORTS, USE, Filter
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.values import CRITICALITIES, STATES, Interface
from wardbridge.equipment.shop import Shop


async def machines(shop: Shop, stock: Stocked) -> None:
    await stock(3)
    await stock(2, model_id="m2", manufacturer="Borg", name="Vent 9", kind="ventilator", criticality="life-support",
                state="in-repair")  # fmt: skip
    async with shop.acting(TECHNICIAN) as conn:
        await desk.connect(shop, conn, [Interface(interface_id="i1", device_id="m2-dev-1", zone="icu-devices")])


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ([], 5),
        ([("kind", "ventilator")], 2),
        ([("text", "borg vent")], 2),
        ([("text", "S2")], 2),
        ([("text", "100%")], 0),
        ([("state", "in-repair"), ("criticality", "life-support")], 2),
        ([("zone", "icu-devices")], 1),
        ([("due", "unplanned")], 5),
        ([("due", "overdue")], 0),
        ([("use", "in-use")], 0),
        ([("use", "never")], 5),
        ([("fault", "1")], 0),
        ([("class", "imaging")], 0),
    ],
)
async def test_what_is_chosen_is_what_is_counted(
    shop: Shop, stock: Stocked, asked: list[tuple[str, str]], count: int
) -> None:
    await machines(shop, stock)
    page = await fleet.page(shop, fleet.chosen(asked))
    assert (page.total, len(page.rows)) == (count, count)
    assert sum(facet.count for facet in page.of("state")) == count


async def test_pages_follow_each_other_without_gap_in_every_order(shop: Shop, stock: Stocked) -> None:
    await machines(shop, stock)
    for sort in SORTS:
        seen = []
        for number in (1, 2, 3):
            page = await fleet.page(shop, Filter(sort=sort), number, limit=2)
            assert page.total == 5
            seen += [row.device_id for row in page.rows]
        assert len(seen) == len(set(seen)) == 5, sort


async def test_the_map_counts_every_machine_once(shop: Shop, stock: Stocked) -> None:
    await machines(shop, stock)
    wards = await fleet.wards(shop, Filter())
    assert sum(cell.machines for cells in wards.values() for cell in cells) == 5
    assert {cell.bed: cell.machines for cell in wards["ICU"]} == {"01": 2, "02": 2, "03": 1}


async def test_views_are_ones_own_until_shared(shop: Shop) -> None:
    mine = await fleet.keep(shop, "Broken vents", "kind=ventilator&state=in-repair&page=3", False, TECHNICIAN)
    assert mine.query == "state=in-repair&kind=ventilator"
    assert await store.views(shop.pool, OPERATOR.id) == []
    await fleet.keep(shop, "broken vents", "kind=ventilator", True, TECHNICIAN)
    (shared,) = await store.views(shop.pool, OPERATOR.id)
    assert (shared.name, shared.query) == ("Broken vents", "kind=ventilator")
    with pytest.raises(NotFound):
        await fleet.drop(shop, shared.view_id, NURSE)
    await fleet.drop(shop, shared.view_id, TECHNICIAN)
    assert await store.views(shop.pool, TECHNICIAN.id) == []


def test_a_choice_that_is_not_offered_is_named() -> None:
    with pytest.raises(Invalid) as refused:
        fleet.chosen([("state", "flying")])
    assert refused.value.where == "state"


@given(
    st.builds(
        Filter, text=st.text(min_size=0, max_size=20), state=st.sampled_from(("", *STATES)),
        due=st.sampled_from(("", *DUE)), use=st.sampled_from(("", *USE)), fault=st.booleans(),
        criticality=st.sampled_from(("", *CRITICALITIES)), sort=st.sampled_from(SORTS),
    )
)  # fmt: skip
def test_a_filter_survives_its_url(of: Filter) -> None:
    from urllib.parse import parse_qsl

    assert fleet.chosen(parse_qsl(fleet.query(of))) == of


async def test_what_is_due_depends_on_the_clock(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    async with shop.acting(TECHNICIAN) as conn:
        await conn.execute(
            """INSERT INTO work (work_id, device_id, kind, name, text, state, reported_by, reported_at, request_id,
                                 task_id, due)
               VALUES ('w', $1, 'maintenance', 'n', 't', 'open', 'b', 0, 'r', 't', $2)""",
            asset.device_id, shop.clock.now() + 40 * DAY,
        )  # fmt: skip
    for days, due in ((0, "current"), (20, "due"), (41, "overdue")):
        now = shop.clock.now() + days * DAY
        for choice in DUE:
            found = await store.page(shop.pool, Filter(due=choice), now, 0, 10)
            assert found.total == (1 if choice == due else 0), (days, choice)
