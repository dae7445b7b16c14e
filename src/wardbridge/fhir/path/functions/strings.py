"""String functions (https://hl7.org/fhirpath/N1/#string-manipulation and the additional ones of the next version)."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from typing import Any

from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.functions.define import Entry, Make, on_value
from wardbridge.fhir.path.nodes import system
from wardbridge.fhir.path.regex import pattern
from wardbridge.fhir.path.scope import Fn, Items, Scope, string


def _on_text(name: str, decide: Callable[..., Any]) -> Make:
    def checked(value: Any, *args: Any) -> Any:
        if not isinstance(value, str):
            raise PathError(f"{name}: expected a string, found {type(value).__name__}")
        return decide(value, *args)

    return on_value(name, checked)


def _text(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    raise PathError(f"{name}: expected a string argument")


def _whole(value: Any, name: str) -> int:
    if type(value) is int:
        return value
    raise PathError(f"{name}: expected an integer argument")


def _substring(before: Fn, start: Fn, length: Fn | None = None) -> Fn:
    def run(s: Scope) -> Items:
        value = string(before(s), "substring")
        first, size = start(s), length(s) if length is not None else []
        if value is None or not first:
            return []
        at = _whole(system(first[0]), "substring")
        if at < 0 or at >= len(value):
            return []
        if not size:
            return [value[at:]]
        return [value[at : at + max(0, _whole(system(size[0]), "substring"))]]

    return run


def _matches_full(value: str, expression: Any) -> bool:
    return pattern(_text(expression, "matchesFull")).fullmatch(value)


def _replace_matches(value: str, expression: Any, by: Any) -> str:
    if expression == "":
        return value
    found = pattern(_text(expression, "replaceMatches"))
    by = re.sub(r"\$\{?(\w+)\}?", r"\\g<\1>", _text(by, "replaceMatches").replace("\\", "\\\\"))
    try:
        return found.sub(by, value)
    except (re.error, IndexError) as error:
        raise PathError(f"replaceMatches: {error}") from None


def _join(before: Fn, separator: Fn | None = None) -> Fn:
    def run(s: Scope) -> Items:
        items = before(s)
        if not items:
            return []
        between = (string(separator(s), "join") or "") if separator is not None else ""
        return [between.join(_text(system(item), "join") for item in items if system(item) is not None)]

    return run


def _encode(value: str, form: Any) -> str | None:
    data = value.encode()
    match form:
        case "base64":
            return base64.b64encode(data).decode()
        case "urlbase64":
            return base64.urlsafe_b64encode(data).decode()
        case "hex":
            return data.hex()
    return None


def _decode(value: str, form: Any) -> str | None:
    try:
        match form:
            case "base64":
                return base64.b64decode(value, validate=True).decode()
            case "urlbase64":
                return base64.urlsafe_b64decode(value).decode()
            case "hex":
                return bytes.fromhex(value).decode()
    except (ValueError, binascii.Error):
        raise PathError(f"decode: the text is no {form}") from None
    return None


def _escape(value: str, form: Any) -> str | None:
    if form == "html":
        return html.escape(value)
    return json.dumps(value, ensure_ascii=False)[1:-1] if form == "json" else None


def _unescape(value: str, form: Any) -> str | None:
    if form == "html":
        return html.unescape(value)
    if form != "json":
        return None
    try:
        return str(json.loads(f'"{value}"'))
    except ValueError:
        raise PathError("unescape: the text is no JSON string") from None


TABLE: dict[str, Entry] = {
    "indexOf": (1, 1, _on_text("indexOf", lambda v, x: v.find(_text(x, "indexOf")))),
    "lastIndexOf": (1, 1, _on_text("lastIndexOf", lambda v, x: v.rfind(_text(x, "lastIndexOf")))),
    "substring": (1, 2, _substring),
    "startsWith": (1, 1, _on_text("startsWith", lambda v, x: v.startswith(_text(x, "startsWith")))),
    "endsWith": (1, 1, _on_text("endsWith", lambda v, x: v.endswith(_text(x, "endsWith")))),
    "contains": (1, 1, _on_text("contains", lambda v, x: _text(x, "contains") in v)),
    "upper": (0, 0, _on_text("upper", lambda v: v.upper())),
    "lower": (0, 0, _on_text("lower", lambda v: v.lower())),
    "replace": (2, 2, _on_text("replace", lambda v, x, y: v.replace(_text(x, "replace"), _text(y, "replace")))),
    "matches": (1, 1, _on_text("matches", lambda v, x: pattern(_text(x, "matches")).search(v))),
    "matchesFull": (1, 1, _on_text("matchesFull", _matches_full)),
    "replaceMatches": (2, 2, _on_text("replaceMatches", _replace_matches)),
    "length": (0, 0, _on_text("length", len)),
    "toChars": (0, 0, _on_text("toChars", list)),
    "trim": (0, 0, _on_text("trim", lambda v: v.strip())),
    "split": (1, 1, _on_text("split", lambda v, x: v.split(_text(x, "split")) if x else list(v))),
    "join": (0, 1, _join),
    "encode": (1, 1, _on_text("encode", _encode)),
    "decode": (1, 1, _on_text("decode", _decode)),
    "escape": (1, 1, _on_text("escape", _escape)),
    "unescape": (1, 1, _on_text("unescape", _unescape)),
}  # fmt: skip
