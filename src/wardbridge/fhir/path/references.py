"""What a reference says about its target without reading it (https://hl7.org/fhir/R4/references.html#literal)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from wardbridge.fhir.definitions.table import resource_types

# [base/]Type/id[/_history/version]
_LITERAL = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*://[^?#]*/|/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?"
)


@lru_cache(maxsize=8192)
def literal_type(reference: str) -> str | None:
    """The resource type in `Patient/1` or `https://x/fhir/Patient/1/_history/2`; None for `#a`, `urn:uuid:...`."""
    match = _LITERAL.fullmatch(reference)
    return match[1] if match is not None and match[1] in resource_types() else None


def named_type(reference: Any) -> str | None:
    """The target type that a Reference (or its text) names, by `reference` or else by `type`."""
    if isinstance(reference, str):
        return literal_type(reference)
    if not isinstance(reference, dict):
        return None
    text = reference.get("reference")
    if isinstance(text, str) and (found := literal_type(text)) is not None:
        return found
    kind = reference.get("type")
    return kind if isinstance(kind, str) and kind in resource_types() else None
