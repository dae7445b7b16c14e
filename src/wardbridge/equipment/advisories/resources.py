"""An advisory that concerns this house, and a letter, as FHIR R4 DocumentReference (and Binary)."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.equipment.advisories.values import Advisory

BASE = "https://wardbridge.org/fhir"
KIND = f"{BASE}/CodeSystem/advisory-kind"
NUMBER = "urn:wardbridge:advisory"
NAMES = {"recall": "Recall", "hazard": "Hazard notice", "csaf": "Security advisory", "kev": "Exploited vulnerability",
         "letter": "Manufacturer's letter"}  # fmt: skip


def document_id(advisory_id: str) -> str:
    """The id of the DocumentReference: FHIR ids have at most 64 characters of a small set."""
    ident = f"advisory-{advisory_id}"
    if re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", ident):
        return ident
    return f"advisory-{hashlib.sha256(advisory_id.encode()).hexdigest()[:40]}"


def document(advisory: Advisory, attachment: dict[str, Any] | None = None) -> dict[str, Any]:
    """The DocumentReference of an advisory; ``attachment`` where its text is kept as Binary."""
    result: dict[str, Any] = {
        "resourceType": "DocumentReference", "id": document_id(advisory.advisory_id),
        "masterIdentifier": {"system": NUMBER, "value": advisory.advisory_id},
        "identifier": [{"value": advisory.number}],
        "status": "current" if advisory.state == "current" else "superseded",
        "category": [{"coding": [{"system": KIND, "code": advisory.kind, "display": NAMES[advisory.kind]}]}],
        "date": iso(advisory.loaded_at), "author": [{"display": advisory.publisher}], "description": advisory.title,
        "content": [{"attachment": attachment or _attachment(advisory)}],
    }  # fmt: skip
    return result


def _attachment(advisory: Advisory) -> dict[str, Any]:
    result: dict[str, Any] = {"contentType": "application/json", "title": advisory.title}
    if advisory.url:
        result["url"] = advisory.url
    if advisory.published is not None:
        result["creation"] = iso(advisory.published)
    return result


def letter(binary_id: str, body: bytes, media_type: str, title: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The Binary that holds a letter, and the attachment that points at it."""
    binary = {"resourceType": "Binary", "id": binary_id, "contentType": media_type,
              "data": base64.b64encode(body).decode("ascii")}  # fmt: skip
    attachment = {
        "contentType": media_type, "url": f"Binary/{binary_id}", "title": title, "size": len(body),
        "hash": base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode("ascii"),
    }  # fmt: skip
    return binary, attachment


def content(binary: dict[str, Any]) -> tuple[str, bytes]:
    """Media type and bytes of a Binary."""
    return str(binary["contentType"]), base64.b64decode(binary["data"])
