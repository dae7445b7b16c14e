"""Machines moved through the real register, record, log and wire."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from tests.equipment.conftest import ADMINISTRATOR, NURSE, OPERATOR, PHYSICIAN, TECHNICIAN, Stocked, person

from wardbridge.core.clock import FakeClock
from wardbridge.core.errors import Conflict, Forbidden, Invalid, NotFound
from wardbridge.devices import binding, fleet
from wardbridge.devices.values import Identity
from wardbridge.equipment.lifecycle import about, inspection, needs, sanitise
from wardbridge.equipment.lifecycle.moves import admit, choices, disagreeing, move, move_all
from wardbridge.equipment.lifecycle.sanitise import Order
from wardbridge.equipment.lifecycle.store import moves as store
from wardbridge.equipment.lifecycle.table import table
from wardbridge.equipment.lifecycle.values import Answer
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.store import assets, now
from wardbridge.equipment.register.values import WIRE, Asset, Model
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM

SECOND_TECHNICIAN = person("technician", "Second")
PATIENT = "pat-77"


async def heard(shop: Shop, asset: Asset) -> None:
    """The machine speaks for the first time."""
    async with shop.acting(SYSTEM) as conn:
        said = Identity(key=f"wire-{asset.device_id}", model="Flow 3", serial=asset.serial)
        await fleet.first_sight(shop.parts, conn, said.key, "mllp", said, shop.clock.now())


async def on_patient(shop: Shop, asset: Asset) -> None:
    """The machine is heard, and bound to a patient."""
    await heard(shop, asset)
    async with shop.acting(NURSE) as conn:
        await shop.record.put(conn, [{"resourceType": "Patient", "id": PATIENT, "name": [{"family": "Meyer"}]}])
        await binding.bind(shop.parts, conn, asset.device_id, PATIENT, by="Nurse")


async def admission(shop: Shop, asset: Asset) -> str:
    return str(await shop.pool.fetchval("SELECT state FROM device WHERE device_id = $1", asset.device_id))


async def test_a_move_is_written_to_register_record_log_and_wire(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    (asset,) = await stock(1)
    await heard(shop, asset)
    assert await admission(shop, asset) == "accepted"
    await clock.advance(60)
    async with shop.acting(TECHNICIAN) as conn:
        made = await move(shop, conn, asset.device_id, "in-repair", TECHNICIAN, {"fault": "WO 17: battery"})
        provenance = await shop.record.current(conn, "Provenance", made.move_id)
        device = await shop.record.current(conn, "Device", asset.device_id)
    (after,) = await assets(shop.pool, [asset.device_id])
    assert (after.state, after.state_since, after.version) == ("in-repair", clock.now(), asset.version + 1)
    assert await admission(shop, asset) == "workshop"
    assert provenance is not None
    assert provenance["target"] == [{"reference": f"Device/{asset.device_id}"}]
    assert device is not None
    assert {"url": "https://wardbridge.org/fhir/StructureDefinition/device-lifecycle", "valueCode": "in-repair"} in (
        device["extension"]
    )
    (event,) = await about.events(shop.pool, asset.device_id)
    assert (event.kind, event.by, "WO 17" in event.text) == ("state", "Technician", True)
    logged = await shop.pool.fetch("SELECT actor, device_id FROM change WHERE table_name = 'move'")
    assert [tuple(row) for row in logged] == [(TECHNICIAN.id, asset.device_id)]


async def test_without_evidence_nothing_moves_and_the_answer_says_what_is_missing(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1, state="in-repair")
    with pytest.raises(Conflict, match=r"Work order.*\[work\].*test.*\[test\]") as refused:
        async with shop.acting(TECHNICIAN) as conn:
            await move(shop, conn, asset.device_id, "in-service", TECHNICIAN, {"work": " "})
    assert refused.value.where == "work"
    (after,) = await assets(shop.pool, [asset.device_id])
    assert after.state == "in-repair"
    assert not await store.of_device(shop.pool, asset.device_id)


async def test_no_code_path_changes_a_state_past_the_table(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    with pytest.raises(Exception, match="without a move"):
        async with shop.acting(TECHNICIAN) as conn:
            await desk.change(shop, conn, asset.device_id, state="disposed")
    async with shop.acting(TECHNICIAN) as conn:
        await move(shop, conn, asset.device_id, "missing", TECHNICIAN, {"searched": "ICU and store"})
    with pytest.raises(Exception, match="append"):
        async with shop.acting(TECHNICIAN) as conn:
            await conn.execute("DELETE FROM move")


async def test_who_may_not_and_what_does_not_exist(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    async with shop.acting(NURSE) as conn:
        with pytest.raises(Forbidden):
            await move(shop, conn, asset.device_id, "in-repair", NURSE, {"fault": "broken"})
        with pytest.raises(NotFound):
            await move(shop, conn, "nobody", "in-repair", TECHNICIAN, {"fault": "broken"})
        with pytest.raises(Conflict, match="no move leads from in-service to disposed"):
            await move(shop, conn, asset.device_id, "disposed", TECHNICIAN, {"receipt": "all"})
    async with shop.acting(OPERATOR) as conn:
        assert (await move(shop, conn, asset.device_id, "quarantined", OPERATOR, {"reason": "odd peer"})).wire == ""


@pytest.mark.parametrize("to", ["in-repair", "quarantined", "retired", "missing"])
async def test_a_machine_on_a_patient_leaves_only_when_taken_off(shop: Shop, stock: Stocked, to: str) -> None:
    (asset,) = await stock(1)
    await on_patient(shop, asset)
    said = {"fault": "alarm 12", "reason": "planned", "searched": "everywhere"}
    with pytest.raises(Conflict, match="in use in") as refused:
        async with shop.acting(TECHNICIAN) as conn:
            await move(shop, conn, asset.device_id, to, TECHNICIAN, said)
    assert refused.value.where == "taken-off"
    assert "01" in refused.value.message
    assert "Meyer" not in refused.value.message
    assert PATIENT not in refused.value.message
    if to == "missing":  # the wire is left alone, so the patient's binding itself must end
        with pytest.raises(Conflict, match="still in use"):
            async with shop.acting(TECHNICIAN) as conn:
                await move(shop, conn, asset.device_id, to, TECHNICIAN, said | {"taken-off": "N. at 10:00"})
        return
    async with shop.acting(TECHNICIAN) as conn:
        await move(shop, conn, asset.device_id, to, TECHNICIAN, said | {"taken-off": "by Nurse N. at 10:00"})
    (machine,) = await now(shop.pool, [asset.device_id])
    assert not machine.in_use
    assert machine.admission == WIRE[to]


async def test_a_recall_does_not_take_a_machine_off_its_patient(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    await on_patient(shop, asset)
    async with shop.acting(OPERATOR) as conn:
        await move(shop, conn, asset.device_id, "recalled", OPERATOR, {"advisory": "Z-1234-2026"})
    (machine,) = await now(shop.pool, [asset.device_id])
    assert (machine.state, machine.in_use, machine.admission) == ("recalled", True, "accepted")


async def test_what_is_owed_adds_up_until_it_is_in_service_again(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    async with shop.acting(TECHNICIAN) as conn:
        for to, said in (("recalled", {"advisory": "Z-1"}), ("quarantined", {"reason": "wait for parts"}),
                         ("in-repair", {"fault": "new board"})):  # fmt: skip
            await move(shop, conn, asset.device_id, to, TECHNICIAN, said)
        with pytest.raises(Conflict, match="remedied"):
            await move(shop, conn, asset.device_id, "in-service", TECHNICIAN,
                       {"work": "WO 9", "test": "passed", "release": "cleared"})  # fmt: skip
        await move(shop, conn, asset.device_id, "in-service", TECHNICIAN,
                   {"work": "WO 9", "test": "passed", "release": "cleared", "remedy": "board B"})  # fmt: skip
        await move(shop, conn, asset.device_id, "maintenance-due", SYSTEM, {"due": "yearly check"})
        await move(shop, conn, asset.device_id, "in-service", TECHNICIAN, {"work": "WO 10"})


async def test_a_machine_that_is_first_heard_in_the_workshop_is_nobodys(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    async with shop.acting(TECHNICIAN) as conn:
        await move(shop, conn, asset.device_id, "in-repair", TECHNICIAN, {"fault": "WO 17"})
    await heard(shop, asset)
    assert await admission(shop, asset) == "workshop"
    assert not await disagreeing(shop.pool)
    async with shop.acting(TECHNICIAN) as conn:
        await fleet.accept(shop.parts, conn, asset.device_id, "somebody past the register")
    assert await disagreeing(shop.pool) == [(asset.device_id, "in-repair", "accepted")]


async def test_many_machines_move_in_few_statements(shop: Shop, stock: Stocked) -> None:
    found = await stock(20)
    async with shop.acting(SYSTEM) as conn:
        ids = [one.device_id for one in found]
        made = await move_all(shop, conn, ids, "maintenance-due", SYSTEM, {"due": "PM"})
    assert {one.to_state for one in made} == {"maintenance-due"}
    states = {one.state for one in await assets(shop.pool, [one.device_id for one in found])}
    assert states == {"maintenance-due"}


def points(**changed: Answer) -> list[Answer]:
    """A full answer to every question, with some changed."""
    asked = [question.id for section in needs.form().section for question in section.question]
    return [changed.get(ident.replace(".", "_").replace("-", "_"), Answer(question=ident, points=3)) for ident in asked]


async def wanted(shop: Shop, **fields: object) -> str:
    async with shop.acting(PHYSICIAN) as conn:
        given = {"title": "Infusion pumps", "department": "ICU", "count": 2, "reason": "old ones fail", **fields}
        need = await needs.ask(shop, conn, PHYSICIAN, **given)  # type: ignore[arg-type]
    return need.need_id


async def signed(shop: Shop, need_id: str) -> None:
    for side, by in (("clinical", PHYSICIAN), ("biomed", TECHNICIAN), ("it", OPERATOR)):
        async with shop.acting(by) as conn:
            await needs.sign(shop, conn, need_id, side, by)


async def test_a_need_is_ordered_only_with_an_assessment_that_all_sides_signed(shop: Shop) -> None:
    need_id = await wanted(shop)
    order = {"order": "PO 4711", "supplier": "Acme"}
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Conflict, match="Every question"):
            await needs.move(shop, conn, need_id, "assessed", TECHNICIAN, {})
        with pytest.raises(Conflict, match="missing or block"):
            await needs.sign(shop, conn, need_id, "biomed", TECHNICIAN)
        blocked = points(security_sbom=Answer(question="security.sbom", points=0))
        stands = await needs.answer(shop, conn, need_id, TECHNICIAN, blocked)
        assert stands.score.blocking == ("security.sbom",)
        with pytest.raises(Conflict):
            await needs.move(shop, conn, need_id, "assessed", TECHNICIAN, {})
        excepted = Answer(question="security.sbom", points=0, exception="isolated VLAN, SBOM by May in the contract")
        stands = await needs.answer(shop, conn, need_id, TECHNICIAN, [excepted])
        assert stands.score.ready
        await needs.move(shop, conn, need_id, "assessed", TECHNICIAN, {})
        with pytest.raises(Conflict, match="Signatures"):
            await needs.move(shop, conn, need_id, "ordered", TECHNICIAN, order)
    await signed(shop, need_id)
    async with shop.acting(OPERATOR) as conn:
        await needs.answer(shop, conn, need_id, OPERATOR, [Answer(question="security.network", points=1)])
        need = await needs.find(conn, need_id)
        assert (await needs.assessment(conn, need)).valid.keys() == {"clinical"}
        with pytest.raises(Conflict, match="Signatures"):
            await needs.move(shop, conn, need_id, "ordered", OPERATOR, order)
    async with shop.acting(TECHNICIAN) as conn:
        await needs.sign(shop, conn, need_id, "biomed", TECHNICIAN)
    async with shop.acting(OPERATOR) as conn:
        await needs.sign(shop, conn, need_id, "it", OPERATOR)
        need = await needs.move(shop, conn, need_id, "ordered", OPERATOR, order)
        request = await shop.record.current(conn, "SupplyRequest", need_id)
        response = await shop.record.current(conn, "QuestionnaireResponse", f"{need_id}-assessment")
    assert (need.state, need.order_number, need.vendor) == ("ordered", "PO 4711", "Acme")
    assert request is not None
    assert request["status"] == "active"
    assert response is not None
    assert response["status"] == "completed"
    with pytest.raises(Conflict, match="closed"):
        async with shop.acting(OPERATOR) as conn:
            await needs.answer(shop, conn, need_id, OPERATOR, [Answer(question="security.network", points=4)])


async def test_one_person_signs_for_one_side(shop: Shop) -> None:
    need_id = await wanted(shop)
    both = person("operator", "Both")
    both = type(both)(both.id, both.display, "user", frozenset({"operator", "technician"}))
    async with shop.acting(both) as conn:
        await needs.answer(shop, conn, need_id, both, points())
        await needs.sign(shop, conn, need_id, "biomed", both)
        with pytest.raises((Conflict, Forbidden)):
            await needs.sign(shop, conn, need_id, "it", both)


async def test_what_is_not_on_the_network_is_not_asked_about_it(shop: Shop) -> None:
    need_id = await wanted(shop, networked=False)
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Invalid):
            await needs.answer(shop, conn, need_id, TECHNICIAN, [Answer(question="security.mds2", points=1)])
        with pytest.raises(Invalid, match="why"):
            await needs.answer(shop, conn, need_id, TECHNICIAN, [Answer(question="cost.budget", points=None)])


async def ordered(shop: Shop, count: int = 2) -> str:
    need_id = await wanted(shop, count=count)
    async with shop.acting(TECHNICIAN) as conn:
        await desk.add_models(shop, conn, [Model(model_id="m", manufacturer="Acme", name="Flow 3")])
        await needs.answer(shop, conn, need_id, TECHNICIAN, points())
    await signed(shop, need_id)
    async with shop.acting(TECHNICIAN) as conn:
        await needs.move(shop, conn, need_id, "assessed", TECHNICIAN, {})
        await needs.move(shop, conn, need_id, "ordered", TECHNICIAN, {"order": "PO 1", "supplier": "Acme"})
    return need_id


async def test_what_was_ordered_arrives_by_serial_or_udi(shop: Shop) -> None:
    need_id = await ordered(shop)
    udi = "(01)09506000117843(11)141231(17)150707(10)12345AB(21)5414321"
    async with shop.acting(TECHNICIAN) as conn:
        (first,) = await needs.receive(shop, conn, need_id, "m", TECHNICIAN, [needs.Ordered(udi=udi)], "DN 1")
        assert (first.serial, first.di, first.lot, first.state) == ("5414321", "09506000117843", "12345AB", "received")
        assert (await needs.find(conn, need_id)).state == "ordered"
        with pytest.raises(Invalid, match="already"):
            await needs.receive(shop, conn, need_id, "m", TECHNICIAN, [needs.Ordered(serial="5414321")], "DN 2")
        with pytest.raises(Conflict, match="1 of 2"):
            await needs.receive(shop, conn, need_id, "m", TECHNICIAN,
                                [needs.Ordered(serial="a"), needs.Ordered(serial="b")], "DN 2")  # fmt: skip
        with pytest.raises(Invalid, match="serial"):
            await needs.receive(shop, conn, need_id, "m", TECHNICIAN, [needs.Ordered(tag="x")], "DN 2")
        await needs.receive(shop, conn, need_id, "m", TECHNICIAN, [needs.Ordered(serial="a")], "DN 2")
        assert (await needs.find(conn, need_id)).state == "received"
    (arrival,) = await store.of_device(shop.pool, first.device_id)
    assert (arrival.from_state, arrival.to_state) == ("ordered", "received")
    life = await about.about(shop, first.device_id, TECHNICIAN)
    assert life.need is not None
    assert life.need.need_id == need_id


def passed(networked: bool = True) -> list[tuple[str, str, Decimal | None, str]]:
    return [
        (one.id, "pass", Decimal("0.1") if one.limit is not None else None, "")
        for one in inspection.checklist().asked(networked=networked)
    ]


async def test_a_machine_is_accepted_when_every_item_passed_or_a_second_person_agreed(shop: Shop) -> None:
    need_id = await ordered(shop, 1)
    async with shop.acting(TECHNICIAN) as conn:
        (asset,) = await needs.receive(shop, conn, need_id, "m", TECHNICIAN, [needs.Ordered(serial="s")], "DN 1")
        with pytest.raises(Conflict, match="open incoming inspection"):
            await move(shop, conn, asset.device_id, "inspection", TECHNICIAN)
        opened = await inspection.begin(shop, conn, asset.device_id, TECHNICIAN)
        assert opened.networked
        with pytest.raises(Conflict, match="passed incoming inspection"):
            await move(shop, conn, asset.device_id, "accepted", TECHNICIAN)
        await inspection.enter(shop, conn, opened.inspection_id, TECHNICIAN, passed()[1:])
        with pytest.raises(Conflict, match="identity"):
            await inspection.close(shop, conn, opened.inspection_id, TECHNICIAN)
        found = [("identity", "pass", None, ""), ("earth", "pass", Decimal("0.4"), "")]
        items = await inspection.enter(shop, conn, opened.inspection_id, TECHNICIAN, found)
        assert next(one.result for one in items if one.item == "earth") == "fail"
        with pytest.raises(Conflict, match="earth"):
            await inspection.close(shop, conn, opened.inspection_id, TECHNICIAN)
        with pytest.raises(Forbidden):
            await inspection.deviate(shop, conn, opened.inspection_id, "earth", TECHNICIAN, "long cable")
    async with shop.acting(SECOND_TECHNICIAN) as conn:
        await inspection.deviate(shop, conn, opened.inspection_id, "earth", SECOND_TECHNICIAN, "long cable measured")
        await inspection.close(shop, conn, opened.inspection_id, SECOND_TECHNICIAN)
        with pytest.raises(Conflict, match="Handed over"):
            await move(shop, conn, asset.device_id, "in-service", SECOND_TECHNICIAN)
        await move(shop, conn, asset.device_id, "in-service", SECOND_TECHNICIAN, {"handover": "ICU, sister M."})


async def test_a_failed_inspection_sends_it_back_and_the_next_one_counts(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1, state="received")
    async with shop.acting(TECHNICIAN) as conn:
        first = await inspection.begin(shop, conn, asset.device_id, TECHNICIAN)
        await inspection.close(shop, conn, first.inspection_id, TECHNICIAN, back="screen broken")
        assert (await assets(conn, [asset.device_id]))[0].state == "received"
        second = await inspection.begin(shop, conn, asset.device_id, TECHNICIAN)
        with pytest.raises(Conflict, match="open already"):
            await inspection.begin(shop, conn, asset.device_id, TECHNICIAN)
        await inspection.enter(shop, conn, second.inspection_id, TECHNICIAN, passed(networked=False))
        await inspection.close(shop, conn, second.inspection_id, TECHNICIAN)
        await move(shop, conn, asset.device_id, "retired", TECHNICIAN, {"reason": "back to the vendor after all"})


WIPE = {"source": "pump", "before": "patient", "after": "public", "method": "purge", "technique": "cryptographic-erase",
        "tool": "nvme-cli", "tool_version": "2.11", "destination": "recycling", "place": "workshop"}  # fmt: skip


async def test_disposal_waits_for_a_verified_certificate_of_every_medium(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1, storage="yes")
    ident = asset.device_id
    async with shop.acting(TECHNICIAN) as conn:
        early = await sanitise.list_medium(shop, conn, ident, "nvme", "N1")
        await sanitise.certify(shop, conn, ident, TECHNICIAN, Order(media=(early.medium_id,), **WIPE))
    async with shop.acting(OPERATOR) as conn:
        (certificate,) = (await about.about(shop, ident, OPERATOR)).certificates
        await sanitise.verify(shop, conn, certificate.certificate_id, OPERATOR, verification="result", passed=True)
    shop.clock.set(shop.clock.now() + 1)  # type: ignore[attr-defined]
    async with shop.acting(TECHNICIAN) as conn:
        await move(shop, conn, ident, "retired", TECHNICIAN, {"reason": "worn out"})
        with pytest.raises(Conflict, match="verified certificate"):  # what was wiped before it retired counts no more
            await move(shop, conn, ident, "sanitised", TECHNICIAN)
        with pytest.raises(Conflict, match="without storage"):
            await move(shop, conn, ident, "disposed", TECHNICIAN, {"receipt": "R 1"})
        sd = await sanitise.list_medium(shop, conn, ident, "flash", "SD1")
        one = await sanitise.certify(shop, conn, ident, TECHNICIAN, Order(media=(early.medium_id,), **WIPE))
        with pytest.raises(Forbidden):
            await sanitise.verify(shop, conn, one.certificate_id, TECHNICIAN, verification="result", passed=True)
    async with shop.acting(OPERATOR) as conn:
        with pytest.raises(Invalid, match="how much"):
            await sanitise.verify(shop, conn, one.certificate_id, OPERATOR, verification="sample", passed=True)
        done = await sanitise.verify(shop, conn, one.certificate_id, OPERATOR, verification="sample",
                                     sampled=Decimal(10), passed=True)  # fmt: skip
        assert done.signature_id
        document = await shop.record.current(conn, "DocumentReference", one.certificate_id)
        assert document is not None
        assert document["docStatus"] == "final"
        with pytest.raises(Conflict):
            await sanitise.verify(shop, conn, one.certificate_id, OPERATOR, verification="result", passed=False)
        with pytest.raises(Forbidden):
            await move(shop, conn, ident, "sanitised", OPERATOR)
    async with shop.acting(TECHNICIAN) as conn:
        with pytest.raises(Conflict, match="verified certificate"):  # SD1 is not covered
            await move(shop, conn, ident, "sanitised", TECHNICIAN)
        await sanitise.remove_medium(conn, ident, sd.medium_id, "kept by pharmacy, box 4")
        await move(shop, conn, ident, "sanitised", TECHNICIAN)
        await move(shop, conn, ident, "disposed", TECHNICIAN, {"receipt": "R 1"})
        resource = await shop.record.current(conn, "Device", ident)
    assert resource is not None
    assert resource["status"] == "inactive"


async def test_only_a_model_without_storage_skips_sanitisation(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1, storage="no", state="retired")
    async with shop.acting(TECHNICIAN) as conn:
        medium = await sanitise.list_medium(shop, conn, asset.device_id, "flash", "found inside")
        with pytest.raises(Conflict, match="no medium listed"):
            await move(shop, conn, asset.device_id, "disposed", TECHNICIAN, {"receipt": "R 1"})
        await sanitise.remove_medium(conn, asset.device_id, medium.medium_id, "was the technician's own")
        await move(shop, conn, asset.device_id, "disposed", TECHNICIAN, {"receipt": "R 1"})
        assert not await choices(conn, asset.device_id, TECHNICIAN)


async def test_random_walks_leave_register_log_and_wire_in_agreement(shop: Shop, stock: Stocked) -> None:
    """Every order of moves that the table permits, tried at random on machines that are heard."""
    found = await stock(3, storage="no")
    for one in found:
        await heard(shop, one)
    dice, made = random.Random(7), {one.device_id: 0 for one in found}
    said = {name: f"said {name}" for name, ask in table().evidence.items() if ask.source == "said"}
    for _ in range(90):
        one, to = dice.choice(found), dice.choice(list(WIRE))
        shop.clock.set(shop.clock.now() + 1_000_000)  # type: ignore[attr-defined]
        try:
            async with shop.acting(ADMINISTRATOR) as conn:
                await move(shop, conn, one.device_id, to, ADMINISTRATOR, said)
            made[one.device_id] += 1
        except Conflict:
            continue
    assert sum(made.values()) > 10
    assert not await disagreeing(shop.pool)
    for one in found:
        history = list(reversed(await store.of_device(shop.pool, one.device_id)))
        assert len(history) == made[one.device_id]
        states = ["in-service", *(step.to_state for step in history)]
        assert [step.from_state for step in history] == states[:-1]
        (after,) = await assets(shop.pool, [one.device_id])
        assert after.state == states[-1]


async def test_an_admission_on_the_wire_is_a_move_of_a_registered_machine(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    await heard(shop, asset)
    async with shop.acting(TECHNICIAN) as conn:
        assert not await admit(shop, conn, asset.device_id, "accepted", TECHNICIAN, "")
        assert not await admit(shop, conn, "nobody entered it", "quarantined", TECHNICIAN, "odd")
        with pytest.raises(Conflict, match="Reason"):
            await admit(shop, conn, asset.device_id, "quarantined", TECHNICIAN, "")
        assert await admit(shop, conn, asset.device_id, "quarantined", TECHNICIAN, "odd peer")
        with pytest.raises(Invalid):
            await admit(shop, conn, asset.device_id, "gone", TECHNICIAN, "odd")
    assert await admission(shop, asset) == "quarantined"
    assert (await assets(shop.pool, [asset.device_id]))[0].state == "quarantined"
    assert not await disagreeing(shop.pool)
