"""What a Bundle must hold together (https://hl7.org/fhir/R4/bundle.html#bundle-unique, #references, documents.html).

Beyond the invariants bdl-*: absolute full URLs that agree with the id inside, links at most once, modes of search
results, and documents whose Composition finds what it points to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.validate.issues import shown
from wardbridge.fhir.validate.neighbours import RESTFUL
from wardbridge.fhir.validate.signatures import signature

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ONCE = frozenset({"self", "first", "last", "next", "previous", "prev"})
# Whose entries need a full URL (bundle.html#bundle-unique).
_ADDRESSED = frozenset({"document", "message", "collection"})
_REQUESTS = frozenset({"transaction", "batch"})


def bundle(value: dict[str, Any], place: Any, run: Any) -> None:
    kind = str(value.get("type"))
    signature(value, place, run)
    _links(value.get("link"), kind, place, run)
    entries = value.get("entry")
    if not isinstance(entries, list):
        return
    rows = [(i, e) for i, e in enumerate(entries) if isinstance(e, dict)]
    for i, entry in rows:
        if kind in _ADDRESSED and run.options.links and "resource" in entry and "fullUrl" not in entry:
            run.error("required", (place, "entry", i), "the entry has no full URL")
        _full_url(entry, kind, (place, "entry", i), run)
        if kind == "searchset":
            _search(entry, (place, "entry", i), run)
    if kind == "document":
        _document(entries, _styles(value.get("link")), place, run)


def _links(links: Any, kind: Any, place: Any, run: Any) -> None:
    seen: set[str] = set()
    for i, link in enumerate(links if isinstance(links, list) else ()):
        relation = link.get("relation") if isinstance(link, dict) else None
        if not isinstance(relation, str) or relation not in _ONCE:
            continue
        if relation in seen:
            run.error("business-rule", (place, "link", i), f"link relation {relation} is given twice")
        if kind == "document" and relation != "self":
            run.error("business-rule", (place, "link", i), f"link relation {relation} belongs to search results")
        seen.add(relation)


def _full_url(entry: dict[str, Any], kind: Any, place: Any, run: Any) -> None:
    url, resource = entry.get("fullUrl"), entry.get("resource")
    if not isinstance(url, str):
        return
    if not _SCHEME.match(url):
        run.error("value", place, f"full URL {shown(url)} is not absolute")
        return
    match = RESTFUL.fullmatch(url)
    if match is None or match[2] not in resource_types() or not isinstance(resource, dict):
        return
    found = resource.get("id")
    # An entry to be created has no id yet; its full URL is then a name within the bundle only.
    if found is None and kind in _REQUESTS:
        return
    if resource.get("resourceType") != match[2] or found != match[3]:
        run.error("value", place, f"full URL {shown(url)} does not end with the resource's type and id")


def _search(entry: dict[str, Any], place: Any, run: Any) -> None:
    resource, search = entry.get("resource"), entry.get("search")
    if not isinstance(resource, dict):
        return
    outcome = resource.get("resourceType") == "OperationOutcome"
    mode = search.get("mode") if isinstance(search, dict) else None
    here = (place, "resource", -1)
    if mode == "outcome" and not outcome:
        run.error("business-rule", here, "search mode outcome is for an OperationOutcome only")
    if mode == "match" and outcome:
        run.error("business-rule", here, "an OperationOutcome is no match of a search")
    if not outcome and "id" not in resource:
        run.error("required", here, "a search result must have an id")


def _references(value: Any, place: Any) -> Iterator[tuple[str, Any]]:
    """All literal references below a value, with their places; contained ones belong to the resource."""
    if isinstance(value, dict):
        text = value.get("reference")
        if isinstance(text, str) and not text.startswith("#"):
            yield text, place
        for key, inner in value.items():
            if isinstance(inner, list):
                for i, item in enumerate(inner):
                    yield from _references(item, (place, key, i))
            elif isinstance(inner, dict):
                yield from _references(inner, (place, key, -1))


def _styles(links: Any) -> set[str]:
    """URLs of the style sheets that a document's links name (documents.html#presentation)."""
    rows = [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    return {str(link.get("url")) for link in rows if link.get("relation") == "stylesheet"}


def _document(entries: list[Any], styles: set[str], place: Any, run: Any) -> None:
    """What the Composition points to is there once, and everything that is there hangs together with it."""
    # Neighbours are the entries with a resource, in order: `rows` says which entry each of them is.
    rows = [i for i, e in enumerate(entries) if isinstance(e, dict) and isinstance(e.get("resource"), dict)]
    neighbours = run.neighbours
    if not rows or len(rows) != len(neighbours.entries):
        return
    joined: list[set[int]] = [set() for _ in rows]
    for at, (_, resource) in enumerate(neighbours.entries):
        composition = rows[at] == 0 and resource.get("resourceType") == "Composition"
        for text, where in _references(resource, ((place, "entry", rows[at]), "resource", -1)):
            found = neighbours.find(text, resource)
            if composition and not found and _of_composition(where):
                run.error("not-found", where, f"{shown(text)} is not in the document")
            if composition and len(found) > 1:
                run.error("multiple-matches", where, f"{shown(text)} is in the document {len(found)} times")
            for target in found:
                joined[at].add(target)
                joined[target].add(at)
    reached, todo = {0}, [0]
    while todo:
        new = joined[todo.pop()] - reached
        reached |= new
        todo += new
    for at, entry in enumerate(neighbours.entries):
        if at not in reached and entry.url not in styles:
            run.error("business-rule", (place, "entry", rows[at]), "nothing in the document leads to this entry")


_MUST_HOLD = frozenset({"subject", "encounter", "author", "party", "custodian", "detail", "entry"})


def _of_composition(place: Any) -> bool:
    """Whether the Composition's element is one whose target a document must include (documents.html#content)."""
    return place[1] in _MUST_HOLD
