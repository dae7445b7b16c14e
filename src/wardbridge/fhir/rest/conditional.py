"""Update, patch and delete of what matches criteria (R4 http.html#cond-update, #cond-delete, #patch).

The criteria are locked, then matched, then the row that matched is locked and matched again if it changed meanwhile:
what is written is what the criteria select at that moment, and nobody else writes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.fhir.rest.access import check, of_write
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.cascade import Cascade
from wardbridge.fhir.rest.patch.document import patch_of
from wardbridge.fhir.rest.repository import Unit
from wardbridge.fhir.rest.single import Single, removed, written
from wardbridge.fhir.store.values import Delete, Put, Stored

_ROUNDS = 8


@dataclass(frozen=True)
class Conditional:
    """The conditional forms of :class:`Single`. Each may end with SeveralMatches (412)."""

    single: Single

    async def update(self, call: Call, type_name: str) -> Answer:
        criteria = self._criteria(call, "update", type_name)
        resource = await self.single.checked(call, type_name)
        if_none_match = call.if_none_match()

        async def work(unit: Unit) -> Stored:
            await unit.lock([(type_name, criteria, resource)])
            found = await current(unit, type_name, criteria)
            item = update_item(resource, found, call.if_match(), if_none_match)
            (done,) = await unit.write([item])
            await unit.attest([of_write(call, "update", type_name, done.id, done)])
            return done

        return written(call, await self.single.repository.transact(work))

    async def patch(self, call: Call, type_name: str) -> Answer:
        criteria = self._criteria(call, "patch", type_name)
        patch = patch_of(call)

        async def work(unit: Unit) -> Stored:
            await unit.lock([(type_name, criteria, None)])
            found = await current(unit, type_name, criteria)
            if found is None:
                raise NotFound(f"no {type_name} matches {criteria}")
            resource = await self.single.patched(call, type_name, found.id, found, patch)
            (done,) = await unit.write([Put(resource)])
            await unit.attest([of_write(call, "patch", type_name, found.id, done)])
            return done

        return written(call, await self.single.repository.transact(work))

    async def delete(self, call: Call, type_name: str) -> Answer:
        """At most one resource (``conditionalDelete: single``)."""
        criteria = self._criteria(call, "delete", type_name, "_cascade")
        cascade = Cascade.asked(call, self.single.cascade, self.single.decide)

        async def work(unit: Unit) -> Stored | None:
            await unit.lock([(type_name, criteria, None)])
            found = await current(unit, type_name, criteria)
            if found is None:
                return None
            item = Delete(type_name, found.id, call.if_match())
            if cascade is not None:
                return await cascade.delete(unit, item)
            (done,) = await unit.write([item])
            await unit.attest([of_write(call, "delete", type_name, "", done)])
            return done

        return removed(call, await self.single.repository.transact(work))

    def _criteria(self, call: Call, action: str, type_name: str, *also: str) -> str:
        check(self.single.decide, call, action, type_name)
        check(self.single.decide, call, "search", type_name)
        return criteria_of(call, *also)


def criteria_of(call: Call, *also: str) -> str:
    """The parameters that select; ``also`` are other parameters of the interaction. Raises Invalid without any."""
    rest = {"_format", "_pretty", *also}
    text = urlencode([(name, value) for name, value in call.parameters if name not in rest])
    if not text:
        raise Invalid(f"{call.method} {'/'.join(call.path)} needs an id or criteria", "url")
    return text


async def current(unit: Unit, type_name: str, criteria: str) -> Stored | None:
    """The one resource that matches, its row locked; the criteria must be locked. Raises SeveralMatches, Conflict."""
    return (await current_of(unit, [(type_name, criteria)]))[0]


async def current_of(unit: Unit, wanted: Sequence[tuple[str, str]]) -> list[Stored | None]:
    """As :func:`current` for several (type, criteria), their rows locked at once."""
    for _ in range(_ROUNDS):
        found = [await unit.match(type_name, criteria) for type_name, criteria in wanted]
        held = await unit.hold([(one.type, one.id) for one in found if one is not None])
        if all(one is None or held[one.type, one.id].version == one.version for one in found):
            return found
    raise Conflict("what the criteria select keeps changing; try again")


def update_item(
    resource: dict[str, Any], found: Stored | None, if_match: str | None, if_none_match: str | None = None
) -> Put:
    """What a conditional update writes. Raises Invalid when body and match name different resources."""
    given = resource.get("id")
    if found is not None:
        if given and given != found.id:
            raise Invalid(f"the criteria match {found.id}, the resource says {given}", "id")
        return Put({**resource, "id": found.id}, if_match, if_none_match=if_none_match)
    if if_match is not None:
        raise Conflict("If-Match was given, but the criteria match nothing", "If-Match")
    return Put(resource)
