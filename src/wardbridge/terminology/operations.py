"""The operations of R4's terminology service, each by instance and type, by GET and POST (terminology-service.html)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from wardbridge.core.errors import Invalid, NotFound, WardbridgeError
from wardbridge.core.ids import Ids, random_ids
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.rest.access import check
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.rest.operations import MANY, Operation, Parameter
from wardbridge.terminology import inputs
from wardbridge.terminology.answers import validate_in_set, validate_in_system, valueset_of
from wardbridge.terminology.closure import closure
from wardbridge.terminology.errors import Refusal
from wardbridge.terminology.expand import expand
from wardbridge.terminology.issues import Issue, outcome, plain
from wardbridge.terminology.library import Library
from wardbridge.terminology.lookup import lookup, subsumes
from wardbridge.terminology.request import Request, parameters, read
from wardbridge.terminology.service import Service
from wardbridge.terminology.translate import translate

BATCH = 1_000
"""Validations of one batch."""
DEFINITION = "http://hl7.org/fhir/OperationDefinition/"

Body = Callable[[Library, Request, dict[str, Any] | None], Awaitable[dict[str, Any]]]


def operations(service: Service, decide: Decide, ids: Ids = random_ids) -> tuple[Operation, ...]:
    """All of them. ``decide``: an instance is only worked on where the caller may read it."""
    t = _Terminology(service, decide, ids)

    def one(
        type_name: str, name: str, body: Body, about: str, given: tuple[Parameter, ...], told: tuple[Parameter, ...]
    ) -> Operation:
        return Operation(
            name,
            f"{DEFINITION}{type_name}-{name}",
            t.performing(body),
            types=(type_name,),
            type=True,
            instance=True,
            inputs=given,
            outputs=told,
            about=about,
        )

    return (
        one("CodeSystem", "lookup", t.lookup, "What a code means.", inputs.LOOKUP, inputs.LOOKED_UP),
        one("CodeSystem", "validate-code", t.in_system, "Is it a code of the system?", inputs.IN_SYSTEM, inputs.VALID),
        one("CodeSystem", "subsumes", t.subsumes, "How two codes relate.", inputs.SUBSUMES, inputs.SUBSUMED),
        one("ValueSet", "expand", t.expand, "The codes of a value set.", inputs.EXPAND, inputs.EXPANDED),
        one("ValueSet", "validate-code", t.in_set, "Is a code in the value set?", inputs.IN_SET, inputs.VALID),
        replace(
            one("ValueSet", "batch-validate-code", t.batch, "Many codes at once.", inputs.BATCH, inputs.BATCHED),
            definition="http://hl7.org/fhir/tools/OperationDefinition/ValueSet-batch-validate-code",
        ),
        one("ConceptMap", "translate", t.translate, "What a map makes of a code.", inputs.TRANSLATE, inputs.TRANSLATED),
        Operation(
            "closure",
            f"{DEFINITION}ConceptMap-closure",
            t.close,
            system=True,
            type=True,
            types=("ConceptMap",),
            affects_state=True,
            inputs=(
                Parameter("name", "string", 1, about="The client's name for its table."),
                Parameter("concept", "Coding", most=MANY, about="Concepts that are new to the client."),
                Parameter("version", "string", about="Tell again what is new since this version."),
            ),
            outputs=(Parameter("return", "ConceptMap", 1),),
            about="A client's own table of who subsumes whom.",
        ),
    )


class _Terminology:
    def __init__(self, service: Service, decide: Decide, ids: Ids) -> None:
        self._service, self._decide, self._ids = service, decide, ids

    def performing(self, body: Body) -> Callable[[Call, str, str], Coroutine[Any, Any, Answer]]:
        async def perform(call: Call, type_name: str, id_: str) -> Answer:
            try:
                request = read(call)
                library = await self._service.library(request.resources)
                given = await self._instance(library, call, type_name, id_)
                return Answer(200, dumps(await body(library, request, given)))
            except WardbridgeError as error:
                return refused(error)

        return perform

    async def _instance(self, library: Library, call: Call, type_name: str, id_: str) -> dict[str, Any] | None:
        if not id_:
            return None
        check(self._decide, call, "read", type_name, id_)
        if type_name == "ValueSet" and (held := await library.shelf.by_id(type_name, id_)) is not None:
            return held
        stored = await self._service.record.read(type_name, id_)
        if stored is None or stored.body is None:
            raise NotFound(f"{type_name}/{id_} does not exist")
        return loads(stored.body)

    async def lookup(self, library: Library, request: Request, given: dict[str, Any] | None) -> dict[str, Any]:
        return _parameters(await lookup(_with(library, request, given), request, _url(given)))

    async def subsumes(self, library: Library, request: Request, given: dict[str, Any] | None) -> dict[str, Any]:
        found = await subsumes(_with(library, request, given), request, _url(given))
        return _parameters([{"name": "outcome", "valueCode": found}])

    async def in_system(self, library: Library, request: Request, given: dict[str, Any] | None) -> dict[str, Any]:
        return _parameters(await validate_in_system(library, request, given))

    async def in_set(self, library: Library, request: Request, given: dict[str, Any] | None) -> dict[str, Any]:
        return _parameters(await validate_in_set(library, request, given))

    async def expand(self, library: Library, request: Request, given: dict[str, Any] | None) -> dict[str, Any]:
        valueset = await valueset_of(library, request, given)
        return await expand(library, request, valueset, self._service.clock, self._ids)

    async def translate(self, library: Library, request: Request, given: dict[str, Any] | None) -> dict[str, Any]:
        return _parameters(await translate(library, request, given))

    async def batch(self, library: Library, request: Request, given: dict[str, Any] | None) -> dict[str, Any]:
        """Each ``validation`` is a request of its own; what it does not say, the batch says for all."""
        asked = [v for v in request.all("validation") if isinstance(v, dict)]
        if not asked or len(asked) > BATCH:
            raise Invalid(f"$batch-validate-code takes 1 to {BATCH} validations", "validation")
        common = replace(request, parameters=tuple(p for p in request.parameters if p[0] != "validation"))
        out = []
        for one in asked:
            try:
                single = Request(tuple(parameters(one)), request.accept_language).with_defaults(common)
                found = _parameters(await validate_in_set(library, single, given))
            except WardbridgeError as error:
                found = outcome(_issues(error))
            out.append({"name": "validation", "resource": found})
        return _parameters(out)

    async def close(self, call: Call, type_name: str, id_: str) -> Answer:
        try:
            request = read(call)
            library = await self._service.library()
            owner = call.principal.id
            return Answer(200, dumps(await closure(library, request, self._service.clock, self._ids, owner)))
        except WardbridgeError as error:
            return refused(error)


def _with(library: Library, request: Request, given: dict[str, Any] | None) -> Library:
    return library if given is None else Library(library.shelf, [given, *request.resources])


def _url(given: dict[str, Any] | None) -> str:
    return str((given or {}).get("url") or "")


def _parameters(told: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": told}


_KINDS = {"too-costly": "too-costly", "not-found": "not-found", "invalid": "invalid-data"}


def _issues(error: WardbridgeError) -> list[Issue]:
    if isinstance(error, Refusal):
        return list(error.issues)
    return [plain(error.code, error.message, error.where, _KINDS.get(error.code, ""))]


def refused(error: WardbridgeError) -> Answer:
    """The answer for an error of ours: an OperationOutcome that tells the kind of problem in ``details``."""
    if error.status >= 500:
        raise error
    return Answer(error.status, dumps(outcome(_issues(error))))
