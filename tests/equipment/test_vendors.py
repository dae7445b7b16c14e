"""Contracts, calls, remote access, offers and costs on the real register, record and wire."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.equipment.conftest import ADMINISTRATOR, NURSE, OPERATOR, PHYSICIAN, TECHNICIAN, Stocked, person
from tests.equipment.test_lifecycle import on_patient

from wardbridge.core.clock import DAY, HOUR, FakeClock
from wardbridge.core.errors import Conflict, Forbidden, Invalid
from wardbridge.devices import binding
from wardbridge.equipment.lifecycle import needs
from wardbridge.equipment.lifecycle.moves import move
from wardbridge.equipment.lifecycle.questions import Answer
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.values import Asset
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.vendors import about, access, cost, firms, offers, plan, support
from wardbridge.equipment.vendors.keep import keep
from wardbridge.equipment.vendors.store import firms as store
from wardbridge.equipment.vendors.values import Contact, Contract, Covered, Session, Vendor

SECOND_OPERATOR = person("operator", "Second Operator")


async def firm(shop: Shop, vendor_id: str = "acme", name: str = "Acme Service") -> Vendor:
    async with shop.acting(TECHNICIAN) as conn:
        vendor = await firms.save_vendor(
            shop, conn, Vendor(vendor_id=vendor_id, name=name, created=shop.clock.now(), kind=("service",))
        )
        for role in ("service", "emergency", "sales"):
            await firms.save_contact(
                shop, conn,
                Contact(contact_id=f"{vendor_id}-{role}", vendor_id=vendor_id, name=role.title(), role=role, phone="1"),
            )  # fmt: skip
    return vendor


async def agree(shop: Shop, covers: list[Covered] | None = None, **fields: object) -> Contract:
    now = shop.clock.now()
    given = {"contract_id": "c1", "vendor_id": "acme", "number": "V 1", "title": "Full service", "kind": "full-service",
             "starts": now - DAY, "ends": now + 365 * DAY, **fields}  # fmt: skip
    async with shop.acting(TECHNICIAN) as conn:
        return await firms.save_contract(shop, conn, Contract(**given), covers)  # type: ignore[arg-type]


async def test_is_this_machine_covered_by_what_and_whom_to_call(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    one, other = await stock(2)
    await firm(shop)
    await agree(shop, [Covered(contract_id="c1", device_id=one.device_id)], hours="mo-fr 08:00-17:00", response_hours=4)
    now = clock.now()  # a Thursday, midnight UTC
    closed = await firms.coverage(shop.pool, one.device_id, now)
    assert closed.covered
    assert closed.by is not None
    assert closed.by.contract.number == "V 1"
    assert not closed.open_now
    assert [contact.role for contact in closed.contacts] == ["emergency", "service"]
    opened = await firms.coverage(shop.pool, one.device_id, now + 10 * HOUR)
    assert opened.open_now
    assert [contact.role for contact in opened.contacts] == ["service", "emergency"]
    assert not (await firms.coverage(shop.pool, other.device_id, now)).covered
    assert not (await firms.coverage(shop.pool, one.device_id, now + 366 * DAY)).covered
    await agree(shop, [Covered(contract_id="c2", model_id=one.model_id)], contract_id="c2", number="V 2",
                response_hours=2)  # fmt: skip
    by_model = await firms.coverage(shop.pool, other.device_id, now)
    assert by_model.by is not None
    assert by_model.by.contract.contract_id == "c2"
    assert await store.machines(shop.pool, "c2") == [one.device_id, other.device_id]
    (line,) = await store.lines(shop.pool, now)
    assert (line.contracts, line.machines) == (2, 2)
    async with shop.acting(TECHNICIAN) as conn:
        resource = await shop.record.current(conn, "Contract", "c1")
        organization = await shop.record.current(conn, "Organization", "acme")
    assert resource is not None
    assert resource["subject"] == [{"reference": f"Device/{one.device_id}"}]
    assert organization is not None
    assert len(organization["contact"]) == 3


async def test_warranty_covers_and_a_purchase_contract_does_not(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1, warranty_ends=shop.clock.now() + DAY, vendor="Acme Service")
    await firm(shop)
    await agree(shop, [Covered(contract_id="c1", device_id=asset.device_id)], kind="purchase")
    answer = await firms.coverage(shop.pool, asset.device_id, shop.clock.now())
    assert (answer.covered, answer.by, answer.warranty) == (True, None, "Acme Service")
    assert [contact.role for contact in answer.contacts] == ["service", "emergency"]
    assert not (await firms.coverage(shop.pool, asset.device_id, shop.clock.now() + 2 * DAY)).covered


@pytest.mark.parametrize(
    ("field", "value"),
    [("number", " "), ("kind", "gift"), ("ends", 1), ("hours", "always"), ("hours", "mo 09:00-08:00"), ("zone", "Mars"),
     ("holidays", ("25.12.",)), ("response_hours", float("nan")), ("uptime", 100.5), ("price_year", Decimal("NaN")),
     ("price_year", Decimal(5)), ("vendor_id", "nobody")],
)  # fmt: skip
async def test_a_contract_that_cannot_be_is_refused_with_where(shop: Shop, field: str, value: object) -> None:
    await firm(shop)
    with pytest.raises(Exception, match=r".+") as refused:
        await agree(shop, **{field: value})
    assert isinstance(refused.value, Invalid) or field == "vendor_id"


async def test_response_is_measured_in_service_hours_and_uptime_from_the_life_cycle(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    (asset,) = await stock(1)
    await firm(shop)
    contract = await agree(shop, [Covered(contract_id="c1", device_id=asset.device_id)], hours="mo-fr 08:00-16:00",
                           response_hours=2, repair_hours=8, uptime=99.0, starts=clock.now())  # fmt: skip
    await clock.advance(15 * 3600)  # Thursday 15:00
    async with shop.acting(TECHNICIAN) as conn:
        await move(shop, conn, asset.device_id, "in-repair", TECHNICIAN, {"fault": "E 1"})
        call = await firms.open_call(shop, conn, asset.device_id, "E 1 again", TECHNICIAN)
        assert call.contract_id == "c1"
    await clock.advance(18 * 3600)  # Friday 09:00: two service hours later
    async with shop.acting(TECHNICIAN) as conn:
        await firms.mark(shop, conn, call.call_id, "answered")
        with pytest.raises(Conflict):
            await firms.mark(shop, conn, call.call_id, "answered")
        with pytest.raises(Invalid):
            await firms.mark(shop, conn, call.call_id, "on_site", at=call.opened)
    await clock.advance(3 * 24 * 3600)  # Monday 09:00: 1 + 8 + 1 service hours after the call
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Invalid):
            await firms.mark(shop, conn, call.call_id, "resolved")
        await firms.mark(shop, conn, call.call_id, "resolved", resolution="new board")
        await move(shop, conn, asset.device_id, "in-service", TECHNICIAN, {"work": "W 1", "test": "passed"})
        communication = await shop.record.current(conn, "Communication", call.call_id)
    assert communication is not None
    assert communication["about"] == [{"reference": f"Device/{asset.device_id}"}]
    found = await firms.compliance(shop.pool, contract, 0, clock.now())
    assert (found.calls, found.response_met, found.response_missed) == (1, 1, 0)
    assert (found.repair_met, found.repair_missed, found.mean_repair) == (0, 1, 10.0)
    assert found.uptime == pytest.approx(100 * 15 / 105, abs=0.001)
    assert found.uptime_kept is False
    told = await about.events(shop.pool, asset.device_id)
    assert [event.kind for event in told] == ["vendor"] * 3


async def session(shop: Shop, assets: list[Asset], **fields: object) -> Session:
    now = shop.clock.now()
    given = {"vendor_id": "acme", "person": "Eva Fern", "purpose": "logs", "starts": now, "stops": now + 2 * HOUR,
             "device_ids": [one.device_id for one in assets], "by": TECHNICIAN, **fields}  # fmt: skip
    by = given.pop("by")
    async with shop.acting(by) as conn:  # type: ignore[arg-type]
        return await access.request(shop, conn, by, **given)  # type: ignore[arg-type]


async def test_a_session_is_approved_by_another_of_it_and_ends_by_the_clock(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    found = await stock(1)
    await firm(shop)
    one = await session(shop, found, by=OPERATOR)
    async with shop.acting(OPERATOR) as conn:
        with pytest.raises(Forbidden, match="does not approve"):
            await access.decide(shop, conn, one.access_id, OPERATOR, approve=True)
        with pytest.raises(Conflict):
            await access.start(shop, conn, one.access_id, OPERATOR)
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Forbidden, match="by IT"):
            await access.decide(shop, conn, one.access_id, TECHNICIAN, approve=True)
    async with shop.acting(SECOND_OPERATOR) as conn:
        await access.decide(shop, conn, one.access_id, SECOND_OPERATOR, approve=True)
        with pytest.raises(Conflict):
            await access.decide(shop, conn, one.access_id, SECOND_OPERATOR, approve=False, reason="late")
    async with shop.acting(TECHNICIAN) as conn:
        await access.inform(shop, conn, one.access_id, TECHNICIAN)
    assert await access.active(shop.pool, clock.now()) == []
    async with shop.acting(OPERATOR) as conn:
        await access.start(shop, conn, one.access_id, OPERATOR)
        with pytest.raises(Invalid, match="SHA-256"):
            await access.record(shop, conn, one.access_id, OPERATOR, "log taken", file="a.log", digest="abc")
        await access.record(shop, conn, one.access_id, OPERATOR, "log taken", file="a.log", digest="A" * 64)
        resource = await shop.record.current(conn, "Communication", one.access_id)
    assert resource is not None
    assert resource["status"] == "in-progress"
    assert [s.access_id for s in await access.active(shop.pool, clock.now())] == [one.access_id]
    await clock.advance(2 * 3600)
    assert await access.active(shop.pool, clock.now()) == []
    page = await access.page(shop.pool, one.access_id, clock.now())
    assert (page.state, page.session.informed_name, len(page.entries)) == ("expired", "Technician", 2)
    async with shop.acting(OPERATOR) as conn:
        ended = await access.end(shop, conn, one.access_id, OPERATOR, "logs read, nothing changed")
        with pytest.raises(Conflict):
            await access.end(shop, conn, one.access_id, OPERATOR, "again")
    assert ended.ended_at == one.stops
    with pytest.raises(Exception, match="append"):
        async with shop.acting(OPERATOR) as conn:
            await conn.execute("UPDATE access_entry SET text = 'nothing'")


async def test_no_session_on_a_machine_with_a_patient_unless_somebody_confirms(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    (asset,) = await stock(1)
    await firm(shop)
    await on_patient(shop, asset)
    one = await session(shop, [asset])
    with pytest.raises(Conflict, match="is on a patient in") as refused:
        async with shop.acting(OPERATOR) as conn:
            await access.decide(shop, conn, one.access_id, OPERATOR, approve=True)
    assert "Meyer" not in refused.value.message
    async with shop.acting(ADMINISTRATOR) as conn:
        with pytest.raises(Forbidden):
            await access.confirm(shop, conn, one.access_id, asset.device_id, ADMINISTRATOR, "fine")
    async with shop.acting(NURSE) as conn:
        await access.confirm(shop, conn, one.access_id, asset.device_id, NURSE, "second pump stands by")
    async with shop.acting(OPERATOR) as conn:
        await access.decide(shop, conn, one.access_id, OPERATOR, approve=True)
    await clock.advance(60)
    async with shop.acting(NURSE) as conn:  # another patient comes: what was confirmed holds no more
        await shop.record.put(conn, [{"resourceType": "Patient", "id": "pat-78", "name": [{"family": "Neu"}]}])
        await binding.bind(shop.parts, conn, asset.device_id, "pat-78", by="Nurse")
    with pytest.raises(Conflict, match="is on a patient"):
        async with shop.acting(OPERATOR) as conn:
            await access.start(shop, conn, one.access_id, OPERATOR)


async def test_an_emergency_opens_at_once_and_is_reviewed_by_somebody_else(shop: Shop, stock: Stocked) -> None:
    found = await stock(1)
    await firm(shop)
    for wrong in ({"emergency": "short"}, {"emergency": "pump fleet is down", "stops": shop.clock.now() + 3 * HOUR}):
        with pytest.raises(Invalid):
            await session(shop, found, by=OPERATOR, **wrong)
    with pytest.raises(Forbidden):
        await session(shop, found, by=ADMINISTRATOR, emergency="pump fleet is down")
    one = await session(shop, found, by=OPERATOR, emergency="pump fleet is down")
    assert len(await access.active(shop.pool, shop.clock.now())) == 1
    async with shop.acting(OPERATOR) as conn:
        with pytest.raises(Forbidden):
            await access.review(shop, conn, one.access_id, OPERATOR, "all fine")
    async with shop.acting(TECHNICIAN) as conn:
        reviewed = await access.review(shop, conn, one.access_id, TECHNICIAN, "was needed")
    assert reviewed.reviewed_name == "Technician"


@pytest.mark.parametrize(
    "wrong", [{"stops": 5}, {"starts": 10**18, "stops": 10**18 + 1}, {"person": ""}, {"device_ids": []},
              {"device_ids": ["nobody"]}]
)  # fmt: skip
async def test_a_window_that_cannot_be_is_refused(shop: Shop, stock: Stocked, wrong: dict[str, object]) -> None:
    found = await stock(1)
    await firm(shop)
    with pytest.raises(Invalid):
        await session(shop, found, **wrong)


def full(points: int, **changed: int) -> list[Answer]:
    return [
        Answer(question=q.id, points=changed.get(q.id.replace(".", "_"), points))
        for section in offers.form().section for q in section.question
    ]  # fmt: skip


async def test_vendors_are_compared_for_a_need_and_a_knock_out_has_no_place(shop: Shop) -> None:
    for ident in ("acme", "bolt", "cray"):
        await firm(shop, ident, ident.title())
    async with shop.acting(PHYSICIAN) as conn:
        need = await needs.ask(shop, conn, PHYSICIAN, title="Pumps", department="ICU", count=1, reason="old")
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Invalid, match="offer"):
            await offers.answer(shop, conn, need.need_id, "acme", TECHNICIAN, full(3))
        for ident, price in (("acme", 900), ("bolt", 800), ("cray", 100)):
            await offers.offer(shop, conn, need.need_id, ident, product="P", price=Decimal(price), currency="EUR")
        await offers.answer(shop, conn, need.need_id, "acme", TECHNICIAN, full(3))
        await offers.answer(shop, conn, need.need_id, "bolt", TECHNICIAN, full(4))
        await offers.answer(shop, conn, need.need_id, "cray", TECHNICIAN, full(4, security_remote=1))
        resource = await shop.record.current(conn, "QuestionnaireResponse", f"{need.need_id}-bolt")
    assert resource is not None
    assert resource["subject"] == {"reference": "Organization/bolt"}
    _, columns = await offers.compare(shop.pool, need.need_id)
    assert [(one.vendor.vendor_id, one.rank) for one in columns] == [("bolt", 1), ("acme", 2), ("cray", None)]
    assert columns[2].score.blocking == ("security.remote",)


async def test_the_whole_cost_of_a_machine_is_price_share_work_and_what_was_entered(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    now = clock.now()
    one, _ = await stock(2, price=Decimal(10_000), currency="EUR", bought=now)
    await firm(shop)
    await agree(shop, [Covered(contract_id="c1", model_id=one.model_id)], starts=now, price_year=Decimal("730.50"),
                currency="EUR")  # fmt: skip
    await clock.advance(100 * 24 * 3600)
    later = clock.now()
    async with shop.acting(TECHNICIAN) as conn:
        await cost.enter(shop, conn, one.device_id, TECHNICIAN, kind="energy", amount=Decimal(20), currency="EUR",
                         since=later - 10 * DAY, until=later + 10 * DAY)  # fmt: skip
    found = await cost.ownership(shop.pool, [one.device_id], later)
    amounts = {line.kind: line.amount for line in found.lines}
    assert amounts == {"purchase": Decimal(10_000), "contract": Decimal("100.00"), "energy": Decimal("10.00")}
    assert found.sums == {"EUR": Decimal("10110.00")}
    assert found.a_year["EUR"] == (Decimal("10110.00") * Decimal("365.25") / 100).quantize(Decimal("0.01"))
    assert found.an_hour == {}


async def test_a_plan_lists_the_most_urgent_first_and_keeps_what_was_decided(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    now = clock.now()
    old, new = await stock(2, price=Decimal(1000), currency="EUR", bought=now - 3000 * DAY, support_ends=now - DAY)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.change(shop, conn, new.device_id, bought=now - DAY)
    rows = await plan.judged(shop.pool, now)
    assert [one.machine.device_id for one in rows] == [old.device_id, new.device_id]
    assert (rows[0].support.state, rows[0].terms["support"], rows[0].terms["failures"]) == ("ended", 100, 0)
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Invalid):
            await plan.decide(shop, conn, [new.device_id], 1999, TECHNICIAN)
        await plan.decide(shop, conn, [new.device_id], 2028, TECHNICIAN, budget=Decimal(1500), currency="EUR")
    decided = await plan.judged(shop.pool, now, [new.device_id])
    assert decided[0].proposed == 2028
    assert [(one.year, one.money) for one in plan.budgets(decided)] == [(2028, {"EUR": Decimal(1500)})]


async def test_supported_without_a_known_end_is_not_unknown(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    now = shop.clock.now()
    async with shop.acting(OPERATOR) as conn:
        with pytest.raises(Invalid):
            await support.say(shop, conn, asset.model_id, OPERATOR, support="open", support_ends=now,
                              security="unknown", security_ends=None, source="letter")  # fmt: skip
        await support.say(shop, conn, asset.model_id, OPERATOR, support="open", support_ends=None, security="dated",
                          security_ends=now + 10 * DAY, source="letter of May")  # fmt: skip
    (row,) = await plan.judged(shop.pool, now)
    assert (row.machine.support, row.support.state) == ("open", "ends")
    said = await support.of_model(shop.pool, asset.model_id)
    assert said is not None
    assert support.state(said.support, None, now).state == "open"
    assert support.state("unknown", None, now).state == "unknown"


async def test_what_the_clock_changes_comes_into_the_record(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    (asset,) = await stock(1)
    await firm(shop)
    await agree(shop, [Covered(contract_id="c1", device_id=asset.device_id)], ends=clock.now() + HOUR)
    one = await session(shop, [asset], by=OPERATOR, emergency="pump fleet is down")
    assert await keep(shop) == 0
    await clock.advance(3 * 3600)
    assert await keep(shop) == 2
    assert await keep(shop) == 0
    async with shop.acting(OPERATOR) as conn:
        communication = await shop.record.current(conn, "Communication", one.access_id)
        contract = await shop.record.current(conn, "Contract", "c1")
    assert communication is not None
    assert communication["status"] == "completed"
    assert contract is not None
    assert contract["status"] == "terminated"
