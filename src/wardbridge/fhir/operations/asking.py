"""What an expression asks of the outside, answered between two runs of it.

Expressions run at once and in memory; the record and the terminology must be waited for. So a question without an
answer is noted and the run goes on with "unknown"; then what was noted is looked up, and the expression runs again.
Nothing is given that the caller may not read.
"""

from __future__ import annotations

from typing import Any

from wardbridge.core.errors import NotFound
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.path.env import Env
from wardbridge.fhir.path.references import literal_type
from wardbridge.fhir.rest.access import patients_of
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.terms import Asked, Terms

MOST_ROUNDS = 10
MOST_QUESTIONS = 1000
Question = tuple[str, ...]


class Asking:
    """The questions of one request. ``patients``: of whom something was read."""

    def __init__(self, services: Services, call: Call) -> None:
        self.services = services
        self.call = call
        self.patients: dict[str, None] = {}
        self._answers: dict[Question, Any] = {}
        self._values: dict[Question, Any] = {}
        self._open: set[Question] = set()

    def env(self, **more: Any) -> Env:
        """An environment whose questions are noted here."""
        terms: dict[str, Any] = {}
        if self.services.record.terms is not None:
            terms = {"member_of": self._member_of, "subsumes": self._subsumes}
        return Env(resolve=self._resolve, conforms_to=self._conforms_to, **terms, **more)

    def _ask(self, question: Question, value: Any = None) -> Any:
        if question not in self._answers and len(self._answers) + len(self._open) < MOST_QUESTIONS:
            self._open.add(question)
            self._values[question] = value
        return self._answers.get(question)

    def _resolve(self, reference: str) -> Any:
        return self._ask(("resolve", reference))

    def _member_of(self, value: Any, valueset: str) -> Any:
        return self._ask(("member", valueset, dumps(value).decode()), value)

    def _subsumes(self, general: tuple[str, str], special: tuple[str, str]) -> Any:
        return self._ask(("subsumes", *general, *special))

    def _conforms_to(self, value: Any, profile: str) -> Any:
        return self._ask(("conforms", profile, dumps(value).decode()), value)

    async def answered(self) -> bool:
        """Look up what is open. False where nothing was: the last run is the final one."""
        questions, self._open = self._open, set()
        for question in questions:
            self._answers[question] = await self._answer(question)
        return bool(questions)

    async def _answer(self, question: Question) -> Any:
        kind, *rest = question
        terms = self.services.record.terms
        if kind == "resolve":
            return await self._read(rest[0])
        if kind == "conforms":
            found = await self.services.check(self._values[question], [rest[0]])
            return not any(issue.severity in ("error", "fatal") for issue in found)
        assert terms is not None
        if kind == "member":
            return await _is_member(terms, self._values[question], rest[0])
        return await _is_above(terms, rest[0], rest[1], rest[3])

    async def _read(self, reference: str) -> dict[str, Any] | None:
        local = reference
        for base in (self.call.base, *self.services.record.bases):
            local = local.removeprefix(base.rstrip("/") + "/")
        type_name = literal_type(local)
        if type_name is None or not local.startswith(type_name + "/"):
            return None
        id_ = local.split("/")[1]
        if not self.services.may(self.call, "read", type_name, id_):
            return None
        stored = await self.services.repository.read(type_name, id_)
        if stored is None or stored.body is None:
            return None
        self.patients.update(dict.fromkeys(patients_of(stored)))
        return loads(stored.body)


async def _is_member(terms: Terms, value: Any, valueset: str) -> bool | None:
    """A code, Coding or CodeableConcept; of the last any coding counts."""
    codings = [{"code": value}] if isinstance(value, str) else value.get("coding", [value])
    asked = [
        Asked(valueset, str(coding.get("system", "")), str(coding["code"]))
        for coding in codings
        if isinstance(coding, dict) and coding.get("code")
    ]
    verdicts = [verdict.member for verdict in await terms.judge(asked)] if asked else []
    return True if True in verdicts else None if None in verdicts else False


async def _is_above(terms: Terms, system: str, general: str, special: str) -> bool | None:
    try:
        return general in await terms.related(system, special, "above")
    except NotFound:
        return None
