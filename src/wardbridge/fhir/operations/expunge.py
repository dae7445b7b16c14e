"""`$expunge`: remove versions or resources for good, with their index (not of R4; parameters as HAPI has them).

Guarded three times: the site must allow it (setting `expunge`), the caller must be an administrator, and what is to go
must be named. Each resource that loses something gets an audit entry in the same transaction; those entries stay.
"""

from __future__ import annotations

from dataclasses import dataclass

from wardbridge.core.db import Connection
from wardbridge.core.errors import Forbidden, Invalid
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.rest.access import access
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.operations import Operation, Parameter
from wardbridge.fhir.rest.parameters import Given, answered, given, parameters, row
from wardbridge.fhir.store import expunge
from wardbridge.fhir.store.expunge import Removed
from wardbridge.fhir.store.group import repeat
from wardbridge.security.scopes import grants

DEFINITION = "http://hapifhir.io/fhir/OperationDefinition/expunge"
LIMIT = 1000
INPUTS = (
    Parameter("limit", "positiveInt", 0, 1, f"Versions that are removed at most; {LIMIT} where it is not given"),
    Parameter("expungeDeletedResources", "boolean", 0, 1, "Resources that are deleted, with all their versions"),
    Parameter("expungePreviousVersions", "boolean", 0, 1, "Versions that are not the current one"),
    Parameter("expungeEverything", "boolean", 0, 1, "This resource with all its versions, deleted or not"),
)
OUTPUTS = (Parameter("count", "integer", 1, 1, "Versions that were removed; ask again until it is 0"),)
MOST = 10_000


@dataclass(frozen=True)
class Expunge:
    services: Services

    @property
    def operation(self) -> Operation:
        return Operation(
            "expunge",
            DEFINITION,
            self.perform,
            system=True,
            type=True,
            instance=True,
            affects_state=True,
            inputs=INPUTS,
            outputs=OUTPUTS,
            about="Remove versions or resources for good",
            decides=True,
        )

    async def perform(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Forbidden, Invalid."""
        self._guard(call, type_name)
        asked = given(call, self.operation)
        flags = [p.name for p in INPUTS[1:] if asked.one(p.name)]
        if not flags:
            raise Invalid("nothing is asked for: name what is to be removed", "expungeDeletedResources")
        if asked.one("expungeEverything") and not id_:
            raise Invalid("expungeEverything is for one resource: [type]/[id]/$expunge", "expungeEverything")
        limit = min(asked.one("limit", LIMIT), MOST)
        removed = await repeat(
            self.services.record.pool, lambda conn: self._remove(conn, call, type_name, id_, asked, limit)
        )
        gone = tuple(one.id for one in removed if one.type == "Patient")
        return answered(parameters([row("count", "integer", sum(one.versions for one in removed))]), gone[:200])

    def _guard(self, call: Call, type_name: str) -> None:
        if not self.services.expunge:
            raise Forbidden("this site does not allow that anything is removed for good (setting expunge)")
        who = call.principal
        if "administrator" not in who.roles:
            raise Forbidden("only an administrator may expunge")
        if who.scopes and not grants(who.scopes, "delete", type_name):
            raise Forbidden(f"no scope permits delete on {type_name or 'the whole system'}")

    async def _remove(
        self, conn: Connection, call: Call, type_name: str, id_: str, asked: Given, limit: int
    ) -> list[Removed]:
        numbers = self.services.record.numbers
        removed: list[Removed] = []

        def left() -> int:
            return limit - sum(one.versions for one in removed)

        if asked.one("expungeEverything"):
            removed += await expunge.resources(conn, numbers, type_name, id_, limit, deleted=False)
        if asked.one("expungeDeletedResources") and left() > 0:
            removed += await expunge.resources(conn, numbers, type_name, id_, left(), deleted=True)
        if asked.one("expungePreviousVersions") and left() > 0:
            removed += await expunge.old_versions(conn, numbers, type_name, id_, left())
        entries = [
            access(call, "expunge", one.type, one.id, (one.id,) if one.type == "Patient" else (), reason=_told(one))
            for one in removed
        ]
        await self.services.audit.within(conn, *entries)
        return removed


def _told(one: Removed) -> str:
    return f"{one.versions} versions removed for good" + (", the resource with them" if one.whole else "")
