"""Any FHIR resource as rows that a person can read: one line for what has a usual short form, nested rows else.

Nothing is left out: what has no short form is shown element by element, with the names of R4.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from wardbridge.fhir.definitions.table import resource_types

_LOCAL = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?")
_HEAD = frozenset({"resourceType", "id", "meta", "text"})
DEPTH = 40


@dataclass(frozen=True)
class Row:
    """One element: its name, its value as a line, where a reference leads, and what is inside."""

    name: str
    text: str = ""
    detail: str = ""
    href: str = ""
    rows: tuple[Row, ...] = ()


def rows(resource: dict[str, Any]) -> list[Row]:
    """The elements of a resource without its id, meta and narrative, which the page shows at its head."""
    return [row for name, value in resource.items() if name not in _HEAD for row in _rows(name, value, 0)]


def link(reference: str) -> str:
    """The page of a relative reference; '' for all others."""
    found = _LOCAL.fullmatch(reference)
    if found is None or found[1] not in resource_types():
        return ""
    return "/fhir/" + quote(reference)


def _rows(name: str, value: Any, depth: int) -> list[Row]:
    if isinstance(value, list):
        return [row for one in value for row in _rows(name, one, depth)]
    return [_row(name, value, depth)]


def _row(name: str, value: Any, depth: int) -> Row:
    if value is None:
        return Row(name, "--")
    if isinstance(value, bool):
        return Row(name, "true" if value else "false")
    if not isinstance(value, dict):
        return Row(name, str(value), href=link(value) if isinstance(value, str) else "")
    if depth > DEPTH:
        return Row(name, "…")
    short = _short(value)
    if short is not None:
        return Row(name, *short)
    label = value.get("resourceType")
    text = f"{label} {value.get('id', '')}".strip() if isinstance(label, str) else ""
    inner = [row for key, child in value.items() if key != "resourceType" for row in _rows(key, child, depth + 1)]
    if "url" in value and name in ("extension", "modifierExtension"):
        inner = [row for row in inner if row.name != "url"]
        text = str(value["url"]).rsplit("/", 1)[-1]
    return Row(name, text, rows=tuple(inner))


def _short(value: dict[str, Any]) -> tuple[str, str, str] | None:
    """(text, detail, href) where every key of the value is told by them."""
    form = next((form for keys, form in _FORMS if keys >= value.keys()), None)
    return form(value) if form is not None else None


def _words(*parts: Any) -> str:
    return " ".join(str(part) for part in parts if part not in (None, "", []))


def _coding(value: dict[str, Any]) -> tuple[str, str, str] | None:
    if "code" not in value and "display" not in value:
        return None
    detail = _words(value.get("system"), value.get("code"), value.get("version"))
    return str(value.get("display") or value.get("code")), detail, ""


def _concept(value: dict[str, Any]) -> tuple[str, str, str] | None:
    codings = [one for one in value.get("coding", []) if isinstance(one, dict)]
    if any(one.keys() - _CODING for one in codings):
        return None
    said = [_coding(one) for one in codings]
    lines = [one for one in said if one is not None]
    if not lines and "text" not in value:
        return None
    text = str(value.get("text") or lines[0][0])
    return text, "; ".join(_words(shown if shown != text else "", detail) for shown, detail, _ in lines), ""


def _reference(value: dict[str, Any]) -> tuple[str, str, str] | None:
    target = value.get("reference")
    if not isinstance(target, str):
        return None
    return str(value.get("display") or target), target if "display" in value else "", link(target)


def _quantity(value: dict[str, Any]) -> tuple[str, str, str] | None:
    if "value" not in value:
        return None
    text = _words(value.get("comparator"), value["value"], value.get("unit") or value.get("code"))
    return text, _words(value.get("system"), value.get("code")) if "unit" in value else "", ""


def _period(value: dict[str, Any]) -> tuple[str, str, str] | None:
    return f"{value.get('start', '…')} – {value.get('end', '…')}", "", ""


def _identifier(value: dict[str, Any]) -> tuple[str, str, str] | None:
    if "value" not in value:
        return None
    return str(value["value"]), _words(value.get("use"), value.get("system")), ""


def _name(value: dict[str, Any]) -> tuple[str, str, str] | None:
    if not value.keys() & {"family", "given", "text"}:
        return None
    return human(value), str(value.get("use", "")), ""


def human(name: dict[str, Any]) -> str:
    """A HumanName as one line: family name first, as lists are read."""
    if "text" in name:
        return str(name["text"])
    given = " ".join(str(part) for part in name.get("given", []) if part)
    return ", ".join(filter(None, (str(name.get("family", "")), _words(*name.get("prefix", []), given))))


def _contact(value: dict[str, Any]) -> tuple[str, str, str] | None:
    return (str(value["value"]), _words(value.get("system"), value.get("use")), "") if "value" in value else None


_CODING = {"system", "version", "code", "display", "userSelected"}
_FORMS: tuple[tuple[set[str], Callable[[dict[str, Any]], tuple[str, str, str] | None]], ...] = (
    ({"coding", "text"}, _concept),
    ({"reference", "display", "type"}, _reference),
    ({"start", "end"}, _period),
    ({"family", "given", "prefix", "text", "use"}, _name),
    (_CODING, _coding),
    ({"value", "comparator", "unit", "system", "code"}, _quantity),
    ({"use", "system", "value"}, _identifier),
    ({"system", "value", "use", "rank"}, _contact),
)
"""Keys that a short form tells completely, and the form (R4 datatypes.html)."""


def title(resource: dict[str, Any]) -> str:
    """What a person calls this resource: its name, code or title; '' where it has none."""
    for key in ("name", "title", "code", "type", "description", "vaccineCode", "medicationCodeableConcept", "class"):
        value = resource.get(key)
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, str):
            return value[:120]
        if isinstance(value, dict):
            short = _name(value) if key == "name" else _concept(value) or _coding(value)
            if short is not None:
                return short[0][:120]
    return ""
