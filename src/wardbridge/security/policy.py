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

KNOWLEDGE_TYPES = frozenset({"Library", "PlanDefinition", "ActivityDefinition", "Questionnaire"})
"""What departments write for each other: says nothing of a patient, and everybody may read it."""

NOT_BY_CLINICIANS = frozenset({"AuditEvent", "Subscription"})

PAGES: dict[str, frozenset[str]] = {
    "home": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "board": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "bed": frozenset({"nurse", "physician"}),
    "chart": frozenset({"nurse", "physician"}),
    "patients": frozenset({"nurse", "physician"}),
    "limits": frozenset({"nurse", "physician"}),
    "fleet": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "device": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "terms": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "record": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "equipment": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "knowledge": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "campaign": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "register": frozenset({"technician", "operator", "administrator"}),
    "maintenance": frozenset({"technician", "operator", "administrator"}),
    "cyber": frozenset({"technician", "operator", "administrator"}),
    "risk": frozenset({"technician", "operator", "administrator", "physician"}),
    "vendors": frozenset({"technician", "operator", "administrator"}),
    "crew": frozenset({"technician", "operator", "administrator"}),
    "executive": frozenset({"technician", "operator", "administrator"}),
    "integration": frozenset({"technician", "operator", "administrator"}),
    "users": frozenset({"administrator"}),
    "audit": frozenset({"administrator"}),
}
"""Who may open a page. Technical roles see beds as "in use" on the pages that they may open."""

FEATURES: dict[str, frozenset[str]] = {
    "patient.see": frozenset({"nurse", "physician"}),
    "patient.reveal": frozenset({"technician", "operator", "administrator"}),
    "live.ward": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "live.bed": frozenset({"nurse", "physician"}),
    "alarm.acknowledge": frozenset({"nurse", "physician"}),
    "alarm.limits": frozenset({"nurse", "physician"}),
    "bed.standby": frozenset({"nurse", "physician"}),
    "bed.discharge": frozenset({"nurse", "physician"}),
    "binding.change": frozenset({"nurse", "physician"}),
    "binding.claim": frozenset({"nurse", "physician"}),
    "chart.manual": frozenset({"nurse", "physician"}),
    "chart.verify": frozenset({"nurse", "physician"}),
    "device.accept": frozenset({"technician", "administrator"}),
    "device.quarantine": frozenset({"technician", "operator", "administrator"}),
    "device.workshop": frozenset({"technician", "administrator"}),
    "device.place": frozenset({"nurse", "physician", "technician", "administrator"}),
    "fault.report": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "fault.work": frozenset({"technician", "administrator"}),
    "maintenance.work": frozenset({"technician", "administrator"}),
    "integration.replay": frozenset({"operator", "administrator"}),
    "integration.test": frozenset({"operator", "administrator"}),
    "message.raw": frozenset({"operator", "administrator"}),
    "term.write": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "bulk": frozenset({"service", "administrator"}),
    "register.write": frozenset({"technician", "operator", "administrator"}),
    "register.merge": frozenset({"technician", "administrator"}),
    "lifecycle.move": frozenset({"technician", "administrator"}),
    "assessment.write": frozenset({"technician", "operator", "administrator", "physician"}),
    "joint.sign": frozenset({"technician", "operator"}),
    "work.order": frozenset({"technician", "operator", "administrator"}),
    "work.plan": frozenset({"technician", "administrator"}),
    "stock.write": frozenset({"technician", "administrator"}),
    "advisory.load": frozenset({"technician", "operator", "administrator"}),
    "campaign.work": frozenset({"technician", "operator", "administrator"}),
    "campaign.free": frozenset({"nurse", "physician"}),
    "cyber.triage": frozenset({"technician", "operator", "administrator"}),
    "patch.work": frozenset({"technician", "operator"}),
    "risk.write": frozenset({"technician", "operator", "administrator"}),
    "vendor.write": frozenset({"technician", "operator", "administrator"}),
    "vendor.access": frozenset({"operator", "technician"}),
    "knowledge.write": frozenset({"nurse", "physician", "technician", "operator", "administrator"}),
    "crew.write": frozenset({"technician", "operator", "administrator"}),
    "user.edit": frozenset({"administrator"}),
}
"""Who may do what beyond the FHIR API."""


def decide(principal: Principal, action: str, target: Target, context: dict[str, Any] | None = None) -> Decision:
    """Whether ``principal`` may do ``action`` to ``target``.

    ``action`` is a FHIR interaction for ``fhir`` targets, ``open`` for pages, ``do`` for features.
    ``context`` is the seam for purpose of use, consent and break-glass (issue "Trust"); no rule reads it yet.
    A bearer token needs a role *and* a scope that permits; a browser session only its roles.
    """
    if target.kind == "page":
        return _by_role(principal, PAGES.get(target.type), f"page {target.type}")
    if target.kind == "feature":
        return _by_role(principal, FEATURES.get(target.type), target.type)
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
    if type_name in KNOWLEDGE_TYPES and action in _READ:
        return Decision(True, "knowledge in common")
    if type_name in DEVICE_TYPES:
        if action in _READ or roles & {"technician", "administrator"}:
            return Decision(True, "device role")
        return Decision(False, "operators read devices and definitions, and change settings elsewhere")
    return Decision(False, f"{type_name or 'the whole system'} may hold clinical content, which this role does not see")
