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

    A key given twice: the last one counts, or, with `unique`, JsonError (reads the bytes a second time).
    """
    raw = bytes(data) if not isinstance(data, bytes) else data
    if raw.startswith(_BOM):
        raw = raw[3:]
    try:
        found = _decoder.decode(raw)
    except RecursionError:
        raise JsonError("JSON is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        text = str(error)
        at = _BYTE.search(text)
        where = int(at[1]) if at else len(raw) if "truncated" in text else None
        raise JsonError(_BYTE.sub("", text).split(" - at `$")[0].strip(), where) from None
    if not isinstance(found, dict):
        raise JsonError("expected a JSON object")
    if unique:
        _refuse_twins(raw)
    return found


def _refuse_twins(raw: bytes) -> None:
    def pairs(items: list[tuple[str, Any]]) -> None:
        seen = set()
        for key, _ in items:
            if key in seen:
                raise JsonError(f"property {key!r} is given twice")
            seen.add(key)

    try:
        json.loads(raw, object_pairs_hook=pairs, parse_float=str, parse_int=str)
    except RecursionError:
        raise JsonError("JSON is nested too deeply") from None


def dumps(resource: Any) -> bytes:
    """The value as JSON without white space, keys in their order, numbers as they were written."""
    return _encoder.encode(resource)
