"""Learning as FHIR R4; pure.

A page is a Library: a versioned artefact with status, review dates and content. A competence record is a
DocumentReference about a person: ``Practitioner.qualification`` belongs to whoever keeps the Practitioner (the devices
room and the HIS), knows no expiry review and no assessor; a DocumentReference has subject, authenticator, period and
the evidence, can be superseded or taken back, and is found by person, kind and date.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.equipment.learning.values import Page

BASE = "https://wardbridge.org/fhir"
PERSON = "urn:wardbridge:person"
KNOWLEDGE = "urn:wardbridge:knowledge"
DEPARTMENT = f"{BASE}/CodeSystem/department"
COMPETENCE = f"{BASE}/CodeSystem/competence"
_STATUS = {"draft": "draft", "review": "draft", "published": "active", "retired": "retired"}
_ARTIFACT = "http://terminology.hl7.org/CodeSystem/library-type"


def person(person_id: str, display: str) -> dict[str, Any]:
    """Somebody who works here, by their account: a reference that needs no Practitioner."""
    return {"identifier": {"system": PERSON, "value": person_id}, "display": display}


def library(page: Page) -> dict[str, Any]:
    """The page that readers see."""
    shown = page.shown
    content = shown.content
    status = _STATUS[page.state] if page.state == "retired" or not page.published else "active"
    resource: dict[str, Any] = {
        "resourceType": "Library",
        "id": page.page_id,
        "identifier": [{"system": KNOWLEDGE, "value": page.slug}],
        "version": str(shown.version),
        "name": "".join(part.title() for part in re.split(r"[^A-Za-z0-9]+", f"page {page.slug}")),
        "title": content.title,
        "status": status,
        "experimental": page.example,
        "type": {"coding": [{"system": _ARTIFACT, "code": "asset-collection"}], "text": page.kind},
        "date": iso(page.changed),
        "author": [{"name": shown.display}],
        "topic": [{"coding": [{"system": DEPARTMENT, "code": name}]} for name in content.audiences],
        "content": [{
            "contentType": "text/markdown", "title": content.title,
            "data": base64.b64encode(content.body.encode()).decode(),
        }],
    }  # fmt: skip
    if content.summary:
        resource["description"] = content.summary
    agreed = [step for step in page.steps if step.step in ("published", "confirmed")]
    if agreed:
        resource["approvalDate"] = iso(min(one.at for one in agreed))[:10]
        resource["lastReviewDate"] = iso(max(one.at for one in agreed))[:10]
        resource["reviewer"] = [{"name": name} for name in dict.fromkeys(one.display for one in agreed)]
    if page.links:
        resource["relatedArtifact"] = [
            {"type": "documentation", "label": link.kind, "display": link.target} for link in page.links
        ]
    return resource


def proof(
    record_id: str, person_id: str, display: str, code: str, title: str, assessed_by: str, assessor: str, at: int,
    expires: int | None, evidence: str, revoked: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A competence record as DocumentReference. Times in µs since the epoch."""
    period = {"start": iso(at)} | ({"end": iso(expires)} if expires else {})
    return {
        "resourceType": "DocumentReference",
        "id": record_id,
        "status": "entered-in-error" if revoked else "current",
        "type": {"coding": [{"system": COMPETENCE, "code": code, "display": title}], "text": title},
        "category": [{"coding": [{"system": f"{BASE}/CodeSystem/document-kind", "code": "competence"}]}],
        "subject": person(person_id, display),
        "date": iso(at),
        "authenticator": person(assessed_by, assessor),
        "description": title,
        "content": [{"attachment": {
            "contentType": "text/plain", "title": title,
            "data": base64.b64encode((evidence or title).encode()).decode(),
        }}],
        "context": {"period": period},
    }  # fmt: skip
