"""`$meta`, `$meta-add` and `$meta-delete`: profiles, tags and security labels (R4 resource-operation-meta.html).

As the standard has it, a change makes no new version: ETag and lastUpdated stay. A version of the history is reached by
its own URL (``[type]/[id]/_history/[version]/$meta-add``). Labels are sets: of a tag or security label system and code
are what it is, of a profile its URL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wardbridge.core.db import Connection
from wardbridge.core.errors import NotFound
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.json import loads
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.rest.access import access, check, patients_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.operations import Operation, Parameter
from wardbridge.fhir.rest.parameters import answered, given, parameters, row
from wardbridge.fhir.store.group import repeat
from wardbridge.fhir.store.meta import change_meta, labels
from wardbridge.fhir.store.values import Stored

_BASE = "http://hl7.org/fhir/OperationDefinition/Resource-"
_RESULT = (Parameter("return", "Meta", 1, 1, "The meta as it is then"),)
_MOST = 1000
"""Labels of each kind that `$meta` of a type or of the system names."""


@dataclass(frozen=True)
class MetaOperations:
    services: Services

    def operations(self) -> tuple[Operation, ...]:
        return (
            Operation(
                "meta", f"{_BASE}meta", self.read, system=True, type=True, instance=True, inputs=(), outputs=_RESULT,
                about="The profiles, tags and security labels of a resource, or of all of them", decides=True,
            ),
            self._changing("meta-add", self.add, "Profiles, tags and security labels to add"),
            self._changing("meta-delete", self.delete, "Profiles, tags and security labels to remove"),
        )  # fmt: skip

    @staticmethod
    def _changing(name: str, perform: Any, about: str) -> Operation:
        return Operation(
            name, f"{_BASE}{name}", perform, instance=True, affects_state=True, decides=True,
            inputs=(Parameter("meta", "Meta", 1, 1, about),), outputs=_RESULT, about=f"{about}; no new version",
        )  # fmt: skip

    async def read(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Forbidden, NotFound, Gone, Invalid."""
        given(call, self.operations()[0])
        if not id_:
            types = (type_name,) if type_name else tuple(sorted(resource_types()))
            for name in types if type_name else ("",):
                check(self.services.decide, call, "search", name)
            record = self.services.record
            async with record.pool.acquire() as conn:
                return _answer(await labels(conn, record.numbers, types, _MOST))
        version = _version(call)
        if version is None:
            stored: Stored | None = await self.services.read(call, type_name, id_)
        else:
            check(self.services.decide, call, "vread", type_name, id_)
            stored = await self.services.repository.vread(type_name, id_, version)
        if stored is None or stored.body is None:
            raise NotFound(f"{'/'.join(call.path[:-1])} does not exist")
        return _answer(loads(stored.body)["meta"], patients_of(stored))

    async def add(self, call: Call, type_name: str, id_: str) -> Answer:
        return await self._change(call, type_name, id_, 1, added)

    async def delete(self, call: Call, type_name: str, id_: str) -> Answer:
        return await self._change(call, type_name, id_, 2, without)

    async def _change(
        self, call: Call, type_name: str, id_: str, at: int, change: Callable[[dict[str, Any], Any], dict[str, Any]]
    ) -> Answer:
        """Raises Forbidden, NotFound, Invalid."""
        check(self.services.decide, call, "update", type_name, id_)
        operation = self.operations()[at]
        labels_ = given(call, operation).one("meta")
        record = self.services.record

        async def work(conn: Connection) -> Stored:
            done = await change_meta(
                conn, record.numbers, type_name, id_, _version(call), lambda meta: change(meta, labels_)
            )
            if done is None:
                raise NotFound(f"{'/'.join(call.path[:-1])} does not exist, or is deleted")
            entry = access(call, f"${operation.name}", type_name, id_, patients_of(done))
            await self.services.audit.within(conn, entry)
            return done

        done = await repeat(record.pool, work)
        return _answer(loads(done.body or b"{}")["meta"], patients_of(done))


def added(meta: dict[str, Any], labels_: dict[str, Any]) -> dict[str, Any]:
    """The meta with these labels too; those that are there stay as they are."""
    out = dict(meta)
    for name, identity in _KINDS.items():
        there = list(meta.get(name, ()))
        known = {identity(one) for one in there}
        for one in labels_.get(name, ()):
            if identity(one) not in known:
                known.add(identity(one))
                there.append(one)
        if there:
            out[name] = there
    return out


def without(meta: dict[str, Any], labels_: dict[str, Any]) -> dict[str, Any]:
    """The meta without these labels."""
    out = dict(meta)
    for name, identity in _KINDS.items():
        gone = {identity(one) for one in labels_.get(name, ())}
        left = [one for one in meta.get(name, ()) if identity(one) not in gone]
        if left:
            out[name] = left
        else:
            out.pop(name, None)
    return out


def _coding(one: dict[str, Any]) -> tuple[Any, Any]:
    return one.get("system"), one.get("code")


_KINDS: dict[str, Callable[[Any], Any]] = {"profile": str, "security": _coding, "tag": _coding}


def _version(call: Call) -> int | None:
    """The version that the URL names; None for the current one. Raises NotFound."""
    if len(call.path) != 5:
        return None
    if not call.path[3].isdecimal() or len(call.path[3]) > 9:
        raise NotFound(f"there is no version {call.path[3][:20]!r}")
    return int(call.path[3])


def _answer(meta: dict[str, Any], patients: tuple[str, ...] = ()) -> Answer:
    return answered(parameters([row("return", "Meta", meta)]), patients)
