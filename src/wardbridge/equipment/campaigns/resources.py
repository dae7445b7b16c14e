"""A campaign in the record: DetectedIssue (what is wrong, on which Devices), Communication about it, a Task a machine.

R4 has no campaign; DetectedIssue.implicated may be Devices, Task.focus and Communication.about may be the
DetectedIssue. Nothing here names a patient.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.equipment.campaigns.values import CANDIDATE, CLEAR, DONE, OPEN, Campaign, Item, Step

BASE = "https://wardbridge.org/fhir"
KIND, STATE = f"{BASE}/CodeSystem/campaign-kind", f"{BASE}/CodeSystem/campaign-item-state"
_TASK = {CANDIDATE: "requested", OPEN: "in-progress", DONE: "completed", CLEAR: "rejected"}
WORDS = {CANDIDATE: "to be decided", OPEN: "affected, open", DONE: "affected, done", CLEAR: "not affected"}


def short(*parts: str) -> str:
    """An id that always comes out the same for the same parts (FHIR: at most 64 characters)."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:40]


def issue(campaign: Campaign, device_ids: Sequence[str], url: str = "") -> dict[str, Any]:
    """The DetectedIssue of a campaign."""
    result: dict[str, Any] = {
        "resourceType": "DetectedIssue", "id": f"campaign-{short(campaign.campaign_id)}",
        "identifier": [{"system": "urn:wardbridge:campaign", "value": campaign.campaign_id}],
        "status": "final" if campaign.state == "closed" else "preliminary",
        "code": {"coding": [{"system": KIND, "code": campaign.kind}], "text": campaign.title},
        "identifiedDateTime": iso(campaign.created_at), "detail": campaign.title,
    }  # fmt: skip
    if device_ids:
        result["implicated"] = [{"reference": f"Device/{ident}"} for ident in device_ids]
    if url:
        result["reference"] = url
    if campaign.remedy:
        result["mitigation"] = [{"action": {"text": campaign.remedy[:2000]}, "date": iso(campaign.created_at)}]
    return result


def communication(campaign: Campaign, text: str) -> dict[str, Any]:
    """The Communication that tells of a campaign and how it stands."""
    return {
        "resourceType": "Communication", "id": f"campaign-{short(campaign.campaign_id)}",
        "status": "completed" if campaign.state == "closed" else "in-progress",
        "category": [{"text": "Recall and hazard campaign"}], "topic": {"text": campaign.title},
        "about": [{"reference": f"DetectedIssue/campaign-{short(campaign.campaign_id)}"}],
        "sent": iso(campaign.created_at), "payload": [{"contentString": text}],
    }  # fmt: skip


def task(campaign: Campaign, item: Item, at: int) -> dict[str, Any]:
    """The Task of one machine; ``at`` in µs is when it last changed."""
    result: dict[str, Any] = {
        "resourceType": "Task", "id": f"item-{short(item.campaign_id, item.device_id)}", "status": _TASK[item.state],
        "intent": "order", "code": {"text": "Recall and hazard campaign"}, "description": campaign.title,
        "businessStatus": {"coding": [{"system": STATE, "code": item.state}], "text": WORDS[item.state]},
        "focus": {"reference": f"DetectedIssue/campaign-{short(campaign.campaign_id)}"},
        "for": {"reference": f"Device/{item.device_id}"}, "authoredOn": iso(item.joined_at), "lastModified": iso(at),
    }  # fmt: skip
    if item.state == CLEAR:
        result["statusReason"] = {"text": item.reason[:2000]}
    if item.decided_by:
        result["owner"] = {"display": item.done_by or item.decided_by}
    return result


def evidence(ident: str, media_type: str, body: bytes) -> tuple[dict[str, Any], str]:
    """A file that proves something, as Binary, and its SHA-256."""
    binary = {"resourceType": "Binary", "id": ident, "contentType": media_type,
              "data": base64.b64encode(body).decode("ascii")}  # fmt: skip
    return binary, hashlib.sha256(body).hexdigest()


def asking(campaign: Campaign, step: Step, ward: str) -> dict[str, Any]:
    """The Task by which a ward is asked to free a machine."""
    return {
        "resourceType": "Task", "id": f"free-{short(step.campaign_id, step.device_id)}", "status": "requested",
        "intent": "order", "priority": "urgent", "code": {"text": "Take a machine off the patient"},
        "description": f"{campaign.title}: {step.note}".strip(": "), "for": {"reference": f"Device/{step.device_id}"},
        "focus": {"reference": f"DetectedIssue/campaign-{short(campaign.campaign_id)}"}, "authoredOn": iso(step.at),
        "lastModified": iso(step.at), "requester": {"display": step.display}, "owner": {"display": ward or "the ward"},
    }  # fmt: skip


def freed(asked: dict[str, Any], step: Step) -> dict[str, Any]:
    """The same Task once a clinician has freed the machine."""
    return {
        **asked,
        "status": "completed",
        "lastModified": iso(step.at),
        "note": [{"text": f"freed by {step.display}"}],
    }
