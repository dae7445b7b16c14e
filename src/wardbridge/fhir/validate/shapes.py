"""A profile as a tree: for each element that it speaks of, what it asks for beyond the type.

The tree holds what a snapshot would (https://hl7.org/fhir/R4/profiling.html), but only where something is said.  What
holds for all items of an element stands on its shape; what holds for the items of one slice stands on the slice.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from wardbridge.fhir.definitions.table import Element, Invariant, type_of


class Use(NamedTuple):
    """One permitted type: a value must conform to one of `profiles`, a reference point to one of `targets`."""

    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


class Bound(NamedTuple):
    """A binding; `limit` is the maximum value set, '' for none."""

    strength: str
    valueset: str
    limit: str = ""


class Discriminator(NamedTuple):
    kind: str  # value, pattern, exists, type, profile
    path: str


class Slicing(NamedTuple):
    discriminators: tuple[Discriminator, ...]
    rules: str = "open"  # open, closed, openAtEnd
    ordered: bool = False


class Given(NamedTuple):
    """A value of a profile with its type: what is fixed, a pattern, a limit."""

    type: str
    value: Any


@dataclass
class Shape:
    """What a profile asks of one element, or of one slice of it.

    `label` is the element's id in the profile.  `uses` None: the types of the base; `max` None: no limit.
    """

    label: str
    element: Element | None
    base_types: tuple[str, ...]
    min: int = 0
    max: int | None = None
    uses: dict[str, Use] | None = None
    fixed: Given | None = None
    pattern: Given | None = None
    low: Given | None = None
    high: Given | None = None
    length: int | None = None
    bindings: tuple[Bound, ...] = ()
    constraints: dict[str, Invariant] = field(default_factory=dict)
    children: dict[str, Shape] = field(default_factory=dict)
    slicing: Slicing | None = None
    slices: dict[str, Shape] = field(default_factory=dict)

    @property
    def types(self) -> tuple[str, ...]:
        return self.base_types if self.uses is None else tuple(self.uses)

    @property
    def name(self) -> str:
        return self.element.name if self.element is not None else self.label

    def copy(self) -> Shape:
        """A tree of its own, to derive from."""
        return replace(
            self,
            constraints=dict(self.constraints),
            children={name: child.copy() for name, child in self.children.items()},
            slices={name: child.copy() for name, child in self.slices.items()},
        )

    def find(self, name: str) -> tuple[Element, str | None] | None:
        """The child element of that name (`value[x]`, `value`) and, for `valueQuantity`, its type; None: no such."""
        plain = name.removesuffix("[x]")
        for type_name in self.types:
            kind = type_of(type_name)
            if kind is None:
                continue
            if plain in kind.elements:
                return kind.elements[plain], None
            if name in kind.keys:
                return kind.keys[name]
        return None


def root_shape(type_name: str) -> Shape:
    """The shape of a type itself, which asks for nothing more."""
    return Shape(type_name, None, (type_name,))
