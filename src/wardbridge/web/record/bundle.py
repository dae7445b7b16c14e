"""A Bundle of the API as a list: one line an entry, and where the list goes on (R4 http.html#paging)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from wardbridge.web.record.tree import title

_WHEN = (
    "effectiveDateTime", "effectiveInstant", "performedDateTime", "authoredOn", "occurrenceDateTime", "issued",
    "recordedDate", "date", "birthDate", "recorded", "created",
)  # fmt: skip


METHODS = {"POST": "created", "PUT": "updated", "PATCH": "updated", "DELETE": "deleted"}


@dataclass(frozen=True)
class Line:
    """One entry. ``mode`` is ``match``, ``include`` or ``outcome``; for a history ``method`` says what happened."""

    type: str
    id: str
    version: str
    href: str
    title: str
    value: str
    when: str
    updated: str
    mode: str
    method: str


@dataclass(frozen=True)
class Listing:
    """``following``: the parameters that give the next page, empty at the end."""

    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    total: int | None
    path: str
    following: tuple[tuple[str, str], ...]


def listing(bundle: dict[str, Any]) -> Listing:
    """What the page of a searchset or history shows."""
    lines: list[Line] = []
    notes: list[str] = []
    for entry in bundle.get("entry", []):
        resource = entry.get("resource") or {}
        if resource.get("resourceType") == "OperationOutcome":
            notes += [issue_text(issue) for issue in resource.get("issue", [])]
        else:
            lines.append(_line(entry, resource))
    path, following = _next(bundle)
    return Listing(tuple(lines), tuple(notes), bundle.get("total"), path, following)


def _line(entry: dict[str, Any], resource: dict[str, Any]) -> Line:
    request = entry.get("request") or {}
    name = str(resource.get("resourceType") or str(request.get("url", "")).split("/")[0])
    id_ = str(resource.get("id") or str(request.get("url", "")).partition("/")[2])
    meta = resource.get("meta") or {}
    version = str(meta.get("versionId", ""))
    href = f"/fhir/{quote(name)}/{quote(id_)}"
    if request and version:
        href += f"/_history/{quote(version)}"
    return Line(
        name, id_, version, href if resource else "", title(resource), value(resource),
        next((str(resource[key]) for key in _WHEN if isinstance(resource.get(key), str)), ""),
        str(meta.get("lastUpdated") or (entry.get("response") or {}).get("lastModified") or ""),
        str((entry.get("search") or {}).get("mode", "")),
        METHODS.get(str(request.get("method")), ""),
    )  # fmt: skip


def value(resource: dict[str, Any]) -> str:
    """The value of an Observation, the status of all else."""
    quantity = resource.get("valueQuantity")
    if isinstance(quantity, dict) and "value" in quantity:
        unit = quantity.get("unit") or quantity.get("code") or ""
        return f"{quantity.get('comparator', '')}{quantity['value']} {unit}".strip()
    for key in ("valueString", "status", "active", "gender"):
        if isinstance(resource.get(key), str):
            return str(resource[key])
    return ""


def _next(bundle: dict[str, Any]) -> tuple[str, tuple[tuple[str, str], ...]]:
    for one in bundle.get("link", []):
        if one.get("relation") == "next":
            parts = urlsplit(one["url"])
            path = "/fhir" + parts.path.partition("/fhir")[2]
            return path, tuple(parse_qsl(parts.query, keep_blank_values=True))
    return "", ()


def issue_text(issue: dict[str, Any]) -> str:
    """One issue of an OperationOutcome as a sentence."""
    said = (issue.get("details") or {}).get("text") or issue.get("diagnostics") or issue.get("code") or ""
    where = ", ".join(issue.get("expression", []))
    return f"{said} ({where})" if where else str(said)
