"""Links in narratives (https://hl7.org/fhir/R4/narrative.html#id)."""

from __future__ import annotations

import re
from typing import Any

from wardbridge.fhir.validate.issues import Place, shown
from wardbridge.fhir.validate.run import Run

_LINK = re.compile(r"""<(a|img|area)\b[^>]*?\b(href|src)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# What a reader can follow in a browser or mail program, and images that are given in place.
_FOLLOWED = frozenset({"http", "https", "tel", "mailto", "ftp", "cid", "data"})


def links(div: str) -> list[tuple[str, str]]:
    """(element, target) of all links and images of a narrative."""
    return [(m[1].lower(), m[3] if m[3] is not None else m[4]) for m in _LINK.finditer(div)]


def unmentioned(resource: Any) -> list[tuple[int, str]]:
    """Index and id of the contained resources that nothing refers to, narratives included; those that themselves
    refer to the resource that holds them are in use."""
    inside = resource.get("contained") if isinstance(resource, dict) else None
    rows = [(i, inner) for i, inner in enumerate(inside if isinstance(inside, list) else ()) if isinstance(inner, dict)]
    used = _pointers(resource) if rows else set()
    return [
        (i, str(inner.get("id")))
        for i, inner in rows
        if f"#{inner.get('id')}" not in used and "#" not in _pointers(inner)
    ]


def _pointers(value: Any) -> set[str]:
    out: set[str] = set()
    todo = [value]
    while todo:
        at = todo.pop()
        if isinstance(at, dict):
            if isinstance(at.get("div"), str):
                out.update(target for _, target in links(at["div"]))
            todo += at.values()
        elif isinstance(at, list):
            todo += at
        elif isinstance(at, str) and at.startswith("#"):
            out.add(at)
    return out


def narrative(div: str, place: Place, run: Run) -> None:
    """Links must have a scheme that can be followed; fragments that lead nowhere are worth a warning."""
    for element, target in dict.fromkeys(links(div)):
        match = _SCHEME.match(target)
        if element != "img" and match is not None and match[1].lower() not in _FOLLOWED:
            run.error("invalid", place, f"scheme {match[1]!r} of the link {shown(target)} cannot be followed")
