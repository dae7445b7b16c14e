"""Whether a reference may point where it says (https://hl7.org/fhir/R4/references.html#Reference).

The target's type is read off the reference itself, or off the contained resource; nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from wardbridge.fhir.definitions.table import Element, is_a, resource_types
from wardbridge.fhir.path.references import literal_type
from wardbridge.fhir.validate.issues import Place, shown
from wardbridge.fhir.validate.neighbours import NONE, RELATIVE, resolve

# A scheme, or a conditional reference within a transaction (http.html#trules).
_KNOWN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|[A-Z][A-Za-z]+\?")
Target: TypeAlias = Callable[[Any, Place, Any], None]


def reference_check(element: Element, type_name: str) -> Target | None:
    """The check of the target types of a Reference, or None where any will do."""
    if type_name != "Reference":
        return None
    allowed = frozenset(element.targets)
    anything = not allowed or "Resource" in allowed

    def check(value: Any, place: Place, run: Any) -> None:
        reference = value.get("reference")
        found = None
        if type(reference) is str:
            if _odd(reference):
                severity = "error" if run.options.links and "/" not in reference else "warning"
                run.add(severity, "value", place, f"{shown(reference)} is no URL, no Type/id and no #id")
            if reference[:1] != "#" and run.neighbours is NONE:
                found = literal_type(reference)
            elif (target := resolve(reference, run)) is not None:
                found = target.get("resourceType")
            else:
                found = literal_type(reference)
                _lost(reference, place, run)
        said = value.get("type")
        if type(said) is str and said in resource_types():
            if found is not None and found != said:
                run.error("structure", place, f"reference points to a {found}, but type says {said}")
                return
            found = found or said
        if type(found) is str and not anything and found not in allowed and not _derived(found, allowed):
            run.error(
                "structure",
                place,
                f"a reference to {shown(found)} is not allowed here",
                "allowed: " + ", ".join(sorted(allowed)),
            )

    return check


def _odd(reference: str) -> bool:
    """A relative reference that no server could follow (references.html#literal)."""
    if reference[:1] == "#" or _KNOWN.match(reference) is not None:
        return False
    match = RELATIVE.fullmatch(reference.partition("#")[0])
    return match is None or match[1] not in resource_types()


def _lost(reference: str, place: Place, run: Any) -> None:
    """A reference that finds nothing among its neighbours, though it looks as if it should."""
    match = RELATIVE.fullmatch(reference)
    if match is not None:
        named = run.neighbours.urls.get(f"urn:uuid:{match[2]}", ())
        kinds = [run.neighbours.entries[i].resource.get("resourceType") for i in named]
        if kinds and match[1] not in kinds:
            run.error("structure", place, f"{shown(reference)} is a {kinds[0]} in this bundle")
            return
    local = match is not None or reference.startswith(("urn:uuid:", "urn:oid:"))
    if run.options.exists and local and not run.neighbours.find(reference, run.holders.root):
        run.error("not-found", place, f"{shown(reference)} cannot be found")


def _derived(name: str, allowed: frozenset[str]) -> bool:
    return any(is_a(name, target) for target in allowed)
