"""Entries of a batch or transaction: read into calls, references between them resolved (R4 http.html#transaction)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.rest.call import Call

METHODS = ("DELETE", "POST", "PUT", "GET")
"""In the order in which a transaction runs them (R4 http.html#trules)."""
LATER = frozenset({"PATCH", "HEAD"})


@dataclass(frozen=True)
class Entry:
    """One entry: where it stood, its call, and the fullUrl by which others refer to it."""

    at: int
    call: Call
    full_url: str

    @property
    def where(self) -> str:
        return f"Bundle.entry[{self.at}]"


def entries(call: Call, bundle: dict[str, Any]) -> Iterator[Entry]:
    """Raises Invalid for an entry that cannot be understood; the bundle as a whole then fails."""
    rows = bundle.get("entry") or []
    if not isinstance(rows, list):
        raise Invalid("Bundle.entry must be a list", "Bundle.entry")
    for at, row in enumerate(rows):
        where = f"Bundle.entry[{at}]"
        request = row.get("request") if isinstance(row, dict) else None
        if not isinstance(request, dict):
            raise Invalid(f"{where}.request is missing", f"{where}.request")
        method, url = request.get("method"), request.get("url")
        if method in LATER:
            raise Invalid(f"{method} is not supported yet in a bundle", f"{where}.request.method")
        if method not in METHODS or not isinstance(url, str):
            raise Invalid(f"{where}.request needs a method (GET, POST, PUT, DELETE) and a url", f"{where}.request")
        resource = row.get("resource")
        if method in ("POST", "PUT") and not isinstance(resource, dict):
            raise Invalid(f"{where}.resource is missing", f"{where}.resource")
        yield Entry(at, _call(call, method, url, request, resource), str(row.get("fullUrl") or ""))


_HEADERS = {
    "ifNoneMatch": "if-none-match",
    "ifModifiedSince": "if-modified-since",
    "ifMatch": "if-match",
    "ifNoneExist": "if-none-exist",
}


def _call(outer: Call, method: str, url: str, request: Mapping[str, Any], resource: Any) -> Call:
    parts = urlsplit(url.removeprefix(outer.base))
    path = tuple(unquote(part) for part in parts.path.split("/") if part)
    headers = {name: str(request[key]) for key, name in _HEADERS.items() if request.get(key)}
    if "prefer" in outer.headers:
        headers["prefer"] = outer.headers["prefer"]
    parameters = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return Call(method, path, parameters, headers, outer.base, outer.principal, b"", resource, parts.query)


def check_target(entry: Entry) -> str:
    """The resource type of a write. Raises Invalid."""
    path, method = entry.call.path, entry.call.method
    longest = 1 if method == "POST" else 2
    if not 1 <= len(path) <= longest or path[0] not in resource_types() or any(p[:1] in "$_" for p in path):
        raise Invalid(f"{method} {'/'.join(path)} is no interaction of a transaction", f"{entry.where}.request.url")
    return path[0]


def rewrite(value: Any, known: Mapping[str, str]) -> Any:
    """A copy in which every text that is a fullUrl of this bundle is the reference it became; a fragment stays."""
    if isinstance(value, dict):
        return {key: rewrite(child, known) for key, child in value.items()}
    if isinstance(value, list):
        return [rewrite(child, known) for child in value]
    if isinstance(value, str):
        found = known.get(value)
        if found is not None:
            return found
        if value.startswith("urn:") and "#" in value:
            head, _, fragment = value.partition("#")
            return f"{known[head]}#{fragment}" if head in known else value
        if "<" in value and "urn:uuid:" in value:  # links inside narrative
            for url, reference in known.items():
                value = value.replace(f'"{url}"', f'"{reference}"')
    return value


def conditional_references(value: Any) -> Iterator[str]:
    """The references of the form ``Type?criteria`` anywhere in a resource."""
    if isinstance(value, dict):
        text = value.get("reference")
        if isinstance(text, str) and "?" in text and text.split("?")[0] in resource_types():
            yield text
        for child in value.values():
            if isinstance(child, dict | list):
                yield from conditional_references(child)
    elif isinstance(value, list):
        for child in value:
            if isinstance(child, dict | list):
                yield from conditional_references(child)
