"""FHIR JSON in and out with numbers exactly as written (https://hl7.org/fhir/R4/json.html#primitive).

72.50 is not 72.5 in medicine, so a number with a fraction or an exponent becomes an exact decimal that goes out again
with the same characters.  Whole numbers are Python ints.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from wardbridge.core.errors import Invalid

_BYTE = re.compile(r"\(byte (\d+)\)")
_BOM = b"\xef\xbb\xbf"
_SPACED = (b" :", b"\t:", b"\n:", b"\r:")
MAX_DEPTH = 128
"""Levels of objects and lists in what comes from outside; the deepest official example has 21."""


class JsonError(Invalid):
    """The bytes are no JSON object, or no JSON at all; `byte` is where, counted from 0, where it is known."""

    def __init__(self, message: str, byte: int | None = None) -> None:
        super().__init__(message if byte is None else f"{message} at byte {byte}")
        self.byte = byte


class Number(Decimal):
    """A decimal whose own spelling differs from the written one (`1.0e3`, `0.0000001`); `text` is as written."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Number:
        self = super().__new__(cls, text)
        self.text = text
        return self

    def __deepcopy__(self, memo: Any) -> Number:
        return self

    def __str__(self) -> str:
        return self.text


def number(text: str) -> Decimal:
    """The exact value of a JSON number with a fraction or exponent, keeping its text."""
    try:
        plain = Decimal(text)
    except InvalidOperation:
        # Exponents beyond Decimal's own range (1e99999999999999999999).
        raise ValueError(f"number out of range: {text[:40]}") from None
    return plain if str(plain) == text else Number(text)


def _other(value: Any) -> Any:
    if isinstance(value, Number):
        return msgspec.Raw(value.text.encode())
    if isinstance(value, Decimal):
        return msgspec.Raw(str(value).encode())
    if isinstance(value, int):
        return msgspec.Raw(str(int(value)).encode())
    raise TypeError(f"{type(value).__name__} is no JSON value")


_decoder = msgspec.json.Decoder(float_hook=number)
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_other)


def loads(data: bytes | bytearray | memoryview, *, unique: bool = False) -> dict[str, Any]:
    """The object in these bytes (UTF-8, with or without a byte order mark); JsonError for anything else.

    ``unique`` is for what comes from outside: a property given twice (of which another reader might believe the other
    one, RFC 8259 §4) and nesting beyond ``MAX_DEPTH`` are refused too. Otherwise the last one of two counts.
    """
    found, raw = _decoded(data)
    if not isinstance(found, dict):
        raise JsonError("expected a JSON object")
    if unique:
        _check(found, raw)
    return found


def loads_value(data: bytes) -> Any:
    """As :func:`loads` with ``unique``, for any JSON value (a JSON Patch is a list)."""
    found, raw = _decoded(data)
    _check(found, raw)
    return found


def _decoded(data: bytes | bytearray | memoryview) -> tuple[Any, bytes]:
    raw = bytes(data) if not isinstance(data, bytes) else data
    if raw.startswith(_BOM):
        raw = raw[3:]
    try:
        return _decoder.decode(raw), raw
    except RecursionError:
        raise JsonError("JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        text = str(error)
        at = _BYTE.search(text)
        where = int(at[1]) if at else len(raw) if "truncated" in text else None
        raise JsonError(_BYTE.sub("", text).split(" - at `$")[0].strip(), where) from None


def _check(found: Any, raw: bytes) -> None:
    """Raises JsonError for deep nesting, and where the text has more property names than what was read from it."""
    names = depth = 0
    level = [found]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise JsonError(f"JSON is nested too deeply: more than {MAX_DEPTH} levels")
        below = []
        for value in level:
            if type(value) is dict:
                names += len(value)
                below += [v for v in value.values() if type(v) is dict or type(v) is list]
            elif type(value) is list:
                below += [v for v in value if type(v) is dict or type(v) is list]
        level = below
    # A quote before a colon ends a property name, unless it is an escaped one inside a text: then the slow way decides.
    if raw.count(b'":') != names or any(sign in raw for sign in _SPACED):
        _refuse_twins(raw)


def _refuse_twins(raw: bytes) -> None:
    def pairs(items: list[tuple[str, Any]]) -> None:
        seen = set()
        for key, _ in items:
            if key in seen:
                raise JsonError(f"property {key[:60]!r} is given twice")
            seen.add(key)

    try:
        json.loads(raw, object_pairs_hook=pairs, parse_float=str, parse_int=str)
    except RecursionError:
        raise JsonError("JSON is nested too deeply") from None


def dumps(resource: Any) -> bytes:
    """The value as JSON without white space, keys in their order, numbers as they were written."""
    return _encoder.encode(resource)
