"""Links between the entries of a transaction become references to what is stored (R4 http.html#trules, #3.1.0.11.2).

The standard names what is rewritten: references, elements of type uri, url, oid and uuid, and links in narrative. A
text elsewhere, as the value of an identifier, stays though it may be the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from wardbridge.fhir.definitions.table import known, resource_types, type_names

_URIS = frozenset({"uri", "url", "oid", "uuid", "canonical"})
_RESTFUL = re.compile(r"(https?://.+)/([A-Za-z]+/[A-Za-z0-9\-.]{1,64})(/_history/[A-Za-z0-9\-.]{1,64})?")
_HREF = re.compile(r"""((?:href|src)\s*=\s*)("[^"]*"|'[^']*')""")


@cache
def link_names() -> frozenset[str]:
    """JSON names of elements that may hold a link."""
    found = {key for name in type_names() for key, (_, kind) in known(name).keys.items() if kind in _URIS}
    return frozenset(found | {"reference"})


class Links:
    """What each fullUrl of the bundle became (``Type/id``)."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._known)

    def add(self, url: str, reference: str) -> None:
        """``url``: a fullUrl, or a conditional reference."""
        self._known[url] = reference

    def rewrite(self, resource: dict[str, Any], full_url: str) -> dict[str, Any]:
        """A copy that refers to what is stored. Relative references are meant as beside its own fullUrl, as
        bundle.html#references has it."""
        beside = _RESTFUL.fullmatch(full_url)
        out: dict[str, Any] = _walk(resource, self._known, beside[1] if beside else "", link_names())
        return out


def _walk(value: Any, known_: Mapping[str, str], base: str, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {
            key: (
                _link(child, known_, base)
                if isinstance(child, str) and key in names
                else _narrative(child, known_, base)
                if key == "div" and isinstance(child, str)
                else _walk(child, known_, base, names)
                if isinstance(child, dict)
                else [
                    _link(one, known_, base)
                    if isinstance(one, str) and key in names
                    else _walk(one, known_, base, names)
                    for one in child
                ]
                if isinstance(child, list)
                else child
            )
            for key, child in value.items()
        }
    return [_walk(child, known_, base, names) for child in value] if isinstance(value, list) else value


def _link(text: str, known_: Mapping[str, str], base: str) -> str:
    found = known_.get(text)
    if found is None and base and ":" not in text:
        found = known_.get(f"{base}/{text}")
    if found is None and "#" in text and text[:1] != "#":
        head, _, fragment = text.partition("#")
        target = known_.get(head)
        return f"{target}#{fragment}" if target else text
    return text if found is None else found


def _narrative(div: str, known_: Mapping[str, str], base: str) -> str:
    def one(found: re.Match[str]) -> str:
        quote = found[2][0]
        return f"{found[1]}{quote}{_link(found[2][1:-1], known_, base)}{quote}"

    return _HREF.sub(one, div) if "href" in div or "src" in div else div


def conditional_references(value: Any) -> Iterator[str]:
    """The references of the form ``Type?criteria`` anywhere in a resource."""
    stack = [value]
    while stack:
        here = stack.pop()
        if isinstance(here, dict):
            text = here.get("reference")
            if isinstance(text, str) and "?" in text and text.partition("?")[0] in resource_types():
                yield text
            stack.extend(child for child in here.values() if isinstance(child, dict | list))
        elif isinstance(here, list):
            stack.extend(child for child in here if isinstance(child, dict | list))
