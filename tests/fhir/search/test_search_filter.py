"""``_filter``: the grammar, from text to conditions; what is wrong is named with its place."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardbridge.core.errors import Invalid
from wardbridge.fhir.search.clauses import Reading
from wardbridge.fhir.search.filter import OPERATORS, filtered
from wardbridge.fhir.search.prefix import Now
from wardbridge.fhir.search.query import And, Asked, Chain, Clause, Condition, Missing, Not, Or, Reverse, Text, Token

READING = Reading(Now(0))


def shown(condition: Condition) -> str:
    """The shape of a condition in short."""
    match condition:
        case And(parts=(left, right)):
            return f"({shown(left)} & {shown(right)})"
        case Or(parts=(left, right)):
            return f"({shown(left)} | {shown(right)})"
        case Not(part=part):
            return f"!{shown(part)}"
        case Chain(code=code, links=links):
            return f"{code}>{links[0].type}.{shown(links[0].condition)}"
        case Reverse(source=source, code=code, condition=inner):
            return f"{code}<{source}.{shown(inner)}"
        case Clause(code=code, modifier=modifier):
            return f"{code}:{modifier}" if modifier else code
        case _:
            raise AssertionError(condition)


@pytest.mark.parametrize(
    ("types", "text", "shape"),
    [
        ("Patient", 'name co "pet"', "name:contains"),
        ("Patient", "given eq peter and birthdate ge 2014-10-10", "(given:equals & birthdate)"),
        # No precedence: from left to right.
        ("Patient", "name eq a or name eq b and gender eq male", "((name:equals | name:equals) & gender)"),
        ("Patient", "name eq a or (name eq b and gender eq male)", "(name:equals | (name:equals & gender))"),
        ("Patient", "not (gender eq male)", "!gender"),
        ("Patient", "not(gender eq male) and active eq true", "(!gender & active)"),
        ("Patient", "gender ne male", "gender:unequal"),
        ("Patient", "birthdate pr false", "birthdate:missing"),
        ("Observation", "code eq http://loinc.org|1234-5", "code"),
        ("Observation", 'subject:Patient.name co "pet"', "subject>Patient.name:contains"),
        ("Observation", "patient.organization.name sw a", "patient>Patient.organization>Organization.name"),
        ("Observation", "patient[gender eq male].name ew a", "patient>Patient.(gender & name:ends)"),
        ("Observation", "code in http://vs", "code:in"),
        ("Observation", "code ss http://loinc.org|1", "code:below"),
        ("Patient", "_has:Observation:patient:code eq 1", "patient<Observation.code"),
        ("Patient", "general-practitioner re Practitioner/1", "general-practitioner"),
    ],
)
def test_shapes(types: str, text: str, shape: str) -> None:
    assert shown(filtered((types,), text, READING)) == shape


def test_values() -> None:
    clause = filtered(("Patient",), 'name eq "a \\"b\\" )"', READING)
    assert isinstance(clause, Clause)
    assert clause.values == (Text('a "b" )'),)
    clause = filtered(("Patient",), "identifier eq urn:x|7", READING)
    assert isinstance(clause, Clause)
    assert clause.values == (Token("urn:x", "7"),)
    clause = filtered(("Observation",), "code ni http://vs", READING)
    assert isinstance(clause, Clause)
    assert (clause.modifier, clause.values) == ("not-in", (Asked("not-in", "http://vs"),))
    clause = filtered(("Patient",), "name pr true", READING)
    assert isinstance(clause, Clause)
    assert clause.values == (Missing(False),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "name of a parameter"),
        ("name", "operator"),
        ("name is x", "operator"),
        ("name eq", "expected a value"),
        ("name eq x y", "'and' or 'or'"),
        ("(name eq x", "expected '\\)'"),
        ("nix eq x", "unknown search parameter 'nix'"),
        ("gender co x", "do not have this operator"),
        ("birthdate eq soon", "not a date"),
        ("name pr maybe", "true or false"),
        ("gender.name eq x", "no reference"),
        ("link[name eq x]", "'.'"),
        ("(" * 40 + "name eq x" + ")" * 40, "levels"),
        ("name eq " + "x" * 5000, "characters"),
        ("_has:Observation eq x", "expected _has"),
    ],
)
def test_refused(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        filtered(("Patient",), text, READING)


@given(st.text(alphabet='nameq()[]." \\andorgtx:|1', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(Invalid):
        filtered(("Patient",), text, READING)


@given(st.sampled_from(sorted(OPERATORS)), st.sampled_from(["name", "gender", "birthdate", "link", "_id"]), st.text())
def test_any_value_is_read_or_refused(operator: str, code: str, value: str) -> None:
    with suppress(Invalid):
        filtered(("Patient",), f"{code} {operator} {value}", READING)
