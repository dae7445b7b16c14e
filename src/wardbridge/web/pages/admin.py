"""For administrators: accounts, and the search of the audit record."""

from __future__ import annotations

from starlette.responses import Response

from wardbridge.core.errors import Invalid
from wardbridge.security import store
from wardbridge.web.call import Call
from wardbridge.web.words import _

OUTCOMES = {"": None, "ok": 0, "refused": 4, "failed": 8}
ACTIONS = ("", "C", "R", "U", "D", "E")


async def users(call: Call) -> Response:
    """``/admin/users``."""
    return call.page("users.html", people=await store.people(call.room.pool))


async def audit(call: Call) -> Response:
    """``/admin/audit``: newest first; criteria are posted, since they may name a patient."""
    outcome, action = call.field("outcome"), call.field("action")
    if outcome not in OUTCOMES or action not in ACTIONS:
        raise Invalid(_("This choice is not offered."), "outcome")
    people = await store.people(call.room.pool)
    rows = await call.room.audit.find(
        actor=call.field("actor"), patient=call.field("patient"), action=action, outcome=OUTCOMES[outcome],
        since=call.time("since"), until=call.time("until") or 1 << 62,
        before=int(call.field("before")) if call.field("before").isdigit() else 1 << 62, limit=100,
    )  # fmt: skip
    asked = {name: call.field(name) for name in ("actor", "patient", "action", "outcome", "since", "until")}
    return call.page("audit.html", rows=rows, people=people, asked=asked, actions=ACTIONS, outcomes=OUTCOMES)
