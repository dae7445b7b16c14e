"""`_cascade=delete`: a resource goes together with all that refer to it, and what refers to those, in one transaction.

R4 leaves the deletion of referenced resources to the server (http.html#delete); the parameter is the one that other
servers use. It must be allowed by a setting, the caller must be allowed to delete each resource, and each is audited.
"""

from __future__ import annotations

from dataclasses import dataclass

from wardbridge.core.errors import Forbidden, Invalid, NotFound
from wardbridge.fhir.rest.access import check, of_write
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.rest.repository import Unit
from wardbridge.fhir.store.values import Delete, Stored

MOST = 10_000
"""Resources that one cascade deletes."""


class TooMany(Invalid):
    """More would be deleted than one request may (413)."""

    status = 413
    code = "too-costly"


@dataclass(frozen=True)
class Cascade:
    call: Call
    decide: Decide

    @classmethod
    def asked(cls, call: Call, allowed: bool, decide: Decide) -> Cascade | None:
        """None where the request asks for no cascade. Raises Invalid, Forbidden (the setting is off)."""
        words = [value for name, value in call.parameters if name == "_cascade"]
        if not words or words == ["none"]:
            return None
        if words != ["delete"]:
            raise Invalid("_cascade takes the value delete", "_cascade")
        if not allowed:
            raise Forbidden("deletion with _cascade is not enabled on this server (setting cascade_delete)", "_cascade")
        return cls(call, decide)

    async def delete(self, unit: Unit, item: Delete) -> Stored:
        """Delete the resource and, level by level, all that refer to it. Raises Forbidden, TooMany, VersionConflict."""
        held = await unit.hold([(item.type, item.id)])
        if not held:
            raise NotFound(f"{item.type}/{item.id} does not exist")
        gone: dict[tuple[str, str], Delete] = {(item.type, item.id): item}
        level = [] if held[item.type, item.id].deleted else [(item.type, item.id)]
        while level:
            # The rows of this level are locked: no reference to them can be added where integrity is kept.
            level = [name for name in await unit.referrers(level, MOST + 1) if name not in gone]
            if len(gone) + len(level) > MOST:
                raise TooMany(f"more than {MOST} resources refer to {item.type}/{item.id}", "_cascade")
            for name in level:
                check(self.decide, self.call, "delete", *name)
                gone[name] = Delete(*name)
            await unit.hold(level)
        done = await unit.write(list(gone.values()))
        await unit.attest([of_write(self.call, "delete", one.type, one.id, one) for one in done])
        return done[0]
