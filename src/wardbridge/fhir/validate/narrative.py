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


def mentioned(resource: Any) -> bool:
    """Whether narratives point to every contained resource that nothing else in the resource refers to."""
    inside = resource.get("contained") if isinstance(resource, dict) else None
    if not isinstance(inside, list):
        return False
    names = {f"#{inner.get('id')}" for inner in inside if isinstance(inner, dict)}
    return bool(names) and names <= _pointers(resource)


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
