"""The crew's work as FHIR R4; pure.

Runbook → PlanDefinition, its run → one Task a step in a group, on-call → PractitionerRole, Schedule and Slots.
Hand-over notes and load are not in the record: they are about people, not about care or machines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.equipment.crew.rota import Rota
from wardbridge.equipment.crew.steps import Task, waits_for
from wardbridge.equipment.crew.store.runbooks import Run, Runbook

BASE = "https://wardbridge.org/fhir"
PERSON = "urn:wardbridge:person"
RUN = "urn:wardbridge:run"
DEPARTMENT = f"{BASE}/CodeSystem/department"
_PLAN = "http://terminology.hl7.org/CodeSystem/plan-definition-type"
_STATUS = {"doing": "in-progress", "done": "completed", "skipped": "cancelled", "aborted": "failed"}
_BUSY = {True: "entered-in-error", False: "busy"}


def _department(side: str) -> dict[str, Any]:
    return {"coding": [{"system": DEPARTMENT, "code": side}], "text": side}


def plan(runbook: Runbook) -> dict[str, Any]:
    """A runbook as PlanDefinition, each step an action that comes after others."""
    shown = runbook.shown
    status = "retired" if runbook.state == "retired" else "active" if runbook.published else "draft"
    actions = []
    for step in shown.steps:
        action: dict[str, Any] = {
            "id": step.key, "title": step.what,
            "participant": [{"type": "practitioner", "role": _department(step.side)}],
        }  # fmt: skip
        notes = [f"Evidence: {step.evidence}"] * bool(step.evidence) + [f"To go back: {step.abort}"] * bool(step.abort)
        if notes:
            action["description"] = ". ".join(notes)
        if step.after:
            action["relatedAction"] = [{"actionId": key, "relationship": "after-end"} for key in step.after]
        if step.minutes:
            action["timingDuration"] = {"value": step.minutes, "unit": "min", "system": "http://unitsofmeasure.org",
                                        "code": "min"}  # fmt: skip
        actions.append(action)
    return {
        "resourceType": "PlanDefinition",
        "id": runbook.runbook_id,
        "identifier": [{"system": "urn:wardbridge:runbook", "value": runbook.slug}],
        "version": str(shown.version),
        "name": "Runbook" + "".join(part.title() for part in runbook.slug.split("-")),
        "title": shown.title,
        "type": {"coding": [{"system": _PLAN, "code": "workflow-definition"}]},
        "status": status,
        "experimental": runbook.example,
        "date": iso(runbook.changed),
        **({"description": shown.about} if shown.about else {}),
        "author": [{"name": shown.display}],
        "action": actions,
    }


def task(run: Run, tasks: Sequence[Task], one: Task) -> dict[str, Any]:
    """A step of a run as Task: ``ready`` as soon as nothing is waited for."""
    waiting = waits_for(tasks, one.key) if one.state == "open" else ()
    status = _STATUS.get(one.state) or ("requested" if waiting else "ready")
    resource: dict[str, Any] = {
        "resourceType": "Task",
        "id": f"{run.run_id}-{one.position}",
        "identifier": [{"system": RUN, "value": f"{run.run_id}/{one.key}"}],
        "groupIdentifier": {"system": RUN, "value": run.run_id},
        "instantiatesUri": f"urn:wardbridge:runbook:{run.slug}:{run.version}",
        "status": status,
        "intent": "order",
        "code": {"text": run.title},
        "description": one.what,
        "performerType": [_department(one.side)],
        "authoredOn": iso(run.started),
        "lastModified": iso(one.ended or one.started or run.started),
        "requester": {"identifier": {"system": PERSON, "value": run.started_by}, "display": run.display},
    }
    if run.device_id:
        resource["for"] = resource["focus"] = {"reference": f"Device/{run.device_id}"}
    if one.request_id:
        resource["focus"] = {"reference": f"ServiceRequest/{one.request_id}"}
    if waiting:
        resource["statusReason"] = {"text": f"waiting for: {', '.join(waiting)}"}
    if one.person_id:
        resource["owner"] = {"identifier": {"system": PERSON, "value": one.person_id}, "display": one.display}
    if one.started:
        end = {"end": iso(one.ended)} if one.ended else {}
        resource["executionPeriod"] = {"start": iso(one.started), **end}
    if one.reason:
        resource["statusReason"] = {"text": one.reason}
    if one.proof:
        resource["output"] = [{"type": {"text": one.evidence or "evidence"}, "valueString": one.proof}]
    return resource


def role(person_id: str, display: str, side: str) -> dict[str, Any]:
    """Somebody as one who is called for a department."""
    return {
        "resourceType": "PractitionerRole",
        "id": f"oncall-{side}-{person_id}",
        "active": True,
        "practitioner": {"identifier": {"system": PERSON, "value": person_id}, "display": display},
        "code": [{"coding": [{"system": f"{BASE}/CodeSystem/crew-role", "code": "on-call"}], "text": "on call"}],
        "specialty": [_department(side)],
    }


def schedule(rota: Rota, person_id: str, display: str) -> dict[str, Any]:
    """What one person of a rota is on call for; R4's Slot names no actor, so each person has a Schedule."""
    return {
        "resourceType": "Schedule",
        "id": f"{rota.rota_id}-{person_id}",
        "identifier": [{"system": "urn:wardbridge:rota", "value": f"{rota.rota_id}/{person_id}"}],
        "active": True,
        "serviceType": [{"text": rota.title}],
        "specialty": [_department(rota.side)],
        "actor": [{"reference": f"PractitionerRole/oncall-{rota.side}-{person_id}", "display": display}],
        "comment": f"on call, level {rota.level}",
    }


def slot(slot_id: str, rota_id: str, person_id: str, start: int, stop: int, *, void: bool = False) -> dict[str, Any]:
    """A duty: the person is busy from ``start`` to ``stop`` (µs). ``void``: it no longer holds."""
    return {
        "resourceType": "Slot",
        "id": slot_id,
        "schedule": {"reference": f"Schedule/{rota_id}-{person_id}"},
        "status": _BUSY[void],
        "start": iso(start),
        "end": iso(stop),
    }
