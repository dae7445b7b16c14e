"""May they, and the proof that they did: every interaction passes here (DESIGN §8)."""

from __future__ import annotations

import re

from wardbridge.core.errors import Forbidden, WardbridgeError
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.hooks import Decide
from wardbridge.fhir.store.values import Stored
from wardbridge.fhir.store.write import Outcome
from wardbridge.security.audit import MINOR, SERIOUS, SUCCESS, Access
from wardbridge.security.principal import Decision, Target

_PATIENT = re.compile(rb'"reference"\s*:\s*"Patient/([A-Za-z0-9\-.]{1,64})')
MOST_PATIENTS = 200


def patients_of(*stored: Stored) -> tuple[str, ...]:
    """The ids of the patients that these resources are about or refer to."""
    found: dict[str, None] = {}
    for one in stored:
        if one.type == "Patient":
            found[one.id] = None
        if one.body:
            found.update((name.decode(), None) for name in _PATIENT.findall(one.body))
        if len(found) > MOST_PATIENTS:
            break
    return tuple(found)[:MOST_PATIENTS]


def check(decide: Decide, call: Call, action: str, type_name: str, id_: str = "") -> Decision:
    """Raises Forbidden with the rule that refused."""
    decision = decide(call.principal, action, Target("fhir", type_name, id_))
    if not decision.permit:
        raise Forbidden(decision.reason)
    if filter_of(decision) and action != "search":
        raise Forbidden(f"{decision.reason}: limited to a part of the record, which {action} does not heed yet")
    return decision


def filter_of(decision: Decision) -> tuple[tuple[str, str], ...]:
    """The seam for compartments and consent: search parameters that narrow what is seen."""
    return tuple(getattr(decision, "filter", ()))


def access(
    call: Call,
    event: str,
    type_name: str,
    id_: str = "",
    patients: tuple[str, ...] = (),
    status: int = 200,
    reason: str = "",
) -> Access:
    outcome = SUCCESS if status < 400 else MINOR if status < 500 else SERIOUS
    return Access(call.principal, event, type_name, id_, patients, outcome, reason, call.query)


def of_write(call: Call, event: str, type_name: str, id_: str, outcome: Outcome) -> Access:
    """The entry of a write, from what became of it."""
    if isinstance(outcome, WardbridgeError):
        return access(call, event, type_name, id_, (), outcome.status, outcome.message)
    return access(call, event, outcome.type, outcome.id, patients_of(outcome))
