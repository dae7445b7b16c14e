"""Profiles and extensions as facts: what validation needs of a StructureDefinition, and those that R4 itself publishes.

Standard: https://hl7.org/fhir/R4/structuredefinition.html.  Prose, mappings and snapshots of the published ones are
left out: a snapshot follows from the differential.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from wardbridge.fhir.definitions.table import packed

BASE = "http://hl7.org/fhir/StructureDefinition/"
_TOP = ("url", "version", "type", "kind", "abstract", "baseDefinition", "derivation", "context", "contextInvariant")
_ELEMENT = ("id", "path", "sliceName", "slicing", "min", "max", "contentReference", "isModifier", "maxLength")
_PREFIXES = ("fixed", "pattern", "minValue", "maxValue")
_KEPT_EXTENSIONS = frozenset(
    BASE + name for name in ("elementdefinition-maxValueSet", "regex", "structuredefinition-fhir-type")
)
_ADDITIONAL = frozenset(
    {
        "http://hl7.org/fhir/tools/StructureDefinition/additional-binding",
        BASE + "additional-binding",
    }
)


def facts(definition: dict[str, Any], *, snapshot: bool = True) -> dict[str, Any]:
    """The StructureDefinition without what no check needs; a broken part is kept as it is, for its reader to refuse."""
    out = {key: definition[key] for key in _TOP if key in definition}
    parts = ("differential", "snapshot") if snapshot else ("differential",)
    for part in parts:
        held = definition.get(part)
        elements = held.get("element") if isinstance(held, dict) else None
        if isinstance(elements, list):
            out[part] = {"element": [_element(e) for e in elements if isinstance(e, dict)]}
    return out


def _element(element: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in element.items():
        if key in _ELEMENT or key.startswith(_PREFIXES):
            out[key] = value
        elif key == "type" and isinstance(value, list):
            out[key] = [_only(t, "code", "profile", "targetProfile") for t in value if isinstance(t, dict)]
        elif key == "binding" and isinstance(value, dict):
            out[key] = _binding(value)
        elif key == "constraint" and isinstance(value, list):
            rows = [_only(c, "key", "severity", "expression") for c in value if isinstance(c, dict)]
            out[key] = [row for row in rows if "expression" in row]
    return out


def _only(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value[name] for name in names if name in value}


def _binding(value: dict[str, Any]) -> dict[str, Any]:
    out = _only(value, "strength", "valueSet")
    extensions = value.get("extension")
    kept = [
        e
        for e in (extensions if isinstance(extensions, list) else ())
        if isinstance(e, dict) and str(e.get("url")) in _KEPT_EXTENSIONS | _ADDITIONAL
    ]
    return out | {"extension": kept} if kept else out


@cache
def published() -> dict[str, dict[str, Any]]:
    """The profiles and extensions of the R4 package by canonical URL, as :func:`facts`."""
    return {row["url"]: row for row in packed("profiles.json.gz")["profiles"]}
