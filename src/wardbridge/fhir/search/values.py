"""From a FHIR value to search rows: one small function a data type, in one table a search type (R4 search §3.1.1.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from wardbridge.fhir.search.hash import clip, fold, reference_hash, token_hash
from wardbridge.fhir.search.moments import period, span, timing
from wardbridge.fhir.search.references import split, type_in_url
from wardbridge.fhir.search.units import UCUM, canonical

Token = tuple[int, str, str | None]
"""(hash, code without case, system)"""
Converter = Callable[[Any], Iterator[tuple[Any, ...]]]


def _text(value: Any) -> str | None:
    return value.replace("\x00", "") if isinstance(value, str) and value else None


def _token(code: Any, system: Any) -> Iterator[Token]:
    code, system = _text(code), _text(system)
    if code is not None or system is not None:
        code = (code or "").casefold()
        yield token_hash(code), code, system


def _coding(v: dict[str, Any]) -> Iterator[Token]:
    return _token(v.get("code"), v.get("system"))


def _concept(v: dict[str, Any]) -> Iterator[Token]:
    for coding in v.get("coding") or ():
        if isinstance(coding, dict):
            yield from _token(coding.get("code"), coding.get("system"))


def _identifier(v: dict[str, Any]) -> Iterator[Token]:
    return _token(v.get("value"), v.get("system"))


def _contact(v: dict[str, Any]) -> Iterator[Token]:
    return _token(v.get("value"), None)


def _plain(v: Any) -> Iterator[Token]:
    if isinstance(v, bool):
        v = "true" if v else "false"
    return _token(v if isinstance(v, str) else str(v), None)


TOKEN: dict[str, Converter] = {
    "Coding": _coding,
    "CodeableConcept": _concept,
    "Identifier": _identifier,
    "ContactPoint": _contact,
}
"""Every other type is its own text as a code."""


def tokens(kind: str, value: Any) -> Iterator[Token]:
    convert = TOKEN.get(kind)
    if convert is not None:
        return convert(value) if isinstance(value, dict) else iter(())
    return iter(()) if isinstance(value, dict | list) or value is None else _plain(value)


def token_texts(kind: str, value: Any) -> Iterator[str]:
    """What ``:text`` searches: CodeableConcept.text, Coding.display, Identifier.type.text."""
    if kind == "CodeableConcept":
        if text := _text(value.get("text")):
            yield text
        for coding in value.get("coding") or ():
            if text := _text(coding.get("display")):
                yield text
    elif kind == "Coding":
        if text := _text(value.get("display")):
            yield text
    elif kind == "Identifier" and (text := _text((value.get("type") or {}).get("text"))):
        yield text


def of_type(identifier: Any) -> Iterator[tuple[Any, ...]]:
    """Composite rows for ``:of-type``: the value with its system, and each coding of the identifier's type."""
    if not isinstance(identifier, dict) or not (value := _text(identifier.get("value"))):
        return
    code = value.casefold()
    for coding in (identifier.get("type") or {}).get("coding") or ():
        if isinstance(coding, dict):
            for hash2, code2, system2 in _coding(coding):
                yield (token_hash(code), code, _text(identifier.get("system")), hash2, code2, system2, *_NO_RANGES)


_NO_RANGES = (None,) * 8


def position(value: Any) -> tuple[float, float] | None:
    """(latitude, longitude) of Location.position in degrees; None for what is no place on the earth."""
    if not isinstance(value, dict):
        return None
    latitude, longitude = decimal(value.get("latitude")), decimal(value.get("longitude"))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return float(latitude), float(longitude)


_NAME = ("text", "family", "given", "prefix", "suffix")
_ADDRESS = ("text", "line", "city", "district", "state", "postalCode", "country")


def _parts(value: dict[str, Any], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        part = value.get(name)
        for text in part if isinstance(part, list) else (part,):
            if found := _text(text):
                yield found


def strings(kind: str, value: Any) -> Iterator[str]:
    """The texts of a value that string search compares."""
    if kind == "HumanName":
        return _parts(value, _NAME)
    if kind == "Address":
        return _parts(value, _ADDRESS)
    if kind == "CodeableConcept":
        return token_texts(kind, value)
    if isinstance(value, dict | list) or value is None:
        return iter(())
    found = _text(value) if isinstance(value, str) else str(value)
    return iter((found,)) if found else iter(())


def string_row(text: str) -> tuple[str, str]:
    """(normalised and clipped, as written)."""
    return clip(fold(text)), text


def date(kind: str, value: Any) -> tuple[int, int] | None:
    """The range [low, high) in µs; None for what is no date (the validator has said so before)."""
    try:
        if kind == "Period":
            return period(value)
        if kind == "Timing":
            return timing(value)
        return span(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def decimal(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool | dict | list):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and (not found or abs(found.adjusted()) <= 300) else None


def number(kind: str, value: Any) -> tuple[Decimal | None, Decimal | None] | None:
    if kind == "Range":
        low, high = (decimal((value.get(end) or {}).get("value")) for end in ("low", "high"))
        return None if low is None and high is None else (low, high)
    point = decimal(value)
    return None if point is None else (point, point)


Quantity = tuple[
    Decimal | None, Decimal | None, str | None, str | None, str | None, str | None, Decimal | None, Decimal | None
]
"""(low, high, system, code, unit, base unit, base low, base high)"""


def quantity(kind: str, value: Any) -> Quantity | None:
    """A Quantity (or Money, Range, SampledData) as a range, in its own unit and in the canonical UCUM unit.

    A comparator opens the range: ``<5`` reaches down without end.
    """
    if not isinstance(value, dict):
        return None
    low: Decimal | None
    high: Decimal | None
    if kind == "Range":
        ends = [value.get("low") or {}, value.get("high") or {}]
        low, high = decimal(ends[0].get("value")), decimal(ends[1].get("value"))
        about = ends[0] or ends[1]
    elif kind == "SampledData":
        about = value.get("origin") or {}
        low = high = decimal(about.get("value"))
    else:
        about = value
        low = high = decimal(value.get("value"))
        comparator = value.get("comparator")
        if comparator in ("<", "<="):
            low = None
        elif comparator in (">", ">="):
            high = None
    if low is None and high is None:
        return None
    system, code, unit = _text(about.get("system")), _text(about.get("code")), _text(about.get("unit"))
    if kind == "Money":
        system, code = "urn:iso:std:iso:4217", _text(value.get("currency"))
    base = base_low = base_high = None
    if code and system == UCUM:
        for end, point in enumerate((low, high)):
            found = canonical(point, code) if point is not None else None
            if found:
                base = found[0]
                if end == 0:
                    base_low = found[1]
                else:
                    base_high = found[1]
    return low, high, system, code, unit, base, base_low, base_high


Reference = tuple[int, str, str, str | None, str | None]
"""(hash, target type or '', id or URL, version, display for ``:text``)"""


def reference(kind: str, value: Any) -> Reference | None:
    """A Reference, canonical or uri. A logical one (identifier only) gives None: see :func:`logical`."""
    text = value.get("reference") if isinstance(value, dict) else value
    text = _text(text)
    if text is None or text.startswith("#"):
        return None
    target, rest, version = split(text)
    display = _text(value.get("display")) if isinstance(value, dict) else None
    return reference_hash(target, rest), target, clip(rest), version, None if display is None else clip(fold(display))


def logical(kind: str, value: Any) -> Iterator[Token]:
    """The identifier of a Reference, as a token (modifier ``:identifier``)."""
    if kind == "Reference" and isinstance(value, dict) and isinstance(value.get("identifier"), dict):
        yield from _identifier(value["identifier"])


def names_type(value: Any, wanted: str) -> bool:
    """Whether a Reference says, by its text or its ``type``, that it points to ``wanted``."""
    if not isinstance(value, dict):
        return False
    text = value.get("reference")
    if isinstance(text, str) and text:
        return (split(text)[0] or type_in_url(text) or value.get("type")) == wanted
    return value.get("type") == wanted
