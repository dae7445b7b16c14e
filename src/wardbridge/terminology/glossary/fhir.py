"""The agreed entries as FHIR: a CodeSystem with the words of each profession, a ConceptMap to the other systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.core.clock import iso
from wardbridge.terminology.glossary.values import SYSTEMS, Text

SYSTEM = "urn:wardbridge:common-language"
USE = "urn:wardbridge:profession"
ID = "common-language"


def code_system(entries: Sequence[tuple[str, Text]], now: int) -> dict[str, Any]:
    """R4 CodeSystem; synonyms and the texts of the professions are designations. ``now`` in µs."""
    out: dict[str, Any] = {
        "resourceType": "CodeSystem",
        "id": ID,
        "url": SYSTEM,
        "name": "CommonLanguage",
        "title": "The common language of clinicians, biomed and IT",
        "status": "active",
        "date": iso(now),
        "content": "complete",
        "caseSensitive": True,
        "count": len(entries),
    }
    if entries:
        out["concept"] = [_concept(slug, text) for slug, text in entries]
    return out


def _concept(slug: str, text: Text) -> dict[str, Any]:
    out: dict[str, Any] = {"code": slug, "display": text.title}
    if text.clinical:
        out["definition"] = text.clinical
    said = [({"display": "Synonym"}, synonym) for synonym in text.synonyms]
    said += [({"system": USE, "code": name}, words) for name in ("biomed", "it") if (words := getattr(text, name))]
    if said:
        out["designation"] = [
            {"use": use, "value": value} if "code" in use else {"value": value} for use, value in said
        ]
    return out


def concept_map(entries: Sequence[tuple[str, Text]], now: int) -> dict[str, Any]:
    """R4 ConceptMap from the entries to every system that they name codes of. ``now`` in µs."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for slug, text in entries:
        targets: dict[str, list[dict[str, Any]]] = {}
        for code in text.codes:
            target: dict[str, Any] = {"code": code.code, "equivalence": code.relation}
            if code.display:
                target["display"] = code.display
            targets.setdefault(code.system, []).append(target)
        for name, found in targets.items():
            groups.setdefault(name, []).append({"code": slug, "display": text.title, "target": found})
    out: dict[str, Any] = {
        "resourceType": "ConceptMap",
        "id": ID,
        "url": f"{SYSTEM}:map",
        "name": "CommonLanguageMap",
        "status": "active",
        "date": iso(now),
    }
    if groups:
        out["group"] = [
            {"source": SYSTEM, "target": SYSTEMS[name][0], "element": elements}
            for name, elements in sorted(groups.items())
        ]
    return out
