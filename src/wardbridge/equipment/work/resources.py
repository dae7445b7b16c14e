"""A piece of work as FHIR R4: a ServiceRequest (what is needed) whose Task (who does it, how far) points back at it.

Both have the machine as their subject; work on a place (a room's gas outlets) has its Location.
"""

from __future__ import annotations

from typing import Any

from wardbridge.core.clock import iso
from wardbridge.equipment.work.values import PLANNED, Work

SYSTEM = "https://wardbridge.org/fhir/CodeSystem/device-work"
NUMBER = "urn:wardbridge:work-order"
SOURCE = "urn:wardbridge:work-source"
_TASK_STATUS = {"open": "requested", "taken": "in-progress", "waiting": "on-hold", "resolved": "completed",
                "cancelled": "cancelled"}  # fmt: skip
_REQUEST_STATUS = {"waiting": "on-hold", "resolved": "completed", "cancelled": "revoked"}
WORDS = {
    "maintenance": "Preventive maintenance",
    "fault": "Repair",
    "inspection": "Inspection",
    "calibration": "Calibration",
    "recall": "Recall",
    "security": "Security",
    "installation": "Installation",
    "decommission": "Decommissioning",
}


def resources(work: Work, location_id: str = "") -> list[dict[str, Any]]:
    """The ServiceRequest and the Task of this work (R4), as they stand now. ``location_id`` is its place's."""
    subject = {"reference": f"Device/{work.device_id}" if work.device_id else f"Location/{location_id}"}
    word = WORDS[work.kind]
    request: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "id": work.request_id,
        "status": _REQUEST_STATUS.get(work.state, "active"),
        "intent": "plan" if work.kind in PLANNED else "order",
        "priority": work.priority,
        "category": [{"coding": [{"system": SYSTEM, "code": work.kind, "display": word}], "text": word}],
        "code": {"text": work.name},
        "subject": subject,
        "authoredOn": iso(work.reported_at),
        "requester": {"display": work.reported_by},
        "note": [{"text": work.text}],
    }
    identifiers = []
    if work.number:
        identifiers.append({"system": NUMBER, "value": str(work.number)})
    if work.source_id:
        identifiers.append({"system": f"{SOURCE}:{work.source}", "value": work.source_id})
    if identifiers:
        request["identifier"] = identifiers
    if work.due is not None:
        request["occurrenceDateTime"] = iso(work.due)
    task: dict[str, Any] = {
        "resourceType": "Task",
        "id": work.task_id,
        "status": _TASK_STATUS[work.state],
        "intent": request["intent"],
        "priority": work.priority,
        "code": {"text": word},
        "description": work.text,
        "focus": {"reference": f"ServiceRequest/{work.request_id}"},
        "for": subject,
        "authoredOn": iso(work.reported_at),
        "lastModified": iso(work.done_at or work.taken_at or work.reported_at),
        "requester": {"display": work.reported_by},
        "performerType": [{"text": side} for side in (("biomed", "it") if work.side == "both" else (work.side,))],
    }
    if work.waiting_for:
        task["statusReason"] = {"text": f"waits for {work.waiting_for}"}
    elif work.state == "cancelled":
        task["statusReason"] = {"text": work.resolution}
    if work.person or work.taken_by or work.team:
        task["owner"] = {"display": work.taken_by or work.person or work.team}
    if work.taken_at is not None:
        task["executionPeriod"] = {"start": iso(work.taken_at)}
        if work.done_at is not None and work.done_at >= work.taken_at:
            task["executionPeriod"]["end"] = iso(work.done_at)
    if work.due is not None:
        task["restriction"] = {"period": {"end": iso(work.due)}}
    notes = [text for text in (work.resolution, f"Late: {work.late_reason}" if work.late_reason else "") if text]
    if notes:
        task["note"] = [{"text": text} for text in notes]
    return [request, task]
