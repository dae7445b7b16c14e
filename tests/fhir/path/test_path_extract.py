"""Generated extractors give what the general engine gives, for every search expression of the standard."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest

from wardbridge.fhir.definitions.search import all_search_parameters
from wardbridge.fhir.definitions.table import known, resource_types
from wardbridge.fhir.path import PathError, compile, compile_typed
from wardbridge.fhir.path.extract import write

EXPRESSIONS = sorted(
    {(b, p.expression) for p in all_search_parameters() if p.expression for b in p.base if b in resource_types()}
)
VALUES: dict[str, Any] = {
    "boolean": True, "integer": 3, "positiveInt": 4, "unsignedInt": 0, "decimal": Decimal("1.50"),
    "date": "2026-01-01", "dateTime": "2026-01-01T00:00:00Z", "instant": "2026-01-01T00:00:00Z", "time": "10:00:00",
}  # fmt: skip


def grown(type_name: str, depth: int = 4, turn: int = 0) -> Any:
    """A value of a type with every element set, two items where it repeats; choices take turns."""
    kind = known(type_name)
    if kind.primitive:
        return VALUES.get(type_name, f"{type_name}-{depth}")
    if type_name == "Resource":
        return {"resourceType": "Patient", "id": f"r{depth}"}
    out: dict[str, Any] = {"resourceType": type_name} if kind.resource else {}
    if type_name == "Reference":
        return {"reference": ["Patient/1", "#r3", "urn:uuid:x", "http://x/Practitioner/2/_history/1"][turn % 4]}
    if depth == 0:
        return out
    for element in kind.elements.values():
        key, inner = element.keys[turn % len(element.keys)]
        if inner == "Extension" and depth < 3:
            continue
        out[key] = (
            [grown(inner, depth - 1, turn + i) for i in range(2)] if element.many else grown(inner, depth - 1, turn)
        )
    return out


@pytest.mark.parametrize("turn", range(4))
def test_generated_and_general_agree(turn: int) -> None:
    checked = 0
    for type_name, group in itertools.groupby(EXPRESSIONS, key=lambda row: row[0]):
        resource = grown(type_name, 4, turn)
        for _, expression in group:
            found = compile_typed(expression, type_name)(resource)
            general = compile(expression, type_name, lenient=True).typed(resource)
            plain = [(name.removeprefix("System.").lower(), value) for name, value in general]
            assert _distinct([(name.lower(), value) for name, value in found]) == _distinct(plain), expression
            checked += bool(found)
    assert checked > 800


def _distinct(rows: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return [row for i, row in enumerate(rows) if row not in rows[:i]]


def test_nearly_all_search_expressions_are_generated() -> None:
    slow = [(t, e) for t, e in EXPRESSIONS if write(e, t) is None]
    assert {t for t, _ in slow} <= {"Patient", "QuestionnaireResponse"}
    assert len(slow) == 2


def test_types_come_with_the_values() -> None:
    observation = {
        "resourceType": "Observation",
        "valueQuantity": {"value": 1},
        "effectivePeriod": {"start": "2026"},
        "subject": {"reference": "Patient/1"},
        "component": [{"code": {"text": "a"}, "valueString": "s"}, {"valueCodeableConcept": {"text": "c"}}],
    }
    run = lambda e: compile_typed(e, "Observation")(observation)  # noqa: E731
    assert run("(Observation.value as Quantity) | (Observation.value as SampledData)") == [("Quantity", {"value": 1})]
    assert run("Observation.effective") == [("Period", {"start": "2026"})]
    assert run("Observation.subject.where(resolve() is Patient)") == [("Reference", {"reference": "Patient/1"})]
    assert run("Observation.subject.where(resolve() is Device)") == []
    assert run("Observation.component.value") == [("string", "s"), ("CodeableConcept", {"text": "c"})]
    assert run("Observation | Observation.component")[1][0] == "Observation.component"
    assert run("Observation.status = 'final'") == []
    assert compile_typed("value.as(CodeableConcept)", "Observation.component")(observation["component"][1]) == [
        ("CodeableConcept", {"text": "c"})
    ]


def test_a_computed_value_is_typed_as_fhir() -> None:
    expression = "Patient.deceased.exists() and Patient.deceased != false"
    extract = compile_typed(expression, "Patient")
    assert extract({"resourceType": "Patient", "deceasedBoolean": True}) == [("boolean", True)]
    assert extract({"resourceType": "Patient"}) == [("boolean", False)]


def test_alternatives_of_other_types_are_left_out() -> None:
    source = write("AllergyIntolerance.code | Observation.code | Condition.code", "Observation")
    assert source is not None
    assert source.count(".get(") == 1


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Patient", "name": {"family": "x"}},
        {"resourceType": "Patient", "name": ["x", 5, None]},
        {"resourceType": "Patient", "name": 5},
        {"resourceType": "Patient", "name": [{"family": ["a"]}]},
    ],
)
def test_broken_json_never_raises(resource: dict[str, Any]) -> None:
    for parameter in all_search_parameters():
        if "Patient" in parameter.base and parameter.expression:
            compile_typed(parameter.expression, "Patient")(resource)


def test_an_unknown_type_is_an_error() -> None:
    with pytest.raises(PathError):
        compile_typed("a", "Nonsense")
