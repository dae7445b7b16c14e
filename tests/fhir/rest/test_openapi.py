"""The OpenAPI document: complete, consistent, and of the same opinion as the validator."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.openapi import description
from wardbridge.fhir.rest.operations import Operation, Parameter


async def perform(*_: Any) -> Answer:
    return Answer(200)


ACT = Operation("act", "urn:act", perform, ("Patient",), type=True, instance=True, affects_state=True)
ASK = Operation("ask", "urn:ask", perform, system=True, inputs=(Parameter("when", "date"), Parameter("what", "Coding")))


@cache
def document() -> dict[str, Any]:
    return description("http://host/fhir", "1.0", (ACT, ASK))


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def test_every_reference_leads_somewhere() -> None:
    for text in set(references(document())):
        place: Any = document()
        for part in text.removeprefix("#/").split("/"):
            place = place[part]


def test_every_type_can_be_searched_read_and_written_but_the_audit_record() -> None:
    paths = document()["paths"]
    for name in resource_types():
        assert {"get"} <= paths[f"/{name}"].keys()
        written = {"put", "delete"} <= paths[f"/{name}/{{id}}"].keys() and "post" in paths[f"/{name}"]
        assert written is (name != "AuditEvent")


def test_operations_stand_where_they_can_be_called() -> None:
    paths = document()["paths"]
    assert paths["/Patient/$act"].keys() == paths["/Patient/{id}/$act"].keys() == {"post"}
    assert [one["name"] for one in paths["/$ask"]["get"]["parameters"]] == ["when"]


def test_names_of_calls_are_unique() -> None:
    names = [call["operationId"] for path in document()["paths"].values() for call in path.values()]
    assert len(names) == len(set(names))


@cache
def checker(name: str) -> Draft202012Validator:
    components = {"components": document()["components"]}
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", **components})


GOOD = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "x", "_text": {"id": "a"}},
    "valueQuantity": {"value": 72.5},
    "component": [{"code": {"text": "y"}, "valueInteger": 3}],
}


@pytest.mark.parametrize(
    ("change", "fits"),
    [
        ({}, True),
        ({"contained": [{"resourceType": "Patient"}]}, True),
        ({"status": "finished"}, False),
        ({"code": None}, False),
        ({"nonsense": 1}, False),
        ({"component": []}, False),
        ({"issued": "yesterday"}, False),
        ({"id": "with space"}, False),
        ({"subject": {}}, False),
        ({"note": [{"text": 5}]}, False),
    ],
)
def test_schemas_know_right_from_wrong(change: dict[str, Any], fits: bool) -> None:
    assert checker("Observation").is_valid({**GOOD, **change}) is fits
