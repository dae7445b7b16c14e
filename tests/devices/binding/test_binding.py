"""Corrections, claims, conflicts, late ADT and merges, down to the Observations of the record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pipeline.scene import HR, Scene, hint, reading, scene

from wardbridge.core.db import transaction
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.devices import binding, board, fleet
from wardbridge.devices.charting.issue import verify
from wardbridge.devices.store import pipeline as store


@pytest.fixture
async def ward(database: Any) -> AsyncIterator[Scene]:
    found = await scene(database.pool)
    yield found
    await found.intake.close()


async def measure(ward: Scene, *minutes: float, device: str = "MON1", mrn: str = "") -> None:
    for n in minutes:
        said = [hint(mrn)] if mrn else []
        await ward.put(*said, reading(HR, str(int(n) + 50), ward.minute(n)), device=device, received=ward.minute(n))
    await ward.work()


async def subjects(ward: Scene) -> list[tuple[str, str]]:
    """(hour and minute, number of the patient) of each standing Observation."""
    numbers = {f"Patient/{p['id']}": p["identifier"][0]["value"] for p in await ward.resources("Patient")}
    return [(o["effectiveDateTime"][11:16], numbers[o["subject"]["reference"]]) for o in await ward.observations()]


async def test_a_wrong_binding_is_put_right_in_the_record_with_a_trace(ward: Scene) -> None:
    device = await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.adt("A01", "200", 0, "2")
    await measure(ward, 1, 16, 31)
    wrong = (await board.patients_of(ward.pool, device))[0]
    right = await ward.patient("200")
    async with transaction(ward.pool) as conn:
        await binding.correct(ward.parts, conn, wrong.binding_id, right, by="Practitioner/n1", reason="swapped")
    found = await ward.observations(wrong=True)
    void = {o["id"]: o for o in found if o["status"] == "entered-in-error"}
    good = {o["id"]: o for o in found if o["status"] != "entered-in-error"}
    assert len(void) == len(good) == 3
    assert {o["subject"]["reference"] for o in good.values()} == {f"Patient/{right}"}
    assert {o["subject"]["reference"] for o in void.values()} == {f"Patient/{wrong.patient_id}"}
    assert len({o["identifier"][0]["value"] for o in found}) == 6
    trace = await ward.resources("Provenance")
    assert {p["target"][0]["reference"].removeprefix("Observation/") for p in trace} == set(good)
    assert {p["entity"][0]["what"]["reference"].removeprefix("Observation/") for p in trace} == set(void)
    assert trace[0]["agent"][0]["who"] == {"reference": "Practitioner/n1"}
    assert trace[0]["reason"] == [{"text": "swapped"}]
    await measure(ward, 46)
    assert await subjects(ward) == [("00:01", "200"), ("00:16", "200"), ("00:31", "200"), ("00:46", "200")]


async def test_a_late_transfer_corrects_what_was_charted_meanwhile(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await measure(ward, 1, 16, 31)
    await ward.adt("A02", "100", 10, "2", recorded=40)
    await ward.adt("A01", "200", 12, "1", recorded=41)
    await ward.work()
    assert await subjects(ward) == [("00:01", "100"), ("00:16", "200"), ("00:31", "200")]


async def test_a_cancelled_transfer_gives_the_values_back(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.adt("A02", "100", 10, "2")
    await measure(ward, 1, 16)
    assert await subjects(ward) == [("00:01", "100")]
    await ward.adt("A12", "100", 10, "1", recorded=20)
    await ward.work()
    assert await subjects(ward) == [("00:01", "100"), ("00:16", "100")]


async def test_unbound_values_are_kept_listed_and_claimed(ward: Scene) -> None:
    device = await ward.device()
    await ward.adt("A01", "100", 20, "2")
    await measure(ward, 1, 16, 31)
    assert await ward.observations() == []
    waiting = await board.unbound(ward.pool)
    assert [(u.device_id, u.count, u.reason) for u in waiting] == [(device, 3, "no patient in the place")]
    patient = await ward.patient("100")
    async with transaction(ward.pool) as conn:
        await binding.claim(ward.parts, conn, device, ward.minute(10), ward.minute(60), patient, by="nurse")
    assert await subjects(ward) == [("00:16", "100"), ("00:31", "100")]
    assert [u.count for u in await board.unbound(ward.pool)] == [1]


async def test_what_is_somebodys_cannot_be_claimed(ward: Scene) -> None:
    device = await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.adt("A01", "200", 0, "2")
    await measure(ward, 1)
    other = await ward.patient("200")
    with pytest.raises(Conflict, match="already belongs"):
        async with transaction(ward.pool) as conn:
            await binding.claim(ward.parts, conn, device, ward.minute(0.5), ward.minute(2), other, by="nurse")


async def test_two_patients_in_one_bed_are_nobodys_until_it_is_clear(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.adt("A01", "200", 10, "1")
    await measure(ward, 1, 16)
    assert await subjects(ward) == [("00:01", "100")]
    assert [c.conflict for c in await board.conflicts(ward.pool)] == ["place-shared"]
    bed = await board.bed(ward.pool, await ward.bed("1"))
    assert (bed.patient, len(bed.shared), bed.conflict) == (None, 2, True)
    await ward.adt("A03", "100", 9, recorded=30)
    await ward.work()
    assert await subjects(ward) == [("00:01", "100"), ("00:16", "200")]
    assert await board.conflicts(ward.pool) == []


async def test_a_device_that_names_another_patient_than_its_bed_wins_and_says_so(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.adt("A01", "200", 0, "2")
    await measure(ward, 1, mrn="200")
    assert await subjects(ward) == [("00:01", "200")]
    conflict = (await board.conflicts(ward.pool))[0]
    assert (conflict.conflict, conflict.others) == ("pid-place", (await ward.patient("100"),))


async def test_a_patient_whom_nobody_knows_yet_is_held_and_charted_when_known(ward: Scene) -> None:
    await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await measure(ward, 1, mrn="300")
    assert await ward.observations() == []
    assert [c.conflict for c in await board.conflicts(ward.pool)] == ["pid-unknown"]
    await ward.adt("A01", "300", 5, "3")
    await ward.work()
    assert await subjects(ward) == [("00:01", "300")]


async def test_a_late_message_with_a_new_patient_speaks_for_its_moment(ward: Scene) -> None:
    await ward.device(bed="")
    await ward.adt("A01", "100", 0, "1")
    await ward.adt("A01", "200", 0, "2")
    await measure(ward, 1, mrn="100")
    await measure(ward, 46, mrn="200")
    await measure(ward, 16, mrn="200")
    await measure(ward, 31)
    assert await subjects(ward) == [("00:01", "100"), ("00:16", "200"), ("00:31", "100"), ("00:46", "200")]


async def test_a_merge_moves_everything_to_the_survivor_without_calling_it_wrong(ward: Scene) -> None:
    device = await ward.device()
    await ward.adt("A01", "900", 0, "1", visit="E1")
    await measure(ward, 1, 16)
    old = await ward.patient("900")
    await ward.adt("A08", "100", 20)
    await ward.adt("A40", "100", 30, merged=["900"])
    await measure(ward, 31)
    survivor = await ward.patient("100")
    found = await ward.observations(wrong=True)
    assert [o["status"] for o in found] == ["preliminary"] * 3
    assert {o["subject"]["reference"] for o in found} == {f"Patient/{survivor}"}
    merged = {p["id"]: p for p in await ward.resources("Patient")}
    assert merged[old]["link"] == [{"other": {"reference": f"Patient/{survivor}"}, "type": "replaced-by"}]
    assert merged[old]["active"] is False
    assert merged[survivor]["link"][0]["type"] == "replaces"
    assert {b.patient_id for b in await board.patients_of(ward.pool, device)} == {survivor}
    assert await ward.resources("Provenance") == []
    await ward.adt("A03", "900", 40, visit="E1")
    await ward.work()
    assert {e["subject"]["reference"] for e in await ward.resources("Encounter")} == {f"Patient/{survivor}"}
    assert (await board.bed(ward.pool, await ward.bed("1"))).patient is None


async def test_taking_off_and_giving_back_by_hand(ward: Scene) -> None:
    device = await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await measure(ward, 1)
    async with transaction(ward.pool) as conn:
        await binding.unbind(ward.parts, conn, device, by="nurse", at=ward.minute(10))
    await measure(ward, 16)
    async with transaction(ward.pool) as conn:
        await binding.release(ward.parts, conn, device, by="nurse", at=ward.minute(20))
    await measure(ward, 31)
    assert await subjects(ward) == [("00:01", "100"), ("00:31", "100")]


async def test_a_verified_value_is_final_and_loses_that_with_its_patient(ward: Scene) -> None:
    device = await ward.device()
    await ward.adt("A01", "100", 0, "1")
    await ward.adt("A01", "200", 0, "2")
    await measure(ward, 1)
    first = (await ward.observations())[0]["id"]
    async with transaction(ward.pool) as conn:
        await verify(ward.parts, conn, first, "Practitioner/n1")
        await verify(ward.parts, conn, first, "Practitioner/n2")
    seen = (await ward.observations())[0]
    assert (seen["status"], seen["performer"]) == ("final", [{"reference": "Practitioner/n1"}])
    async with transaction(ward.pool) as conn:
        await binding.bind(ward.parts, conn, device, await ward.patient("200"), by="nurse", at=ward.minute(0.5))
    again = (await ward.observations())[0]
    assert (again["status"], "performer" in again) == ("preliminary", False)
    with pytest.raises(NotFound):
        async with transaction(ward.pool) as conn:
            await verify(ward.parts, conn, first, "Practitioner/n1")


async def test_what_cannot_be_done_is_said(ward: Scene) -> None:
    device = await ward.device()
    await ward.put(reading(HR, "1", ward.minute(1)), device="NEW", received=ward.minute(1))
    await ward.work()
    new = (await fleet.queue(ward.pool))[0].device_id
    for error, call in [
        (NotFound, lambda c: binding.bind(ward.parts, c, "nope", "p", by="n")),
        (NotFound, lambda c: binding.bind(ward.parts, c, device, "nobody", by="n")),
        (Conflict, lambda c: binding.bind(ward.parts, c, new, "nobody", by="n")),
        (Invalid, lambda c: binding.bind(ward.parts, c, device, "p", by="n", at=5, stop=5)),
        (NotFound, lambda c: binding.correct(ward.parts, c, 999_999, None, by="n", reason="r")),
        (Invalid, lambda c: binding.claim(ward.parts, c, device, 5, 5, "p", by="n")),
    ]:
        with pytest.raises(error):
            async with transaction(ward.pool) as conn:
                await call(conn)


async def test_adt_that_cannot_be_applied_is_refused_with_the_reason(ward: Scene) -> None:
    await ward.adt("A01", "100", 0)
    await ward.adt("A40", "100", 0)
    await ward.adt("A60", "100", 0)
    await ward.adt("A01", "100", 0, "x" * 61)
    await ward.work()
    reasons = [r.reason.partition(":")[0] for r in reversed(await store.refused(ward.pool))]
    assert reasons == ["PV1-3", "MRG-1", "MSH-9", "PV1-3"]
    assert await ward.resources("Patient") == []


async def test_demographics_follow_the_newest_message(ward: Scene) -> None:
    await ward.adt("A01", "100", 10, "1", family="Newton", birth_date="1980-01-02", sex="female")
    await ward.adt("A08", "100", 5, family="Oldname", sex="male")
    await ward.adt("A08", "100", 20, given="Ida May")
    await ward.work()
    patient = (await ward.resources("Patient"))[0]
    assert patient["name"] == [{"use": "official", "family": "Family 100", "given": ["Ida", "May"]}]
    assert (patient["gender"], patient["birthDate"]) == ("female", "1980-01-02")
    bed = await board.bed(ward.pool, await ward.bed("1"))
    assert bed.patient is not None
    assert (bed.patient.family, bed.patient.mrn) == ("Family 100", "100")
    encounter = (await ward.resources("Encounter"))[0]
    assert (encounter["status"], encounter["period"]) == ("in-progress", {"start": "2026-01-01T00:10:00.000Z"})


async def test_a_patient_of_the_record_is_met_again_by_adt(ward: Scene) -> None:
    async with transaction(ward.pool) as conn:
        await ward.parts.record.put(
            conn,
            [
                {
                    "resourceType": "Patient",
                    "id": "known",
                    "gender": "other",
                    "identifier": [{"system": "urn:wardbridge:authority:HIS", "value": "100"}],
                }
            ],
        )
    await ward.adt("A01", "100", 1, "1")
    await ward.work()
    assert [p["id"] for p in await ward.resources("Patient")] == ["known"]
    assert await ward.patient("100") == "known"


async def test_a_patient_of_the_record_can_be_bound_without_adt(ward: Scene) -> None:
    device = await ward.device()
    async with transaction(ward.pool) as conn:
        await ward.parts.record.put(
            conn,
            [
                {
                    "resourceType": "Patient",
                    "id": "walkin",
                    "name": [{"family": "Walker"}],
                    "identifier": [{"system": "urn:wardbridge:authority:HIS", "value": "7"}],
                }
            ],
        )
        await binding.bind(ward.parts, conn, device, "walkin", by="nurse", at=ward.minute(0))
    await measure(ward, 1)
    assert await subjects(ward) == [("00:01", "7")]
    bed = await board.bed(ward.pool, await ward.bed("1"))
    assert bed.patient_id == "walkin"


async def test_an_oid_is_one_authority_however_it_is_written(ward: Scene) -> None:
    from wardbridge.devices.values import SubjectHint

    await ward.device(bed="")
    await ward.adt("A01", "100", 0, "1")
    await ward.work()
    async with transaction(ward.pool) as conn:
        await ward.parts.record.put(
            conn,
            [{"resourceType": "Patient", "id": "oid", "identifier": [{"system": "urn:oid:2.999.1", "value": "5"}]}],
        )
        await binding.bind(
            ward.parts,
            conn,
            (await fleet.list_devices(ward.pool))[0].device_id,
            "oid",
            by="n",
            at=ward.minute(90),
            stop=ward.minute(91),
        )
    said = SubjectHint(("urn:oid:2.999.1|5",))
    await ward.put(said, reading(HR, "70", ward.minute(1)), received=ward.minute(1))
    await ward.work()
    assert {o["subject"]["reference"] for o in await ward.observations()} == {"Patient/oid"}
