"""The disclosure statement: the form's counts, every medium, what it decides; zones it does not fit; its FHIR."""

from __future__ import annotations

import io
import json

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.equipment.conftest import OPERATOR, TECHNICIAN, Stocked

from wardbridge.core.errors import Invalid
from wardbridge.equipment.cyber import about, desk
from wardbridge.equipment.cyber.mds2 import form
from wardbridge.equipment.cyber.mds2.read import read
from wardbridge.equipment.cyber.store.zones import Zone
from wardbridge.equipment.register import desk as register
from wardbridge.equipment.register import store
from wardbridge.equipment.register.values import Interface
from wardbridge.equipment.shop import Shop

ROWS = (
    ("MPII-2.2", "No", ""), ("RMOT-1", "Yes", "by VPN"), ("MLDP-2", "See Notes", "list of programs"),
    ("CONN-1.1.3", "N/A", ""), ("TXCF-2", "No", ""),
)  # fmt: skip
EXPECTED = {key: (answer, note) for key, answer, note in ROWS}


def workbook(head: tuple[str, ...] = ("Question ID", "Text", "Answer", "Note")) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Manufacturer Disclosure Statement", None])
    if head:
        sheet.append(list(head))
    for key, answer, note in ROWS:
        sheet.append([key, "…", answer, note])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_the_form_has_240_questions_in_its_sections() -> None:
    found = form.form()
    assert sum(count for count, _ in found.sections.values()) == 240
    assert all(form.question(key) == key for key in found.labels)
    assert all(rule.question in found.labels for rule in found.rules)


def test_every_medium_gives_the_same() -> None:
    csv = "\n".join(["id,answer,note", *(",".join(row) for row in ROWS)])
    listed = [dict(zip(("id", "answer", "note"), row, strict=True)) for row in ROWS]
    for sent in (
        workbook(), workbook(()), csv.encode(), csv.encode("utf-8-sig"), json.dumps(listed).encode(),
        json.dumps({"answers": {row["id"]: row for row in listed}}).encode(),
    ):  # fmt: skip
        found = read(sent)
        assert (found.answers, found.refused) == (EXPECTED, ())


def test_ids_and_answers_in_other_spellings() -> None:
    found = read(b"Question,Response,Notes\nmpii 2.2,YES,\nAUDT4.1.1,not applicable,\nSBOM-1, see note ,appendix\n")
    assert found.answers == {"MPII-2.2": ("Yes", ""), "AUDT-4.1.1": ("N/A", ""), "SBOM-1": ("See Notes", "appendix")}


def test_wrong_rows_are_named_and_nothing_is_lost() -> None:
    found = read(b'[{"id": "MPII-2.2", "answer": "Perhaps", "note": "soon"}, {"id": "XXXX-1", "answer": "Yes"}, 3,'
                 b'{"id": "RMOT-1", "answer": "Yes"}, {"id": "RMOT-1", "answer": "No"}, {"id": "ALOF-1"}]')  # fmt: skip
    assert found.answers == {"MPII-2.2": ("See Notes", "Perhaps soon"), "RMOT-1": ("Yes", "")}
    assert [one.where for one in found.refused] == ["answers[0]", "answers[1]", "answers[2]", "answers[4]"]


@pytest.mark.parametrize("sent", [b"", b"PK\x03\x04broken", b"{}", b"{", b"a,b\n1,2\n", b"\x00\xff"])
def test_what_answers_nothing_is_refused(sent: bytes) -> None:
    with pytest.raises(Invalid):
        read(sent)


@given(st.binary(max_size=80))
def test_nothing_breaks_it(sent: bytes) -> None:
    try:
        read(sent)
    except Invalid:
        return


QUESTIONS = st.sampled_from([rule.question for rule in form.form().rules])
SHEETS = st.dictionaries(QUESTIONS, st.tuples(st.sampled_from(form.ANSWERS), st.just("")), max_size=8)


@given(SHEETS, st.integers(0, 3))
def test_a_higher_level_never_finds_less(answers: dict[str, tuple[str, str]], level: int) -> None:
    low, high = form.misfits(answers, level), form.misfits(answers, level + 1)
    assert {one.rule.question for one in low} <= {one.rule.question for one in high}
    assert len(form.misfits(None, 4)) == len(form.form().rules)
    assert form.misfits(None, 0) == []


async def test_it_says_what_the_model_keeps_and_what_does_not_fit(shop: Shop, stock: Stocked) -> None:
    (asset,) = await stock(1)
    async with shop.acting(OPERATOR) as conn:
        sent = workbook()
        put = await desk.add_mds2(shop, conn, "model-1", sent, OPERATOR)
        assert (put.answers, put.again) == (5, False)
        assert (await desk.add_mds2(shop, conn, "model-1", sent, OPERATOR)).again
        await desk.put_zone(shop, conn, Zone(zone="infusion", level=2, exposure="clinical"))
        await register.connect(shop, conn, [Interface(interface_id="i", device_id=asset.device_id, zone="infusion")])
        response = await shop.record.current(conn, "QuestionnaireResponse", f"{put.ident}-answers")
    (model,) = await store.models(shop.pool, ["model-1"])
    assert model.storage == "no"
    assert response is not None
    assert response["subject"] == {"reference": "DeviceDefinition/model-1"}
    assert response["item"][1]["answer"][0]["item"][0]["answer"] == [{"valueString": "by VPN"}]
    found = await about.about(shop, asset.device_id)
    ((name, zone, wrong),) = found.zones
    assert (name, zone and zone.level) == ("infusion", 2)
    assert [(one.rule.question, one.answer) for one in wrong] == [("STCF-1", ""), ("TXCF-2", "No"), ("ALOF-1", "")]
    network = await about.network(shop)
    assert [(one.zone, seat.model) for one, seat, _ in network.misfits] == [("infusion", "Flow 3")]


async def test_a_newer_form_takes_the_place_of_the_older_one(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    async with shop.acting(TECHNICIAN) as conn:
        first = await desk.add_mds2(shop, conn, "model-1", workbook(), TECHNICIAN)
        await desk.add_mds2(shop, conn, "model-1", b"id,answer\nMPII-2.2,Yes\n", TECHNICIAN)
        old = await shop.record.current(conn, "DocumentReference", first.ident)
    assert old is not None
    assert old["status"] == "superseded"
    (model,) = await store.models(shop.pool, ["model-1"])
    assert model.storage == "yes"
    found = await about.security(shop, "model-1")
    assert found.sheet is not None
    assert found.sheet.answers == {"MPII-2.2": ("Yes", "")}
