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

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_RESTFUL = re.compile(r"(https?://[^?#]+/)([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})")
_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(/_history/[A-Za-z0-9.-]{1,64})?")
_ONCE = frozenset({"self", "first", "last", "next", "previous", "prev"})
_REQUESTS = frozenset({"transaction", "batch"})


def entry_types(value: Any) -> dict[str, str]:
    """Full URL -> resource type of a Bundle's entries."""
    entries = value.get("entry") if isinstance(value, dict) else None
    found: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
            url, kind = entry.get("fullUrl"), entry["resource"].get("resourceType")
            if isinstance(url, str) and isinstance(kind, str):
                found[url] = kind
    return found


def bundle(value: dict[str, Any], place: Any, run: Any) -> None:
    kind = value.get("type")
    _links(value.get("link"), kind, place, run)
    entries = value.get("entry")
    if not isinstance(entries, list):
        return
    rows = [(i, e) for i, e in enumerate(entries) if isinstance(e, dict)]
    for i, entry in rows:
        _full_url(entry, kind, (place, "entry", i), run)
        if kind == "searchset":
            _search(entry, (place, "entry", i), run)
    if kind == "document" and rows:
        _document(rows, _styles(value.get("link")), place, run)


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
    match = _RESTFUL.fullmatch(url)
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


def _targets(text: str, base: str, urls: dict[str, list[int]], resources: dict[int, Any]) -> list[int]:
    """Entries that a reference from an entry with full URL `base` means (bundle.html#references)."""
    relative = _RELATIVE.fullmatch(text)
    if relative is None:
        plain, _, version = text.partition("/_history/")
        return _of_version(urls.get(plain, []), version, resources)
    root = _RESTFUL.fullmatch(base)
    version = (relative[3] or "").removeprefix("/_history/")
    if root is not None:
        return _of_version(urls.get(f"{root[1]}{relative[1]}/{relative[2]}", []), version, resources)
    named = [
        i
        for i, r in resources.items()
        if isinstance(r, dict) and (r.get("resourceType"), r.get("id")) == (relative[1], relative[2])
    ]
    return _of_version(named, version, resources)


def _of_version(found: list[int], version: str, resources: dict[int, Any]) -> list[int]:
    if not version:
        return found
    return [i for i in found if _version(resources.get(i)) == version]


def _version(resource: Any) -> Any:
    meta = resource.get("meta") if isinstance(resource, dict) else None
    return meta.get("versionId") if isinstance(meta, dict) else None


def _styles(links: Any) -> set[str]:
    """URLs of the style sheets that a document's links name (documents.html#presentation)."""
    rows = [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    return {str(link.get("url")) for link in rows if link.get("relation") == "stylesheet"}


def _document(rows: list[tuple[int, dict[str, Any]]], styles: set[str], place: Any, run: Any) -> None:
    resources = {i: e["resource"] for i, e in rows if isinstance(e.get("resource"), dict)}
    urls: dict[str, list[int]] = {}
    bases: dict[int, str] = {}
    for i, entry in rows:
        url = entry.get("fullUrl")
        bases[i] = url if isinstance(url, str) else ""
        urls.setdefault(bases[i], []).append(i)
    joined: dict[int, set[int]] = {i: set() for i in resources}
    for i, resource in resources.items():
        composition = i == rows[0][0] and resource.get("resourceType") == "Composition"
        for text, where in _references(resource, ((place, "entry", i), "resource", -1)):
            found = _targets(text, bases[i], urls, resources)
            if composition and not found and _of_composition(where):
                run.error("not-found", where, f"{shown(text)} is not in the document")
            if composition and len(found) > 1:
                run.error("multiple-matches", where, f"{shown(text)} is in the document {len(found)} times")
            for target in found:
                if target in joined:
                    joined[i].add(target)
                    joined[target].add(i)
    reached, todo = {rows[0][0]}, [rows[0][0]]
    while todo:
        new = joined.get(todo.pop(), set()) - reached
        reached |= new
        todo += new
    for i in sorted(resources.keys() - reached):
        if bases[i] not in styles:
            run.error("business-rule", (place, "entry", i), "nothing in the document leads to this entry")


_MUST_HOLD = frozenset({"subject", "encounter", "author", "party", "custodian", "detail", "entry"})


def _of_composition(place: Any) -> bool:
    """Whether the Composition's element is one whose target a document must include (documents.html#content)."""
    return place[1] in _MUST_HOLD
