"""Interactions with one resource: read, vread, create, update, delete, and their conditional forms (R4 http.html)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from wardbridge.core.errors import Conflict, Gone, Invalid, NotFound, WardbridgeError
from wardbridge.fhir.json import dumps
from wardbridge.fhir.rest.access import check, of_write, patients_of
from wardbridge.fhir.rest.answer import Answer, of_stored
from wardbridge.fhir.rest.call import Call, check_id
from wardbridge.fhir.rest.hooks import Decide, Prepare, Validate
from wardbridge.fhir.rest.outcome import Refused, fine, of_error
from wardbridge.fhir.rest.repository import Repository, Unit
from wardbridge.fhir.rest.subset import shown, subset
from wardbridge.fhir.store.values import Delete, Put, SeveralMatches, Stored
from wardbridge.fhir.store.write import Outcome
from wardbridge.fhir.validate import operation_outcome

READ_PARAMETERS = frozenset({"_format", "_pretty", "_summary", "_elements"})


@dataclass(frozen=True)
class Single:
    """The interactions over a repository. ``validate`` None: resources are stored unchecked. ``prepare`` by type."""

    repository: Repository
    decide: Decide
    validate: Validate | None
    prepare: Mapping[str, Prepare] = field(default_factory=dict)

    async def read(self, call: Call, type_name: str, id_: str) -> Answer:
        check(self.decide, call, "read", type_name, id_)
        known_parameters(call, READ_PARAMETERS)
        stored = await self.repository.read(type_name, id_)
        if stored is None:
            raise NotFound(f"{type_name}/{id_} does not exist")
        if stored.deleted:
            raise Gone(f"{type_name}/{id_} was deleted; its last content is version {stored.version - 1}")
        return _shown(call, stored)

    async def vread(self, call: Call, type_name: str, id_: str, version: str) -> Answer:
        check(self.decide, call, "vread", type_name, id_)
        known_parameters(call, READ_PARAMETERS)
        stored = None
        if version.isdecimal() and len(version) < 10:
            stored = await self.repository.vread(type_name, id_, int(version))
        if stored is None:
            raise NotFound(f"{type_name}/{id_} has no version {version[:20]}")
        if stored.deleted:
            raise Gone(f"version {version} of {type_name}/{id_} is its deletion")
        return _shown(call, stored)

    async def create(self, call: Call, type_name: str) -> Answer:
        check(self.decide, call, "create", type_name)
        known_parameters(call, READ_PARAMETERS)
        resource = await self.checked(call, type_name)
        resource.pop("id", None)
        item = Put(resource, if_none_exist=call.headers.get("if-none-exist"))
        done = _raised(await self.repository.put(item, lambda out: of_write(call, "create", type_name, "", out)))
        return written(call, done)

    async def update(self, call: Call, type_name: str, id_: str) -> Answer:
        check(self.decide, call, "update", type_name, id_)
        known_parameters(call, READ_PARAMETERS)
        check_id(id_)
        resource = await self.checked(call, type_name)
        if resource.get("id") != id_:
            raise Invalid(f"the resource must carry the id of the URL ({id_})", f"{type_name}.id")
        done = _raised(
            await self.repository.put(
                Put(resource, call.if_match()), lambda out: of_write(call, "update", type_name, id_, out)
            )
        )
        return written(call, done)

    async def delete(self, call: Call, type_name: str, id_: str) -> Answer:
        check(self.decide, call, "delete", type_name, id_)
        done = _raised(
            await self.repository.put(
                Delete(type_name, id_, call.if_match()), lambda out: of_write(call, "delete", type_name, id_, out)
            )
        )
        return removed(call, done)

    async def update_where(self, call: Call, type_name: str) -> Answer:
        """Conditional update (R4 http.html#cond-update)."""
        check(self.decide, call, "update", type_name)
        check(self.decide, call, "search", type_name)
        resource = await self.checked(call, type_name)
        criteria = criteria_of(call)

        async def work(unit: Unit) -> Stored:
            item = update_item(resource, await unit.match(type_name, criteria), call.if_match())
            (done,) = await unit.write([item])
            await unit.attest([of_write(call, "update", type_name, done.id, done)])
            return done

        return written(call, await self.repository.transact(work))

    async def delete_where(self, call: Call, type_name: str) -> Answer:
        """Conditional delete of at most one resource (R4 http.html#3.1.0.7.1)."""
        check(self.decide, call, "delete", type_name)
        check(self.decide, call, "search", type_name)
        criteria = criteria_of(call)

        async def work(unit: Unit) -> Stored | None:
            found = await unit.match(type_name, criteria)
            done = None
            if found is not None:
                (done,) = await unit.write([Delete(type_name, found.id, call.if_match())])
            await unit.attest([of_write(call, "delete", type_name, "", done)] if done else [])
            return done

        return removed(call, await self.repository.transact(work))

    async def checked(self, call: Call, type_name: str) -> dict[str, Any]:
        """The resource that was sent, validated. Raises Invalid, Refused (422 with every problem)."""
        resource = call.json()
        if resource.get("resourceType") != type_name:
            raise Invalid(f"the body must be a {type_name} (resourceType)", "resourceType")
        if self.validate is not None:
            problems = await self.validate(resource)
            if any(problem.severity in ("error", "fatal") for problem in problems):
                raise Refused(Answer(422, dumps(operation_outcome(problems))))
        prepare = self.prepare.get(type_name)
        return resource if prepare is None else await prepare(call.principal, resource)


def known_parameters(call: Call, names: frozenset[str]) -> None:
    """Raises Invalid for a parameter that the interaction does not have: nothing is passed over in silence."""
    for name, _ in call.parameters:
        if name not in names:
            raise Invalid(f"unknown parameter {name!r} for this interaction", name)


def criteria_of(call: Call) -> str:
    return urlencode([(name, value) for name, value in call.parameters if name not in ("_format", "_pretty")])


def update_item(resource: dict[str, Any], found: Stored | None, if_match: str | None) -> Put:
    """What a conditional update writes. Raises Conflict when body and match name different resources."""
    given = resource.get("id")
    if found is not None:
        if given and given != found.id:
            raise Invalid(f"the criteria match {found.id}, the resource says {given}", "id")
        return Put({**resource, "id": found.id}, if_match)
    if if_match is not None:
        raise Conflict("If-Match was given, but the criteria match nothing", "If-Match")
    return Put(resource)


def _raised(done: Outcome) -> Stored:
    if isinstance(done, WardbridgeError):
        raise Refused(of_error(done), attested=True)
    return done


def _shown(call: Call, stored: Stored) -> Answer:
    patients = patients_of(stored)
    if call.headers and call.unchanged(stored.version, stored.updated):
        return Answer(304, None, stored.etag, stored.updated, patients=patients)
    answer = of_stored(stored, 200, call.base)
    body = answer.body
    if call.parameters and body is not None:
        summary, elements = shown(call.parameters)
        if summary or elements:
            body = subset(body, summary, elements)
    return Answer(200, body, answer.etag, answer.updated, patients=patients)


def written(call: Call, done: Stored) -> Answer:
    """201 or 200, with what ``Prefer: return`` asks for."""
    status = 201 if done.created else 200
    wanted = call.prefer("return") if "prefer" in call.headers else ""
    plain = of_stored(done, status, call.base, body=not wanted or wanted == "representation", location=True)
    if wanted == "OperationOutcome":
        text = "nothing was written: the resource exists" if not done.changed else f"stored as version {done.version}"
        return Answer(status, dumps(fine(text)), plain.etag, plain.updated, plain.location)
    return plain


def removed(call: Call, done: Stored | None) -> Answer:
    """204, or 200 with an OperationOutcome if asked for."""
    if call.prefer("return") == "OperationOutcome":
        return Answer(200, dumps(fine("deleted" if done and done.changed else "there was nothing to delete")))
    return Answer(204, None, done.etag if done and done.version else "")


def one_match(found: Sequence[Stored], criteria: str) -> Stored:
    """Exactly one. Raises SeveralMatches, NotFound."""
    if len(found) > 1:
        raise SeveralMatches(f"{criteria} matches more than one resource")
    if not found:
        raise NotFound(f"{criteria} matches nothing")
    return found[0]
