"""Types and elements of FHIR R4, read once from the packed table and made into values when first asked for.

Standard: https://hl7.org/fhir/R4/structuredefinition.html (the snapshot of each type).  A nested element
(`Observation.component`) is a type of its own, named by its path.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources
from typing import Any

import msgspec


class Invariant(msgspec.Struct, frozen=True):
    """A constraint of the standard: `key` (`obs-6`), `severity` (`error`, `warning`), FHIRPath `expression`."""

    key: str
    severity: str
    expression: str


class Binding(msgspec.Struct, frozen=True):
    """A terminology binding: `strength` as in the standard, `valueset` without version, `limit` = max value set."""

    strength: str
    valueset: str
    limit: str | None = None


class Element(msgspec.Struct, frozen=True):
    """One element of a type.

    `types` are type names; more than one, or `choice`, means `name[x]`.  `max` is None for `*`.  `targets`
    are the resource types a Reference or canonical may point to (empty: any).
    """

    path: str
    name: str
    types: tuple[str, ...]
    min: int
    max: int | None
    choice: bool
    targets: tuple[str, ...]
    profiles: tuple[str, ...]
    binding: Binding | None
    invariants: tuple[Invariant, ...]
    summary: bool
    modifier: bool
    length: int | None

    @property
    def many(self) -> bool:
        return self.max != 1

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """JSON property names with their type: `(("valueQuantity", "Quantity"), ...)` for a choice."""
        if not self.choice:
            return ((self.name, self.types[0]),)
        return tuple((self.name + t[0].upper() + t[1:], t) for t in self.types)


class Type(msgspec.Struct, frozen=True):
    """A resource, complex, primitive or nested (`backbone`) type with all its elements, inherited ones first."""

    name: str
    kind: str
    base: str | None
    abstract: bool
    elements: dict[str, Element]
    keys: dict[str, tuple[Element, str]]
    invariants: tuple[Invariant, ...]
    ancestors: frozenset[str]
    regex: str | None

    @property
    def primitive(self) -> bool:
        return self.kind == "primitive"

    @property
    def resource(self) -> bool:
        return self.kind == "resource"


@cache
def packed(name: str) -> Any:
    """The content of one packed table of this package, as JSON."""
    data = resources.files("wardbridge.fhir.definitions").joinpath(name).read_bytes()
    return msgspec.json.decode(gzip.decompress(data))


def _rows() -> dict[str, Any]:
    return packed("types.json.gz")["types"]  # type: ignore[no-any-return]


@cache
def invariant(key: str) -> Invariant:
    """The invariant with this key; a key that the standard uses twice carries `@path`."""
    severity, expression = packed("types.json.gz")["invariants"][key]
    return Invariant(key.split("@")[0], severity, expression)


def _element(owner: str, row: dict[str, Any]) -> Element:
    top = row.get("max", 1)
    bound = row.get("b")
    return Element(
        path=f"{owner}.{row['n']}",
        name=row["n"],
        types=tuple(row["t"]),
        min=row.get("min", 0),
        max=None if top == "*" else top,
        choice="choice" in row,
        targets=tuple(row.get("to", ())),
        profiles=tuple(row.get("p", ())),
        binding=Binding(*bound) if bound else None,
        invariants=tuple(invariant(key) for key in row.get("i", ())),
        summary="s" in row,
        modifier="m" in row,
        length=row.get("len"),
    )


@cache
def type_of(name: str) -> Type | None:
    """The type of that name (`Observation`, `Quantity`, `Observation.component`, `dateTime`), or None."""
    row = _rows().get(name)
    if row is None:
        return None
    base = type_of(row["base"]) if row["base"] else None
    elements: dict[str, Element] = {}
    if base is not None:
        elements = {name_: msgspec.structs.replace(e, path=f"{name}.{name_}") for name_, e in base.elements.items()}
    for entry in row.get("e", ()):
        element = _element(name, entry)
        elements[element.name] = element
    own = tuple(invariant(key) for key in row.get("i", ()))
    return Type(
        name=name,
        kind=row["k"],
        base=row["base"],
        abstract="abstract" in row,
        elements=elements,
        keys={key: (e, type_name) for e in elements.values() for key, type_name in e.keys},
        invariants=(base.invariants if base else ()) + own,
        ancestors=(base.ancestors if base else frozenset()) | {name},
        regex=row.get("regex") or (base.regex if base else None),
    )


def known(name: str) -> Type:
    """As `type_of`, but KeyError for a name that R4 does not define."""
    found = type_of(name)
    if found is None:
        raise KeyError(name)
    return found


@cache
def resource_types() -> frozenset[str]:
    """Names of all concrete resource types of R4."""
    return frozenset(name for name, row in _rows().items() if row["k"] == "resource" and "abstract" not in row)


@cache
def type_names() -> frozenset[str]:
    """All type names, nested ones included."""
    return frozenset(_rows())


def is_a(name: str, ancestor: str) -> bool:
    """Whether type `name` is `ancestor` or derived from it."""
    found = type_of(name)
    return found is not None and ancestor in found.ancestors
