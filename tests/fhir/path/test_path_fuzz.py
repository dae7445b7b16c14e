"""Random expressions on random inputs: a result or a PathError, nothing else."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardbridge.fhir.path import Env, PathError, compile, compile_typed, evaluate
from wardbridge.fhir.path.functions.table import TABLE
from wardbridge.fhir.path.parser import LEVELS

ENV = Env(now=lambda: 1_767_225_600_000_000, resolve=lambda reference: None)
RESOURCE: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "code": {"coding": [{"system": "s", "code": "c"}], "text": "t"},
    "effectiveDateTime": "2026-01-31T23:59:59.999+01:00",
    "issued": "0001-01-01T00:00:00+14:00",
    "valueQuantity": {"value": Decimal("72.50"), "unit": "x", "system": "http://unitsofmeasure.org", "code": "mg"},
    "component": [
        {"code": {"text": "a"}, "valueString": "é"},
        {"code": {"text": "b"}, "valueRange": {"low": {"value": 1}}},
    ],
    "contained": [{"resourceType": "Patient", "id": "p", "birthDate": "2024-02-29", "_birthDate": {"id": "b"}}],
    "subject": {"reference": "#p"},
}
ATOMS = [
    *(
        "true",
        "false",
        "{}",
        "0",
        "1",
        "-1",
        "3",
        "2147483647",
        "99999999999999999999",
        "0.0",
        "1.50",
        "0.000001",
        "1e",
    ),
    *("'a'", "''", "'a.b'", "'['", "'1'", "'2014'", "@2014", "@2014-02", "@2014-02-28", "@9999-12-31", "@0001-01-01"),
    *("@2014-01-01T08:00:00.000+01:00", "@2014-01-01T08", "@T23:59:59.999", "@T10", "4 'mg'", "0 'kg'", "1 'foo'"),
    *(
        "1000000 years",
        "9 months",
        "3 days",
        "1.5 seconds",
        "$this",
        "$index",
        "$total",
        "%resource",
        "%context",
        "%ucum",
    ),
]
PATHS = [
    "status",
    "code",
    "code.coding",
    "value",
    "effective",
    "issued",
    "component",
    "component.value",
    "contained",
    "subject",
    "nothing",
    "contained.birthDate",
    "id",
    "Observation.value.value",
    "descendants()",
    "children()",
]
OPERATORS = sorted({operator for level in LEVELS for operator in level} - {"is", "as"})
TYPES = ["Quantity", "string", "FHIR.Patient", "System.Integer", "Boolean", "Resource", "code", "dateTime"]
NAMES = sorted(TABLE)


def expression(dice: random.Random, depth: int) -> str:
    if depth == 0:
        return dice.choice(ATOMS) if dice.random() < 0.6 else dice.choice(PATHS)
    inner = lambda: expression(dice, depth - 1 - dice.randrange(depth))  # noqa: E731
    match dice.randrange(6):
        case 0:
            return f"({inner()} {dice.choice(OPERATORS)} {inner()})"
        case 1:
            return f"({inner()}).{dice.choice(['is', 'as', 'ofType'])}({dice.choice(TYPES)})"
        case 2:
            return f"-{inner()}"
        case 3:
            return f"({inner()})[{inner()}]"
        case _:
            name = dice.choice(NAMES)
            least, most, _ = TABLE[name]
            args = ", ".join(inner() for _ in range(dice.randint(least, min(most, least + 2))))
            return f"({inner()}).{name}({args})"


@settings(max_examples=1500, deadline=None)
@given(st.integers(0, 2**40), st.integers(1, 4))
def test_any_expression_gives_a_result_or_a_path_error(number: int, depth: int) -> None:
    text = expression(random.Random(number), depth)
    try:
        compile(text)(RESOURCE, ENV)
    except PathError:
        return


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab.()[]|'\"`@T12:-+%$ *is\\/\n", max_size=30))
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    caught = None
    try:
        compile(text)
    except PathError as error:
        caught = error
    if caught is not None:
        assert caught.position is not None
        assert 0 <= caught.position <= len(text)


@pytest.mark.parametrize(
    "text", ["a" + ".b" * 5000, " or ".join(["true"] * 5000), "|".join(["a"] * 5000), "a" + "[0]" * 5000]
)
def test_long_chains_are_refused_not_fatal(text: str) -> None:
    with pytest.raises(PathError):
        compile(text)
    with pytest.raises(PathError):
        compile_typed(text, "Observation")


def test_a_deep_resource_is_an_error_not_a_crash() -> None:
    extension: dict[str, Any] = {"url": "u"}
    for _ in range(5000):
        extension = {"url": "u", "extension": [extension]}
    resource = {"resourceType": "Basic", "extension": [extension]}
    assert len(compile("descendants()")(resource)) > 5000
    with pytest.raises(PathError, match="nested"):
        compile("extension ~ extension")(resource)


@pytest.mark.parametrize("unit", ["year", "years", "month", "months"])
def test_a_time_has_no_months(unit: str) -> None:
    with pytest.raises(PathError):
        evaluate(f"@T10:00 + 1 {unit}", {"resourceType": "Patient"})
