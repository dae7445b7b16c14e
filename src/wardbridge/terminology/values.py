"""What a code system is made of, as values (R4 codesystem.html): a head, concepts, designations, properties."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

CONCEPT_PROPERTIES = "http://hl7.org/fhir/concept-properties#"
STANDARDS_STATUS = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"

PROPERTY_EXTENSIONS = {
    "http://hl7.org/fhir/StructureDefinition/codesystem-conceptOrder": "order",
    "http://hl7.org/fhir/StructureDefinition/valueset-conceptOrder": "order",
    "http://hl7.org/fhir/StructureDefinition/codesystem-label": "label",
    "http://hl7.org/fhir/StructureDefinition/valueset-label": "label",
    "http://hl7.org/fhir/StructureDefinition/itemWeight": "weight",
}
"""Extensions on a concept that say what R5 says with a property."""

DISPLAY_USES = frozenset({"preferredForLanguage", "display", "900000000000003001", "900000000000013009"})
"""Uses of a designation that make it a display (hl7TermMaintInfra, SNOMED CT fully specified name and synonym)."""


@dataclass(frozen=True, slots=True)
class Designation:
    """``source`` is the canonical of the supplement that brought it."""

    value: str
    language: str = ""
    use: dict[str, Any] | None = None
    extension: tuple[dict[str, Any], ...] = ()
    source: str = ""

    @property
    def is_display(self) -> bool:
        """Whether people may be shown it as the name of the concept."""
        return self.use is None or self.use.get("code") in DISPLAY_USES

    @property
    def withdrawn(self) -> bool:
        return any(e.get("url") == STANDARDS_STATUS and e.get("valueCode") == "withdrawn" for e in self.extension)


@dataclass(frozen=True, slots=True)
class Property:
    """``element`` is the FHIR choice (``valueCode``); ``text`` is the form in which filters compare it."""

    code: str
    element: str
    value: Any

    @property
    def text(self) -> str:
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        if isinstance(self.value, dict):
            return str(self.value.get("code", ""))
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Concept:
    """``ancestors`` are all codes that subsume it, itself not included; ``number`` is its place in the system."""

    code: str
    display: str = ""
    definition: str = ""
    number: int = 0
    abstract: bool = False
    inactive: bool = False
    status: str = ""
    leaf: bool = True
    parents: tuple[str, ...] = ()
    ancestors: frozenset[str] = frozenset()
    designations: tuple[Designation, ...] = ()
    properties: tuple[Property, ...] = ()
    extension: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class Head:
    """A code system without its concepts. ``properties``: (code, uri). ``resource`` is where it came from."""

    url: str
    version: str = ""
    name: str = ""
    title: str = ""
    content: str = "complete"
    case_sensitive: bool = True
    language: str = ""
    status: str = "active"
    experimental: bool = False
    standards_status: str = ""
    supplements: str = ""
    value_set: str = ""
    properties: tuple[tuple[str, str], ...] = ()
    version_needed: bool = False

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url

    def uri_of(self, code: str) -> str:
        """The URI of a property, '' where the system does not define it."""
        return next((uri for name, uri in self.properties if name == code), "")


def head_of(resource: dict[str, Any]) -> Head:
    """The head of a CodeSystem resource."""
    return Head(
        url=str(resource.get("url") or ""),
        version=str(resource.get("version") or ""),
        name=str(resource.get("name") or ""),
        title=str(resource.get("title") or ""),
        content=str(resource.get("content") or "complete"),
        case_sensitive=resource.get("caseSensitive") is not False,
        language=str(resource.get("language") or ""),
        status=str(resource.get("status") or ""),
        experimental=resource.get("experimental") is True,
        standards_status=standards_status(resource),
        supplements=str(resource.get("supplements") or ""),
        value_set=str(resource.get("valueSet") or ""),
        properties=tuple(
            (p["code"], str(p.get("uri") or ""))
            for p in dicts(resource.get("property"))
            if isinstance(p.get("code"), str)
        ),
        version_needed=resource.get("versionNeeded") is True,
    )


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of what should be an array of objects."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def standards_status(element: dict[str, Any]) -> str:
    """The structuredefinition-standards-status of an element, '' where it has none."""
    return next(
        (str(e.get("valueCode", "")) for e in dicts(element.get("extension")) if e.get("url") == STANDARDS_STATUS), ""
    )


def designations_of(element: dict[str, Any], source: str = "") -> tuple[Designation, ...]:
    return tuple(
        Designation(
            d["value"],
            str(d.get("language") or ""),
            d["use"] if isinstance(d.get("use"), dict) else None,
            tuple(dicts(d.get("extension"))),
            source,
        )
        for d in dicts(element.get("designation"))
        if isinstance(d.get("value"), str)
    )


def properties_of(element: dict[str, Any]) -> tuple[Property, ...]:
    found = []
    for entry in dicts(element.get("property")):
        name = next((key for key in entry if key.startswith("value")), None)
        if name is not None and isinstance(entry.get("code"), str):
            found.append(Property(entry["code"], name, entry[name]))
    return tuple(found)


def extension_properties(extension: tuple[dict[str, Any], ...]) -> tuple[Property, ...]:
    """Order, label and weight where they are said by an extension."""
    found = []
    for entry in extension:
        code = PROPERTY_EXTENSIONS.get(str(entry.get("url")))
        name = next((key for key in entry if key.startswith("value")), None)
        if code and name:
            found.append(Property(code, "valueString" if code == "label" else "valueDecimal", entry[name]))
    return tuple(found)


@dataclass
class _Flags:
    """The codes under which a system keeps its abstract, inactive and status properties."""

    abstract: frozenset[str] = field(default_factory=frozenset)
    inactive: frozenset[str] = field(default_factory=frozenset)
    status: frozenset[str] = field(default_factory=frozenset)


def flags(head: Head) -> _Flags:
    """By the property's URI where it is defined, else by its usual code."""

    def named(code: str) -> frozenset[str]:
        by_uri = {name for name, uri in head.properties if uri == CONCEPT_PROPERTIES + code}
        return frozenset(by_uri | {code})

    return _Flags(named("notSelectable"), named("inactive"), named("status"))


INACTIVE_STATUS = frozenset({"retired", "inactive", "withdrawn"})


def flagged(concept: Concept, of: _Flags) -> Concept:
    """The concept with what its properties and extensions say about selecting and using it."""
    abstract = inactive = False
    status = ""
    for p in concept.properties:
        if p.code in of.abstract and p.text == "true":
            abstract = True
        elif p.code in of.inactive and p.text == "true":
            inactive = True
        elif p.code in of.status:
            status = p.text
    for entry in concept.extension:
        if entry.get("url") == STANDARDS_STATUS:
            status = status or str(entry.get("valueCode", ""))
    if not (abstract or inactive or status):
        return concept
    return replace(concept, abstract=abstract, inactive=inactive or status in INACTIVE_STATUS, status=status)


def words(*texts: str) -> list[str]:
    """The words of texts as filters compare them: folded, letters and digits only."""
    found: list[str] = []
    for text in texts:
        word = ""
        for char in text.casefold():
            if char.isalnum():
                word += char
            elif word:
                found.append(word)
                word = ""
        if word:
            found.append(word)
    return found
