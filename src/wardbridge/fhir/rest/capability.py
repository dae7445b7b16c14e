"""The CapabilityStatement at ``/metadata``, made from what is implemented: tables of search, routes, operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.fhir.definitions.search import compartments, custom_state
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.json import dumps
from wardbridge.fhir.rest.operation_definitions import canonical
from wardbridge.fhir.rest.operations import Operation
from wardbridge.fhir.search.parse import supported

_COMPARTMENT = "http://hl7.org/fhir/CompartmentDefinition/"
SYSTEM = ("transaction", "batch", "search-system", "history-system")
TYPE = ("read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type")
PATCHES = ("application/json-patch+json", "application/fhir+json", "application/fhir+xml")
"""JSON Patch, and FHIRPath Patch in both forms of Parameters."""
WRITING = (
    "PATCH takes JSON Patch or FHIRPath Patch, also where criteria select the resource. PUT takes If-None-Match. "
    "A POST with an Idempotency-Key is done once and answered again for a day."
)
AUDIT = ("read", "search-type")
"""What AuditEvent offers where it is served from the security record."""
AUDIT_PARAMETERS = {
    "_id": "token",
    "date": "date",
    "patient": "reference",
    "agent": "token",
    "outcome": "token",
    "action": "token",
    "entity": "reference",
}


def statement(
    base: str, version: str, now: int, operations: Sequence[Operation], audit: bool, validates: bool, enforced: bool
) -> bytes:
    """``now`` in µs: the time at which the server started. ``enforced``: references must lead somewhere."""
    known = tuple(replace(o, definition=canonical(o, base)) for o in operations)
    return _statement(base, version, now, known, audit, validates, enforced, custom_state())


@lru_cache(maxsize=8)
def _statement(
    base: str,
    version: str,
    now: int,
    operations: tuple[Operation, ...],
    audit: bool,
    validates: bool,
    enforced: bool,
    custom: int,
) -> bytes:
    rest: dict[str, Any] = {
        "mode": "server",
        "documentation": f"Unknown parameters are refused (400) unless Prefer: handling=lenient. {SEARCHING} {WRITING} "
        + ("Every resource is validated before it is stored." if validates else ""),
        "security": {"cors": False, "description": "Bearer token with SMART v2 scopes"},
        "resource": [_resource(name, operations, audit, enforced) for name in sorted(resource_types())],
        "interaction": [{"code": code} for code in SYSTEM],
        "searchParam": _parameters("Resource"),
        "compartment": [_COMPARTMENT + name.lower() for name in compartments()],
    }
    named = _operations(operations, "", "system")
    if named:
        rest["operation"] = named
    return dumps(
        {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": iso(now),
            "kind": "instance",
            "software": {"name": "Wardbridge", "version": version},
            "implementation": {"description": "Wardbridge", "url": base},
            "fhirVersion": "4.0.1",
            "format": ["application/fhir+json", "application/fhir+xml", "json", "xml"],
            "patchFormat": list(PATCHES),
            "rest": [rest],
        }
    )


def _resource(name: str, operations: Sequence[Operation], audit: bool, enforced: bool) -> dict[str, Any]:
    if name == "AuditEvent" and audit:
        return {
            "type": name,
            "interaction": [{"code": code} for code in AUDIT],
            "versioning": "no-version",
            "documentation": "Written by the server itself, one for each access; append-only.",
            "searchParam": [{"name": code, "type": kind} for code, kind in AUDIT_PARAMETERS.items()],
        }
    references = sorted(code for code, p in supported(name).items() if p.type == "reference")
    out: dict[str, Any] = {
        "type": name,
        "interaction": [{"code": code} for code in TYPE],
        "versioning": "versioned-update",
        "readHistory": True,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "full-support",
        "conditionalUpdate": True,
        "conditionalDelete": "single",
        "referencePolicy": ["literal", "logical", *(["enforced"] if enforced else [])],
        "searchInclude": ["*", *(f"{name}:{code}" for code in references)],
        "searchRevInclude": ["*", *_revincludes(name)],
        "searchParam": _parameters(name),
    }
    named = _operations(operations, name, "type")
    if named:
        out["operation"] = named
    return out


def _parameters(name: str) -> list[dict[str, str]]:
    found = [{"name": code, "definition": p.url, "type": p.type} for code, p in sorted(supported(name).items())]
    if name == "Resource":
        found.extend({"name": code, "definition": _BASE + url, "type": kind} for code, url, kind in GENERAL)
    return found


_BASE = "http://hl7.org/fhir/SearchParameter/"
GENERAL = (
    ("_text", "DomainResource-text", "string"),
    ("_content", "Resource-content", "string"),
    ("_filter", "filter", "special"),
    ("_list", "Resource-list", "string"),
)
"""Parameters that every type has and that are no value of one element."""
SEARCHING = (
    "Search: chains and _has to any depth of 8 steps; every modifier of R4 (:in, :not-in, :above and :below of codes "
    "by the terminology service); _filter; _text and _content; _list; near; _include and _revinclude with :iterate "
    "and *, at most 1,000 included resources a page; _contained; _total accurate, estimate or none; compartments."
)


@lru_cache(maxsize=1)
def _reverse(custom: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for source in sorted(resource_types()):
        for code, p in sorted(supported(source).items()):
            if p.type == "reference" and len(p.targets) < len(resource_types()):
                for target in p.targets:
                    found.setdefault(target, []).append(f"{source}:{code}")
    return found


def _revincludes(name: str) -> list[str]:
    return _reverse(custom_state()).get(name, [])


def _operations(operations: Sequence[Operation], name: str, level: str) -> list[dict[str, str]]:
    return [
        {"name": o.name, "definition": o.definition}
        for o in operations
        if (o.system if level == "system" else (o.type or o.instance) and (not o.types or name in o.types))
    ]
