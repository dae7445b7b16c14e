"""Onboarding, training and competence in table, record and log."""

from __future__ import annotations

import msgspec
import pytest
from tests.equipment.conftest import ADMINISTRATOR, NURSE, OPERATOR, TECHNICIAN, Stocked, person

from wardbridge.core.clock import DAY, FakeClock
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.equipment.learning import competence, competence_table, pages, paths, seed, training
from wardbridge.equipment.learning.about import advice
from wardbridge.equipment.learning.dates import months_on
from wardbridge.equipment.learning.store import competence as records
from wardbridge.equipment.learning.store import paths as path_store
from wardbridge.equipment.learning.store import training as training_store
from wardbridge.equipment.learning.store.competence import Competence, Rule
from wardbridge.equipment.learning.store.paths import Item, Path
from wardbridge.equipment.learning.store.training import Training
from wardbridge.equipment.shop import Shop

TRAINEE = person("technician", "Trainee")
ALL = (TRAINEE, TECHNICIAN, OPERATOR, NURSE, ADMINISTRATOR)


@pytest.fixture
async def staffed(shop: Shop) -> Shop:
    """People in the house, and what it starts with."""
    for who in ALL:
        await shop.pool.execute(
            "INSERT INTO person (person_id, login, display, roles, password) VALUES ($1, $2, $3, $4, 'x')",
            who.id, who.display.lower(), who.display, sorted(who.roles),
        )  # fmt: skip
    await seed.seed(shop)
    return shop


async def test_a_newcomers_items_are_signed_by_mentor_or_quiz(staffed: Shop, clock: FakeClock) -> None:
    async with staffed.acting(TECHNICIAN) as conn:
        with pytest.raises(Invalid):
            await paths.start(staffed, conn, "start-biomed", TRAINEE.id, TRAINEE.id)
        start_id = await paths.start(staffed, conn, "start-biomed", TRAINEE.id, TECHNICIAN.id)
        _, tasks = await paths.read(conn, start_id, clock.now())
        by_hand = [task for task in tasks if task.sign == "mentor"]
        with pytest.raises(Forbidden):
            await paths.sign(staffed, conn, start_id, by_hand[0].position, by=TRAINEE)
        with pytest.raises(Forbidden):
            await paths.sign(staffed, conn, start_id, by_hand[0].position, by=OPERATOR)
        for task in by_hand:
            await paths.sign(staffed, conn, start_id, task.position, by=TECHNICIAN)
        with pytest.raises(Conflict):
            await paths.sign(staffed, conn, start_id, by_hand[0].position, by=TECHNICIAN)
        quiz = next(task for task in tasks if task.sign == "quiz")
        with pytest.raises(Conflict, match="quiz"):
            await paths.sign(staffed, conn, start_id, quiz.position, by=TECHNICIAN)
    clock.set(clock.now() + 30 * DAY)
    (start,) = await path_store.starts(staffed.pool, clock.now(), person=TRAINEE.id)
    assert (start.total, start.done, start.overdue, start.ended) == (8, 5, 3, 0)
    async with staffed.acting(TRAINEE) as conn:
        for task in tasks:
            if task.sign == "quiz":
                questions = (await pages.read(conn, task.target)).shown.content.questions
                wrong = {at: 1 - one.right if one.right < 2 else 0 for at, one in enumerate(questions)}
                assert not (await paths.attempt(staffed, conn, task.target, wrong, by=TRAINEE))[2]
                right = {at: one.right for at, one in enumerate(questions)}
                assert (await paths.attempt(staffed, conn, task.target, right, by=TRAINEE))[2]
    (start,) = await path_store.starts(staffed.pool, clock.now(), person=TECHNICIAN.id)
    assert (start.done, start.overdue, start.ended) == (8, 0, clock.now())
    given = {one.person_id: one for one in await training.recognition(staffed.pool, 0, clock.now() + 1)}
    assert given[TECHNICIAN.id].mentored == 5
    assert TRAINEE.id not in given, "a quiz that one passes is not help for others"


async def test_paths_are_data_with_a_version(staffed: Shop) -> None:
    items = paths.items_from("page | what-a-vlan-is | VLAN | 7 | quiz\n\naccess | | Badge | 1 | mentor")
    assert paths.items_from(paths.lines_of(items)) == items
    path = Path(path_id="", title="Short", items=items)
    async with staffed.acting(TECHNICIAN) as conn:
        path_id = await paths.put(staffed, conn, path)
        changed = msgspec.structs.replace(path, path_id=path_id, title="Shorter")
        await paths.put(staffed, conn, changed, seen=1)
        with pytest.raises(Conflict):
            await paths.put(staffed, conn, changed, seen=1)
        mute = msgspec.structs.replace(path, items=(Item(kind="page", target="battery-care", title="x", sign="quiz"),))
        with pytest.raises(Invalid, match="no questions"):
            await paths.put(staffed, conn, mute)
    for lines in ("page | x", "page | x | y | soon | quiz"):
        with pytest.raises(Invalid, match="line 1"):
            paths.items_from(lines)
    with pytest.raises(Invalid):
        paths.checked(msgspec.structs.replace(path, items=(Item(kind="access", title="x", sign="quiz"),)))


async def test_competence_is_asked_for_by_rules_and_proven_by_records(staffed: Shop, clock: FakeClock) -> None:
    async def answer(at: int = 0, kind: str = "Infusion pump", class_: str = "therapy") -> list[tuple[str, str]]:
        found = await competence.competent(staffed.pool, TRAINEE.id, kind, at or clock.now(), class_)
        return [(gap.code, gap.why) for gap in found.gaps]

    assert await answer() == [
        ("electrical-safety", "never"), ("infusion", "never"), ("security-awareness", "never")]  # fmt: skip
    async with staffed.acting(TECHNICIAN) as conn:
        for code in ("electrical-safety", "security-awareness"):
            await competence.assess(staffed, conn, TRAINEE.id, code, by=TECHNICIAN, evidence="watched")
        record = await competence.assess(staffed, conn, TRAINEE.id, "infusion", by=TECHNICIAN, evidence="test 12")
        with pytest.raises(Forbidden):
            await competence.assess(staffed, conn, TRAINEE.id, "infusion", by=TRAINEE, evidence="myself")
        with pytest.raises(Invalid):
            await competence.assess(staffed, conn, TRAINEE.id, "infusion", by=TECHNICIAN)
        proof = await staffed.record.current(conn, "DocumentReference", record.record_id)
    assert await answer() == []
    assert (await competence.competent(staffed.pool, TRAINEE.id, "infusion pump", clock.now())).warning == ""
    assert proof is not None
    assert proof["type"]["coding"][0]["code"] == "infusion"
    assert proof["authenticator"]["display"] == "Technician"
    later = months_on(clock.now(), 13)
    assert await answer(later) == [("security-awareness", "expired")]
    assert await answer(later, "monitor", "monitoring") == [("security-awareness", "expired")]
    async with staffed.acting(TECHNICIAN) as conn:
        await competence.revoke(staffed, conn, record.record_id, "the test was another's", by=TECHNICIAN)
        gone = await staffed.record.current(conn, "DocumentReference", record.record_id)
    assert gone is not None
    assert gone["status"] == "entered-in-error"
    assert await answer() == [("infusion", "expired")]
    nobody = await competence.competent(staffed.pool, "person-nobody", "monitor", clock.now())
    assert not nobody.ok
    assert "not known" in nobody.warning


async def test_an_order_warns_of_what_its_person_has_no_record_of(staffed: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    for_pump = await advice(staffed, asset.device_id, TRAINEE.id)
    assert for_pump.warning == "Infusion pumps: no record; Security awareness: no record"
    assert "battery-care" in [hit.slug for hit in for_pump.pages]
    assert (await advice(staffed, asset.device_id)).warning == ""
    assert (await advice(staffed, "", TRAINEE.id)).pages == ()
    async with staffed.acting(TECHNICIAN) as conn:
        for code in ("infusion", "security-awareness"):
            await competence.assess(staffed, conn, TRAINEE.id, code, by=TECHNICIAN, evidence="watched")
    assert (await advice(staffed, asset.device_id, TRAINEE.id)).warning == ""


async def test_what_is_due_comes_first_when_it_is_overdue(staffed: Shop, clock: FakeClock) -> None:
    async with staffed.acting(TECHNICIAN) as conn:
        await competence.assess(staffed, conn, OPERATOR.id, "security-awareness", by=TECHNICIAN, evidence="course")
    clock.set(months_on(clock.now(), 12) - DAY)
    mine = await competence.needs(staffed.pool, clock.now(), person_id=OPERATOR.id)
    assert [(one.code, one.state) for one in mine] == [("life-support", "never"), ("security-awareness", "due")]
    clock.set(clock.now() + 2 * DAY)
    every = await competence.needs(staffed.pool, clock.now(), state="open")
    assert (every[0].person_id, every[0].state) == (OPERATOR.id, "overdue")
    assert {one.person_id for one in every if one.code == "security-awareness"} == {who.id for who in ALL}


async def test_rules_and_competences_are_the_houses(staffed: Shop) -> None:
    async with staffed.acting(TECHNICIAN) as conn:
        await competence.change(conn, Competence(code="mri", title="MRI safety", months=12))
        rule = Rule(rule_id="", code="mri", roles=("nurse",), scope="kind", target="MRI scanner")
        ident = await competence.require(staffed, conn, rule)
        for wrong in ({"roles": ("king",)}, {"scope": "all"}, {"scope": "kind", "target": " "}):
            with pytest.raises(Invalid):
                await competence.require(staffed, conn, msgspec.structs.replace(rule, **wrong))
        with pytest.raises(NotFound):
            await competence.require(staffed, conn, msgspec.structs.replace(rule, code="none"))
        assert {one.code for one in await competence.needs(conn, 1, person_id=NURSE.id)} == {
            "security-awareness", "mri"}  # fmt: skip
        await competence.release(conn, ident)
        with pytest.raises(NotFound):
            await competence.release(conn, ident)


async def test_records_go_out_and_come_in_as_csv_row_by_row(staffed: Shop) -> None:
    text = (
        "\ufefflogin;code;date;expires;assessor;evidence\r\n"
        'trainee;infusion;2025-03-01;;Dr. Who;"paper; old"\r\n'
        "nobody;infusion;2025-03-01;;;\r\n"
        "trainee;none;2025-03-01;;;\r\n"
        "trainee;laser;01.03.2025;;;\r\n"
        "trainee;laser;2099-01-01;;;\r\n"
        "technician;laser;2025-01-01;2024-01-01;;\r\n"
        "nurse;laser;2025-01-01;2027-01-01;;=1+1\r\n"
        "operator;infusion;2025-01-01;;;\r\n"
    )
    async with staffed.acting(OPERATOR) as conn:
        lines = await competence_table.load(staffed, conn, text, by=OPERATOR)
    assert [(line.number, bool(line.problem)) for line in lines] == [
        (2, False), (3, True), (4, True), (5, True), (6, True), (7, True), (8, False), (9, True)]  # fmt: skip
    async with staffed.acting(OPERATOR) as conn:
        again = await competence_table.load(staffed, conn, text, by=OPERATOR)
        assert [line.problem for line in again] == [line.problem for line in lines]
    kept = await records.records(staffed.pool)
    assert len(kept) == 2, "known rows are left as they are"
    logins = {ident: login for ident, login, _, _ in await records.people(staffed.pool)}
    out = competence_table.write(kept, logins)
    assert "trainee,infusion,2025-03-01,2028-03-01,Dr. Who,paper; old" in out
    assert "'=1+1" in out
    async with staffed.acting(OPERATOR) as conn:
        with pytest.raises(Invalid, match="columns"):
            await competence_table.load(staffed, conn, "a,b\n1,2\n", by=OPERATOR)


async def test_a_session_gives_seats_attendance_and_a_record(staffed: Shop, clock: FakeClock) -> None:
    session = Training(training_id="", topic="Security awareness", department="it", audiences=("biomed", "clinical"),
                       at=clock.now() + DAY, minutes=60, seats=2, state="planned", created_by="",
                       code="security-awareness")  # fmt: skip
    async with staffed.acting(OPERATOR) as conn:
        ident = await training.plan(staffed, conn, session, [OPERATOR.id], by=OPERATOR)
        with pytest.raises(Conflict, match="you teach"):
            await training.sign_up(staffed, conn, ident, by=OPERATOR)
        for who in (TRAINEE, NURSE):
            await training.sign_up(staffed, conn, ident, by=who)
        with pytest.raises(Conflict, match="taken"):
            await training.sign_up(staffed, conn, ident, by=TECHNICIAN)
        with pytest.raises(Invalid, match="begun"):
            await training.hold(staffed, conn, ident, [TRAINEE.id], by=OPERATOR)
        start_id = await paths.start(staffed, conn, "start-biomed", TRAINEE.id, TECHNICIAN.id)
    clock.set(clock.now() + 2 * DAY)
    async with staffed.acting(OPERATOR) as conn:
        with pytest.raises(Forbidden):
            await training.hold(staffed, conn, ident, [], by=TECHNICIAN)
        with pytest.raises(Invalid):
            await training.hold(staffed, conn, ident, [TECHNICIAN.id], by=OPERATOR)
        await training.hold(staffed, conn, ident, [TRAINEE.id], by=OPERATOR)
        with pytest.raises(Conflict):
            await training.rate(conn, ident, 5, "good", by=NURSE)
        await training.rate(conn, ident, 4, "good", by=TRAINEE)
        await training.thank(staffed, conn, OPERATOR.id, "for the patience", by=TRAINEE)
        with pytest.raises(Conflict):
            await training.thank(staffed, conn, OPERATOR.id, "for myself", by=OPERATOR)
    (need,) = [one for one in await competence.needs(staffed.pool, clock.now(), person_id=TRAINEE.id)
               if one.code == "security-awareness"]  # fmt: skip
    assert need.state == "good"
    _, tasks = await paths.read(staffed.pool, start_id, clock.now())
    assert [task.target for task in tasks if task.done_at] == ["security-awareness"]
    (listed,) = await training_store.listed(staffed.pool, TRAINEE.id, 0, clock.now() + DAY)
    assert (listed.taken, listed.mine, listed.rating, listed.teachers) == (2, True, 4.0, ("Operator",))
    name, since, until = training.quarter(clock.now())
    assert name == "2026-Q1"
    (given,) = [one for one in await training.recognition(staffed.pool, since, until) if one.person_id == OPERATOR.id]
    assert (given.taught, given.thanks) == (1, 1)
    assert training.quarter(clock.now(), 1)[2] == since
