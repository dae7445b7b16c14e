"""Reading from a value of unknown shape: what is not as expected becomes empty, what is needed and absent an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wardbridge.core.errors import Invalid

_MICRO = 1_000_000


def text(value: Any, name: str, limit: int = 20_000) -> str:
    """A field as text; '' where it is absent or none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(found, list):
        found = ", ".join(str(one) for one in found if isinstance(one, str | int | float))
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    return str(found).strip()[:limit]


def need(value: Any, name: str, where: str = "") -> str:
    """A field that must be there. Raises Invalid."""
    found = text(value, name)
    if not found:
        raise Invalid(f"{name} is missing", f"{where}{name}")
    return found


def child(value: Any, name: str) -> dict[str, Any]:
    """A field that is an object; empty where it is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, dict) else {}


def several(value: Any, name: str) -> list[Any]:
    """A field that is a list; empty where it is none."""
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []


def moment(words: str) -> int | None:
    """µs since the epoch of ``2024-01-31``, ``20240131``, ``01/31/2024`` or a date with time; None for others."""
    body = words.strip()
    if re.fullmatch(r"\d{8}", body):
        body = f"{body[:4]}-{body[4:6]}-{body[6:]}"
    american = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", body)
    if american:
        body = f"{american[3]}-{int(american[1]):02d}-{int(american[2]):02d}"
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", body))
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return int(at.timestamp()) * _MICRO + at.microsecond


def number(value: Any, name: str) -> float | None:
    """A field that is a number between 0 and 10 (a CVSS score), None for anything else."""
    found = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 10:
        return None
    return float(found)


def slug(words: str) -> str:
    """A part of an id: lower case, letters, digits, dots and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", words.casefold()).strip("-.")[:80]
