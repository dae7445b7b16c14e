"""Extensions against their definitions (https://hl7.org/fhir/R4/extensibility.html, defining-extensions.html#context).

A known one: where it stands, whether it modifies, its value and its parts.  An unknown one is allowed by the standard
unless it modifies; what is said of it is a setting.
"""

from __future__ import annotations

import re
from typing import Any

from wardbridge.fhir.definitions.profiles import BASE
from wardbridge.fhir.definitions.table import resource_types, type_of
from wardbridge.fhir.validate.issues import Place, shown
from wardbridge.fhir.validate.run import Known, Run
from wardbridge.fhir.validate.slicing import urls_of

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NAMES = ("extension", "modifierExtension")
# Elements that hold a whole resource, by what they stand in ('' : anything).
_HOLDING = {
    "contained": frozenset({""}),
    "resource": frozenset({"entry", "parameter", "part"}),
    "outcome": frozenset({"response"}),
}
_OF_TYPE = re.compile(r"(\w+)\.ofType\((\w+)\)")
_EXAMPLES = re.compile(r"https?://([\w.-]+\.)?(example\.(org|com|net)|acme\.com)([:/]|$)")
_CROSS = re.compile(
    r"http://hl7\.org/fhir/([1-9]\.[0-9])/StructureDefinition/extension-([A-Z]\w*)((?:\.\w+(?:\[x\])?)+)"
)
_HL7 = (BASE, "http://hl7.org/fhir/tools/StructureDefinition/")
_VERSIONS = frozenset({"1.0", "3.0", "4.0", "4.3", "5.0"})


def extension(value: dict[str, Any], place: Place, run: Run) -> None:
    """The rules of one extension, wherever it stands; parts of a complex one are its definition's matter."""
    url = value.get("url")
    if not isinstance(url, str) or not url or run.profiles is None:
        return
    parent, name, _ = place
    if _SCHEME.match(url) is None:
        if parent is None or parent[1] not in _NAMES:
            run.error("value", (place, "url", -1), f"extension URL {shown(url)} is not absolute")
        return
    plain, _, version = url.partition("|")
    if version:
        run.error("value", (place, "url", -1), f"extension URL {shown(url)} must not carry a version")
    known = run.profile(plain)
    if known is not None:
        _known(known, value, place, run)
    else:
        _unknown(plain, name == "modifierExtension", place, run)


def _unknown(url: str, modifies: bool, place: Place, run: Run) -> None:
    if modifies:
        text = f"unknown modifier extension {shown(url)}: what it changes cannot be told"
        run.add(run.options.unknown_modifiers, "extension", place, text)
        return
    if url.startswith(run.options.domains):
        return
    cross = _CROSS.fullmatch(url)
    if cross is not None:
        if cross[1] not in _VERSIONS:
            run.error("extension", place, f"there is no FHIR version {cross[1]} to take {shown(url)} from")
        elif cross[1] == "4.0":
            run.error(
                "extension", place, f"{cross[2]}{cross[3]} is of this version of FHIR: no extension stands for it"
            )
        return
    if run.options.examples and _EXAMPLES.match(url):
        run.add("information", "extension", place, f"extension {shown(url)} is an example")
        return
    # HL7 goes on publishing extensions for R4 apart from it: one in its own name may be right though R4 has it not.
    severity = "warning" if url.startswith(_HL7) else run.options.unknown_extensions
    run.add(severity, "extension", place, f"unknown extension {shown(url)}")


def _known(known: Known, value: dict[str, Any], place: Place, run: Run) -> None:
    if known.type != "Extension":
        run.error("extension", place, f"{known.url} defines a {known.type}, no extension")
        return
    modifies = place[1] == "modifierExtension"
    if modifies != known.modifier and not (place[0] is not None and place[0][1] in _NAMES):
        right = "a modifierExtension" if known.modifier else "an extension, no modifierExtension"
        run.error("extension", place, f"{known.url} must be used as {right}")
    if known.contexts and not _allowed(known, place, run):
        wanted = ", ".join(expression for _, expression in known.contexts)
        run.error("extension", place, f"extension {known.url} must not stand here; it belongs to {wanted}")
    known.check(value, place, run)
    parts = value.get("extension")
    if isinstance(parts, list):
        _parts(known, parts, place, run)


def _parts(known: Known, parts: list[Any], place: Place, run: Run) -> None:
    child = known.shape.children.get("extension")
    defined = {url for slice_ in child.slices.values() for url in urls_of(slice_)} if child is not None else set()
    for i, part in enumerate(parts):
        url = part.get("url") if isinstance(part, dict) else None
        if isinstance(url, str) and url and _SCHEME.match(url) is None and url not in defined:
            run.error("extension", (place, "extension", i), f"{shown(url)} is no part of {known.url}")


def _allowed(known: Known, place: Place, run: Run) -> bool:
    holder = place[0]
    if holder is None:
        return True
    names: set[str] | None = None
    for kind, expression in known.contexts:
        if kind == "extension":
            # Which extension holds it is known by name only where it is the definition's own part.
            if holder[1] in _NAMES:
                return True
            continue
        if expression == "Element":
            # Every element, resources included (defining-extensions.html#context).
            return True
        if kind == "fhirpath" and re.fullmatch(r"[A-Za-z]\w*(\.\w+(\[x\])?)*", expression) is None:
            return True
        if names is None:
            names = names_of(holder, run)
        if expression in names or expression.replace("[x]", "") in names:
            return True
    return False


def names_of(place: Place, run: Run) -> set[str]:
    """All names of an element in the sense of an extension's context: paths and types, those of its base included."""
    chain: list[str] = []
    at: Any = place
    while at is not None and at[0] is not None and not _holds_resource(at):
        chain.append(at[1])
        at = at[0]
    root = at[1] if at is not None and at[0] is None else run.holders.resource.get("resourceType", "Resource")
    type_name = root if root in resource_types() else str(run.holders.resource.get("resourceType", "Resource"))
    names = _ancestors(type_name)
    for label in reversed(chain):
        match = _OF_TYPE.fullmatch(label)
        name = match[1] if match else label
        kind = type_of(type_name)
        element = kind.elements.get(name) if kind is not None else None
        if element is None:
            return names | {"Element"}
        type_name = match[2] if match else element.types[0]
        below = {f"{n}.{name}" for n in names}
        if match:
            below |= {f"{n}.{name}{type_name[0].upper()}{type_name[1:]}" for n in names}
        names = below | _ancestors(type_name)
    return names


def _holds_resource(place: Place) -> bool:
    holders = _HOLDING.get(place[1])
    return holders is not None and ("" in holders or place[0][1] in holders)


def _ancestors(type_name: str) -> set[str]:
    kind = type_of(type_name)
    return set(kind.ancestors) if kind is not None else {type_name}
