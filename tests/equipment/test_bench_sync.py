"""Operations of tablets that were offline: each applied once, conflicts kept, other people's left alone."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.equipment.bench_tablet import Tablet, workplace
from tests.equipment.conftest import OPERATOR, TECHNICIAN, Stocked, person

from wardbridge.core.clock import HOUR, MINUTE, FakeClock
from wardbridge.core.errors import Conflict, Invalid, NotFound, Unavailable
from wardbridge.equipment.bench import delta, downtime, protocol, sync
from wardbridge.equipment.bench.store import operations, time
from wardbridge.equipment.bench.store import stock as shelves
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk
from wardbridge.equipment.work.store import orders, procedures

OTHER = person("technician", "Other")


async def states(tablet: Tablet) -> list[str]:
    return [one.state for one in await tablet.send()]


async def test_an_hour_offline_arrives_once(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    place = await workplace(shop, stock)
    tablet = Tablet(shop, TECHNICIAN)
    work = place.orders[0]
    tablet.do("take", work)
    tablet.do("step", work, step="look", value="pass")
    tablet.do("step", work, step="earth", value="0,12", instrument=place.instrument)
    tablet.do("note", work, text="filter dusty")
    tablet.do("part", work, part="p", store="s", quantity="2")
    tablet.do("labour", work, minutes=25, travel=5)
    tablet.do("resolve", work, text="within limits")
    await clock.advance(3600)
    tablet.ms += 3_600_000
    first = await tablet.send(lost=True)
    again = await tablet.send()
    assert [one.state for one in first] == ["done"] * 7
    assert [(one.state, one.was) for one in again] == [("already", "done")] * 7
    assert tablet.queue == []
    (done,) = await orders.get(shop.pool, [work])
    assert (done.state, done.resolution, done.done_by) == ("resolved", "within limits", "Technician")
    assert [note.text for note in await orders.notes(shop.pool, [work])] == ["filter dusty"]
    assert [(r.step, r.verdict) for r in await procedures.results(shop.pool, [work])] == [
        ("look", "pass"), ("earth", "pass"),
    ]  # fmt: skip
    (row,) = await time.labour(shop.pool, [work])
    assert (row.minutes, row.travel, row.rate) == (25, 5, Decimal(60))
    (shelf,) = await shelves.shelves(shop.pool)
    assert shelf.balance == 98


async def test_the_first_to_finish_wins_and_the_second_is_not_lost(shop: Shop, stock: Stocked) -> None:
    place = await workplace(shop, stock, steps=False)
    one, two = Tablet(shop, TECHNICIAN), Tablet(shop, OTHER)
    work = place.orders[0]
    one.do("resolve", work, text="new battery")
    two.do("resolve", work, text="cable replaced")
    two.do("take", work)
    assert await states(one) == ["done"]
    answers = await two.send()
    assert [answer.state for answer in answers] == ["conflict", "conflict"]
    assert (answers[0].there["by"], answers[0].there["resolution"]) == ("Technician", "new battery")
    (kept,) = await orders.notes(shop.pool, [work])
    assert "cable replaced" in kept.text
    waiting = await operations.unsettled(shop.pool)
    assert [row.person_id for row in waiting] == [OTHER.id, OTHER.id]
    with pytest.raises(Invalid):
        await sync.settle(shop, waiting[0].operation_id, " ", OTHER)
    with pytest.raises(NotFound):
        await sync.settle(shop, "none", "seen", OTHER)
    await sync.settle(shop, waiting[0].operation_id, "both were right", OTHER)
    with pytest.raises(Conflict):
        await sync.settle(shop, waiting[0].operation_id, "again", OTHER)
    assert await operations.count_unsettled(shop.pool) == 1


async def test_two_results_of_one_step_are_both_known(shop: Shop, stock: Stocked) -> None:
    place = await workplace(shop, stock)
    one, two = Tablet(shop, TECHNICIAN), Tablet(shop, OTHER)
    for tablet, value in ((one, "0.1"), (two, "0.25")):
        tablet.do("step", place.orders[0], step="earth", value=value, instrument=place.instrument)
        tablet.do("step", place.orders[0], step="look", value="pass")
    assert await states(one) == ["done", "done"]
    answers = await two.send()
    assert [answer.state for answer in answers] == ["conflict", "done"]
    assert (answers[0].there["value"], answers[0].there["by"]) == ("0.1", "Technician")
    (note,) = await orders.notes(shop.pool, [place.orders[0]])
    assert "0.25" in note.text
    results = await procedures.results(shop.pool, [place.orders[0]], every=True)
    assert sorted(result.text for result in results) == ["0.1", "pass"]


async def test_a_part_that_was_used_is_used_though_the_book_says_none_is_there(shop: Shop, stock: Stocked) -> None:
    place = await workplace(shop, stock)
    tablet = Tablet(shop, TECHNICIAN)
    tablet.do("part", place.orders[0], part="p", store="s", quantity="101")
    tablet.do("part", place.orders[0], part="none", store="s", quantity="1")
    tablet.do("part", place.orders[0], part="p", store="s", quantity="-1")
    short, unknown, wrong = await tablet.send()
    assert (short.state, unknown.state, wrong.state) == ("conflict", "refused", "refused")
    assert "count the shelf" in short.text
    (shelf,) = await shelves.shelves(shop.pool)
    assert shelf.balance == -1
    assert [row.kind for row in await operations.unsettled(shop.pool)] == ["part"] * 3


async def test_a_new_fault_and_what_follows_on_it(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    place = await workplace(shop, stock)
    tablet = Tablet(shop, TECHNICIAN)
    began = clock.now()
    fault = tablet.do(
        "fault", "", device=place.devices[3], text="door does not close", out_of_use=True, priority="asap"
    )
    tablet.do("note", f"op:{fault}", text="hinge bent")
    tablet.ms += 1_800_000
    tablet.do("resolve", f"op:{fault}", text="hinge replaced")
    tablet.do("note", "op:nothing", text="to whom?")
    tablet.do("note", "", text="to whom?")
    await clock.advance(3600)
    tablet.ms += 1_800_000
    answers = await tablet.send()
    assert [one.state for one in answers] == ["done", "done", "done", "refused", "refused"]
    (work,) = await orders.get(shop.pool, [answers[0].work])
    assert (work.state, work.priority, work.kind, work.taken_by) == ("resolved", "asap", "fault", "Technician")
    (down,) = await downtime.downtime(shop.pool, [place.devices[3]], 0, 1 << 60)
    assert abs(down.start - began) < MINUTE
    assert down.stop is not None
    assert await states(tablet) == []


async def test_nobody_sends_what_somebody_else_did(shop: Shop, stock: Stocked) -> None:
    place = await workplace(shop, stock)
    tablet = Tablet(shop, TECHNICIAN)
    ident = tablet.do("note", place.orders[0], text="mine")
    answers = await tablet.send(by=OTHER)
    assert [one.state for one in answers] == ["kept"]
    assert len(tablet.queue) == 1
    assert await operations.get(shop.pool, ident) is None
    assert await states(tablet) == ["done"]
    thief = Tablet(shop, OTHER)
    thief.do("note", place.orders[0], text="not mine", ident=ident)
    assert await states(thief) == ["kept"]
    assert [note.by for note in await orders.notes(shop.pool, [place.orders[0]])] == ["Technician"]


async def test_a_broken_operation_does_not_hold_up_the_rest(shop: Shop, stock: Stocked, monkeypatch) -> None:
    place = await workplace(shop, stock)
    tablet = Tablet(shop, TECHNICIAN)
    work = place.orders[0]
    for kind, fields in (
        ("nonsense", {"x": 1}), ("note", {"text": 5}), ("note", {"text": "a\u0000b"}), ("note", {"text": ""}),
        ("labour", {"minutes": 0}), ("wait", {"what": "godot"}), ("step", {"step": "none", "value": "1"}),
        ("resolve", {"text": "steps are missing"}), ("note", {"text": "x" * 3000}), ("note", {"text": "good"}),
    ):  # fmt: skip
        tablet.do(kind, work, **fields)
    assert await states(tablet) == ["refused"] * 9 + ["done"]
    assert tablet.queue == []
    assert await operations.count_unsettled(shop.pool) == 9

    async def fault(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(desk, "note", fault)
    tablet.do("note", work, text="finds a fault of ours")
    (answer,) = await tablet.send()
    assert (answer.state, "tell your IT" in answer.text) == ("refused", True)
    row = await operations.get(shop.pool, answer.id)
    assert row is not None
    assert row.body["text"] == "finds a fault of ours"


async def test_a_database_that_goes_away_loses_nothing(shop: Shop, stock: Stocked, monkeypatch) -> None:
    place = await workplace(shop, stock)
    tablet = Tablet(shop, TECHNICIAN)
    tablet.do("note", place.orders[0], text="one")
    tablet.do("note", place.orders[0], text="two")
    real, calls = operations.add, []

    async def add(conn: object, kept: operations.Kept) -> None:
        calls.append(kept)
        if len(calls) == 2:
            raise ConnectionError
        await real(conn, kept)

    monkeypatch.setattr(operations, "add", add)
    with pytest.raises(Unavailable):
        await tablet.send()
    assert [note.text for note in await orders.notes(shop.pool, [place.orders[0]])] == ["one"]
    assert await states(tablet) == ["already", "done"]
    assert [note.text for note in await orders.notes(shop.pool, [place.orders[0]])] == ["one", "two"]


async def test_a_clock_that_jumped_is_on_record(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    place = await workplace(shop, stock)
    tablet = Tablet(shop, TECHNICIAN)
    tablet.do("note", place.orders[0], text="first")
    tablet.ms -= 5 * 3_600_000
    tablet.do("note", place.orders[0], text="second")
    await tablet.send()
    first, second = await operations.of_work(shop.pool, [place.orders[0]])
    assert (first.body["text"], second.body["text"]) == ("first", "second")
    assert (first.jumped, second.jumped) == (True, True)
    assert second.offset_us == 5 * HOUR
    assert second.at < first.at


async def test_the_tablet_gets_what_changed_and_no_patient(shop: Shop, stock: Stocked) -> None:
    place = await workplace(shop, stock)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.assign(shop, conn, place.orders[:2], TECHNICIAN, person_id=TECHNICIAN.id, person="Technician")
        await desk.assign(shop, conn, place.orders[2:3], TECHNICIAN, team="pumps")
        await desk.assign(shop, conn, place.orders[3:4], TECHNICIAN, person_id=OTHER.id, person="Other", team="pumps")
    tablet = Tablet(shop, TECHNICIAN)
    first = await tablet.delta(teams=("pumps",), machines={}, parts="")
    assert {one["id"] for one in first["changed"]} == set(place.orders[:3])
    assert first["machines"]["more"] is False
    assert sum(len(one["rows"]) for one in first["machines"]["buckets"].values()) == len(place.devices)
    assert [part["held"] for part in first["kit"]["parts"]] == [{"s": "100"}]
    (step, earth) = first["changed"][0]["steps"]
    assert (step["kind"], earth["high"], earth["instrument"]) == ("check", "0.3", True)
    have = {one["id"]: one["mark"] for one in first["changed"]}
    marks = {name: one["mark"] for name, one in first["machines"]["buckets"].items()}
    again = await tablet.delta(teams=("pumps",), have=have, machines=marks, parts=first["kit"]["mark"])
    assert (again["changed"], again["gone"], again["machines"]["buckets"], again["kit"]) == ([], [], {}, None)
    tablet.do("note", place.orders[0], text="n")
    await tablet.send()
    async with shop.acting(TECHNICIAN) as conn:
        await desk.cancel(shop, conn, place.orders[1], "not needed", TECHNICIAN)
    third = await tablet.delta(teams=("pumps",), have=have)
    assert [one["id"] for one in third["changed"]] == [place.orders[0]]
    assert third["gone"] == [place.orders[1]]
    assert "patient" not in str(first | third)
    found = await delta.one_machine(shop, "model-1-A1")
    assert found is not None
    assert (found["id"], found["in_use"]) == (place.devices[0], None)
    assert await delta.one_machine(shop, "nothing") is None


async def test_the_list_of_machines_comes_in_parts(shop: Shop, stock: Stocked) -> None:
    await stock(150)
    tablet, marks, rows = Tablet(shop, OPERATOR), {}, 0
    for _ in range(10):
        found = (await tablet.delta(machines=marks))["machines"]
        marks |= {name: one["mark"] for name, one in found["buckets"].items()}
        rows += sum(len(one["rows"]) for one in found["buckets"].values())
        if not found["more"]:
            break
    assert rows == 150
    assert len(found["buckets"]) <= delta.BUCKETS
    assert protocol.BATCH >= 40


async def test_work_that_was_done_in_time_is_in_time_though_it_arrives_late(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    place = await workplace(shop, stock, steps=False)
    tablet = Tablet(shop, TECHNICIAN)
    tablet.ms += 23 * 3_600_000
    tablet.do("take", place.orders[0])
    tablet.do("resolve", place.orders[0], text="an hour before it was due")
    tablet.ms += 2 * 3_600_000
    tablet.do("resolve", place.orders[1], text="an hour after it was due")
    tablet.do("resolve", place.orders[2], text="late, and says why", late_reason="in-use")
    await clock.advance(48 * 3600)
    tablet.ms += 23 * 3_600_000
    assert await states(tablet) == ["done", "done", "refused", "done"]
    early, _open, late, _other = await orders.get(shop.pool, place.orders)
    assert (early.late_reason, late.late_reason) == ("", "in-use")
    assert early.done_at is not None
    assert early.due is not None
    assert (early.due - early.done_at, late.done_at - early.done_at) == (HOUR, 2 * HOUR)
