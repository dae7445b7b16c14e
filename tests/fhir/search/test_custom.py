"""Which SearchParameter resources become parameters, which are the standard's own, which are refused."""

from __future__ import annotations

from typing import Any

import pytest

from wardbridge.fhir.definitions.search import all_search_parameters, published_parameters
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.path.static import types_of
from wardbridge.fhir.search.custom import HOLDS, Unfit, parameter_of
from wardbridge.fhir.search.expression import branches
from wardbridge.fhir.search.extract import Extractor


def given(**more: Any) -> dict[str, Any]:
    return {"resourceType": "SearchParameter", "status": "active", "url": "urn:x", "code": "x", "type": "token",
            "base": ["Patient"], "expression": "Patient.maritalStatus", **more}  # fmt: skip


def test_the_checks_pass_what_the_standard_itself_has() -> None:
    """All expressions of R4 but those that give an extension or a whole resource, which no search type holds."""
    refused = []
    for name in sorted(resource_types()):
        for parameter in published_parameters(name).values():
            for branch in branches(parameter.expression or "", name) if parameter.type in HOLDS else ():
                found = types_of(branch, name) if branch else None
                if found and not found & HOLDS[parameter.type]:
                    refused.append((name, found))
    assert {kind for _, found in refused for kind in found} == {"Extension", "Resource"}
    assert len(refused) <= 10


@pytest.mark.parametrize(
    "change",
    [
        {"status": "draft"},
        {"status": "retired", "expression": "((("},
        {"url": "http://hl7.org/fhir/SearchParameter/individual-gender", "code": "gender"},
        {"code": "gender", "expression": "Patient.gender"},
        {"code": "birthdate", "type": "date", "expression": "(Patient.birthDate)",
         "derivedFrom": "http://hl7.org/fhir/SearchParameter/individual-birthdate"},
    ],
)  # fmt: skip
def test_no_custom_one(change: dict[str, Any]) -> None:
    assert parameter_of(given(**change)) is None


@pytest.mark.parametrize(
    ("change", "resource", "table", "rows"),
    [
        (
            {"expression": "Patient.extension.where(url = 'urn:race').extension.value.code"},
            {"extension": [{"url": "urn:race", "extension": [{"url": "o", "valueCoding": {"code": "c1"}}]}]},
            "token",
            1,
        ),
        (
            {"type": "date", "expression": "Patient.extension.where(url = 'urn:d').valueDateTime"},
            {"extension": [{"url": "urn:d", "valueDateTime": "2026-01-02"}]},
            "date",
            1,
        ),
        (
            {"type": "quantity", "expression": "Patient.extension('urn:w').valueQuantity"},
            {"extension": [{"url": "urn:w", "valueQuantity": {"value": 3}}]},
            "quantity",
            1,
        ),
        ({"type": "string", "expression": "Patient.contact.name | Patient.name.suffix"},
         {"contact": [{"name": {"family": "A"}}], "name": [{"suffix": ["B"]}]}, "string", 2),
        (
            {"type": "reference", "expression": "Patient.extension('urn:r').value.ofType(Reference)"},
            {"extension": [{"url": "urn:r", "valueReference": {"reference": "Group/1"}}]},
            "reference",
            1,
        ),
    ],
)  # fmt: skip
def test_as_guides_write_them(change: dict[str, Any], resource: dict[str, Any], table: str, rows: int) -> None:
    parameter = parameter_of(given(**change))
    assert parameter is not None
    found = Extractor("Patient", extra=(parameter,))({"resourceType": "Patient", **resource})
    assert sum(row[0] == "x" for row in getattr(found, table)) == rows


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"expression": "Patient.name"}, "SearchParameter.expression"),
        ({"base": ["Patient", "Nonsense"]}, "SearchParameter.base[1]"),
        ({"base": ["Patient", "Observation"]}, "SearchParameter.expression"),
        ({"code": "gender", "expression": "Patient.maritalStatus"}, "SearchParameter.code"),
        ({"code": "_has"}, "SearchParameter.code"),
        ({"url": None}, "SearchParameter.url"),
        ({"type": "special"}, "SearchParameter.type"),
        ({"expression": "Patient.name.given.nonsense()"}, "SearchParameter.expression"),
        ({"expression": "   "}, "SearchParameter.expression"),
    ],
)
def test_refused(change: dict[str, Any], where: str) -> None:
    with pytest.raises(Unfit) as error:
        parameter_of(given(**change))
    assert error.value.where == where


def test_every_published_one_is_recognised_by_its_url() -> None:
    for parameter in all_search_parameters():
        body = given(url=parameter.url, code=parameter.code, type=parameter.type, base=list(parameter.base))
        assert parameter_of(body) is None
