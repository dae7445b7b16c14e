"""One written value of a request, by search type (R4 search §3.1.1.4.6 to .13). Raises ValueError for a bad one."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.fhir.definitions.search import SearchParameter, search_parameter
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.search.numbers import number
from wardbridge.fhir.search.prefix import Now, date_range, number_range
from wardbridge.fhir.search.query import (
    Composite,
    Near,
    Quantity,
    Range,
    Reference,
    Target,
    Text,
    Token,
    Typed,
    Uri,
    Value,
    Within,
)
from wardbridge.fhir.search.references import split, strip_base
from wardbridge.fhir.search.text import plain, split_on
from wardbridge.fhir.search.units import UCUM, canonical


def value_of(
    parameter: SearchParameter,
    types: Sequence[str],
    modifier: str,
    target: str,
    written: str,
    now: Now,
    bases: tuple[str, ...],
) -> Value:
    """``target`` is the type of a ``:[type]`` modifier. ``types`` are those searched."""
    if modifier in ("text", "contains", "exact"):
        return Text(plain(written))
    if modifier == "identifier":
        return token(written)
    if modifier == "of-type":
        return of_type(written)
    if parameter.type == "reference" and modifier in ("above", "below"):
        return within(parameter, written, bases)
    if parameter.code == "_id":
        return Token(None, plain(written))  # ids keep their case (R4 datatypes.html#id)
    if parameter.type == "composite":
        return _composite(parameter, types, written, now, bases)
    return _simple(parameter, parameter.type, target, written, now, bases)


def _simple(
    parameter: SearchParameter, kind: str, target: str, written: str, now: Now, bases: tuple[str, ...]
) -> Value:
    if kind == "token":
        return token(written)
    if kind == "string":
        return Text(plain(written))
    if kind == "date":
        return date_range(plain(written), now)
    if kind == "number":
        return number_range(plain(written))
    if kind == "quantity":
        return quantity(written)
    if kind == "reference":
        return reference(plain(written), parameter.targets, target, bases)
    if kind == "uri":
        return Uri(plain(written))
    return near(written)


def token(written: str) -> Token:
    """``code``, ``system|code``, ``|code`` or ``system|``."""
    parts = [plain(part) for part in split_on(written, "|")]
    if len(parts) > 2:
        raise ValueError("a token has the form code, system|code, |code or system|")
    if len(parts) == 1:
        return Token(None, parts[0].casefold())
    if not parts[0] and not parts[1]:
        raise ValueError("a token needs a code or a system")
    return Token(parts[0], parts[1].casefold() or None)


def of_type(written: str) -> Typed:
    """``system|code|value`` of an identifier and its type, all three."""
    parts = [plain(part) for part in split_on(written, "|")]
    if len(parts) != 3 or not all(parts):
        raise ValueError("expected system|code|value: the system and code of the identifier's type, and its value")
    return Typed(parts[0], parts[1].casefold(), parts[2].casefold())


HIERARCHIES = frozenset(
    {"Communication", "Encounter", "Location", "Observation", "Organization", "Procedure", "ResearchStudy", "Task"}
)
"""Types of which one may be a part of another (``partOf``)."""


def within(parameter: SearchParameter, written: str, bases: tuple[str, ...]) -> Within:
    """A reference that ``:above`` or ``:below`` takes as a place in a hierarchy."""
    found = reference(plain(written), parameter.targets, "", bases)
    targets = tuple(target for target in found.targets if target.type in HIERARCHIES)
    if not targets:
        raise ValueError(f"only resources of these types are part of each other: {', '.join(sorted(HIERARCHIES))}")
    return Within(targets)


_KM = {"km": 1.0, "m": 0.001, "mi": 1.609344, "[mi_i]": 1.609344, "[mi_us]": 1.609347219}
NEARBY_KM = 50.0
"""How far ``near`` reaches where the request does not say."""


def near(written: str) -> Near:
    """``latitude|longitude[|distance[|unit]]``; degrees, kilometres (R4 location.html#positional)."""
    parts = [plain(part).strip() for part in split_on(written, "|")]
    if not 2 <= len(parts) <= 4:
        raise ValueError("expected latitude|longitude|distance|unit")
    latitude, longitude = (float(number(part)) for part in parts[:2])
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise ValueError("the latitude goes from -90 to 90, the longitude from -180 to 180")
    distance = float(number(parts[2])) if len(parts) > 2 and parts[2] else NEARBY_KM
    unit = parts[3] if len(parts) > 3 and parts[3] else "km"
    if unit not in _KM:
        raise ValueError(f"the unit must be one of {', '.join(_KM)}")
    if distance < 0:
        raise ValueError("the distance is negative")
    return Near(latitude, longitude, distance * _KM[unit] if len(parts) > 2 and parts[2] else NEARBY_KM)


def quantity(written: str) -> Quantity:
    """``[prefix]number``, or that with ``|system|code``, ``|system`` or ``||code``."""
    parts = [plain(part) for part in split_on(written, "|")]
    if len(parts) > 3:
        raise ValueError("a quantity has the form number, number|system|code or number||code")
    range_ = number_range(parts[0])
    system = parts[1] or None if len(parts) > 1 else None
    code = parts[2] or None if len(parts) > 2 else None
    base = base_unit = None
    if code and system == UCUM:
        ends = [canonical(end, code) for end in (range_.low, range_.high, range_.point) if end is not None]
        if len(ends) == 3 and all(ends):
            (base_unit, low), (_, high), (_, point) = ends  # type: ignore[misc]
            base = Range(range_.prefix, low, high, point)
    return Quantity(range_, system, code, base, base_unit)


def reference(text: str, targets: Sequence[str], target: str, bases: tuple[str, ...]) -> Reference:
    """``id``, ``Type/id``, ``Type/id/_history/version``, a URL, or a canonical ``url|version``."""
    text = strip_base(text, bases)
    type_name, rest, version = split(text)
    if type_name:
        if target and type_name != target:
            raise ValueError(f"the reference is to {type_name}, the modifier asks for {target}")
        return Reference((Target(type_name, rest, version),))
    if "/" in text or ":" in text:
        return Reference((Target("", rest, version),))
    if target:
        return Reference((Target(target, text),))
    possible = targets or tuple(sorted(resource_types()))
    return Reference((*(Target(name, text) for name in possible), Target("", text)))


def _composite(
    parameter: SearchParameter, types: Sequence[str], written: str, now: Now, bases: tuple[str, ...]
) -> Composite:
    parts = split_on(written, "$")
    if len(parts) != len(parameter.components):
        raise ValueError(f"expected {len(parameter.components)} values with $ between them")
    found: list[Value] = []
    for component, part in zip(parameter.components, parts, strict=True):
        definition = search_parameter(component.definition)
        if definition is None:
            raise ValueError(f"{component.definition} is not known")
        if not part:
            raise ValueError("a part is empty")
        found.append(_simple(definition, definition.type, "", part, now, bases))
    return Composite(tuple(found))
