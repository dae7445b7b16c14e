"""`$validate` (R4 operation-resource-validate): is this resource right, and would this write be accepted?

The answer is 200 with an OperationOutcome whatever is found, an unknown profile included; only a request that cannot be
understood is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.fhir.json import loads
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.rest.access import check, patients_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.operations import MANY, Operation, Parameter
from wardbridge.fhir.rest.parameters import answered, given
from wardbridge.fhir.validate import Issue, operation_outcome

MODES = ("create", "update", "delete", "profile")
INPUTS = (
    Parameter("resource", "Resource", 0, 1, "The resource; left out for one that is stored"),
    Parameter("mode", "code", 0, 1, "What is about to happen: create, update, delete, or profile"),
    Parameter("profile", "canonical", 0, MANY, "Profiles that it must meet beside those that it claims"),
)
OUTPUTS = (Parameter("return", "OperationOutcome", 1, 1, "What was found; no error in it means that it is valid"),)


@dataclass(frozen=True)
class Validation:
    services: Services

    @property
    def operation(self) -> Operation:
        return Operation(
            "validate",
            "http://hl7.org/fhir/OperationDefinition/Resource-validate",
            self.perform,
            type=True,
            instance=True,
            inputs=INPUTS,
            outputs=OUTPUTS,
            about="Validate a resource",
        )

    async def perform(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Invalid for a mode that does not fit, and what reading the stored resource raises."""
        asked = given(call, self.operation)
        mode, resource, profiles = asked.one("mode", ""), asked.one("resource"), asked.all("profile")
        _fitting(mode, id_, resource, profiles)
        patients: tuple[str, ...] = ()
        if resource is None:
            stored = await self.services.read(call, type_name, id_)
            resource, patients = loads(stored.body or b"{}"), patients_of(stored)
        issues = [] if mode == "delete" else await self._content(resource, type_name, profiles)
        issues += await self._action(call, mode, type_name, id_, resource)
        return answered(operation_outcome(issues), patients)

    async def _content(self, resource: dict[str, Any], type_name: str, profiles: Sequence[str]) -> list[Issue]:
        if resource.get("resourceType") != type_name:
            name = str(resource.get("resourceType"))[:60]
            return [Issue("error", "invalid", "resourceType", f"expected a {type_name}, found a {name}")]
        return list(dict.fromkeys(await self.services.check(resource, profiles)))

    async def _action(
        self, call: Call, mode: str, type_name: str, id_: str, resource: dict[str, Any]
    ) -> Sequence[Issue]:
        """What would stand in the way of the write itself."""
        if mode not in ("create", "update", "delete"):
            return ()
        services = self.services
        issues: list[Issue] = []
        if not services.may(call, mode, type_name, id_):
            issues.append(Issue("error", "forbidden", "", f"you may not {mode} a {type_name}"))
        if mode == "create" and resource.get("id"):
            issues.append(
                Issue("information", "informational", f"{type_name}.id", "a create gives it an id of its own")
            )
        if mode == "update" and resource.get("id") != id_:
            issues.append(Issue("error", "invalid", f"{type_name}.id", f"an update must carry the id {id_}"))
        if mode == "delete":
            issues += await self._referrers(call, type_name, id_)
        return issues

    async def _referrers(self, call: Call, type_name: str, id_: str) -> Sequence[Issue]:
        """Resources that would point to nothing. Only those that the caller may see are counted."""
        check(self.services.decide, call, "read", type_name, id_)
        query = self.services.repository.query([type_name], [("_id", id_), ("_revinclude", "*")])
        page = await self.services.repository.search(replace(query, total="none"))
        names = [f"{o.type}/{o.id}" for o in page.included if self.services.may(call, "read", o.type, o.id)]
        if not names:
            return ()
        shown = ", ".join(sorted(names)[:5]) + (" ..." if len(names) > 5 else "")
        count = f"more than {len(names)}" if page.cut else str(len(names))
        return (Issue("warning", "business-rule", "", f"{count} resources refer to it: {shown}"),)


def _fitting(mode: str, id_: str, resource: Any, profiles: Sequence[str]) -> None:
    """Raises Invalid for what does not go together (R4: each mode has its level and its parameters)."""
    if mode and mode not in MODES:
        raise Invalid(f"mode must be one of {', '.join(MODES)}", "mode")
    if mode in ("update", "delete", "profile") and not id_:
        raise Invalid(f"mode {mode} is for a resource that exists: [type]/[id]/$validate", "mode")
    if mode == "create" and id_:
        raise Invalid("mode create is for a new resource: [type]/$validate", "mode")
    if mode == "profile" and (resource is not None or not profiles):
        raise Invalid("mode profile checks the stored resource against a profile that must be named", "mode")
    if resource is None and (not id_ or mode == "update"):
        raise Invalid("the parameter resource is missing", "resource")
