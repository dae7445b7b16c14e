"""SMART App Launch 2.x scopes: ``context/Type.cruds`` (HL7 SMART v2, section 4.3).

v1 forms (``.read``, ``.write``, ``.*``) are read too. A query suffix (``?category=…``) narrows a scope;
Wardbridge cannot enforce it yet, so such a scope grants nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_FORM = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]+)\.(read|write|\*|c?r?u?d?s?)(\?.*)?")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
LETTER = {
    "create": "c",
    "read": "r",
    "vread": "r",
    "history": "r",
    "update": "u",
    "patch": "u",
    "delete": "d",
    "search": "s",
    "operate": "r",
}


@lru_cache(maxsize=4096)
def parse(scope: str) -> tuple[str, str, frozenset[str]] | None:
    """``(context, type, letters)``, or None for a scope that grants nothing here."""
    match = _FORM.fullmatch(scope)
    if match is None or match[4] or not match[3]:
        return None
    return match[1], match[2], frozenset(_V1.get(match[3], match[3]))


def valid(scope: str) -> bool:
    """Whether ``scope`` is one that Wardbridge can grant."""
    return parse(scope) is not None


def grants(scopes: Iterable[str], action: str, type_name: str) -> bool:
    """Whether any of ``scopes`` allows ``action`` (a REST interaction) on ``type_name`` ('' = all types)."""
    letter = LETTER.get(action)
    if letter is None:
        return False
    for scope in scopes:
        parsed = parse(scope)
        if parsed and letter in parsed[2] and parsed[0] != "patient" and parsed[1] in {"*", type_name}:
            return True
    return False
