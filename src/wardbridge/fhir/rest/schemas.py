"""JSON Schemas (2020-12) of every type of R4, from the same table that validation is compiled from (R4 json.html).

A schema says structure, cardinality, primitive formats and required codes; invariants and profiles are what
``$validate`` is for.
"""

from __future__ import annotations

from typing import Any

from wardbridge.fhir.definitions.codes import codes
from wardbridge.fhir.definitions.table import Element, known, resource_types, type_names

REF = "#/components/schemas/"
_NUMBERS = {"boolean": "boolean", "integer": "integer", "positiveInt": "integer", "unsignedInt": "integer"}
_LOWEST = {"positiveInt": 1, "unsignedInt": 0, "integer": -(2**31)}
MOST_CODES = 120
"""A longer list of codes is named by its value set only."""


def schemas() -> dict[str, Any]:
    """Name of the type -> schema; ``Resource`` is any resource, told apart by ``resourceType``."""
    out: dict[str, Any] = {}
    for name in sorted(type_names()):
        kind = known(name)
        if kind.primitive:
            out[name] = _primitive(name)
        elif not kind.abstract or not kind.resource:
            out[name] = _complex(name)
    out["Resource"] = {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"type": "string", "enum": sorted(resource_types())}},
    }
    return out


def _primitive(name: str) -> dict[str, Any]:
    if name in _NUMBERS:
        out: dict[str, Any] = {"type": _NUMBERS[name]}
        if name in _LOWEST:
            out |= {"minimum": _LOWEST[name], "maximum": 2**31 - 1}
        return out
    if name == "decimal":
        return {"type": "number"}
    pattern = known(name).regex
    return {"type": "string", "minLength": 1} | ({"pattern": f"^(?:{_plain(pattern)})$"} if pattern else {})


def _plain(pattern: str) -> str:
    """The standard writes ``[\\s\\S]``-style classes; ``\\z`` and possessive forms do not occur in R4."""
    return pattern.strip()


def _complex(name: str) -> dict[str, Any]:
    kind = known(name)
    properties: dict[str, Any] = {}
    required: list[str] = []
    if kind.resource:
        properties["resourceType"] = {"const": name}
        required.append("resourceType")
    for element in kind.elements.values():
        for key, type_name in element.keys:
            properties[key] = _property(element, type_name)
            if known(type_name).primitive and key != "id" and (name, key) != ("Extension", "url"):
                properties[f"_{key}"] = _shadow(element)
        if element.min and not element.choice and not known(element.types[0]).primitive:
            # A required primitive may be told by an extension alone (_key).
            required.append(element.name)
    out: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if not kind.resource:
        out["minProperties"] = 1
    if required:
        out["required"] = required
    return out


def _property(element: Element, type_name: str) -> dict[str, Any]:
    one: dict[str, Any] = {"$ref": REF + type_name}
    binding = element.binding
    if type_name == "code" and binding is not None and binding.strength == "required":
        listed = codes(binding.valueset)
        if listed and len(listed) <= MOST_CODES:
            one = {"type": "string", "enum": sorted(listed)}
        else:
            one["description"] = f"a code of {binding.valueset}"
    if not element.many:
        return one
    if known(type_name).primitive:
        one = {"anyOf": [one, {"type": "null"}]}
    return {"type": "array", "items": one, "minItems": 1}


def _shadow(element: Element) -> dict[str, Any]:
    one: dict[str, Any] = {"$ref": REF + "Element"}
    return {"type": "array", "items": {"anyOf": [one, {"type": "null"}]}} if element.many else one
