"""From the fields of one object to its JSON: what is a list, what is single, what shares a name (R4 graphql.html)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from graphql import FieldNode

from wardbridge.fhir.graphql.errors import Path, as_error

Shape = Literal["one", "many", "single"]


@dataclass(frozen=True)
class Entry:
    """One value under one name. ``single``: @singleton, so a second value is an error."""

    key: str
    shape: Shape
    value: Any
    node: FieldNode


def assemble(entries: Sequence[Entry], path: Path, errors: list[dict[str, Any]]) -> dict[str, Any]:
    """The object. Several values of one name make a list, also where each field alone gives one value."""
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.key, []).append(entry)
    out: dict[str, Any] = {}
    for key, group in grouped.items():
        values = [entry.value for entry in group]
        if any(entry.shape == "single" for entry in group):
            if len(values) > 1:
                text = f"@singleton: {key} has {len(values)} values"
                errors.append(as_error(text, "multiple-matches", group[0].node, (*path, key)))
                values = [None]
            out[key] = values[0]
        elif any(entry.shape == "many" for entry in group) or len(values) > 1:
            out[key] = values
        else:
            out[key] = values[0]
    return out
