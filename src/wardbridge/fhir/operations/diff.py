"""`$diff`: what changed between two versions, or two resources, as a FHIRPath Patch (Parameters)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wardbridge.core.errors import Gone, Invalid, NotFound
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.json import loads
from wardbridge.fhir.operations.difference import difference
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.rest.access import check, patients_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import ID, Call
from wardbridge.fhir.rest.operations import Operation, Parameter
from wardbridge.fhir.rest.parameters import Given, answered, given, parameters
from wardbridge.fhir.store.values import Stored
from wardbridge.fhir.validate import validate

META = Parameter("includeMeta", "boolean", 0, 1, "Compare Resource.meta too")
INSTANCE = (
    Parameter("fromVersion", "positiveInt", 0, 1, "The older version; else the one before the newer"),
    Parameter("toVersion", "positiveInt", 0, 1, "The newer version; else the current one"),
    META,
)
SYSTEM = (
    Parameter("from", "string", 0, 1, "The older: [type]/[id] or [type]/[id]/_history/[version]"),
    Parameter("to", "string", 0, 1, "The newer, in the same form"),
    Parameter("fromResource", "Resource", 0, 1, "The older as a resource"),
    Parameter("toResource", "Resource", 0, 1, "The newer as a resource"),
    META,
)
OUTPUTS = (Parameter("return", "Parameters", 1, 1, "A FHIRPath Patch that makes the newer from the older"),)


@dataclass(frozen=True)
class Diff:
    services: Services

    def operations(self) -> tuple[Operation, ...]:
        return self._operation(False), self._operation(True)

    def _operation(self, instance: bool) -> Operation:
        return Operation(
            "diff",
            "" if instance else "http://hapifhir.io/fhir/OperationDefinition/diff",
            self.perform,
            system=not instance,
            instance=instance,
            inputs=INSTANCE if instance else SYSTEM,
            outputs=OUTPUTS,
            about="What changed, as a FHIRPath Patch" + (" between two versions" if instance else ""),
            decides=True,
        )

    async def perform(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Invalid, Forbidden, NotFound, Gone."""
        asked = given(call, self._operation(bool(id_)))
        seen: list[Stored] = []
        if id_:
            before, after = await self._versions(call, type_name, id_, asked, seen)
        else:
            before = await self._side(call, asked, "from", seen)
            after = await self._side(call, asked, "to", seen)
        if before.get("resourceType") != after.get("resourceType"):
            raise Invalid(f"a {before.get('resourceType')} and a {after.get('resourceType')} cannot be compared", "to")
        rows = difference(before, after, meta=asked.one("includeMeta", False))
        out: dict[str, Any] = parameters(rows) if rows else {"resourceType": "Parameters"}
        return answered(out, patients_of(*seen))

    async def _versions(
        self, call: Call, type_name: str, id_: str, asked: Given, seen: list[Stored]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        newest = asked.one("toVersion") or (await self.services.read(call, type_name, id_)).version
        older = asked.one("fromVersion") or newest - 1
        after = await self._version(call, type_name, id_, newest, seen)
        if older == 0:
            return {"resourceType": type_name, "id": id_}, after
        return await self._version(call, type_name, id_, older, seen), after

    async def _version(self, call: Call, type_name: str, id_: str, version: int, seen: list[Stored]) -> dict[str, Any]:
        check(self.services.decide, call, "vread", type_name, id_)
        stored = await self.services.repository.vread(type_name, id_, version)
        if stored is None:
            raise NotFound(f"{type_name}/{id_} has no version {version}")
        if stored.body is None:
            raise Gone(f"version {version} of {type_name}/{id_} is its deletion")
        seen.append(stored)
        return loads(stored.body)

    async def _side(self, call: Call, asked: Given, name: str, seen: list[Stored]) -> dict[str, Any]:
        resource, text = asked.one(f"{name}Resource"), asked.one(name)
        if (resource is None) == (text is None):
            raise Invalid(f"exactly one of {name} and {name}Resource is needed", name)
        if resource is not None:
            if resource["resourceType"] not in resource_types():
                raise Invalid(f"{name}Resource is of no type of R4", f"{name}Resource")
            broken = next((issue for issue in validate(resource) if issue.code == "structure"), None)
            if broken is not None:
                raise Invalid(f"{name}Resource: {broken.expression}: {broken.details}", f"{name}Resource")
            return dict(resource)
        parts = text.removeprefix(call.base + "/").split("/")
        if len(parts) not in (2, 4) or parts[0] not in resource_types() or not ID.fullmatch(parts[1]):
            raise Invalid(f"{name} must be [type]/[id] or [type]/[id]/_history/[version]", name)
        if len(parts) == 2:
            stored = await self.services.read(call, parts[0], parts[1])
            seen.append(stored)
            return loads(stored.body or b"{}")
        if parts[2] != "_history" or not parts[3].isdecimal() or len(parts[3]) > 9:
            raise Invalid(f"{name} names no version", name)
        return await self._version(call, parts[0], parts[1], int(parts[3]), seen)
