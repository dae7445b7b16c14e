"""The packed tables say what the standard says, load quickly, and are what the script builds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wardbridge.fhir.definitions import codes
from wardbridge.fhir.definitions.search import (
    all_search_parameters,
    compartment,
    compartments,
    search_parameter,
    search_parameters,
)
from wardbridge.fhir.definitions.table import is_a, known, resource_types, type_names, type_of
from wardbridge.fhir.path import compile

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "src" / "wardbridge" / "fhir" / "definitions"
TABLES = ("types.json.gz", "search.json.gz", "codes.json.gz")


def test_all_resource_types_are_there() -> None:
    assert len(resource_types()) == 146
    assert {"Observation", "Device", "DeviceMetric", "Parameters", "Binary"} <= resource_types()
    assert not {"Resource", "DomainResource"} & resource_types()


def test_observation_is_as_published() -> None:
    observation = known("Observation")
    assert list(observation.elements)[:9] == [
        "id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension", "identifier",
    ]  # fmt: skip
    status = observation.elements["status"]
    assert (status.min, status.max, status.types) == (1, 1, ("code",))
    assert status.binding is not None
    assert status.binding.strength == "required"
    assert status.modifier
    assert status.summary
    value = observation.elements["value"]
    assert value.choice
    assert [key for key, _ in value.keys][:2] == ["valueQuantity", "valueCodeableConcept"]
    assert observation.elements["subject"].targets == ("Patient", "Group", "Device", "Location")
    assert known("Observation.component").elements["referenceRange"].types == ("Observation.referenceRange",)
    assert [i.key for i in observation.invariants] == ["dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "obs-6", "obs-7"]
    assert observation.elements["referenceRange"].invariants[0].key == "obs-3"
    assert observation.elements["component"].path == "Observation.component"
    assert observation.keys["valueQuantity"][1] == "Quantity"


def test_inheritance() -> None:
    assert is_a("Age", "Quantity")
    assert is_a("code", "string")
    assert is_a("uuid", "uri")
    assert is_a("Observation", "DomainResource")
    assert not is_a("Bundle", "DomainResource")
    assert type_of("Nonsense") is None
    assert known("Resource").elements["id"].types == ("id",)
    assert known("HumanName").elements["id"].types == ("string",)
    with pytest.raises(KeyError):
        known("Nonsense")


def test_every_type_an_element_names_exists() -> None:
    for name in type_names():
        for element in known(name).elements.values():
            assert set(element.types) <= type_names(), element.path
            assert element.max is None or element.max >= element.min
            assert all(t == "Resource" or t in type_names() for t in element.targets), element.path


def test_codes_of_required_value_sets() -> None:
    gender = "http://hl7.org/fhir/ValueSet/administrative-gender"
    assert codes.codes(gender) == {"male", "female", "other", "unknown"}
    assert codes.valueset(gender) == {"http://hl7.org/fhir/administrative-gender": codes.codes(gender)}
    assert codes.codes("http://hl7.org/fhir/ValueSet/mimetypes") is None
    assert codes.codes("http://hl7.org/fhir/ValueSet/unheard-of") is None
    missing = {
        e.binding.valueset
        for name in type_names()
        for e in known(name).elements.values()
        if e.binding is not None and e.binding.strength == "required" and codes.codes(e.binding.valueset) is None
    }
    assert missing == {
        "http://hl7.org/fhir/ValueSet/currencies",
        "http://hl7.org/fhir/ValueSet/mimetypes",
        "http://hl7.org/fhir/ValueSet/ucum-units",
        "http://loinc.org/vs/LL379-9",
    }


def test_search_parameters() -> None:
    observation = search_parameters("Observation")
    assert observation["code"].type == "token"
    assert observation["_id"].url == "http://hl7.org/fhir/SearchParameter/Resource-id"
    assert observation["subject"].targets == ("Group", "Device", "Patient", "Location")
    assert len(observation["focus"].targets) == 145
    composite = observation["code-value-quantity"]
    assert [c.expression for c in composite.components] == ["code", "value.as(Quantity)"]
    assert all(search_parameter(c.definition) is not None for c in composite.components)
    assert "birthdate" not in observation
    assert search_parameter("http://x") is None


def test_every_search_expression_compiles() -> None:
    for parameter in all_search_parameters():
        if parameter.expression is not None:
            compile(parameter.expression, lenient=True)
        for component in parameter.components:
            compile(component.expression, lenient=True)


def test_compartments() -> None:
    assert compartments() == ("Device", "Encounter", "Patient", "Practitioner", "RelatedPerson")
    assert compartment("Patient")["Observation"] == ("subject", "performer")
    assert "Device" not in compartment("Device")
    assert compartment("Encounter")["Encounter"] == ("{def}",)
    assert "Location" not in compartment("Patient")
    assert all(set(codes_) <= set(search_parameters(name)) for name, codes_ in compartment("Patient").items())


def test_tables_are_small_and_hold_no_prose() -> None:
    assert sum((PACKAGE / name).stat().st_size for name in TABLES) < 200_000


def test_the_script_builds_these_very_tables(tmp_path: Path) -> None:
    folder = Path(os.environ.get("WARDBRIDGE_DEFINITIONS", ROOT.parent / "shared" / "definitions"))
    if not folder.is_dir():
        pytest.skip(f"package definitions not found at {folder}: set WARDBRIDGE_DEFINITIONS")
    subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "build_definitions.py"), str(folder), "--out", str(tmp_path)],
        check=True,
        capture_output=True,
    )
    for name in TABLES:
        assert (tmp_path / name).read_bytes() == (PACKAGE / name).read_bytes(), name
