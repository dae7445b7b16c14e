"""Whether a reference may point where it says (https://hl7.org/fhir/R4/references.html#Reference).

The target's type is read off the reference itself, or off the contained resource; nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from wardbridge.fhir.definitions.table import Element, is_a, resource_types
from wardbridge.fhir.path.references import literal_type
from wardbridge.fhir.validate.issues import Place, shown

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
            if reference[:1] == "#":
                found = _contained_type(reference[1:], run.holders.root)
            else:
                found = literal_type(reference) or run.entries.get(reference)
        said = value.get("type")
        if type(said) is str and said in resource_types():
            if found is not None and found != said:
                run.error("structure", place, f"reference points to a {found}, but type says {said}")
                return
            found = found or said
        if found is not None and not anything and found not in allowed and not _derived(found, allowed):
            run.error(
                "structure",
                place,
                f"a reference to {shown(found)} is not allowed here",
                "allowed: " + ", ".join(sorted(allowed)),
            )

    return check


def _derived(name: str, allowed: frozenset[str]) -> bool:
    return any(is_a(name, target) for target in allowed)


def _contained_type(name: str, root: dict[str, Any]) -> str | None:
    if not name:
        own = root.get("resourceType")
        return own if isinstance(own, str) else None
    contained = root.get("contained")
    for inner in contained if isinstance(contained, list) else ():
        if isinstance(inner, dict) and inner.get("id") == name:
            kind = inner.get("resourceType")
            return kind if isinstance(kind, str) else None
    return None
