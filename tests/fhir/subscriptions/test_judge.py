"""Criteria judged in memory say the same as the store's search, on many resources and queries."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fhir.subscriptions.conftest import observation

from wardbridge.core.clock import FakeClock
from wardbridge.core.db import transaction
from wardbridge.fhir.json import loads
from wardbridge.fhir.search.extract import extract
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put
from wardbridge.fhir.subscriptions.judge import NotJudged, criteria, keys_of

UCUM = "http://unitsofmeasure.org"


def quantity(value: float, code: str, **more: Any) -> dict[str, Any]:
    return {"value": value, "system": UCUM, "code": code, **more}


RESOURCES: list[dict[str, Any]] = [
    observation("a", 72.5, 
                category=[{"coding": [{"system": "urn:cat", "code": "vital-signs", "display": "Vital signs"}]}]),
    observation("b", 140, effectiveDateTime="2026-02"),
    observation("a", 38.2, "8310-5", valueQuantity=quantity(38.2, "Cel", unit="C")),
    observation("a", 5, valueQuantity=quantity(5, "mg/L", comparator="<")),
    observation("c", 1, valueQuantity=quantity(500, "mg"), status="amended"),
    observation("c", 1, code="X-1", valueQuantity=quantity(0.5, "g")),
    observation("d", 1,
                subject={"reference": "http://other/fhir/Patient/9",
                         "identifier": {"system": "urn:mrn", "value": "77"}}),
    observation("d", 1, effectivePeriod={"start": "2026-01-01", "end": "2026-01-03"},
                identifier=[{"system": "urn:id", "value": "Z9"}]),
    observation("e", 1, code="NONE", dataAbsentReason={"text": "lost"}),
    {"resourceType": "Patient", "name": [{"family": "Müller", "given": ["Änne", "Marie"]}], "gender": "female",
     "birthDate": "1970-05-01", "identifier": [{"system": "urn:mrn", "value": "1"}], "active": True},
    {"resourceType": "Patient", "name": [{"text": "Anna Muller-Smith"}], "birthDate": "1970",
     "address": [{"city": "Wien"}]},
    {"resourceType": "Patient", "telecom": [{"system": "phone", "value": "555"}], "deceasedBoolean": True},
    {"resourceType": "ValueSet", "status": "active", "url": "http://example.org/vs/one/two"},
    {"resourceType": "ValueSet", "status": "draft", "url": "http://example.org/vs"},
    {"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": "Patient/a"},
     "prediction": [{"probabilityDecimal": 0.8}]},
    {"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": "Patient/a"},
     "prediction": [{"probabilityRange": {"low": {"value": 1}, "high": {"value": 5}}}]},
]  # fmt: skip
for _resource in RESOURCES:
    if "effectivePeriod" in _resource:
        del _resource["effectiveDateTime"]
    if "dataAbsentReason" in _resource:
        del _resource["valueQuantity"]

QUERIES = [
    "Observation?code=8867-4", "Observation?code=http://loinc.org|8867-4", "Observation?code=http://loinc.org|",
    "Observation?code=|8867-4", "Observation?code=8867-4,8310-5", "Observation?code:not=8867-4",
    "Observation?category=VITAL-SIGNS", "Observation?category:text=vital", "Observation?code:missing=false",
    "Observation?category:missing=true", "Observation?subject=Patient/a", "Observation?patient=a",
    "Observation?subject:Patient=a", "Observation?subject=http://other/fhir/Patient/9",
    "Observation?subject:identifier=urn:mrn|77", "Observation?subject=Patient/a,Patient/c&code=8867-4",
    *(f"Observation?date={p}2026-01-01" for p in ("", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")),
    "Observation?date=2026", "Observation?date=ge2026-01-01T10:00:00Z&date=lt2026-01-02", "Observation?date=2026-02",
    *(f"Observation?value-quantity={p}72.5" for p in ("", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")),
    "Observation?value-quantity=38.2|http://unitsofmeasure.org|Cel", "Observation?value-quantity=0.5|http://unitsofmeasure.org|g",
    "Observation?value-quantity=500|http://unitsofmeasure.org|mg", "Observation?value-quantity=lt6||mg/L",
    "Observation?value-quantity=72.5||/min", "Observation?value-quantity=gt100|http://unitsofmeasure.org|/min",
    "Observation?code-value-quantity=8867-4$gt100", "Observation?code-value-quantity=http://loinc.org|8867-4$72.5",
    "Observation?identifier=Z9", "Observation?identifier=urn:id|Z9", "Observation?status=final,amended",
    "Observation?_lastUpdated=ge2020-01-01", "Observation?_lastUpdated=lt2020-01-01", "Observation?",
    "Patient?name=mul", "Patient?name=MÜLLER", "Patient?name:exact=Müller", "Patient?name:contains=smith",
    "Patient?family=muller,x", "Patient?gender=female", "Patient?gender:not=female", "Patient?birthdate=1970-05",
    "Patient?birthdate=1970", "Patient?birthdate=lt1970-05-01", "Patient?active=true", "Patient?deceased=true",
    "Patient?phone=555", "Patient?address-city=wien", "Patient?name:missing=true", "Patient?name=mul&birthdate=1970",
    "ValueSet?url=http://example.org/vs", "ValueSet?url:below=http://example.org/vs",
    "ValueSet?url:above=http://example.org/vs/one/two/three", "ValueSet?status=active",
    *(f"RiskAssessment?probability={p}0.8" for p in ("", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")),
    "RiskAssessment?probability=gt3",
]  # fmt: skip


async def test_as_the_store_finds_them(database: Any) -> None:
    record = Record(database.pool, FakeClock(), bases=("http://test/fhir/",))
    await record.load()
    async with transaction(database.pool) as conn:
        stored = await record.write(conn, [Put(resource) for resource in RESOURCES])
    differ = []
    matched = 0
    for text in QUERIES:
        type_name, _, query = text.partition("?")
        wanted = criteria(type_name, query, record.clock.now(), record.bases, "")
        mine = set()
        for one in stored:
            if one.type != type_name:
                continue
            rows = extract(loads(one.body or b""))
            if wanted.holds(rows, one.id, one.updated):
                mine.add(one.id)
                assert not wanted.keys or wanted.keys & set(keys_of(rows)), text
        pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
        theirs = {
            found.id for found in (await record.search(record.query([type_name], [*pairs, ("_count", "99")]))).matches
        }
        matched += len(mine)
        if mine != theirs:
            differ.append((text, len(mine), len(theirs)))
    assert differ == []
    assert matched > 60


@pytest.mark.parametrize("text", ["code:in=http://x", "subject.name=x", "_has:A:b:c=1", "_text=x", "_sort=date",
                                  "_include=Observation:patient", "near=1", "code:above=1|2"])  # fmt: skip
def test_what_needs_more_than_the_resource_is_refused(text: str) -> None:
    with pytest.raises(NotJudged) as refused:
        criteria("Observation", text, 0, (), "here")
    assert refused.value.where == "here"
    assert refused.value.status == 422
