"""The text of a resource for ``_text`` (its narrative) and ``_content`` (every string) (R4 search §3.1.1.4.15)."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

LONGEST = 100_000
"""Most characters of each part that are kept: PostgreSQL bounds a text vector at 1 MiB."""

_TAG = re.compile(r"<[^>]*>")
_SKIPPED = frozenset({"resourceType", "id", "meta", "reference", "system", "url", "div", "data", "hash", "contentType"})
"""Names whose values are no words: ids, addresses of other things, bytes."""


def words(resource: dict[str, Any]) -> tuple[str, str]:
    """(text of the narrative without its tags, all other strings of the resource)."""
    found: list[str] = []
    _collect(resource, found)
    div = (resource.get("text") or {}).get("div") if isinstance(resource.get("text"), dict) else None
    narrative = unescape(_TAG.sub(" ", div)) if isinstance(div, str) else ""
    return _cut(narrative), _cut(" ".join(found))


def _collect(value: dict[str, Any], found: list[str]) -> None:
    for name, one in value.items():
        if one.__class__ is str:
            if name not in _SKIPPED:
                found.append(one)
        elif name == "meta":
            continue
        elif one.__class__ is dict:
            _collect(one, found)
        elif one.__class__ is list:
            for item in one:
                if item.__class__ is dict:
                    _collect(item, found)
                elif item.__class__ is str:
                    found.append(item)


def _cut(text: str) -> str:
    return text[:LONGEST].replace("\x00", " ")
