"""Entries of a batch or transaction: read into calls (R4 bundle.html#bdl-3, http.html#transaction)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.idempotency import HEADER

METHODS = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")
"""In the order in which a transaction runs them (R4 http.html#trules)."""
READS = frozenset({"GET", "HEAD"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True)
class Entry:
    """One entry: where it stood, its call, and the fullUrl by which others refer to it."""

    at: int
    call: Call
    full_url: str

    @property
    def where(self) -> str:
        return place(self.at)


def place(at: int) -> str:
    return f"Bundle.entry[{at}]"


def rows(bundle: dict[str, Any]) -> list[Any]:
    """Raises Invalid where Bundle.entry is no list."""
    found = bundle.get("entry") or []
    if not isinstance(found, list):
        raise Invalid("Bundle.entry must be a list", "Bundle.entry")
    return found


def entry_of(outer: Call, at: int, row: Any) -> Entry:
    """Raises Invalid for an entry that cannot be understood."""
    where = place(at)
    request = row.get("request") if isinstance(row, dict) else None
    if not isinstance(request, dict):
        raise Invalid(f"{where}.request is missing", f"{where}.request")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS or not isinstance(url, str):
        raise Invalid(f"{where}.request needs a method ({', '.join(sorted(METHODS))}) and a url", f"{where}.request")
    resource = row.get("resource")
    if method in _WITH_BODY and not isinstance(resource, dict):
        raise Invalid(f"{where}.resource is missing", f"{where}.resource")
    return Entry(at, _call(outer, at, method, url, request, resource), str(row.get("fullUrl") or ""))


_HEADERS = {
    "ifNoneMatch": "if-none-match",
    "ifModifiedSince": "if-modified-since",
    "ifMatch": "if-match",
    "ifNoneExist": "if-none-exist",
}


def _call(outer: Call, at: int, method: str, url: str, request: Mapping[str, Any], resource: Any) -> Call:
    try:
        parts = urlsplit(url.removeprefix(outer.base))
    except ValueError as error:
        raise Invalid(f"{place(at)}.request.url is no URL", f"{place(at)}.request.url") from error
    if parts.scheme or parts.netloc:
        raise Invalid(f"{place(at)}.request.url is not on this server", f"{place(at)}.request.url")
    path = tuple(unquote(part) for part in parts.path.split("/") if part)
    headers = {name: str(request[key]) for key, name in _HEADERS.items() if request.get(key)}
    if "prefer" in outer.headers:
        headers["prefer"] = outer.headers["prefer"]
    if HEADER in outer.headers and method == "POST":
        headers[HEADER] = f"{outer.headers[HEADER].strip()[:240]}.{at}"
    parameters = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return Call(method, path, parameters, headers, outer.base, outer.principal, b"", resource, parts.query)


def check_target(entry: Entry) -> str:
    """The resource type of a write. Raises Invalid."""
    path, method = entry.call.path, entry.call.method
    longest = 1 if method == "POST" else 2
    if not 1 <= len(path) <= longest or path[0] not in resource_types() or any(p[:1] in "$_" for p in path):
        raise Invalid(f"{method} {'/'.join(path)} is no interaction of a transaction", f"{entry.where}.request.url")
    return path[0]
