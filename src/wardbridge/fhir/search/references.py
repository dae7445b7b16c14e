"""References as search values (R4 references.html): into this record, to elsewhere, or by identifier."""

from __future__ import annotations

import re
from functools import lru_cache

from wardbridge.fhir.definitions.table import resource_types

_LOCAL = re.compile(r"([A-Z][A-Za-z]{1,40})/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?")


@lru_cache(maxsize=8192)
def split(text: str) -> tuple[str, str, str | None]:
    """(resource type, id, version) of a relative reference; ('', URL, version) of any other.

    The version of a canonical is what follows ``|``. A fragment (``#x``) keeps its sign.
    """
    found = _LOCAL.fullmatch(text)
    if found and found[1] in resource_types():
        return found[1], found[2], found[3]
    url, bar, version = text.partition("|")
    return "", url, version if bar else None


def strip_base(text: str, bases: tuple[str, ...]) -> str:
    """An absolute URL under one of our own bases made relative; everything else as it is."""
    for base in bases:
        if text.startswith(base):
            rest = text[len(base) :].lstrip("/")
            if _LOCAL.fullmatch(rest):
                return rest
    return text


@lru_cache(maxsize=8192)
def type_in_url(text: str) -> str:
    """The resource type that an absolute URL like ``http://host/fhir/Patient/1`` names, or ''."""
    parts = text.split("/_history/")[0].rsplit("/", 2)
    return parts[1] if len(parts) == 3 and parts[1] in resource_types() else ""
