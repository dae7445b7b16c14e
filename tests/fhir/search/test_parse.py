"""The parser refuses what it does not understand, and says where."""

from __future__ import annotations

import pytest

from wardbridge.core.errors import Invalid
from wardbridge.fhir.search.parse import UnknownParameter, parse, supported
from wardbridge.fhir.search.query import Clause, Include, Quantity, Range, Reference, Token


@pytest.mark.parametrize(
    ("types", "name", "value", "words"),
    [
        (["Patient"], "nix", "1", "unknown search parameter"),
        (["Patient"], "name:near", "1", "no modifier"),
        (["Patient"], "name", "", "no value"),
        (["Observation"], "subject.nix", "x", "unknown search parameter 'nix'"),
        (["Observation"], "subject:Patient.nix", "x", "unknown search parameter 'nix' for Patient"),
        (["Observation"], "subject:Medication.code", "x", "cannot refer to 'Medication'"),
        (["Observation"], "code.text", "x", "no reference"),
        (["Provenance"], "target._id", "x", "name one"),
        (["Observation"], "subject:Patient." + "link:Patient." * 9 + "name", "x", "steps"),
        (["Patient"], "_has:Observation:patient", "x", "expected _has"),
        (["Patient"], "_has:Nix:patient:code", "x", "not a resource type"),
        (["Patient"], "_has:Observation:code:code", "x", "no reference"),
        (["Device"], "_has:Observation:performer:code", "x", "cannot refer to Device"),
        (["Observation"], "date:in", "http://vs", "no modifier"),
        (["Patient"], "_id:in", "http://vs", "no modifier"),
        (["Patient"], "identifier:of-type", "MR|1", r"system\|code\|value"),
        (["Observation"], "subject:below", "Patient/1", "part of each other"),
        (["Location"], "near", "1", "latitude"),
        (["Location"], "near", "91|0", "from -90 to 90"),
        (["Location"], "near", "1|1|5|parsec", "unit"),
        (["Patient"], "_list", "$current-problems", "functional lists"),
        (["Patient"], "_text", '"open', "quotation mark"),
        (["Patient"], "_content", "(a or", "missing at the end"),
        (["Observation"], "date", "yesterday", "not a date"),
        (["Observation"], "date", "ge2025-02-30", "day"),
        (["Observation"], "value-quantity", "abc", "not a number"),
        (["Observation"], "value-quantity", "1|a|b|c", "form"),
        (["Observation"], "code", "a|b|c", "form"),
        (["Observation"], "code", "|", "needs"),
        (["Observation"], "code-value-quantity", "8480-6", r"\$"),
        (["Observation"], "subject:Practitioner", "1", "cannot refer"),
        (["Observation"], "subject:Patient", "Group/1", "asks for"),
        (["Patient"], "_count", "-1", "whole number"),
        (["Patient"], "_sort", "nix", "sorted"),
        (["Patient"], "_total", "maybe", "_total"),
        (["Patient"], "_summary", "all", "_summary"),
        (["Patient"], "_include", "Patient", "expected"),
        (["Patient"], "_include", "Patient:name", "no reference"),
        (["Patient"], "_include:often", "Patient:organization", "no such modifier"),
        (["Patient"], "_contained", "maybe", "true, false or both"),
        (["Patient"], "_sort", "name,name,name,name,name", "at most four"),
        (["Patient"], "_type", "Observation", "whole system"),
        ([], "_type", "Nonsense", "not a resource type"),
        ([], "code", "1", "unknown"),
        (["Patient"], "gender:missing", "yes", "true or false"),
    ],
)
def test_refused(types: list[str], name: str, value: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        parse(types, [(name, value)])
    assert caught.value.status == 400
    assert caught.value.where


def test_lenient_keeps_what_it_knows() -> None:
    query = parse(["Patient"], [("nix", "1"), ("gender", "male"), ("_sort", "nix")], lenient=True)
    assert [clause.code for clause in query.clauses if isinstance(clause, Clause)] == ["gender"]
    assert len(query.ignored) == 2
    assert query.parameters == (("gender", "male"),)


def test_lenient_does_not_pass_over_bad_values() -> None:
    with pytest.raises(Invalid, match="not a date"):
        parse(["Patient"], [("birthdate", "soon")], lenient=True)


def test_values() -> None:
    query = parse(
        ["Observation"],
        [
            ("code", r"http://loinc.org|8867-4,a\,b"),
            ("date", "ge2025"),
            ("subject", "p1"),
            ("value-quantity", "lt5.4|http://unitsofmeasure.org|mg"),
            ("_include", "Observation:subject:Patient"),
        ],
    )
    code, date, subject, quantity = (clause.values for clause in query.clauses if isinstance(clause, Clause))
    assert code == (Token("http://loinc.org", "8867-4"), Token(None, "a,b"))
    assert isinstance(date[0], Range)
    assert date[0].prefix == "ge"
    assert isinstance(subject[0], Reference)
    assert {t.type for t in subject[0].targets} == {"Patient", "Group", "Device", "Location", ""}
    assert isinstance(quantity[0], Quantity)
    assert quantity[0].base_unit == "g"
    assert query.includes == (Include("Observation", "subject", "Patient", False),)


def test_unknown_parameter_names_the_type() -> None:
    with pytest.raises(UnknownParameter, match="'nix' for Patient"):
        parse(["Patient"], [("nix", "1")])


def test_supported_has_no_parameter_without_an_expression() -> None:
    assert "_content" not in supported("Patient")
    assert {"_id", "_lastUpdated", "_tag", "family"} <= set(supported("Patient"))
