"""One piece of work on a machine: a fault to mend or maintenance that falls due; pure.

In the record it is a ServiceRequest (what is needed) whose Task (who does it, how far) points back at it;
both have the Device as their subject. ``maintenance_state`` answers for any moment, past or present.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from wardbridge.core.clock import DAY, iso

SOON = 30 * DAY
SYSTEM = "https://wardbridge.org/fhir/CodeSystem/device-work"
_TASK_STATUS = {"open": "requested", "taken": "in-progress", "resolved": "completed"}


class Work(msgspec.Struct, frozen=True):
    """A row of the table ``work``. ``due``, ``*_at`` in µs since the epoch; state open, taken or resolved."""

    work_id: str
    device_id: str
    kind: str
    name: str
    text: str
    state: str
    reported_by: str
    reported_at: int
    request_id: str
    task_id: str
    code: str = ""
    priority: str = "routine"
    interval_days: int | None = None
    due: int | None = None
    taken_by: str = ""
    taken_at: int | None = None
    done_by: str = ""
    done_at: int | None = None
    resolution: str = ""


def maintenance_state(work: Iterable[Work], at: int) -> tuple[str, Work | None]:
    """``current``, ``due`` (within 30 days), ``overdue`` or ``unknown`` at the moment ``at``, and the work
    that decides. Work counts as it stood then: reported before, and not yet done."""
    open_then = [
        item for item in work
        if item.kind == "maintenance" and item.due is not None and item.reported_at <= at
        and (item.done_at is None or item.done_at > at)
    ]  # fmt: skip
    if not open_then:
        return "unknown", None
    first = min(open_then, key=lambda item: item.due or 0)
    due = first.due or 0
    if due < at:
        return "overdue", first
    return ("due" if due - at <= SOON else "current"), first


def faults_at(work: Iterable[Work], at: int) -> list[Work]:
    """Faults that were open at the moment ``at``."""
    return [item for item in work if item.kind == "fault" and item.reported_at <= at
            and (item.done_at is None or item.done_at > at)]  # fmt: skip


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
