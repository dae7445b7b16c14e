"""One name and value of a request as a condition: plain, chained (``subject:Patient.name``) or reversed (``_has``).

R4 search §3.1.1.4.1 (modifiers), §3.1.1.5.4 (chaining), §3.1.1.5.5 (reverse chaining). Strict: what is not understood
is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.search import SearchParameter, search_parameters
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.search.fulltext import words
from wardbridge.fhir.search.prefix import Now
from wardbridge.fhir.search.query import Asked, Chain, Clause, Condition, Link, Missing, Reverse, Token, Value
from wardbridge.fhir.search.text import split_values
from wardbridge.fhir.search.written import value_of

DEEPEST = 8
"""Most steps of a chain."""
WIDEST = 20
"""Most types that one step of a chain without a type may lead to."""

MODIFIERS: dict[str, frozenset[str]] = {
    "string": frozenset({"exact", "contains", "text"}),
    "token": frozenset({"not", "text", "in", "not-in", "above", "below", "of-type"}),
    "reference": frozenset({"identifier", "text", "above", "below"}),
    "uri": frozenset({"above", "below"}),
    "date": frozenset(),
    "number": frozenset(),
    "quantity": frozenset(),
    "composite": frozenset(),
    "special": frozenset(),
}
"""Modifiers beside ``:missing`` (all) and ``:[type]`` (references), by search type (R4 search §3.1.1.4.1)."""

ASKED = frozenset({"in", "not-in", "above", "below"})
"""Modifiers of tokens that the terminology service answers."""

SPECIAL = frozenset({"_text", "_content", "_filter", "_list", "_query", "_has"})
"""Parameters that are no value of one element."""


class UnknownParameter(Invalid):
    """A parameter or modifier that this server does not know; ``Prefer: handling=lenient`` may pass over it."""

    code = "not-supported"


@dataclass(frozen=True)
class Reading:
    """What the reading of values needs: the present, our own URLs, whether full text is kept."""

    now: Now
    bases: tuple[str, ...] = ()
    text: bool = True


Inner = Callable[[tuple[str, ...]], Condition]
"""Makes the condition that must hold for resources of these types."""


def supported(type_name: str) -> dict[str, SearchParameter]:
    """The parameters of one type that have values of their own."""
    return {
        code: p
        for code, p in search_parameters(type_name).items()
        if code not in SPECIAL and (p.expression or code in ("_id", "_lastUpdated"))
    }


def find(types: Sequence[str], code: str) -> SearchParameter | None:
    """The parameter of that code, if each of the types has one of the same search type."""
    found: SearchParameter | None = None
    for type_name in types or ("Resource",):
        parameter = supported(type_name).get(code)
        if parameter is None or (found is not None and found.type != parameter.type):
            return None
        found = parameter
    return found


def named(types: Sequence[str]) -> str:
    """The types in words."""
    return ", ".join(types) or "all types"


def condition(types: tuple[str, ...], name: str, value: str, reading: Reading, depth: int = 0) -> Condition:
    """What ``name=value`` asks of resources of these types (none: any). Raises Invalid, UnknownParameter."""
    if depth > DEEPEST:
        raise Invalid(f"a chain may have {DEEPEST} steps", name[:60])
    if name.startswith("_has:"):
        _, source, code, rest = (*name.split(":", 3), "", "", "")[:4]
        if not rest:
            raise Invalid(f"{name}: expected _has:[type]:[reference parameter]:[parameter]", name)
        return reverse(types, source, code, lambda at: condition(at, rest, value, reading, depth + 1), name)
    head, dot, rest = name.partition(".")
    if dot:
        return chain(types, head, lambda at: condition(at, rest, value, reading, depth + 1), name)
    if name == "_list":
        return _listed(value)
    if name in ("_text", "_content"):
        return _full_text(name, value, reading)
    return clause(types, name, value, reading)


def chain(types: tuple[str, ...], head: str, inner: Inner, name: str) -> Condition:
    """``head`` is ``parameter`` or ``parameter:Type``. Without a type every target that can be asked so counts."""
    code, _, target = head.partition(":")
    parameter = _reference(types, code, name)
    if target:
        if target not in resource_types() or (parameter.targets and target not in parameter.targets):
            raise Invalid(f"{name}: {code} cannot refer to {target!r}", name)
        return Chain(code, (Link(target, inner((target,))),))
    links: list[Link] = []
    refused: Invalid | None = None
    for possible in parameter.targets:
        try:
            links.append(Link(possible, inner((possible,))))
        except Invalid as error:
            if refused is None or isinstance(refused, UnknownParameter):
                refused = error
    if not links:
        raise refused or Invalid(f"{name}: {code} refers to no type", name)
    if len(links) > WIDEST:
        raise Invalid(f"{name}: {code} refers to {len(links)} types; name one: {code}:[type]", name)
    return Chain(code, tuple(links))


def reverse(types: tuple[str, ...], source: str, code: str, inner: Inner, name: str) -> Condition:
    """``_has:source:code:...``"""
    if source not in resource_types():
        raise Invalid(f"{name}: {source!r} is not a resource type of R4", name)
    parameter = _reference((source,), code, name)
    if types and not set(types) & set(parameter.targets):
        raise Invalid(f"{name}: {source}.{code} cannot refer to {named(types)}", name)
    return Reverse(source, code, inner((source,)))


def _reference(types: tuple[str, ...], code: str, name: str) -> SearchParameter:
    parameter = find(types, code)
    if parameter is None:
        raise UnknownParameter(f"unknown search parameter {code!r} for {named(types)}", name)
    if parameter.type != "reference":
        raise Invalid(f"{name}: {code} is no reference", name)
    return parameter


def clause(types: tuple[str, ...], name: str, value: str, reading: Reading) -> Clause:
    """One parameter with its modifier and values."""
    code, _, modifier = name.partition(":")
    parameter = find(types, code)
    if parameter is None:
        raise UnknownParameter(f"unknown search parameter {code!r} for {named(types)}", name)
    if value == "":
        raise Invalid(f"{name} has no value", name)
    if modifier == "missing":
        if value not in ("true", "false") or code in ("_id", "_lastUpdated"):
            raise Invalid(f"{name} must be true or false", name)
        return Clause(code, parameter, modifier, (Missing(value == "true"),))
    target = ""
    if modifier and (modifier not in MODIFIERS[parameter.type] or (code == "_id" and modifier != "not")):
        if parameter.type != "reference" or modifier not in resource_types():
            raise UnknownParameter(f"{name}: {parameter.type} parameters have no modifier :{modifier}", name)
        target = modifier
        if parameter.targets and target not in parameter.targets:
            raise Invalid(f"{name}: {code} cannot refer to {target}", name)
    values: list[Value] = []
    for written in split_values(value):
        if parameter.type == "token" and modifier in ASKED:
            values.append(Asked(modifier, written))
            continue
        try:
            values.append(value_of(parameter, types, modifier, target, written, reading.now, reading.bases))
        except (ValueError, OverflowError) as error:
            raise Invalid(f"{name}: {error}", name) from error
    return Clause(code, parameter, modifier, tuple(dict.fromkeys(values)))


def _listed(value: str) -> Condition:
    """``_list=id``: what a List names (R4 search §3.1.1.4.12)."""
    ids = [part.removeprefix("List/") for part in split_values(value)]
    if any(part.startswith("$") for part in ids):
        raise UnknownParameter(f"_list: functional lists such as {value[:40]} are not kept here", "_list")
    if not all(ids):
        raise Invalid("_list has no value", "_list")
    named_ids = tuple(Token(None, id_) for id_ in ids)
    return Reverse("List", "item", Clause("_id", supported("List")["_id"], "", named_ids))


def _full_text(name: str, value: str, reading: Reading) -> Clause:
    if not reading.text:
        raise UnknownParameter(f"{name}: full text is not kept on this server (setting search_text)", name)
    parameter = search_parameters("Resource").get(name)
    try:
        found = words(value)
    except ValueError as error:
        raise Invalid(f"{name}: {error}", name) from error
    return Clause(name, parameter or SearchParameter(name, "string", "", (), None, (), (), False), "", (found,))
