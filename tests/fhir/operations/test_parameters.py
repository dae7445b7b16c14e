"""Reading the parameters of an operation against its table."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from wardbridge.core.errors import Invalid
from wardbridge.fhir.json import dumps
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.operations import MANY, Operation, Parameter
from wardbridge.fhir.rest.parameters import ANY, given
from wardbridge.security.principal import SYSTEM


async def nothing(call: Call, type_name: str, id_: str) -> Answer:
    return Answer(200)


OPERATION = Operation(
    "try",
    "",
    nothing,
    inputs=(
        Parameter("flag", "boolean"),
        Parameter("number", "integer", 0, 2),
        Parameter("share", "decimal"),
        Parameter("since", "instant"),
        Parameter("day", "date"),
        Parameter("code", "code", 0, MANY),
        Parameter("coding", "Coding"),
        Parameter("value", "string|Quantity"),
        Parameter("resource", "Resource"),
        Parameter("pair", "", 0, MANY, parts=(Parameter("left", "string", 1), Parameter("right", ANY))),
    ),
)


def call(query: tuple[tuple[str, str], ...] = (), body: Any = None) -> Call:
    return Call("POST" if body is not None else "GET", (), query, {}, "", SYSTEM, dumps(body) if body else b"")


def rows(*given_rows: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(given_rows)}


def test_a_query() -> None:
    query = (("flag", "true"), ("number", "1"), ("number", "-2"), ("share", "1.50"), ("code", "a,b"), ("code", "c"))
    found = given(call((*query, ("since", "2026-01-01T00:00:00 01:00"), ("_format", "json"))), OPERATION)
    assert found.one("flag") is True
    assert found.all("number") == (1, -2)
    assert found.one("share") == Decimal("1.50")
    assert found.words("code") == ("a", "b", "c")
    assert found.one("since") == "2026-01-01T00:00:00+01:00"
    assert found.one("day", "never") == "never"
    assert "day" not in found


def test_a_parameters_resource() -> None:
    body = rows(
        {"name": "coding", "valueCoding": {"system": "urn:s", "code": "c"}},
        {"name": "value", "valueQuantity": {"value": 1}},
        {"name": "code", "valueString": "a"},  # a text type for another
        {"name": "pair", "part": [{"name": "left", "valueString": "l"}, {"name": "right", "valueBoolean": True}]},
        {
            "name": "pair",
            "part": [{"name": "left", "valueString": "m"}, {"name": "right", "resource": {"resourceType": "Basic"}}],
        },
    )
    found = given(call((("flag", "false"),), body), OPERATION)
    assert found.one("coding") == {"system": "urn:s", "code": "c"}
    assert found.one("value") == {"value": 1}
    assert found.words("code") == ("a",)
    assert found.one("flag") is False
    assert [(p.one("left"), p.one("right")) for p in found.all("pair")] == [
        ("l", ("boolean", True)),
        ("m", ("Resource", {"resourceType": "Basic"})),
    ]


def test_the_resource_itself() -> None:
    assert given(call((), {"resourceType": "Basic"}), OPERATION).one("resource") == {"resourceType": "Basic"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (("flag", "yes"), "true or false"),
        (("number", "1.5"), "whole number"),
        (("number", "99999999999"), "number"),
        (("share", "NaN"), "number"),
        (("since", "2026"), "instant"),
        (("day", "2026-02-30"), "no such day"),
        (("coding", "a|b"), "by POST"),
        (("colour", "red"), "it has: flag, number"),
    ],
)
def test_a_query_that_does_not_fit(query: tuple[str, str], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        given(call((query,)), OPERATION)


@pytest.mark.parametrize(
    ("row", "where", "said"),
    [
        ({"valueString": "x"}, "Parameters.parameter[0]", "no name"),
        ("text", "Parameters.parameter[0]", "no name"),
        ({"name": "flag"}, "Parameters.parameter[0]", "one value"),
        ({"name": "flag", "valueBoolean": True, "valueString": "x"}, "Parameters.parameter[0]", "one value"),
        ({"name": "flag", "valueString": "true"}, "Parameters.parameter[0].valueString", "is a boolean"),
        ({"name": "flag", "valueBoolean": "true"}, "Parameters.parameter[0].valueBoolean", "true or false"),
        ({"name": "coding", "valueCoding": {"colour": "red"}}, "Parameters.parameter[0].valueCoding", "colour"),
        ({"name": "resource", "valueString": "x"}, "Parameters.parameter[0]", "must be a resource"),
        ({"name": "pair", "valueString": "x"}, "Parameters.parameter[0].part", "has parts"),
        ({"name": "pair", "part": []}, "Parameters.parameter[0]", "left is missing"),
        ({"name": "pair", "part": [{"name": "up", "valueString": "x"}]}, "Parameters.parameter[0].part[0]", "'up'"),
    ],
)
def test_parameters_that_do_not_fit(row: Any, where: str, said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        given(call((), rows(row)), OPERATION)
    assert caught.value.where == where


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "part", "resource", "resourceType", "valueString", "valueCoding", "code"]), inner
        )
    ),
    max_leaves=10,
)


names = st.sampled_from(["flag", "pair", "code", "coding", "left"])
parts = st.dictionaries(st.sampled_from(["name", "part", "valueString", "valueCode", "resource"]), json | names)


@hypothesis_given(st.lists(parts))
def test_any_json_is_understood_or_refused(listed: list[Any]) -> None:
    with contextlib.suppress(Invalid):
        given(call((), rows(*listed)), OPERATION)
