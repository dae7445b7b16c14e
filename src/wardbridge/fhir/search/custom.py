"""Custom search parameters: a SearchParameter resource, compiled and checked before it may become one.

R4 searchparameter.html. The expression must be FHIRPath, name elements that the base types have, and give values that
a parameter of its type can hold; what is wrong is said with the element where it is.
"""

from __future__ import annotations

import re
from typing import Any

from wardbridge.fhir.definitions.search import (
    Component,
    SearchParameter,
    published_parameter,
    published_parameters,
    search_parameter,
)
from wardbridge.fhir.definitions.table import resource_types, type_of
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.static import types_of
from wardbridge.fhir.search.expression import branches
from wardbridge.fhir.search.extract import Extractor

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-_]{0,63}")
_ABSTRACT = frozenset({"Resource", "DomainResource"})

_TEXT = {"string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid"}
HOLDS: dict[str, frozenset[str]] = {
    "token": frozenset(_TEXT | {"boolean", "Coding", "CodeableConcept", "Identifier", "ContactPoint"}),
    "string": frozenset(_TEXT | {"HumanName", "Address", "CodeableConcept", "base64Binary"}),
    "date": frozenset({"date", "dateTime", "instant", "Period", "Timing"}),
    "number": frozenset({"integer", "decimal", "positiveInt", "unsignedInt", "Range"}),
    "quantity": frozenset(
        {
            "Quantity",
            "Age",
            "Duration",
            "Count",
            "Distance",
            "SimpleQuantity",
            "Money",
            "MoneyQuantity",
            "Range",
            "SampledData",
        }
    ),
    "reference": frozenset({"Reference", "canonical", "uri", "url"}),
    "uri": frozenset({"uri", "url", "canonical", "oid", "uuid"}),
}
"""The element types that a search type can hold (R4 search.html#table)."""


class Unfit(ValueError):
    """A SearchParameter that cannot be searched by. ``where`` is the element."""

    def __init__(self, text: str, where: str) -> None:
        super().__init__(text)
        self.where = where


def types_of_base(parameter: SearchParameter) -> tuple[str, ...]:
    """The resource types that a parameter applies to, those of an abstract base spelled out."""
    if _ABSTRACT & set(parameter.base):
        return tuple(sorted(resource_types() - {"Parameters"}))
    return parameter.base


def parameter_of(resource: dict[str, Any]) -> SearchParameter | None:
    """The parameter that a SearchParameter describes; None for one that is not in force (its status is not active),
    and for one of the standard's own, be it in the words of a guide. Raises Unfit."""
    url = resource.get("url")
    if resource.get("status") != "active" or (isinstance(url, str) and published_parameter(url) is not None):
        return None
    code, kind, expression = resource.get("code"), resource.get("type"), resource.get("expression")
    if not isinstance(url, str) or not url:
        raise Unfit("an active search parameter needs a url", "SearchParameter.url")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise Unfit("the code must be letters, digits, '-' and '_': it is a name in requests", "SearchParameter.code")
    if kind not in HOLDS and kind != "composite":
        raise Unfit(f"parameters of the type {kind} cannot be searched by", "SearchParameter.type")
    if not isinstance(expression, str) or not expression.strip():
        raise Unfit("an active search parameter needs an expression", "SearchParameter.expression")
    base = tuple(dict.fromkeys(name for name in resource.get("base", ()) if isinstance(name, str)))
    for at, name in enumerate(base):
        if name not in resource_types() and name not in _ABSTRACT:
            raise Unfit(f"{name} is no resource type of R4", f"SearchParameter.base[{at}]")
    every = tuple(sorted(resource_types() - {"Parameters"}))
    targets = tuple(name for name in resource.get("target", ()) if name in resource_types()) or every
    components = tuple(
        Component(str(row.get("definition", "")), str(row.get("expression", "")))
        for row in resource.get("component", ())
        if isinstance(row, dict)
    )
    expression = _CHOICE.sub(_of_type, expression)
    parameter = SearchParameter(
        code, kind, url, base, expression, targets if kind == "reference" else (), components, True
    )
    types = types_of_base(parameter)
    if all(_is_published(parameter, name, resource.get("derivedFrom")) for name in types):
        return None
    for name in types:
        _check(parameter, name)
    return parameter


_CHOICE = re.compile(r"(?<=\.)value([A-Z]\w*)\b(?!\()")
"""``valueDateTime`` as guides write it, which is JSON and no FHIRPath (fhirpath.html#types)."""


def _of_type(found: re.Match[str]) -> str:
    name = found[1]
    plain = name[0].lower() + name[1:]
    kind = type_of(plain) or type_of(name)
    return found[0] if kind is None else f"value.ofType({kind.name})"


def _is_published(parameter: SearchParameter, type_name: str, derived: Any) -> bool:
    """Whether the standard has this very parameter on the type: guides repeat it with a url of their own."""
    taken = published_parameters(type_name).get(parameter.code)
    if taken is None or taken.type != parameter.type:
        return False
    own, standard = (branches(text or "", type_name) for text in (parameter.expression, taken.expression))
    return derived == taken.url or set(own) == set(standard)


def _check(parameter: SearchParameter, type_name: str) -> None:
    taken = published_parameters(type_name).get(parameter.code)
    if taken is not None:
        raise Unfit(f"{type_name} has a parameter {parameter.code!r} already: {taken.url}", "SearchParameter.code")
    expression = parameter.expression or ""
    own = branches(expression, type_name)
    if not own:
        raise Unfit(f"the expression gives nothing for a {type_name}", "SearchParameter.expression")
    for branch in own:
        try:
            found = types_of(branch, type_name)
        except PathError as error:
            raise Unfit(f"for a {type_name}: {error.message}", "SearchParameter.expression") from error
        if found and parameter.type != "composite" and not found & HOLDS[parameter.type]:
            kinds = " or ".join(sorted(found))
            raise Unfit(
                f"for a {type_name}: {branch} gives {kinds}, which a {parameter.type} parameter cannot hold",
                "SearchParameter.expression",
            )
    for at, component in enumerate(parameter.components):
        if search_parameter(component.definition) is None:
            raise Unfit(
                f"no search parameter {component.definition!r} is known", f"SearchParameter.component[{at}].definition"
            )
    try:
        Extractor(type_name, extra=(parameter,))
    except PathError as error:
        raise Unfit(f"for a {type_name}: {error.message}", "SearchParameter.expression") from error
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise Unfit(f"for a {type_name}: cannot be compiled ({error})", "SearchParameter.expression") from error
