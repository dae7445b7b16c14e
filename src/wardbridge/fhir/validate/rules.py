"""Rules that the standard states in words only: no invariant, cardinality or binding holds them.

Each rule takes (value, place, run) of its type; `RULES` says which type has which.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from wardbridge.fhir.definitions.search import SearchParameter
from wardbridge.fhir.definitions.search import search_parameter as published
from wardbridge.fhir.definitions.table import is_a, resource_types
from wardbridge.fhir.path import PathError, compile, syntax
from wardbridge.fhir.path.parser import parse
from wardbridge.fhir.validate.bundles import bundle
from wardbridge.fhir.validate.extensions import extension
from wardbridge.fhir.validate.issues import shown
from wardbridge.fhir.validate.questionnaires import questionnaire_response
from wardbridge.fhir.validate.structures import structure_definition
from wardbridge.fhir.validate.valuesets import include, value_set

Rule: TypeAlias = Callable[[dict[str, Any], Any, Any], None]
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def absolute(url: Any) -> bool:
    """Whether a text has a URI scheme."""
    return isinstance(url, str) and _SCHEME.match(url) is not None


def attachment(value: dict[str, Any], place: Any, run: Any) -> None:
    """Size is the number of bytes before base64 (https://hl7.org/fhir/R4/datatypes.html#Attachment)."""
    size, data = value.get("size"), value.get("data")
    if type(size) is not int or type(data) is not str:
        return
    text = "".join(data.split())
    found = len(text) // 4 * 3 - text[-2:].count("=")
    if size != found:
        run.error("value", place, f"size says {size} bytes, data holds {found}")


def search_parameter(value: dict[str, Any], place: Any, run: Any) -> None:
    """A composite joins two parameters at least; the expression is FHIRPath; a derived one keeps the type.

    https://hl7.org/fhir/R4/searchparameter.html
    """
    components = value.get("component")
    if value.get("type") == "composite" and (not isinstance(components, list) or len(components) < 2):
        run.error("business-rule", place, "a composite search parameter needs two components or more")
    expression = value.get("expression")
    if isinstance(expression, str):
        try:
            compile(expression, lenient=True)
        except PathError as error:
            run.error("invalid", (place, "expression", -1), error.message)
        else:
            _bases(value, expression, place, run)
    derived = value.get("derivedFrom")
    origin = published(derived) if isinstance(derived, str) else None
    if origin is not None:
        _derived(value, origin, place, run)


def _bases(value: dict[str, Any], expression: str, place: Any, run: Any) -> None:
    """Each alternative of the expression starts with a type; one of the parameter's bases should be among them."""
    bases = value.get("base")
    if not run.options.definitions or not isinstance(bases, list):
        return
    starts = set(_starts(parse(expression)))
    if not starts <= resource_types() | {"Resource", "DomainResource"}:
        return
    for base in bases:
        if isinstance(base, str) and not any(is_a(base, start) for start in starts):
            run.error("invalid", (place, "expression", -1), f"the expression gives nothing for a {base}")


def _starts(node: Any) -> Iterator[str]:
    """The first name of each alternative of a path; '' where one starts otherwise."""
    if isinstance(node, syntax.Binary) and node.operator == "|":
        yield from _starts(node.left)
        yield from _starts(node.right)
        return
    while (left := getattr(node, "left", None)) is not None:
        node = left
    yield node.name if isinstance(node, syntax.Member) else ""


def _derived(value: dict[str, Any], origin: SearchParameter, place: Any, run: Any) -> None:
    if value.get("type") != origin.type:
        run.error("business-rule", place, f"{origin.url}, which this is derived from, is a {origin.type}")
    bases = value.get("base")
    for base in bases if isinstance(bases, list) else ():
        if base not in origin.base:
            run.error("business-rule", place, f"{origin.url}, which this is derived from, has no {shown(base)}")


def code_system(value: dict[str, Any], place: Any, run: Any) -> None:
    """Supplements say so, and properties keep the type they were declared with (codesystem.html)."""
    if "supplements" in value and value.get("content") != "supplement":
        run.error("business-rule", (place, "content", -1), "a code system that supplements another must say supplement")
    declared: dict[str, str] = {}
    uris: set[str] = set()
    properties = value.get("property")
    for i, entry in enumerate(properties if isinstance(properties, list) else ()):
        if not isinstance(entry, dict):
            continue
        code, kind = entry.get("code"), entry.get("type")
        if isinstance(code, str) and isinstance(kind, str):
            if code in declared:
                run.error("business-rule", (place, "property", i), f"property {shown(code)} is declared twice")
            declared.setdefault(code, kind)
        _property(entry, uris, (place, "property", i), run)
    if declared:
        _concepts(value.get("concept"), place, declared, run)


def _property(entry: dict[str, Any], uris: set[str], place: Any, run: Any) -> None:
    """A property whose URI is one of the standard's own has the type that is defined there (codesystem.html)."""
    uri, kind = entry.get("uri"), entry.get("type")
    if not run.options.definitions or not isinstance(uri, str):
        return
    if uri in uris:
        run.error("business-rule", place, f"property {shown(uri)} is declared twice")
    uris.add(uri)
    if not uri.startswith(CONCEPT_PROPERTIES):
        return
    wanted = _PROPERTY_TYPES.get(uri.removeprefix(CONCEPT_PROPERTIES))
    if wanted is None:
        run.error("value", place, f"{shown(uri)} is no property of the standard")
    elif kind != wanted:
        run.error("value", place, f"{shown(uri)} is a {wanted}, not {shown(kind)}")


CONCEPT_PROPERTIES = "http://hl7.org/fhir/concept-properties#"
# Those of R4, and those that HL7 has added to the same system since.
_PROPERTY_TYPES = {
    "inactive": "boolean",
    "notSelectable": "boolean",
    "deprecated": "dateTime",
    "deprecationDate": "dateTime",
    "retirementDate": "dateTime",
    "effectiveDate": "dateTime",
    "status": "code",
    "parent": "code",
    "child": "code",
    "partOf": "code",
    "synonym": "code",
    "comment": "string",
    "itemWeight": "decimal",
}


def _concepts(concepts: Any, place: Any, declared: dict[str, str], run: Any) -> None:
    for i, concept in enumerate(concepts if isinstance(concepts, list) else ()):
        if not isinstance(concept, dict):
            continue
        here = (place, "concept", i)
        properties = concept.get("property")
        for j, entry in enumerate(properties if isinstance(properties, list) else ()):
            if not isinstance(entry, dict) or not isinstance(entry.get("code"), str):
                continue
            wanted = declared.get(entry["code"])
            given = next((k[5:] for k in entry if k.startswith("value")), None)
            if wanted is not None and given is not None and given.lower() != wanted.lower():
                run.error("value", (here, "property", j), f"property {shown(entry['code'])} is a {wanted}, not {given}")
        _concepts(concept.get("concept"), here, declared, run)


RULES: dict[str, Rule] = {
    "Attachment": attachment,
    "Bundle": bundle,
    "CodeSystem": code_system,
    "Extension": extension,
    "QuestionnaireResponse": questionnaire_response,
    "SearchParameter": search_parameter,
    "StructureDefinition": structure_definition,
    "ValueSet": value_set,
    "ValueSet.compose.include": include,
}
