"""The one ``decide()`` in front of everything. Rules are tables; what no table permits is refused."""

from __future__ import annotations

from typing import Any

from wardbridge.security.principal import Decision, Principal, Target
from wardbridge.security.scopes import grants

_ALL = frozenset({"read", "vread", "history", "search", "create", "update", "patch", "delete", "operate"})
_READ = frozenset({"read", "vread", "history", "search", "operate"})

DEVICE_TYPES = frozenset(
    {
        "Device",
        "DeviceDefinition",
        "DeviceMetric",
        "Location",
        "Organization",
        "Endpoint",
        "HealthcareService",
        "Practitioner",
        "PractitionerRole",
        "CodeSystem",
        "ValueSet",
        "ConceptMap",
        "NamingSystem",
        "StructureDefinition",
        "SearchParameter",
        "CapabilityStatement",
        "OperationDefinition",
        "CompartmentDefinition",
        "StructureMap",
        "ImplementationGuide",
        "MessageDefinition",
        "GraphDefinition",
    }
)
"""Types that say nothing of a patient: machines, places, people at work, definitions."""

NOT_BY_CLINICIANS = frozenset({"AuditEvent", "Subscription"})

_CLINICAL = frozenset({"nurse", "physician"})
_TECHNICAL = frozenset({"technician", "operator", "administrator"})
_PEOPLE = _CLINICAL | _TECHNICAL

RIGHTS: dict[tuple[str, str], frozenset[str]] = {
    ("board", "read"): _PEOPLE,  # technical roles see beds as "in use"
    ("clinical", "read"): _CLINICAL,  # names, vital signs, physiological alarms
    ("bed", "read"): _CLINICAL,
    ("bed", "update"): _CLINICAL,  # standby, discharge
    ("alarm", "update"): _CLINICAL,  # acknowledge
    ("binding", "update"): _CLINICAL,  # bind, end, correct, claim
    ("chart", "read"): _CLINICAL,
    ("chart", "create"): _CLINICAL,  # manual entry
    ("chart", "update"): _CLINICAL,  # verify
    ("limits", "read"): _CLINICAL,
    ("limits", "update"): _CLINICAL,
    ("fleet", "read"): _PEOPLE,
    ("device", "read"): _PEOPLE,
    ("device", "update"): frozenset({"technician", "administrator"}),  # accept, workshop, place
    ("device-quarantine", "update"): _TECHNICAL,
    ("fault", "create"): _PEOPLE,
    ("fault", "update"): frozenset({"technician"}),  # take, resolve
    ("reveal", "read"): frozenset({"technician", "operator"}),  # a patient's name, with a reason
    ("integration", "read"): _TECHNICAL,
    ("integration", "update"): frozenset({"operator", "administrator"}),  # replay, test message
    ("message", "search"): _TECHNICAL,
    ("message", "read"): frozenset({"operator", "administrator"}),  # raw content, with a reason
    ("users", "read"): frozenset({"administrator"}),
    ("audit", "read"): frozenset({"administrator"}),
}
"""Who may do what on the screens: (feature, action) to roles."""


def decide(principal: Principal, action: str, target: Target, context: dict[str, Any] | None = None) -> Decision:
    """Whether ``principal`` may do ``action`` to ``target``.

    ``action`` is a FHIR interaction for ``fhir`` targets; read, search, create or update for ``screen`` targets.
    ``context`` is the seam for purpose of use, consent and break-glass (issue "Trust"); no rule reads it yet.
    A bearer token needs a role *and* a scope that permits; a browser session only its roles.
    """
    if target.kind == "screen":
        return _by_role(principal, RIGHTS.get((target.type, action)), f"{action} {target.type}")
    if target.kind != "fhir" or action not in _ALL:
        return Decision(False, f"no rule for {action} on {target.kind}")
    if principal.kind != "user" or principal.scopes:
        if not grants(principal.scopes, action, target.type):
            return Decision(False, f"no scope permits {action} on {target.type or 'the whole system'}")
        if principal.kind != "user":
            return Decision(True, "scope")
    return _fhir_by_role(principal.roles, action, target.type)


def _by_role(principal: Principal, allowed: frozenset[str] | None, name: str) -> Decision:
    if allowed is None:
        return Decision(False, f"no rule for {name}")
    if principal.kind == "system" or principal.roles & allowed:
        return Decision(True, f"role may use {name}")
    return Decision(False, f"{name} is for: {', '.join(sorted(allowed))}")


def _fhir_by_role(roles: frozenset[str], action: str, type_name: str) -> Decision:
    if "service" in roles:
        return Decision(True, "service")
    if roles & {"nurse", "physician"}:
        if type_name in NOT_BY_CLINICIANS:
            return Decision(False, f"{type_name} is not clinical content")
        if action in _READ or (type_name not in DEVICE_TYPES and type_name):
            return Decision(True, "clinical role")
        return Decision(False, "clinical roles may read devices and definitions, not change them")
    if type_name == "AuditEvent":
        permit = "administrator" in roles and action in {"read", "search"}
        return Decision(permit, "administrators read the audit record")
    if type_name in DEVICE_TYPES:
        if action in _READ or roles & {"technician", "administrator"}:
            return Decision(True, "device role")
        return Decision(False, "operators read devices and definitions, and change settings elsewhere")
    return Decision(False, f"{type_name or 'the whole system'} may hold clinical content, which this role does not see")
