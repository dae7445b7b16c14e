"""A change as FHIR R4.

``Group`` holds the machines, so that one ``ServiceRequest`` (what is asked for) can have many as its subject; ``Task``
is its course; ``DocumentReference`` carries the risk file as signed content. Signatures are Provenance (signing). R4's
RiskAssessment cannot have a device as its subject, so the file is a document.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from wardbridge.core.clock import iso
from wardbridge.equipment.changes.values import Change
from wardbridge.equipment.signing.sign import digest

BASE = "https://wardbridge.org/fhir"
SYSTEM = "urn:wardbridge:change"
KIND = f"{BASE}/CodeSystem/change-kind"
STATE = f"{BASE}/CodeSystem/change-state"
SHA256 = "urn:wardbridge:sha256"

TASK = {"draft": "draft", "assessed": "requested", "signed": "accepted", "scheduled": "ready", "running": "in-progress",
        "verified": "in-progress", "closed": "completed", "rolled-back": "failed", "rejected": "rejected",
        "cancelled": "cancelled"}  # fmt: skip
REQUEST = {"draft": "draft", "closed": "completed", "rolled-back": "revoked", "rejected": "revoked",
           "cancelled": "revoked"}  # fmt: skip


def resources(change: Change) -> list[dict[str, Any]]:
    """Group, ServiceRequest, Task and DocumentReference of a change."""
    file, ident = change.file, change.change_id
    author = {"identifier": {"value": change.author}, "display": change.author_name}
    code = {"coding": [{"system": KIND, "code": change.kind}], "text": change.kind}
    about = {"reference": f"Group/{ident}-machines", "display": change.title}
    period = {name: iso(at) for name, at in (("start", file.start), ("end", file.stop)) if at is not None}
    request = {
        "resourceType": "ServiceRequest", "id": f"{ident}-request",
        "identifier": [{"system": SYSTEM, "value": ident}],
        "status": REQUEST.get(change.state, "active"), "intent": "order", "code": code, "subject": about,
        "authoredOn": iso(change.created),
        "supportingInfo": [{"reference": f"DocumentReference/{ident}-file"}],
        "note": [{"text": change.title}],
    }  # fmt: skip
    task = {
        "resourceType": "Task", "id": f"{ident}-task", "identifier": [{"system": SYSTEM, "value": ident}],
        "status": TASK[change.state], "intent": "order", "code": code, "description": change.title,
        "businessStatus": {"coding": [{"system": STATE, "code": change.state}]},
        "focus": {"reference": f"ServiceRequest/{ident}-request"}, "for": about,
        "authoredOn": iso(change.created), "lastModified": iso(change.state_at), "requester": author,
    }  # fmt: skip
    if period:
        request["occurrencePeriod"] = period
        task["restriction"] = {"period": period}
    return [_machines(change), request, task, _document(change, author)]


def _machines(change: Change) -> dict[str, Any]:
    file = change.file
    group: dict[str, Any] = {
        "resourceType": "Group", "id": f"{change.change_id}-machines", "type": "device", "actual": bool(file.devices),
        "identifier": [{"system": SYSTEM, "value": change.change_id}], "name": change.title,
    }  # fmt: skip
    if file.devices:
        group["quantity"] = len(file.devices)
        group["member"] = [{"entity": {"reference": f"Device/{one}"}} for one in file.devices]
    traits = [("model", one) for one in file.models] + [("zone", one) for one in file.zones]
    if traits:
        group["characteristic"] = [
            {"code": {"text": name}, "valueCodeableConcept": {"text": value}, "exclude": False}
            for name, value in traits
        ]
    return group


def _document(change: Change, author: dict[str, Any]) -> dict[str, Any]:
    data = msgspec.json.encode(change.content, order="deterministic")
    return {
        "resourceType": "DocumentReference", "id": f"{change.change_id}-file", "status": "current",
        "docStatus": "preliminary" if change.state in ("draft", "assessed") else "final",
        "identifier": [{"system": SYSTEM, "value": change.change_id},
                       {"system": SHA256, "value": digest(change.content)}],
        "type": {"text": "Joint risk file (IEC 80001-1)"},
        "subject": {"reference": f"Group/{change.change_id}-machines"},
        "date": iso(change.state_at), "author": [author], "description": f"{change.title}, version {change.version}",
        "content": [{"attachment": {"contentType": "application/json", "data": base64.b64encode(data).decode(),
                                    "title": change.title}}],
    }  # fmt: skip
