"""The life cycle in FHIR R4: a move is a Provenance of the Device, a need a SupplyRequest, its assessment a
Questionnaire with a QuestionnaireResponse, a certificate a DocumentReference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.equipment.lifecycle.questions import Form
from wardbridge.equipment.lifecycle.values import Answer, Certificate, Move, Need

BASE = "https://wardbridge.org/fhir"
EVIDENCE = f"{BASE}/NamingSystem/lifecycle-evidence"


def provenance(move: Move) -> dict[str, Any]:
    """A move with who, when and its evidence."""
    target = f"Device/{move.device_id}" if move.device_id else f"SupplyRequest/{move.need_id}"
    result: dict[str, Any] = {
        "resourceType": "Provenance",
        "id": move.move_id,
        "target": [{"reference": target}],
        "recorded": iso(move.at),
        "activity": {
            "coding": [{"system": f"{BASE}/CodeSystem/lifecycle-state", "code": move.to_state}],
            "text": f"{move.from_state} → {move.to_state}",
        },
        "agent": [{"who": {"identifier": {"value": move.person_id}, "display": move.display}}],
    }
    if move.evidence:
        result["entity"] = [
            {"role": "source", "what": {"identifier": {"system": f"{EVIDENCE}/{name}", "value": text[:200]},
                                        "display": text}}
            for name, text in move.evidence.items()
        ]  # fmt: skip
    return result


_REQUEST = {"need": "draft", "assessed": "draft", "ordered": "active", "received": "completed",
            "withdrawn": "cancelled"}  # fmt: skip


def request(need: Need) -> dict[str, Any]:
    """A need as SupplyRequest."""
    result: dict[str, Any] = {
        "resourceType": "SupplyRequest",
        "id": need.need_id,
        "status": _REQUEST[need.state],
        "category": {"coding": [{"system": f"{BASE}/CodeSystem/supply-category", "code": "equipment"}]},
        "itemCodeableConcept": {"text": need.kind or need.title},
        "quantity": {"value": need.count},
        "authoredOn": iso(need.created),
        "requester": {"identifier": {"value": need.asked_by}, "display": need.asked_name},
        "reasonCode": [{"text": need.reason}],
        "deliverTo": {"display": need.department},
    }
    if need.wanted is not None:
        result["occurrenceDateTime"] = iso(need.wanted)
    if need.vendor:
        result["supplier"] = [{"display": need.vendor}]
    if need.order_number:
        result["identifier"] = [{"system": f"{BASE}/NamingSystem/order", "value": need.order_number}]
    return result


def questionnaire(form: Form) -> dict[str, Any]:
    """A form of questions."""
    return {
        "resourceType": "Questionnaire",
        "id": form.name,
        "url": f"{BASE}/Questionnaire/{form.name}",
        "version": form.version,
        "name": form.name.title().replace("-", ""),
        "title": form.title,
        "status": "active",
        "item": [
            {"linkId": section.name, "text": section.title, "type": "group", "item": [
                {"linkId": question.id, "text": question.text, "type": "group", "item": [
                    {"linkId": f"{question.id}.points", "text": "Points, 0 to 4", "type": "integer"},
                    {"linkId": f"{question.id}.note", "text": "Note", "type": "string"},
                    {"linkId": f"{question.id}.exception", "text": "Exception", "type": "string"},
                ]}
                for question in section.question
            ]}
            for section in form.section
        ],
    }  # fmt: skip


def response(
    form: Form, ident: str, subject: str, answers: Sequence[Answer], at: int, *, complete: bool
) -> dict[str, Any]:
    """What was answered; ``subject`` is a reference, a question that does not apply has no points."""
    given = {answer.question: answer for answer in answers}
    groups = []
    for section in form.section:
        items = [_answered(given[question.id], question.text) for question in section.question if question.id in given]
        if items:
            groups.append({"linkId": section.name, "text": section.title, "item": items})
    result: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "id": ident,
        "questionnaire": f"{BASE}/Questionnaire/{form.name}|{form.version}",
        "status": "completed" if complete else "in-progress",
        "subject": {"reference": subject},
        "authored": iso(at),
    }
    if groups:
        result["item"] = groups
    return result


def _answered(answer: Answer, text: str) -> dict[str, Any]:
    said: list[dict[str, Any]] = []
    if answer.points is not None:
        said.append({"linkId": f"{answer.question}.points", "answer": [{"valueInteger": answer.points}]})
    for name, words in (("note", answer.note), ("exception", answer.exception)):
        if words:
            said.append({"linkId": f"{answer.question}.{name}", "answer": [{"valueString": words}]})
    item: dict[str, Any] = {"linkId": answer.question, "text": text}
    if said:
        item["item"] = said
    return item


def document(certificate: Certificate, pdf_url: str) -> dict[str, Any]:
    """A certificate of sanitisation; its content is what ``pdf_url`` serves."""
    return {
        "resourceType": "DocumentReference",
        "id": certificate.certificate_id,
        "status": "entered-in-error" if certificate.result == "failed" else "current",
        "docStatus": "final" if certificate.result else "preliminary",
        "type": {"text": "Certificate of sanitisation (NIST SP 800-88 Rev. 2)"},
        "subject": {"reference": f"Device/{certificate.device_id}"},
        "date": iso(certificate.done_at),
        "description": f"{certificate.method}: {certificate.technique}",
        "author": [{"display": certificate.done_name}],
        "content": [{"attachment": {"contentType": "application/pdf", "url": pdf_url,
                                    "title": f"{certificate.manufacturer} {certificate.model} {certificate.serial}"}}],
    }  # fmt: skip
