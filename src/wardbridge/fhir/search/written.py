"""One written value of a request, by search type (R4 search §3.1.1.4.6 to .13). Raises ValueError for a bad one."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.fhir.definitions.search import SearchParameter, search_parameter
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.search.prefix import Now, date_range, number_range
from wardbridge.fhir.search.query import Composite, Quantity, Range, Reference, Target, Text, Token, Uri, Value
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
    raise ValueError(f"{kind} parameters are not supported yet")


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
