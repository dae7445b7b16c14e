"""The primitive types: JSON type, R4 pattern, and whether the value exists in the world (30 February does not).

Standard: https://hl7.org/fhir/R4/datatypes.html#primitive.  A check takes a JSON value and gives what is
wrong, or None.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from wardbridge.fhir.definitions.table import type_of
from wardbridge.fhir.validate.issues import shown

MOST_TEXT = 1_048_576
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BASE64 = re.compile(r"(\s*([0-9a-zA-Z+/]){4})*(\s*([0-9a-zA-Z+/]{2}==|[0-9a-zA-Z+/]{3}=))?\s*", re.ASCII)
# Upper case is no proper spelling but the same UUID: refused in type uuid by its pattern, not in a URI.
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def _pattern(type_name: str) -> re.Pattern[str]:
    kind = type_of(type_name)
    assert kind is not None
    assert kind.regex is not None
    # \s and \S of the standard's patterns are the ASCII ones: a no-break space is text.
    return re.compile(kind.regex, re.ASCII)


_CODE = _pattern("code")
_ID = _pattern("id")
_OID = _pattern("oid")
_URI = _pattern("uri")
_EXACT_UUID = _pattern("uuid")
_DATE = _pattern("date")
_DATETIME = _pattern("dateTime")
_INSTANT = _pattern("instant")
_TIME = _pattern("time")


def _wanted(what: str, value: Any) -> str:
    kind = {bool: "a boolean", str: "a string", dict: "an object", list: "an array", type(None): "null"}
    return f"expected {what}, found {kind.get(type(value), 'a number')}"


def boolean(value: Any) -> str | None:
    return None if type(value) is bool else _wanted("true or false", value)


def _integer(low: int, high: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if type(value) is not int:
            return _wanted("a whole number", value)
        return None if low <= value <= high else f"{shown(value)} is not within {low} and {high}"

    return check


def decimal(value: Any) -> str | None:
    if type(value) is int or isinstance(value, Decimal | float):
        return None
    return _wanted("a number", value)


def _text_problem(value: Any) -> str | None:
    if type(value) is not str:
        return _wanted("a string", value)
    if not value:
        return "an empty string is not allowed"
    return None


def string(value: Any) -> str | None:
    if type(value) is not str:
        return _wanted("a string", value)
    if value.isprintable() and value and value[0] != " " and len(value) <= MOST_TEXT:
        return None
    if not value.strip():
        return "a string without any text is not allowed"
    if len(value) > MOST_TEXT:
        return f"the string is longer than {MOST_TEXT} characters"
    if found := CONTROL.search(value):
        return f"control character U+{ord(found[0]):04X} is not allowed"
    return None


def code(value: Any) -> str | None:
    if (problem := _text_problem(value)) is not None:
        return problem
    if value.isalnum() or _CODE.fullmatch(value):
        return None
    return f"{shown(value)} is no code: no leading, trailing or double white space is allowed"


def identifier(value: Any) -> str | None:
    if (problem := _text_problem(value)) is not None:
        return problem
    if _ID.fullmatch(value):
        return None
    return f"{shown(value)} is no id: 1 to 64 of A-Z a-z 0-9 - ."


def uri(value: Any) -> str | None:
    if (problem := _text_problem(value)) is not None:
        return problem
    if not _URI.fullmatch(value):
        return f"{shown(value)} is no URI: white space is not allowed"
    if value.startswith("urn:"):
        if value.startswith("urn:uuid:") and not _UUID.fullmatch(value.partition("#")[0]):
            return f"{shown(value)} is no valid UUID"
        if value.startswith("urn:oid:") and not _OID.fullmatch(value.partition("#")[0]):
            return f"{shown(value)} is no valid OID"
    return None


def oid(value: Any) -> str | None:
    if (problem := _text_problem(value)) is not None:
        return problem
    return None if _OID.fullmatch(value) else f"{shown(value)} is no OID: expected urn:oid:..."


def uuid(value: Any) -> str | None:
    if (problem := _text_problem(value)) is not None:
        return problem
    return None if _EXACT_UUID.fullmatch(value) else f"{shown(value)} is no UUID: expected urn:uuid:..."


def base64_binary(value: Any) -> str | None:
    if (problem := _text_problem(value)) is not None:
        return problem
    if len(value) % 4 == 0 and value.isascii() and value.isalnum():
        return None
    return None if _BASE64.fullmatch(value) else "the text is no base64"


def _moment(pattern: re.Pattern[str], what: str) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if (problem := _text_problem(value)) is not None:
            return problem
        if not pattern.fullmatch(value):
            return f"{shown(value)} is no {what}"
        if len(value) > 9 and value[8:10] > "28":
            year, month, day = int(value[:4]), int(value[5:7]), int(value[8:10])
            if day > monthrange(year, month)[1]:
                return f"{shown(value)}: there is no such day"
        return None

    return check


def time(value: Any) -> str | None:
    if (problem := _text_problem(value)) is not None:
        return problem
    return None if _TIME.fullmatch(value) else f"{shown(value)} is no time"


def xhtml(value: Any) -> str | None:
    # What is in it is invariants txt-1 and txt-2.
    return _text_problem(value)


CHECKS: dict[str, Callable[[Any], str | None]] = {
    "boolean": boolean,
    "integer": _integer(-(2**31), 2**31 - 1),
    "positiveInt": _integer(1, 2**31 - 1),
    "unsignedInt": _integer(0, 2**31 - 1),
    "decimal": decimal,
    "string": string,
    "markdown": string,
    "code": code,
    "id": identifier,
    "uri": uri,
    "url": uri,
    "canonical": uri,
    "oid": oid,
    "uuid": uuid,
    "base64Binary": base64_binary,
    "date": _moment(_DATE, "date"),
    "dateTime": _moment(_DATETIME, "dateTime"),
    "instant": _moment(_INSTANT, "instant (a date and time with seconds and time zone)"),
    "time": time,
    "xhtml": xhtml,
}
