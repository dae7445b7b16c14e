"""Invariants as generated code decide what the general engine decides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardbridge.fhir.definitions.table import known, type_names
from wardbridge.fhir.path.compiler import Compiler
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.parser import parse
from wardbridge.fhir.path.predicate import Holders, Predicate, _general, compile_predicate

RULES: list[tuple[str, str, str]] = sorted(
    {(i.key, i.expression, name) for name in type_names() for i in known(name).invariants}
    | {
        (i.key, i.expression, e.types[0])
        for name in type_names()
        for e in known(name).elements.values()
        for i in e.invariants
        if not known(e.types[0]).primitive
    }
)
WORDS = ["document", "history", "searchset", "fixed", "a", "#x", "display", "group", "http://unitsofmeasure.org"]


def sample(type_name: str, draw: Any, depth: int = 3) -> Any:
    """A value of the type in which each element may be there or not."""
    kind = known(type_name)
    if kind.primitive:
        match kind.name:
            case "boolean":
                return draw(st.booleans())
            case "integer" | "positiveInt" | "unsignedInt" | "decimal":
                return draw(st.integers(0, 3))
            case "date" | "dateTime" | "instant":
                return draw(
                    st.sampled_from(["2024", "2024-05-01", "2024-05-01T10:00:00Z", "2025-01-01T10:00:00+02:00"])
                )
            case _:
                return draw(st.sampled_from(WORDS))
    if type_name == "Resource":
        return {"resourceType": "Basic", "id": draw(st.sampled_from(["x", "y"]))}
    out: dict[str, Any] = {"resourceType": type_name} if kind.resource else {}
    if depth == 0:
        return out
    for element in kind.elements.values():
        if element.name in ("extension", "modifierExtension") or not draw(st.booleans()):
            continue
        key, inner = draw(st.sampled_from(element.keys))
        size = draw(st.integers(1, 2)) if element.many else 0
        out[key] = [sample(inner, draw, depth - 1) for _ in range(size)] if size else sample(inner, draw, depth - 1)
    return out


def general(expression: str, type_name: str) -> Predicate:
    return _general(Compiler(lenient=True).build(parse(expression)), type_name)


def decided(predicate: Predicate, value: Any) -> Any:
    try:
        return predicate(value, Holders(value, value))
    except PathError:
        return "error"


SMALL = [row for row in RULES if row[2] != "ElementDefinition" and not row[2].startswith("StructureDefinition")]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_generated_and_general_agree(data: st.DataObject) -> None:
    key, expression, type_name = data.draw(st.sampled_from(SMALL))
    value = sample(type_name, data.draw)
    quick = decided(compile_predicate(expression, type_name), value)
    slow = decided(general(expression, type_name), value)
    # The quick form may stop at the first decisive operand where the general one meets an error.
    assert quick == slow or slow == "error" or quick == "error", (key, expression, value)


@pytest.mark.parametrize(("key", "expression", "type_name"), RULES, ids=[f"{t}-{k}" for k, _, t in RULES])
def test_every_invariant_compiles_and_answers(key: str, expression: str, type_name: str) -> None:
    value: dict[str, Any] = {"resourceType": type_name} if known(type_name).resource else {}
    answer = compile_predicate(expression, type_name)(value, Holders(value, value))
    assert answer in (True, False, None)


HOLDS = [
    ("Period", "per-1", {"start": "2024-01-01", "end": "2024-01-02"}, True),
    ("Period", "per-1", {"start": "2024-01-03", "end": "2024-01-02"}, False),
    ("Period", "per-1", {"start": "2024-01-03T10:00:00Z", "end": "2024-01-03T11:30:00+02:00"}, False),
    ("Period", "per-1", {"start": "2024", "end": "2024-05"}, None),
    ("Period", "per-1", {"end": "2024-05"}, True),
    ("Quantity", "qty-3", {"value": 1, "code": "mg"}, False),
    ("Quantity", "qty-3", {"value": 1, "code": "mg", "system": "u:x"}, True),
    ("Reference", "ref-1", {"reference": "Patient/1"}, True),
    ("Reference", "ref-1", {"reference": "#x"}, False),
    ("Extension", "ext-1", {"url": "u:x"}, False),
    ("Extension", "ext-1", {"url": "u:x", "valueString": "a"}, True),
    ("Extension", "ext-1", {"url": "u:x", "valueString": "a", "extension": [{"url": "u:y"}]}, False),
    ("Age", "age-1", {"value": 1, "code": "a", "system": "http://unitsofmeasure.org"}, True),
    ("Age", "age-1", {"value": 0, "code": "a", "system": "http://unitsofmeasure.org"}, False),
    ("Ratio", "rat-1", {"numerator": {"value": 1}}, False),
    ("Observation", "obs-6", {"valueString": "x", "dataAbsentReason": {"text": "y"}}, False),
    ("Observation", "obs-6", {"_valueString": {"id": "1"}, "dataAbsentReason": {"text": "y"}}, False),
    ("Observation", "obs-6", {"dataAbsentReason": {"text": "y"}}, True),
    ("Bundle", "bdl-1", {"type": "batch", "total": 1}, False),
    ("Bundle", "bdl-1", {"type": "history", "total": 1}, True),
    ("Range", "rng-2", {"low": {"value": 2}, "high": {"value": 1}}, False),
]


@pytest.mark.parametrize(("type_name", "key", "value", "expected"), HOLDS)
def test_known_answers(type_name: str, key: str, value: dict[str, Any], expected: bool | None) -> None:
    rule = next(i for i in known(type_name).invariants if i.key == key)
    assert compile_predicate(rule.expression, type_name)(value, Holders(value, value)) is expected


def test_obs_7_sees_the_resource() -> None:
    coding = [{"system": "s", "code": "c"}]
    value = {
        "resourceType": "Observation",
        "valueString": "x",
        "code": {"coding": coding},
        "component": [{"code": {"coding": coding}}],
    }
    rule = next(i for i in known("Observation").invariants if i.key == "obs-7")
    assert compile_predicate(rule.expression, "Observation")(value, Holders(value, value)) is False
