"""Responses against their questionnaire, by table."""

from __future__ import annotations

from typing import Any

import pytest

from wardbridge.fhir.path.predicate import Holders
from wardbridge.fhir.validate.api import walk
from wardbridge.fhir.validate.options import Options
from wardbridge.fhir.validate.profiles import Profiles
from wardbridge.fhir.validate.run import Run

URL = "https://hospital.test/q"
ONE, TWO = {"valueCoding": {"system": "u:s", "code": "1"}}, {"valueCoding": {"system": "u:s", "code": "2"}}
QUESTIONS: list[dict[str, Any]] = [
    {"linkId": "smoker", "type": "boolean", "required": True},
    {
        "linkId": "packs",
        "type": "integer",
        "enableWhen": [{"question": "smoker", "operator": "=", "answerBoolean": True}],
        "required": True,
    },
    {"linkId": "kind", "type": "choice", "answerOption": [ONE, TWO], "repeats": True},
    {"linkId": "other", "type": "open-choice", "answerOption": [ONE]},
    {"linkId": "note", "type": "string", "maxLength": 3, "item": [{"linkId": "why", "type": "string"}]},
    {"linkId": "part", "type": "group", "repeats": True, "item": [{"linkId": "when", "type": "date"}]},
    {"linkId": "word", "type": "display"},
    {
        "linkId": "old",
        "type": "string",
        "enableWhen": [{"question": "packs", "operator": ">", "answerInteger": 10}],
    },
]


def answered(link: str, *answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"linkId": link} | ({"answer": list(answers)} if answers else {}) | more


NO = answered("smoker", {"valueBoolean": False})
YES = answered("smoker", {"valueBoolean": True})


def errors(*items: dict[str, Any], status: str = "completed", contained: bool = False) -> list[str]:
    asked = {"resourceType": "Questionnaire", "url": URL, "status": "active", "item": QUESTIONS}
    response: dict[str, Any] = {"resourceType": "QuestionnaireResponse", "status": status}
    if items:
        response["item"] = list(items)
    response["questionnaire"] = "#q" if contained else URL
    known = Profiles()
    if contained:
        response["contained"] = [{**asked, "id": "q"}]
    else:
        known.add(asked)
    run = Run(Holders(response, response), Options(definitions=True), known)
    walk(response, run)
    return [i.expression.removeprefix("QuestionnaireResponse") for i in run.issues if i.severity == "error"]


@pytest.mark.parametrize("contained", [True, False])
def test_a_right_response(contained: bool) -> None:
    found = errors(
        YES,
        answered("packs", {"valueInteger": 20}),
        answered("kind", ONE, TWO),
        answered("other", {"valueString": "x"}),
        answered("note", {"valueString": "abc", "item": [answered("why", {"valueString": "x"})]}),
        answered("part", item=[answered("when", {"valueDate": "2026"})]),
        answered("part", item=[answered("when", {"valueDate": "2025"})]),
        answered("old", {"valueString": "x"}),
        contained=contained,
    )
    assert found == []


WRONG: list[tuple[str, list[dict[str, Any]], list[str]]] = [
    ("required", [], [""]),
    ("required where enabled", [YES], [""]),
    ("not to be asked", [NO, answered("packs", {"valueInteger": 1})], [".item[1]"]),
    ("type", [answered("smoker", {"valueString": "x"})], [".item[0].answer[0].value.ofType(string)"]),
    ("unknown item", [NO, answered("nothing")], [".item[1]"]),
    ("item of another level", [NO, answered("when", {"valueDate": "2026"})], [".item[1]"]),
    ("order", [answered("kind", ONE), NO], [".item[1]"]),
    ("one answer", [answered("smoker", {"valueBoolean": False}, {"valueBoolean": False})], [".item[0]"]),
    ("item twice", [NO, answered("kind", ONE), answered("kind", TWO)], [".item[2]"]),
    (
        "option",
        [NO, answered("kind", {"valueCoding": {"system": "u:s", "code": "3"}})],
        [".item[1].answer[0].value.ofType(Coding)"],
    ),
    ("length", [NO, answered("note", {"valueString": "abcd"})], [".item[1].answer[0].value.ofType(string)"]),
    ("answer of a group", [NO, answered("part", {"valueDate": "2026"})], [".item[1]"]),
    ("answer of a display", [NO, answered("word", {"valueString": "x"})], [".item[1]"]),
    ("items beside answers", [NO, answered("note", item=[answered("why", {"valueString": "x"})])], [".item[1]"]),
    ("comparison", [YES, answered("packs", {"valueInteger": 5}), answered("old", {"valueString": "x"})], [".item[2]"]),
]


@pytest.mark.parametrize(("items", "places"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_response(items: list[dict[str, Any]], places: list[str]) -> None:
    assert errors(*items) == places


def test_nothing_is_required_before_it_is_finished() -> None:
    assert errors(status="in-progress") == []
