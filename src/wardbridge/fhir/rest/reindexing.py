"""Custom search parameters over HTTP: checked when they are written, their progress seen, the index made anew.

GET  [base]/SearchParameter/[id]/$reindex-status   building (how far), active, retired, or why it is not in force
GET  [base]/$reindex-status                        every type that is being brought to the rules of now
POST [base]/$reindex                               make the rows of some types, or of all, again
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wardbridge.core.errors import Invalid, NotFound
from wardbridge.fhir.definitions.search import published_parameter
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.rest.access import check
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.rest.operations import MANY, Operation, Parameter
from wardbridge.fhir.rest.parameters import given
from wardbridge.fhir.search.custom import Unfit, parameter_of
from wardbridge.fhir.store import rules
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.reindex import Reindexer
from wardbridge.fhir.store.rules import Custom, TypeRules
from wardbridge.security.principal import Principal


class NotFit(Invalid):
    """A SearchParameter that cannot be searched by (422); ``where`` is the element."""

    status = 422
    code = "business-rule"


@dataclass(frozen=True)
class SearchParameters:
    """The rule for SearchParameter resources and their operations."""

    record: Record
    decide: Decide

    async def prepare(self, principal: Principal, resource: dict[str, Any], /) -> dict[str, Any]:
        """An active one must compile, and be the only one of its code. Raises NotFit."""
        try:
            parameter = parameter_of(resource)
        except Unfit as error:
            raise NotFit(str(error), error.where) from error
        for one in self.record.numbers.custom() if parameter else ():
            if parameter is None or one.resource == resource.get("id"):
                continue
            if one.parameter.url == parameter.url:
                raise NotFit(f"SearchParameter/{one.resource} has this url already", "SearchParameter.url")
            if one.parameter.code == parameter.code and one.type in parameter.base:
                raise NotFit(
                    f"{one.type} has a parameter {parameter.code!r} already: {one.parameter.url}",
                    "SearchParameter.code",
                )
        return resource

    def operations(self) -> tuple[Operation, ...]:
        """``$reindex`` and ``$reindex-status``."""
        status = Operation(
            "reindex-status", "", self.status, types=("SearchParameter",), system=True, instance=True,
            inputs=(), about="How far the search index is.",
        )  # fmt: skip
        types = Parameter("type", "code", most=MANY, about="resource types; none: all")
        return (
            status,
            Operation(
                "reindex", "", self.reindex, system=True, affects_state=True, inputs=(types,),
                about="Makes the search index anew, beside all other work.",
            ),
        )  # fmt: skip

    async def status(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises NotFound."""
        numbers = self.record.numbers
        await numbers.refresh(self.record.pool)
        if not id_:
            parts = [_type_part(name, at) for name, at in sorted(numbers.progress.items()) if not at.ready]
            return _answer([_code("state", "running" if parts else "complete"), *parts])
        stored = await self.record.read("SearchParameter", id_)
        if stored is None:
            raise NotFound(f"SearchParameter/{id_} does not exist")
        customs = [one for one in await rules.customs(self.record.pool) if one.resource == id_]
        live = [one for one in customs if not one.retired]
        if stored.body is None or not live:
            return _answer(_why_not(loads(stored.body) if stored.body else {}, bool(customs)))
        ready = [one for one in live if numbers.progress[one.type].complete >= one.rules]
        state = _code("state", "active" if len(ready) == len(live) else "building")
        return _answer([state, *(_custom_part(one, numbers.progress[one.type]) for one in live)])

    async def reindex(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Invalid, Forbidden."""
        check(self.decide, call, "update", "SearchParameter")
        types = given(call, self.operations()[1]).words("type")
        for name in types:
            if name not in resource_types():
                raise Invalid(f"{name[:60]!r} is no resource type of R4", "type")
        numbers = self.record.numbers
        await Reindexer(self.record.pool, numbers, self.record.clock).anew(types)
        return _answer([_code("state", "running")], 202)


def _why_not(resource: dict[str, Any], before: bool) -> list[dict[str, Any]]:
    """Why a SearchParameter is not in force."""
    if not resource:
        return [_code("state", "retired")]
    url = resource.get("url")
    if isinstance(url, str) and published_parameter(url) is not None:
        return [_code("state", "active"), _text("reason", "it is a parameter of the standard, which is always indexed")]
    try:
        waits = parameter_of(resource) is not None
    except Unfit as error:
        return [_code("state", "refused"), _text("reason", f"{error.where}: {error}")]
    if waits:
        return [_code("state", "building"), _text("reason", "it waits for its turn")]
    if resource.get("status") == "active":
        return [_code("state", "active"), _text("reason", "the standard has this parameter, which is always indexed")]
    return [_code("state", "retired" if before else "inactive"), _text("reason", "its status is not active")]


def _type_part(name: str, at: TypeRules) -> dict[str, Any]:
    return {
        "name": "type",
        "part": [
            _code("name", name),
            _number("percent", at.percent),
            _number("done", at.done),
            _number("total", at.total),
            _number("rules", at.rules),
            _number("complete", at.complete),
        ],
    }


def _custom_part(one: Custom, at: TypeRules) -> dict[str, Any]:
    percent = 100 if at.complete >= one.rules else at.percent
    return {
        "name": "type",
        "part": [
            _code("name", one.type),
            _code("code", one.parameter.code),
            _number("percent", percent),
            _number("rules", one.rules),
            _number("complete", at.complete),
        ],
    }


def _code(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "valueCode": value}


def _text(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "valueString": value}


def _number(name: str, value: int) -> dict[str, Any]:
    return {"name": name, "valueInteger": value}


def _answer(parameters: list[dict[str, Any]], status: int = 200) -> Answer:
    return Answer(status, dumps({"resourceType": "Parameters", "parameter": parameters}))
