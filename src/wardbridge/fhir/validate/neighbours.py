"""Resources that a reference reaches without a server: contained ones, entries of a Bundle, those in Parameters.

Standard: https://hl7.org/fhir/R4/bundle.html#references, references.html#contained
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from wardbridge.fhir.definitions.table import resource_types

RESTFUL = re.compile(r"(https?://[^?#]+/)([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})")
RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/([A-Za-z0-9.-]{1,64}))?")


class Entry(NamedTuple):
    """One resource that stands beside others, with the full URL of its entry ('' without one)."""

    url: str
    resource: dict[str, Any]


class Neighbours:
    """The entries of one Bundle (or the resources of one Parameters), by full URL and by type and id."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.urls: dict[str, list[int]] = {}
        self.names: dict[tuple[str, str], list[int]] = {}
        self.bases: dict[int, str] = {}
        for i, entry in enumerate(entries):
            if entry.url:
                self.urls.setdefault(entry.url, []).append(i)
            kind, name = entry.resource.get("resourceType"), entry.resource.get("id")
            if isinstance(kind, str) and isinstance(name, str):
                self.names.setdefault((kind, name), []).append(i)
            self.bases[id(entry.resource)] = entry.url

    def find(self, reference: str, holder: dict[str, Any]) -> list[int]:
        """The entries that a reference means which stands in `holder`, a resource of ours."""
        plain = reference.partition("#")[0]
        relative = RELATIVE.fullmatch(plain)
        if relative is None or relative[1] not in resource_types():
            url, _, version = plain.partition("/_history/")
            return self._of_version(self.urls.get(url, []), version)
        version = relative[3] or ""
        own = self.bases.get(id(holder), "")
        base = RESTFUL.fullmatch(own)
        if base is not None:
            return self._of_version(self.urls.get(f"{base[1]}{relative[1]}/{relative[2]}", []), version)
        # Without an address of its own the resource has nothing that its reference could be relative to; beside
        # entries without addresses the same server is meant.
        return [] if own else self._of_version(self.names.get((relative[1], relative[2]), []), version)

    def _of_version(self, found: list[int], version: str) -> list[int]:
        if not version:
            return found
        return [i for i in found if version_of(self.entries[i].resource) == version]


NONE = Neighbours([])


def version_of(resource: dict[str, Any]) -> Any:
    meta = resource.get("meta")
    return meta.get("versionId") if isinstance(meta, dict) else None


def of_bundle(bundle: dict[str, Any]) -> Neighbours:
    entries = bundle.get("entry")
    found = []
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
            url = entry.get("fullUrl")
            found.append(Entry(url if isinstance(url, str) else "", entry["resource"]))
    return Neighbours(found)


def of_parameters(parameters: dict[str, Any]) -> Neighbours:
    return Neighbours(list(_parameters(parameters.get("parameter"))))


def _parameters(rows: Any) -> Iterator[Entry]:
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict):
            continue
        if isinstance(row.get("resource"), dict):
            yield Entry(_full_url(row), row["resource"])
        yield from _parameters(row.get("part"))


_FULL_URL = "http://hl7.org/fhir/StructureDefinition/parameters-fullUrl"


def _full_url(row: dict[str, Any]) -> str:
    """The full URL that an extension gives to a resource in Parameters."""
    for extension in row.get("extension", ()) if isinstance(row.get("extension"), list) else ():
        if isinstance(extension, dict) and extension.get("url") == _FULL_URL:
            url = extension.get("valueUri") or extension.get("valueUrl")
            return url if isinstance(url, str) else ""
    return ""


def resolve(reference: str, run: Any) -> dict[str, Any] | None:
    """The one resource that a reference in the resource at hand means, where it is within reach."""
    holders = run.holders
    if reference[:1] == "#":
        return contained(reference[1:], holders.root)
    found = run.neighbours.find(reference, holders.root)
    entry: Entry | None = run.neighbours.entries[found[0]] if len(found) == 1 else None
    return entry.resource if entry is not None else None


def contained(name: str, root: dict[str, Any]) -> dict[str, Any] | None:
    if not name:
        return root
    inside = root.get("contained")
    for inner in inside if isinstance(inside, list) else ():
        if isinstance(inner, dict) and inner.get("id") == name:
            return inner
    return None
