"""QuestionnaireResponses against their Questionnaire (https://hl7.org/fhir/R4/questionnaireresponse.html#notes).

Items by linkId in the order of the questions, types of answers, options, required ones, and questions that were not to
be asked (enableWhen).  The Questionnaire is the contained one, or one that the server has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wardbridge.fhir.definitions.table import type_of
from wardbridge.fhir.path.equality import compare
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.nodes import typed
from wardbridge.fhir.validate.coded import binding_checks
from wardbridge.fhir.validate.issues import Place, shown
from wardbridge.fhir.validate.items import Item
from wardbridge.fhir.validate.neighbours import contained
from wardbridge.fhir.validate.patterns import fits, same
from wardbridge.fhir.validate.run import Run
from wardbridge.fhir.validate.shapes import Bound

_ANSWERS = {
    "boolean": ("boolean",),
    "decimal": ("decimal",),
    "integer": ("integer",),
    "date": ("date",),
    "dateTime": ("dateTime",),
    "time": ("time",),
    "string": ("string",),
    "text": ("string",),
    "url": ("uri",),
    "choice": ("Coding",),
    "open-choice": ("Coding", "string"),
    "attachment": ("Attachment",),
    "reference": ("Reference",),
    "quantity": ("Quantity",),
}
_FINISHED = frozenset({"completed", "amended"})
_VALUES = {f"value{name[0].upper()}{name[1:]}": name for names in _ANSWERS.values() for name in names}


def questionnaire_response(value: dict[str, Any], place: Place, run: Run) -> None:
    """Everything about a response, where its questionnaire is known."""
    if not run.options.definitions or not isinstance(value.get("questionnaire"), str):
        return
    url = value["questionnaire"]
    asked = contained(url[1:], run.holders.root) if url[:1] == "#" else run.questionnaire(url)
    if asked is None or asked.get("resourceType") != "Questionnaire":
        text = f"unknown questionnaire {shown(url)}: the response is not checked against it"
        run.add(run.options.unknown_profiles, "not-found", (place, "questionnaire", -1), text)
        return
    _Response(value, run).items(_rows(asked, "item"), value, place)


def _rows(value: Any, name: str) -> list[dict[str, Any]]:
    found = value.get(name) if isinstance(value, dict) else None
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def answer_of(row: dict[str, Any], prefix: str = "value") -> tuple[str, Any] | None:
    """Type and value of an answer, an option or the answer of an enableWhen."""
    for key, value in row.items():
        kind = _VALUES.get("value" + key[len(prefix) :]) if key.startswith(prefix) else None
        if kind is not None:
            return kind, value
    return None


class _Response:
    def __init__(self, value: dict[str, Any], run: Run) -> None:
        self.run = run
        self.finished = str(value.get("status")) in _FINISHED
        self.answers: dict[str, list[tuple[str, Any]]] = {}
        for row in _all(value):
            link = row.get("linkId")
            if isinstance(link, str):
                found = [a for answer in _rows(row, "answer") if (a := answer_of(answer)) is not None]
                self.answers.setdefault(link, []).extend(found)

    def items(self, questions: list[dict[str, Any]], holder: dict[str, Any], place: Place) -> None:
        """The items below one holder against the questions of that level."""
        order = {str(q.get("linkId")): i for i, q in enumerate(questions)}
        given: dict[str, int] = {}
        last = -1
        for i, row in enumerate(_rows(holder, "item")):
            here = (place, "item", i)
            link = str(row.get("linkId"))
            if link not in order:
                self.run.error("structure", here, f"the questionnaire has no item {shown(link)} here")
                continue
            at = order[link]
            if at < last:
                self.run.error("structure", here, f"item {shown(link)} stands after a later one of the questionnaire")
            last = max(last, at)
            given[link] = given.get(link, 0) + 1
            self.item(questions[at], row, here, given[link])
        if self.finished:
            for question in questions:
                wanted = question.get("required") is True and self.enabled(question)
                if wanted and str(question.get("linkId")) not in given and question.get("type") != "display":
                    text = f"item {shown(question.get('linkId'))} is required and not answered"
                    self.run.error("required", place, text)

    def item(self, question: dict[str, Any], row: dict[str, Any], place: Place, nth: int) -> None:
        kind, link = question.get("type"), shown(question.get("linkId"))
        answers = _rows(row, "answer")
        if nth > 1 and not (kind == "group" and question.get("repeats") is True):
            self.run.error("structure", place, f"item {link} stands here more than once")
        if not self.enabled(question) and (answers or _rows(row, "item")):
            self.run.error("business-rule", place, f"item {link} is answered though it was not to be asked")
        if kind in ("group", "display"):
            if answers:
                self.run.error("structure", place, f"item {link} is a {kind} and takes no answer")
            if kind == "group":
                self.items(_rows(question, "item"), row, place)
            return
        if _rows(row, "item"):
            self.run.error("structure", place, f"what belongs to question {link} stands in its answer, not beside it")
        if len(answers) > 1 and question.get("repeats") is not True:
            self.run.error("structure", place, f"question {link} takes one answer, found {len(answers)}")
        if not answers and self.finished and question.get("required") is True and self.enabled(question):
            self.run.error("required", place, f"item {link} is required and not answered")
        for i, answer in enumerate(answers):
            here = (place, "answer", i)
            self.answer(question, answer, here)
            self.items(_rows(question, "item"), answer, here)

    def answer(self, question: dict[str, Any], row: dict[str, Any], place: Place) -> None:
        found = answer_of(row)
        allowed = _ANSWERS.get(str(question.get("type")))
        if found is None or allowed is None:
            return
        kind, value = found
        here = (place, f"value.ofType({kind})", -1)
        if kind not in allowed:
            wanted = " or ".join(allowed)
            self.run.error(
                "structure", here, f"question {shown(question.get('linkId'))} takes a {wanted}, not a {kind}"
            )
            return
        most = question.get("maxLength")
        if type(most) is int and isinstance(value, str) and len(value) > most:
            self.run.error("too-long", here, f"longer than {most} characters")
        if kind == "string" and question.get("type") == "open-choice":
            return
        options = [o for option in _rows(question, "answerOption") if (o := answer_of(option)) is not None]
        if options and not any(o[0] == kind and _chosen(o[1], value) for o in options):
            self.run.error("code-invalid", here, f"{shown(value)} is none of the options")
        url = question.get("answerValueSet")
        if isinstance(url, str) and url[:1] != "#" and kind == "Coding":
            for check in binding_checks([Bound("required", url)]):
                check(Item(value, None, kind, here), self.run)

    def enabled(self, question: dict[str, Any]) -> bool:
        tests = [self.holds(row) for row in _rows(question, "enableWhen")]
        return not tests or (any(tests) if question.get("enableBehavior") == "any" else all(tests))

    def holds(self, row: dict[str, Any]) -> bool:
        found = self.answers.get(str(row.get("question")), [])
        operator, wanted = row.get("operator"), answer_of(row, "answer")
        if operator == "exists":
            return bool(found) is (row.get("answerBoolean") is not False)
        if wanted is None:
            return False
        if operator == "=":
            return any(_chosen(wanted[1], value) for _, value in found)
        if operator == "!=":
            return bool(found) and not any(_chosen(wanted[1], value) for _, value in found)
        return any(_compares(str(operator), kind, value, wanted[1]) for kind, value in found)


def _all(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for row in _rows(value, "item"):
        yield row
        yield from _all(row)
        for answer in _rows(row, "answer"):
            yield from _all(answer)


def _chosen(option: Any, value: Any) -> bool:
    """Whether an answer is an option; of codings system and code count."""
    if isinstance(option, dict) and isinstance(value, dict) and "code" in option:
        return fits({k: option[k] for k in ("system", "code") if k in option}, value)
    return same(option, value)


def _compares(operator: str, kind: str, value: Any, wanted: Any) -> bool:
    declared = type_of(kind)
    try:
        return compare(operator, typed(value, declared), typed(wanted, declared)) is True
    except (PathError, KeyError, TypeError, ArithmeticError):
        return False
