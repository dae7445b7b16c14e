"""Transactions: all entries or none, in the order DELETE, POST, PUT, GET whatever order they came in (R4 #trules)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from wardbridge.core.errors import Invalid, NotFound, WardbridgeError
from wardbridge.fhir.rest.access import access, check, of_write, patients_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call, check_id
from wardbridge.fhir.rest.entries import METHODS, Entry, check_target, conditional_references, entries, rewrite
from wardbridge.fhir.rest.outcome import Refused
from wardbridge.fhir.rest.repository import Unit
from wardbridge.fhir.rest.searching import Searching
from wardbridge.fhir.rest.single import Single, criteria_of, removed, update_item, written
from wardbridge.fhir.store.values import Delete, Put, SeveralMatches, Stored

_EVENT = {"POST": "create", "PUT": "update", "DELETE": "delete"}
_PAUSE = 25
"""Entries that are validated before other requests get a turn."""


@dataclass
class _Step:
    """A write of the transaction: what it became once criteria are matched."""

    entry: Entry
    type: str
    id: str = ""
    resource: dict[str, Any] | None = None
    criteria: str = ""
    found: Stored | None = None
    twin: bool = False
    """An earlier entry creates what this one's criteria ask for."""


@dataclass(frozen=True)
class Transaction:
    single: Single
    searching: Searching

    async def run(self, call: Call, bundle: dict[str, Any]) -> list[tuple[Entry, Answer]]:
        """The answers in the order of the request. Raises for the first entry that fails: then nothing is stored."""
        steps: list[_Step] = []
        gets: list[Entry] = []
        for entry in entries(call, bundle):
            try:
                if entry.call.method == "GET":
                    gets.append(entry)
                else:
                    steps.append(await self._step(entry))
            except (WardbridgeError, Refused) as error:
                raise _at(entry, error) from error
            if entry.at % _PAUSE == 0:
                await asyncio.sleep(0)
        return await self.single.repository.transact(lambda unit: self._work(unit, steps, gets))

    async def _step(self, entry: Entry) -> _Step:
        call, type_name = entry.call, check_target(entry)
        given = call.path[1] if len(call.path) == 2 else ""
        check(self.single.decide, call, _EVENT[call.method], type_name, given)
        if call.method == "POST":
            resource = dict(await self.single.checked(call, type_name))
            criteria = call.headers.get("if-none-exist", "")
            return _Step(entry, type_name, self.single.repository.new_id(), resource, criteria)
        step = _Step(entry, type_name, given)
        if not given:
            check(self.single.decide, call, "search", type_name)
            step.criteria = criteria_of(call)
            if not step.criteria:
                raise Invalid(f"{call.method} {type_name} needs an id or criteria", "request.url")
        if call.method == "PUT":
            step.resource = dict(await self.single.checked(call, type_name))
            if given:
                check_id(given)
            if given and step.resource.get("id") != given:
                raise Invalid(f"the resource must carry the id of the URL ({given})", "id")
        return step

    async def _work(self, unit: Unit, steps: list[_Step], gets: list[Entry]) -> list[tuple[Entry, Answer]]:
        steps = [replace(step) for step in steps]  # a repetition starts from what was sent
        references = {text: "" for step in steps for text in conditional_references(step.resource)}
        await unit.lock(
            [(step.type, step.criteria) for step in steps if step.criteria]
            + [(text.split("?")[0], text) for text in references]
        )
        known: dict[str, str] = {}
        twins: dict[tuple[str, str], _Step] = {}
        for step in steps:
            await self._resolve(unit, step)
            if step.entry.call.method == "POST" and step.criteria and step.found is None:
                first = twins.setdefault((step.type, step.criteria), step)
                step.id, step.twin = first.id, first is not step
            if step.entry.full_url and step.id:
                known[step.entry.full_url] = f"{step.type}/{step.id}"
        known.update([(text, await self._reference(unit, text)) for text in references])
        _no_overlap(steps)
        order = sorted((s for s in steps if not _kept(s)), key=lambda s: METHODS.index(s.entry.call.method))
        stored = await unit.write([_item(step, known) for step in order])
        made = {(one.type, one.id): replace(one, created=False, changed=False) for one in stored}
        answers: dict[int, Answer] = {}
        accesses = []
        for step, done in [
            *zip(order, stored, strict=True),
            *((s, s.found or made.get((s.type, s.id))) for s in steps if _kept(s)),
        ]:
            call = step.entry.call
            if done is None:
                answers[step.entry.at] = removed(call, None)
                continue
            answers[step.entry.at] = removed(call, done) if call.method == "DELETE" else written(call, done)
            accesses.append(of_write(call, _EVENT[call.method], done.type, done.id, done))
        for entry in gets:
            try:
                answers[entry.at] = await self._get(unit, entry)
            except WardbridgeError as error:
                raise _at(entry, error) from error
            type_name = entry.call.path[0] if entry.call.path else ""
            accesses.append(
                access(
                    entry.call,
                    "read" if len(entry.call.path) > 1 else "search",
                    type_name,
                    entry.call.path[1] if len(entry.call.path) > 1 else "",
                    answers[entry.at].patients,
                )
            )
        await unit.attest(accesses)
        found = [(step.entry, answers[step.entry.at]) for step in steps] + [(e, answers[e.at]) for e in gets]
        return sorted(found, key=lambda pair: pair[0].at)

    async def _resolve(self, unit: Unit, step: _Step) -> None:
        """Match the criteria of a conditional entry."""
        if not step.criteria:
            return
        try:
            step.found = await unit.match(step.type, step.criteria)
        except WardbridgeError as error:
            raise _at(step.entry, error) from error
        if step.found is not None:
            step.id = step.found.id
        elif step.entry.call.method == "PUT":
            assert step.resource is not None
            step.id = step.resource.get("id") or self.single.repository.new_id()

    async def _reference(self, unit: Unit, text: str) -> str:
        type_name = text.split("?")[0]
        try:
            found = await unit.match(type_name, text)
        except SeveralMatches as error:
            raise SeveralMatches(f"the conditional reference {text} matches more than one resource") from error
        if found is None:
            raise SeveralMatches(f"the conditional reference {text} matches nothing", "reference")
        return f"{type_name}/{found.id}"

    async def _get(self, unit: Unit, entry: Entry) -> Answer:
        path = entry.call.path
        if len(path) == 2 and path[1][:1] not in "$_":
            check(self.single.decide, entry.call, "read", path[0], path[1])
            check_id(path[1])
            found = await unit.read_many([(path[0], path[1])])
            if not found or found[0].deleted:
                raise NotFound(f"{'/'.join(path)} does not exist")
            return Answer(200, found[0].body, found[0].etag, found[0].updated, patients=patients_of(found[0]))
        if len(path) <= 1:
            return await self.searching.search(entry.call, path[0] if path else "", unit)
        raise Invalid(f"GET {'/'.join(path)} is not supported in a transaction", f"{entry.where}.request.url")


def _kept(step: _Step) -> bool:
    """A conditional create that found its resource, or a conditional delete that found none: nothing to write."""
    method = step.entry.call.method
    return (method == "POST" and (step.found is not None or step.twin)) or (method == "DELETE" and not step.id)


def _no_overlap(steps: list[_Step]) -> None:
    seen: set[tuple[str, str]] = set()
    for step in steps:
        if _kept(step) or not step.id:
            continue
        if (step.type, step.id) in seen:
            raise Invalid(f"{step.type}/{step.id} appears twice in the transaction", step.entry.where)
        seen.add((step.type, step.id))


def _item(step: _Step, known: dict[str, str]) -> Put | Delete:
    call = step.entry.call
    if step.resource is None:
        return Delete(step.type, step.id, call.if_match())
    resource = rewrite(step.resource, known) if known else dict(step.resource)
    if step.criteria and call.method == "PUT":
        item = update_item(
            {key: value for key, value in resource.items() if key != "id" or step.found}, step.found, call.if_match()
        )
        return Put({**item.resource, "id": step.id}, item.if_match)
    resource["id"] = step.id
    return Put(resource, call.if_match())


def _at(entry: Entry, error: WardbridgeError | Refused) -> WardbridgeError | Refused:
    """The same error, naming the entry."""
    if isinstance(error, Refused):
        return error
    error.message = f"{entry.where}: {error.message}"
    error.where = error.where or entry.where
    return error
