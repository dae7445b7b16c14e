"""Golden files of extraction: one resource a search type, its rows as they must stay (rule b of the search index)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wardbridge.fhir.json import loads
from wardbridge.fhir.search.extract import extract
from wardbridge.fhir.search.hash import INDEX_VERSION

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.json"))


def shown(rows: Any) -> dict[str, list[str]]:
    return {table: sorted(json.dumps(row, default=str) for row in found) for table, found in rows.all().items()}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    case = loads((GOLDEN / f"{name}.json").read_bytes())
    assert case["index_version"] == INDEX_VERSION
    assert shown(extract(case["resource"])) == case["rows"]


def test_every_search_type_has_a_golden_file() -> None:
    tables = {table for name in CASES for table in loads((GOLDEN / f"{name}.json").read_bytes())["rows"]}
    assert tables == {"token", "string", "date", "number", "quantity", "reference", "uri", "composite", "position"}


def test_fingerprint_heeds_values_and_nothing_else() -> None:
    patient: dict[str, Any] = {"resourceType": "Patient", "gender": "male", "birthDate": "1970-01-01"}
    same = {**patient, "maritalStatus": {"text": "married"}}
    other = {**patient, "gender": "female"}
    assert extract(patient).fingerprint() == extract(same).fingerprint()
    assert extract(patient).fingerprint() != extract(other).fingerprint()


def test_odd_values_are_left_out_not_fatal() -> None:
    odd: dict[str, Any] = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{}]},
        "effectiveDateTime": "yesterday",
        "valueQuantity": {"unit": "kg"},
        "subject": {"reference": "#p"},
    }
    rows = extract(odd).all()
    assert set(rows) == {"token"}
