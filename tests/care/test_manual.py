"""Manual entry: what is charted is valid FHIR with the digits as typed; nonsense is refused by field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.care.flowsheet import cell_of, sheet
from wardbridge.care.manual import Manual, observations
from wardbridge.core.clock import HOUR, MINUTE, SECOND
from wardbridge.core.errors import Invalid
from wardbridge.core.ids import counted_ids
from wardbridge.fhir.validate import validate

NOW = 1_790_000_000 * SECOND
BY = {"display": "Nurse Anna"}


def make(**fields: object) -> list[dict]:
    return observations(Manual(**{"time": NOW, **fields}), "p1", "e1", BY, NOW, counted_ids())


def test_a_whole_round_is_valid_fhir() -> None:
    found = make(
        consciousness="A",
        oxygen="Nasal cannula",
        oxygen_flow="2",
        fio2="28",
        temperature="37.20",
        temperature_site="oral",
        urine="120",
        urine_since=NOW - HOUR,
    )
    assert len(found) == 6
    for resource in found:
        assert [issue for issue in validate(resource) if issue.severity in {"error", "fatal"}] == []
    assert {cell_of(o).text for o in found} == {"Alert", "Nasal cannula", "2", "28", "37.20", "120"}


@pytest.mark.parametrize(("fields", "where"), [
    ({"temperature": "98.6"}, "temperature"), ({"temperature": "warm"}, "temperature"), ({"fio2": "10"}, "fio2"),
    ({"consciousness": "X"}, "consciousness"), ({"oxygen": "air", "oxygen_flow": "5"}, "oxygen"), ({}, "entry"),
    ({"temperature": "37", "temperature_site": "ear"}, "temperature_site"),
    ({"urine": "10", "urine_since": NOW + 1}, "urine_since"), ({"temperature": "37", "time": NOW + HOUR}, "time"),
    ({"temperature": "37", "time": NOW - 72 * HOUR}, "time"),
])  # fmt: skip
def test_nonsense_is_refused_by_field(fields: dict, where: str) -> None:
    with pytest.raises(Invalid) as caught:
        make(**fields)
    assert caught.value.where == where


@given(st.text(max_size=12))
def test_any_typed_text_is_charted_or_refused(text: str) -> None:
    try:
        found = make(temperature=text)
    except Invalid:
        return
    for resource in found:
        assert [issue for issue in validate(resource) if issue.severity in {"error", "fatal"}] == []


def test_values_fall_into_their_columns_and_errors_are_left_out() -> None:
    first = {**make(temperature="37.0")[0], "id": "a"}
    wrong = {**make(temperature="41.0")[0], "id": "b", "status": "entered-in-error"}
    device = {**first, "id": "c", "status": "preliminary", "device": {"reference": "Device/d1"}}
    table = sheet([first, wrong, device], NOW - HOUR, NOW + MINUTE, 15)
    assert [row.code for row in table.rows] == ["8310-5"]
    cells = [cell for column in table.rows[0].cells for cell in column]
    assert [(cell.observation_id, cell.source, cell.verified) for cell in cells] == [
        ("a", "manual", True), ("c", "device", False)]  # fmt: skip
    assert table.unverified == 1
    at = next(i for i, column in enumerate(table.rows[0].cells) if column)
    assert table.columns[at] <= NOW < table.columns[at] + 15 * MINUTE


def test_a_blood_pressure_panel_reads_as_one() -> None:
    part = {"valueQuantity": {"value": 120, "unit": "mmHg"}}
    panel = {
        "resourceType": "Observation",
        "id": "x",
        "status": "final",
        "effectiveDateTime": "2026-01-01T00:00:00Z",
        "component": [part, {"valueQuantity": {"value": 80, "unit": "mmHg"}}, {"valueQuantity": {"value": 93}}],
    }
    assert (cell_of(panel).text, cell_of(panel).unit) == ("120/80 (93)", "mmHg")
