"""Search parameters and compartments of FHIR R4 (https://hl7.org/fhir/R4/searchparameter-registry.html).

Beside those of the standard a process knows the custom ones of its record (:func:`set_custom`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import msgspec

from wardbridge.fhir.definitions.table import known, packed, resource_types


class Component(msgspec.Struct, frozen=True):
    """One part of a composite parameter: the URL of its definition and a path relative to the composite's."""

    definition: str
    expression: str


class SearchParameter(msgspec.Struct, frozen=True):
    """A search parameter; `type` is number, date, string, token, reference, composite, quantity, uri or special.

    `expression` is None where the standard gives none (`_text`, `_content`).  `targets` are resource types.
    """

    code: str
    type: str
    url: str
    base: tuple[str, ...]
    expression: str | None
    targets: tuple[str, ...]
    components: tuple[Component, ...]
    extension: bool
    """Comes from an extension pack of the package or is its example, not from the base specification."""


@cache
def all_search_parameters() -> tuple[SearchParameter, ...]:
    """All parameters of the package, by URL."""
    # Parameters is no target: it has no existence of its own.
    every = tuple(sorted(resource_types() - {"Parameters"}))
    out = []
    for row in packed("search.json.gz")["parameters"]:
        target = row.get("target", ())
        tail = row["url"].rsplit("/", 1)[1]
        # Packs name theirs `<profile>-<Resource>-<code>` in lower case; the specification writes `Resource-code`
        # or `clinical-code`, `individual-...`, `conformance-...`, `medications-...` for shared ones.
        head = tail.split("-")[0]
        plain = head in row["base"] or head in ("clinical", "individual", "conformance", "medications")
        out.append(
            SearchParameter(
                code=row["code"],
                type=row["type"],
                url=row["url"],
                base=tuple(row["base"]),
                expression=row.get("expression"),
                targets=every if target == "*" else tuple(target),
                components=tuple(Component(d, e) for d, e in row.get("component", ())),
                extension=not plain,
            )
        )
    return tuple(out)


_state = 0
_custom: dict[str, dict[str, SearchParameter]] = {}
"""By type: its custom parameters together with the published ones. Only types that have custom ones."""


def set_custom(by_type: Mapping[str, Iterable[SearchParameter]]) -> None:
    """From now on these are the custom parameters, and no others. A published one of the same code wins."""
    global _custom, _state
    _state += 1
    _custom = {
        name: {**{parameter.code: parameter for parameter in some}, **published_parameters(name)}
        for name, some in by_type.items()
    }


def search_parameters(type_name: str) -> Mapping[str, SearchParameter]:
    """The parameters that apply to a resource type, by code, custom ones included."""
    return _custom.get(type_name) or published_parameters(type_name)


@cache
def published_parameters(type_name: str) -> dict[str, SearchParameter]:
    """The parameters of the standard that apply to a resource type, by code; those of Resource are included.

    Where the package has two of one code, the base specification's wins.
    """
    ancestors = known(type_name).ancestors
    found: dict[str, SearchParameter] = {}
    for parameter in sorted(all_search_parameters(), key=lambda p: p.extension):
        if not ancestors.isdisjoint(parameter.base):
            found.setdefault(parameter.code, parameter)
    return found


def search_parameter(url: str) -> SearchParameter | None:
    """The parameter with this canonical URL."""
    found = published_parameter(url)
    if found is None and _custom:
        found = next((p for some in _custom.values() for p in some.values() if p.url == url), None)
    return found


@cache
def published_parameter(url: str) -> SearchParameter | None:
    """The parameter of the standard with this canonical URL."""
    return {p.url: p for p in all_search_parameters()}.get(url)


def custom_state() -> int:
    """Another number after each change of the custom parameters: for who keeps what is made from them."""
    return _state


def compartments() -> tuple[str, ...]:
    """Names of the compartments: Patient, Encounter, Device, Practitioner, RelatedPerson."""
    return tuple(sorted(packed("search.json.gz")["compartments"]))


@cache
def compartment(name: str) -> dict[str, tuple[str, ...]]:
    """Resource type -> codes of the search parameters that link it to the compartment.

    The resource that the compartment is about belongs to it by its id: the package writes `{def}` for it or leaves it
    out.
    """
    return {k: tuple(v) for k, v in packed("search.json.gz")["compartments"][name].items()}
