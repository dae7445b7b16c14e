"""Interactions with one resource by its id: read, vread, create, update, patch, delete (R4 http.html)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wardbridge.core.errors import Gone, Invalid, NotFound, WardbridgeError
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.rest.access import check, of_write, patients_of
from wardbridge.fhir.rest.answer import Answer, of_stored
from wardbridge.fhir.rest.call import Call, check_id
from wardbridge.fhir.rest.cascade import Cascade
from wardbridge.fhir.rest.hooks import Decide, Prepare, Validate
from wardbridge.fhir.rest.idempotency import asked_once, once
from wardbridge.fhir.rest.outcome import Refused, fine, of_error
from wardbridge.fhir.rest.patch.document import Patch, patch_of
from wardbridge.fhir.rest.patch.errors import Unprocessable
from wardbridge.fhir.rest.repository import Repository, Unit
from wardbridge.fhir.rest.subset import shown, subset
from wardbridge.fhir.store.values import Delete, Put, Stored, VersionConflict
from wardbridge.fhir.store.write import Outcome
from wardbridge.fhir.validate import operation_outcome
from wardbridge.security.principal import Principal

READ_PARAMETERS = frozenset({"_format", "_pretty", "_summary", "_elements"})
WRITE_PARAMETERS = frozenset({"_format", "_pretty"})


@dataclass(frozen=True)
class Single:
    """The interactions over a repository. ``validate`` None: resources are stored unchecked. ``prepare`` by type.

    ``cascade``: whether ``_cascade=delete`` may be asked for.
    """

    repository: Repository
    decide: Decide
    validate: Validate | None
    prepare: Mapping[str, Prepare] = field(default_factory=dict)
    cascade: bool = False

    async def read(self, call: Call, type_name: str, id_: str) -> Answer:
        check(self.decide, call, "read", type_name, id_)
        known_parameters(call, READ_PARAMETERS)
        return read_answer(call, type_name, id_, await self.repository.read(type_name, id_))

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
        return show(call, stored)

    async def create(self, call: Call, type_name: str) -> Answer:
        check(self.decide, call, "create", type_name)
        known_parameters(call, WRITE_PARAMETERS)
        resource = dict(await self.checked(call, type_name))
        resource.pop("id", None)
        item = Put(resource, if_none_exist=call.headers.get("if-none-exist"))
        if not asked_once(call):
            done = await self.repository.put(item, lambda out: of_write(call, "create", type_name, "", out))
            return written(call, _raised(done))

        async def work(unit: Unit) -> Answer:
            (done,) = await unit.write([item])
            await unit.attest([of_write(call, "create", type_name, "", done)])
            return written(call, done)

        return await once(self.repository, call, work)

    async def update(self, call: Call, type_name: str, id_: str) -> Answer:
        check(self.decide, call, "update", type_name, id_)
        known_parameters(call, WRITE_PARAMETERS)
        check_id(id_)
        resource = await self.checked(call, type_name)
        if resource.get("id") != id_:
            raise Invalid(f"the resource must carry the id of the URL ({id_})", f"{type_name}.id")
        item = Put(resource, call.if_match(), if_none_match=call.if_none_match())
        done = await self.repository.put(item, lambda out: of_write(call, "update", type_name, id_, out))
        return written(call, _raised(done))

    async def patch(self, call: Call, type_name: str, id_: str) -> Answer:
        """Read, patch, validate and write under the lock of the row: no other update is lost in between."""
        check(self.decide, call, "patch", type_name, id_)
        known_parameters(call, WRITE_PARAMETERS)
        patch = patch_of(call)

        async def work(unit: Unit) -> Stored:
            held = (await unit.hold([(type_name, id_)])).get((type_name, id_))
            resource = await self.patched(call, type_name, id_, held, patch)
            (done,) = await unit.write([Put(resource)])
            await unit.attest([of_write(call, "patch", type_name, id_, done)])
            return done

        return written(call, await self.repository.transact(work))

    async def delete(self, call: Call, type_name: str, id_: str) -> Answer:
        check(self.decide, call, "delete", type_name, id_)
        known_parameters(call, WRITE_PARAMETERS | {"_cascade"})
        cascade = Cascade.asked(call, self.cascade, self.decide)
        item = Delete(type_name, id_, call.if_match())
        if cascade is not None:
            return removed(call, await self.repository.transact(lambda unit: cascade.delete(unit, item)))
        done = await self.repository.put(item, lambda out: of_write(call, "delete", type_name, id_, out))
        return removed(call, _raised(done))

    async def checked(self, call: Call, type_name: str) -> dict[str, Any]:
        """The resource that was sent, fit to be stored. Raises Invalid, Refused (422 with every problem)."""
        return await self.valid(call.principal, type_name, call.json())

    async def valid(self, principal: Principal, type_name: str, resource: dict[str, Any]) -> dict[str, Any]:
        """A resource that is fit to be stored. Raises Invalid, Refused (422 with every problem)."""
        if resource.get("resourceType") != type_name:
            raise Invalid(f"the body must be a {type_name} (resourceType)", "resourceType")
        if self.validate is not None:
            problems = await self.validate(resource)
            if any(problem.severity in ("error", "fatal") for problem in problems):
                raise Refused(Answer(422, dumps(operation_outcome(problems))))
        prepare = self.prepare.get(type_name)
        return resource if prepare is None else await prepare(principal, resource)

    async def patched(self, call: Call, type_name: str, id_: str, held: Stored | None, patch: Patch) -> dict[str, Any]:
        """What a patch makes of the current version. Raises NotFound, Gone, VersionConflict, Unprocessable, Refused."""
        if held is None:
            raise NotFound(f"{type_name}/{id_} does not exist")
        if held.body is None:
            raise Gone(f"{type_name}/{id_} was deleted")
        if_match = call.if_match()
        if if_match not in (None, "*", str(held.version)):
            raise VersionConflict(
                f"If-Match asks for version {if_match} of {type_name}/{id_}; the current version is {held.version}",
                "If-Match",
            )
        resource = patch(loads(held.body))
        if (resource.get("resourceType"), resource.get("id")) != (type_name, held.id):
            raise Unprocessable("a patch cannot change resourceType or id", f"{type_name}.id")
        return await self.valid(call.principal, type_name, resource)


def known_parameters(call: Call, names: frozenset[str]) -> None:
    """Raises Invalid for a parameter that the interaction does not have: nothing is passed over in silence."""
    for name, _ in call.parameters:
        if name not in names:
            raise Invalid(f"unknown parameter {name!r} for this interaction", name)


def _raised(done: Outcome) -> Stored:
    if isinstance(done, WardbridgeError):
        raise Refused(of_error(done), attested=True)
    return done


def read_answer(call: Call, type_name: str, id_: str, stored: Stored | None) -> Answer:
    """What a read answers. Raises NotFound, Gone."""
    if stored is None:
        raise NotFound(f"{type_name}/{id_} does not exist")
    if stored.deleted:
        raise Gone(f"{type_name}/{id_} was deleted; its last content is version {stored.version - 1}")
    return show(call, stored)


def show(call: Call, stored: Stored) -> Answer:
    """A version as it was asked for: whole, in part, or only whether it changed."""
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
