"""A piece of work as FHIR R4: a ServiceRequest (what is needed) whose Task (who does it, how far) points back at it."""

from __future__ import annotations

from typing import Any

from wardbridge.core.clock import iso
from wardbridge.equipment.work.values import Work

SYSTEM = "https://wardbridge.org/fhir/CodeSystem/device-work"
_TASK_STATUS = {"open": "requested", "taken": "in-progress", "resolved": "completed"}


def resources(work: Work) -> list[dict[str, Any]]:
    """The ServiceRequest and the Task of this work (R4), as they stand now."""
    device = {"reference": f"Device/{work.device_id}"}
    word = "Preventive maintenance" if work.kind == "maintenance" else "Repair"
    request: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "id": work.request_id,
        "status": "completed" if work.state == "resolved" else "active",
        "intent": "plan" if work.kind == "maintenance" else "order",
        "priority": work.priority,
        "category": [{"coding": [{"system": SYSTEM, "code": work.kind, "display": word}], "text": word}],
        "code": {"text": work.name},
        "subject": device,
        "authoredOn": iso(work.reported_at),
        "requester": {"display": work.reported_by},
        "note": [{"text": work.text}],
    }
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
        "for": device,
        "authoredOn": iso(work.reported_at),
        "lastModified": iso(work.done_at or work.taken_at or work.reported_at),
        "requester": {"display": work.reported_by},
    }
    if work.taken_by:
        task["owner"] = {"display": work.taken_by}
    if work.taken_at is not None:
        task["executionPeriod"] = {"start": iso(work.taken_at)}
        if work.done_at is not None and work.done_at >= work.taken_at:
            task["executionPeriod"]["end"] = iso(work.done_at)
    if work.resolution:
        task["note"] = [{"text": work.resolution}]
    return [request, task]
