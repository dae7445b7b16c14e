"""What a validation finds, with its place (https://hl7.org/fhir/R4/operationoutcome.html)."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

# A place is its parent, the element's name and its index: made for each object on the way, written out for issues only.
Place: TypeAlias = "tuple[Any, str, int]"


class Issue(msgspec.Struct, frozen=True):
    """One problem: `severity` is fatal, error, warning or information; `code` is of the issue-type code system.

    `expression` is a FHIRPath to the element (`Observation.component[0].code`), `details` says what is wrong,
    `diagnostics` names the rule (an invariant's key and expression, a value set, a pattern).
    """

    severity: str
    code: str
    expression: str
    details: str
    diagnostics: str = ""


def written(place: Place) -> str:
    """The FHIRPath of a place."""
    parts: list[str] = []
    at: Any = place
    while at is not None:
        parent, name, index = at
        parts.append(name if index < 0 else f"{name}[{index}]")
        at = parent
    return ".".join(reversed(parts))


def shown(value: Any, most: int = 60) -> str:
    """A value for a message, cut to a readable length."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= most else text[:most] + "..."
