"""Documents, disclosure statements and judgements as FHIR R4.

A document is a Binary with a DocumentReference whose context names the model's DeviceDefinition; a disclosure statement
is a QuestionnaireResponse; a judgement on a vulnerability is a DetectedIssue on the DeviceDefinition.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.equipment.cyber.triage import Triage

BASE = "https://wardbridge.org/fhir"
KINDS = f"{BASE}/CodeSystem/security-document"
STATE = f"{BASE}/StructureDefinition/vulnerability-state"
QUESTIONNAIRE = f"{BASE}/Questionnaire/mds2-2019"
_CVE = "https://www.cve.org"


def document(
    ident: str, kind: str, content: bytes, *, media: str, model_id: str, title: str, digest: str, at: int, author: str
) -> list[dict[str, Any]]:
    """The Binary of a file as it came, and the DocumentReference that tells what it is."""
    related = [{"reference": f"DeviceDefinition/{model_id}"}] if model_id else []
    reference: dict[str, Any] = {
        "resourceType": "DocumentReference", "id": ident, "status": "current",
        "type": {"coding": [{"system": KINDS, "code": kind}], "text": kind.upper()}, "date": iso(at),
        "description": title or kind,
        "content": [{"attachment": {
            "contentType": media, "url": f"Binary/{ident}", "title": title or kind, "size": len(content),
            "creation": iso(at),
        }}],
        "identifier": [{"system": "urn:wardbridge:sha256", "value": digest}],
    }  # fmt: skip
    if author:
        reference["author"] = [{"display": author}]
    if related:
        reference["context"] = {"related": related}
    raw = {"resourceType": "Binary", "id": ident, "contentType": media, "data": base64.b64encode(content).decode()}
    return [raw, reference]


def superseded(reference: Mapping[str, Any], by: str) -> dict[str, Any]:
    """The DocumentReference of a document that a newer one replaced."""
    return {**reference, "status": "superseded"} | (
        {} if not by else {"description": f"{reference.get('description', '')} (replaced by {by})".strip()}
    )


def response(ident: str, model_id: str, answers: Mapping[str, tuple[str, str]], at: int) -> dict[str, Any]:
    """A disclosure statement as QuestionnaireResponse: an item a question, its note as an item within."""
    items: list[dict[str, Any]] = []
    for question, (answer, note) in answers.items():
        item: dict[str, Any] = {"linkId": question, "answer": [{"valueString": answer or "--"}]}
        if note:
            item["answer"][0]["item"] = [{"linkId": f"{question}.note", "answer": [{"valueString": note}]}]
        items.append(item)
    return {
        "resourceType": "QuestionnaireResponse", "id": ident, "status": "completed", "questionnaire": QUESTIONNAIRE,
        "subject": {"reference": f"DeviceDefinition/{model_id}"}, "authored": iso(at), "item": items,
    }  # fmt: skip


def issue(one: Triage) -> dict[str, Any]:
    """A judgement as DetectedIssue; each new one is a resource of its own, as the row is."""
    final = one.state in ("not_affected", "resolved", "accepted")
    return {
        "resourceType": "DetectedIssue", "id": one.triage_id, "status": "final" if final else "preliminary",
        "code": {"coding": [{"system": _CVE, "code": one.cve}], "text": one.cve}, "identifiedDateTime": iso(one.at),
        "author": {"display": one.display}, "implicated": [{"reference": f"DeviceDefinition/{one.model_id}"}],
        "detail": f"{one.family}: {one.state} {one.justification} {one.note}".strip(),
        "extension": [{"url": STATE, "valueCode": one.state.replace("_", "-")}],
    }  # fmt: skip
