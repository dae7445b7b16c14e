"""Bytes to a resource with what is wrong about their form: for validating files, where one wants to read on.

JSON comments are none of JSON; they can be allowed, as some tools do, and are an issue otherwise.
"""

from __future__ import annotations

import re
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.xml import read_xml
from wardbridge.fhir.json import loads
from wardbridge.fhir.validate.issues import Issue

_BOM = b"\xef\xbb\xbf"
_PARTS = re.compile(rb'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def read(data: bytes, *, comments: bool = False) -> tuple[dict[str, Any] | None, list[Issue]]:
    """The resource in JSON or XML, None where it cannot be read at all, and the issues of its form."""
    text = data.removeprefix(_BOM).lstrip()
    try:
        return (read_xml(data) if text[:1] == b"<" else loads(data, unique=True)), []
    except Invalid as error:
        problem = Issue("fatal", "structure", "", str(error))
    plain = without_comments(text)
    if text[:1] == b"<" or plain == text:
        return None, [problem]
    try:
        found = loads(plain, unique=True)
    except Invalid:
        return None, [problem]
    return found, [] if comments else [Issue("error", "structure", "", "comments are not allowed in JSON")]


def without_comments(text: bytes) -> bytes:
    """JSON with its comments blanked out."""
    return _PARTS.sub(lambda m: m[0] if m[0][:1] == b'"' else b" ", text)
