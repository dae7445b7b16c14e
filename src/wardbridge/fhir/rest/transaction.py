"""Transactions: all entries or none, in the order DELETE, POST, PUT and PATCH, GET whatever order they came in.

R4 http.html#trules. Read and validated first, then one database transaction: lock what the criteria name, match them,
lock the rows that will change (each kind of lock at once, in one order everywhere), work out the references, write all
in one statement, read, attest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wardbridge.core.errors import Invalid, NotFound, WardbridgeError
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.rest.access import access, check, of_write
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call, check_id
from wardbridge.fhir.rest.conditional import criteria_of, current_of, update_item
from wardbridge.fhir.rest.entries import METHODS, READS, Entry, check_target, entry_of, rows
from wardbridge.fhir.rest.idempotency import once
from wardbridge.fhir.rest.outcome import Refused
from wardbridge.fhir.rest.patch.document import Patch, patch_of
from wardbridge.fhir.rest.repository import Unit
from wardbridge.fhir.rest.rewriting import Links, conditional_references
from wardbridge.fhir.rest.routing import Route, route
from wardbridge.fhir.rest.searching import Searching
from wardbridge.fhir.rest.single import Single, read_answer, removed, written
from wardbridge.fhir.store.values import Delete, Put, SeveralMatches, Stored

_EVENT = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_PAUSE = 25
"""Entries that are validated before other requests get a turn."""
Respond = Callable[[Sequence[Answer]], Answer]


@dataclass
class Step:
    """A write of the transaction: what it became once criteria are matched."""

    entry: Entry
    type: str
    id: str = ""
    resource: dict[str, Any] | None = None
    criteria: str = ""
    patch: Patch | None = None
    found: Stored | None = None
    twin: bool = False
    """An earlier entry creates what this one's criteria ask for."""

    @property
    def method(self) -> str:
        return self.entry.call.method

    @property
    def kept(self) -> bool:
        """A conditional create that found its resource, or a conditional delete that found none: nothing to write."""
        return (self.method == "POST" and (self.found is not None or self.twin)) or (
            self.method == "DELETE" and not self.id
        )


@dataclass(frozen=True)
class Transaction:
    """``reserved``: types that this server writes by itself."""

    single: Single
    searching: Searching
    reserved: frozenset[str] = frozenset()

    async def run(self, call: Call, bundle: dict[str, Any], respond: Respond) -> Answer:
        """The answer made of those of the entries, in their order. Raises for the first that fails: then nothing is
        stored."""
        steps: list[Step] = []
        reads: list[tuple[Entry, Route]] = []
        for at, row in enumerate(rows(bundle)):
            entry = entry_of(call, at, row)
            if entry.call.method in READS:
                with _Naming(entry):
                    found = route(entry.call.method, entry.call.path)
                    if found.type in self.reserved:
                        raise Invalid(f"{found.type} is read outside of a transaction", "request.url")
                    reads.append((entry, found))
            else:
                with _Naming(entry):
                    steps.append(await self._step(entry))
            if at % _PAUSE == 0:
                await asyncio.sleep(0)

        async def work(unit: Unit) -> Answer:
            done = await self._work(unit, [replace(step) for step in steps], reads)  # repeated: from what was sent
            return respond([done[at] for at in sorted(done)])

        return await once(self.single.repository, call, work)

    async def _step(self, entry: Entry) -> Step:
        call, type_name = entry.call, check_target(entry)
        if type_name in self.reserved:
            raise Invalid(f"{type_name} is written by the server itself", "request.url")
        given = call.path[1] if len(call.path) == 2 else ""
        check(self.single.decide, call, _EVENT[call.method], type_name, given)
        step = Step(entry, type_name, given)
        if call.method == "POST":
            step.id = self.single.repository.new_id()
            step.criteria = call.headers.get("if-none-exist", "")
        elif given:
            check_id(given)
        else:
            check(self.single.decide, call, "search", type_name)
            step.criteria = criteria_of(call)
        if call.method == "PATCH":
            step.patch = patch_of(call)
        elif call.method != "DELETE":
            step.resource = dict(await self.single.checked(call, type_name))
            if call.method == "PUT" and given and step.resource.get("id") != given:
                raise Invalid(f"the resource must carry the id of the URL ({given})", "id")
        return step

    async def _work(self, unit: Unit, steps: list[Step], reads: list[tuple[Entry, Route]]) -> dict[int, Answer]:
        held = await self._match(unit, steps)
        await self._patch(unit, steps, held)
        links = await self._links(unit, steps)
        _no_overlap(steps)
        order = sorted((step for step in steps if not step.kept), key=_order)
        stored = await unit.write([_item(step, links) for step in order])
        made = {(one.type, one.id): replace(one, created=False, changed=False) for one in stored}
        answers: dict[int, Answer] = {}
        accesses = []
        for step, done in [
            *zip(order, stored, strict=True),
            *((s, s.found or made.get((s.type, s.id))) for s in steps if s.kept),
        ]:
            call = step.entry.call
            if done is None:
                answers[step.entry.at] = removed(call, None)
                continue
            answers[step.entry.at] = removed(call, done) if step.method == "DELETE" else written(call, done)
            accesses.append(of_write(call, _EVENT[step.method], done.type, done.id, done))
        for entry, found in reads:
            with _Naming(entry):
                answer = await self._read(unit, entry, found)
            answers[entry.at] = replace(answer, body=None) if entry.call.method == "HEAD" else answer
            accesses.append(access(entry.call, found.action, found.type, found.id, answer.patients))
        await unit.attest(accesses)
        return answers

    async def _match(self, unit: Unit, steps: list[Step]) -> dict[tuple[str, str], Stored]:
        """Give each conditional entry its resource; the rows that will change are locked, and given back."""
        conditional = [step for step in steps if step.criteria]
        await unit.lock([(step.type, step.criteria, step.resource) for step in conditional])
        if conditional:
            try:
                found = await current_of(unit, [(step.type, step.criteria) for step in conditional])
            except SeveralMatches:
                for step in conditional:  # which one?
                    with _Naming(step.entry):
                        await unit.match(step.type, step.criteria)
                raise
            twins: dict[tuple[str, str], Step] = {}
            for step, one in zip(conditional, found, strict=True):
                step.found = one
                if one is not None:
                    step.id = one.id
                elif step.method == "PUT":
                    assert step.resource is not None
                    step.id = step.resource.get("id") or self.single.repository.new_id()
                elif step.method == "POST":
                    first = twins.setdefault((step.type, step.criteria), step)
                    step.id, step.twin = first.id, first is not step
                elif step.method == "PATCH":
                    raise NotFound(f"{step.entry.where}: no {step.type} matches {step.criteria}", step.entry.where)
        return await unit.hold([(step.type, step.id) for step in steps if step.id and step.method != "POST"])

    async def _patch(self, unit: Unit, steps: list[Step], held: dict[tuple[str, str], Stored]) -> None:
        for step in steps:
            if step.patch is not None:
                with _Naming(step.entry):
                    now = held.get((step.type, step.id))
                    step.resource = await self.single.patched(step.entry.call, step.type, step.id, now, step.patch)

    async def _links(self, unit: Unit, steps: list[Step]) -> Links:
        """What the fullUrls and conditional references of the entries stand for."""
        links = Links()
        created: dict[str, str] = {}
        for step in steps:
            if step.entry.full_url and step.id and step.method != "DELETE":
                links.add(step.entry.full_url, f"{step.type}/{step.id}")
            if step.method == "POST" and step.criteria:
                created[f"{step.type}?{step.criteria.rpartition('?')[2]}"] = f"{step.type}/{step.id}"
        for text in sorted({text for step in steps for text in conditional_references(step.resource)}):
            links.add(text, created.get(text) or await self._reference(unit, text))
        return links

    async def _reference(self, unit: Unit, text: str) -> str:
        type_name = text.partition("?")[0]
        try:
            found = await unit.match(type_name, text)
        except SeveralMatches as error:
            raise SeveralMatches(f"the conditional reference {text} matches more than one resource") from error
        if found is None:
            raise SeveralMatches(f"the conditional reference {text} matches nothing", "reference")
        return f"{type_name}/{found.id}"

    async def _read(self, unit: Unit, entry: Entry, found: Route) -> Answer:
        """A GET within the transaction: it sees what the others have written."""
        call = entry.call
        match found:
            case Route("read", type_name, id_):
                check(self.single.decide, call, "read", type_name, id_)
                stored = await unit.read_many([(type_name, id_)])
                return read_answer(call, type_name, id_, stored[0] if stored else None)
            case Route("vread", type_name, id_, version) if version.isdecimal() and len(version) < 10:
                check(self.single.decide, call, "vread", type_name, id_)
                return read_answer(call, type_name, id_, await unit.vread(type_name, id_, int(version)))
            case Route("search", type_name, ""):
                return await self.searching.search(call, type_name, unit)
            case _:
                text = f"GET {'/'.join(call.path)} is not supported in a transaction"
                raise Invalid(text, f"{entry.where}.request.url")


def _order(step: Step) -> tuple[int, str, str]:
    """As the standard has it; ids that clients chose in one order, so that two transactions do not wait in a ring."""
    return (METHODS.index(step.method), *(("", "") if step.method == "POST" else (step.type, step.id)))


def _no_overlap(steps: list[Step]) -> None:
    seen: set[tuple[str, str]] = set()
    for step in steps:
        if step.kept or not step.id:
            continue
        if (step.type, step.id) in seen:
            raise Invalid(f"{step.type}/{step.id} appears twice in the transaction", step.entry.where)
        seen.add((step.type, step.id))


def _item(step: Step, links: Links) -> Put | Delete:
    call = step.entry.call
    if step.resource is None:
        return Delete(step.type, step.id, call.if_match())
    resource = links.rewrite(step.resource, step.entry.full_url) if links else dict(step.resource)
    if step.method == "PATCH":
        return Put(resource)
    if step.criteria and step.method == "PUT":
        given = {key: value for key, value in resource.items() if key != "id" or step.found}
        item = update_item(given, step.found, call.if_match(), call.if_none_match())
        return replace(item, resource={**item.resource, "id": step.id})
    resource["id"] = step.id
    return Put(resource, call.if_match(), if_none_match=call.if_none_match())


class _Naming:
    """Errors inside name the entry that they come from."""

    def __init__(self, entry: Entry) -> None:
        self.where = entry.where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, WardbridgeError):
            error.message = f"{self.where}: {error.message}"
            error.where = error.where or self.where
        elif isinstance(error, Refused) and error.answer.body is not None:
            raise Refused(_named(error.answer, self.where), attested=error.attested) from None


def _named(answer: Answer, where: str) -> Answer:
    """The same OperationOutcome with its places inside the Bundle."""
    outcome = loads(answer.body or b"{}")
    for issue in outcome.get("issue", ()):
        places = issue.get("expression") or [""]
        issue["expression"] = [f"{where}.resource.{p.partition('.')[2]}" if "." in p else where for p in places]
    return replace(answer, body=dumps(outcome))
