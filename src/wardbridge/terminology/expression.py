"""Which concepts of one code system, as a value: what the filters of a value set say (R4 valueset.html#compositions).

The same expression is evaluated on a concept (:func:`holds`) or turned into SQL (``store.select``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from wardbridge.terminology.values import Concept, words


@dataclass(frozen=True)
class Every:
    """All concepts."""


@dataclass(frozen=True)
class Codes:
    """These codes, in this order."""

    codes: tuple[str, ...]

    @cached_property
    def among(self) -> frozenset[str]:
        return frozenset(self.codes)


@dataclass(frozen=True)
class InList:
    """The codes of a long enumeration that is in tables (``store.listed``): resolved before it is evaluated."""

    resource: int
    place: int


@dataclass(frozen=True)
class Under:
    """Subsumed by a code; ``itself``: the code included. ``direct``: its children only."""

    code: str
    itself: bool = False
    direct: bool = False


@dataclass(frozen=True)
class Leaf:
    """Without children."""


@dataclass(frozen=True)
class Has:
    """A property with one of these values; no values: the property exists."""

    property: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Active:
    """Not inactive."""


@dataclass(frozen=True)
class Words:
    """Each word begins a word of the code, the display or a designation."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Both:
    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Either:
    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Not:
    part: Expression


Expression: TypeAlias = Every | Codes | InList | Under | Leaf | Has | Active | Words | Both | Either | Not
NOTHING = Codes(())


def both(*parts: Expression) -> Expression:
    """All of them hold."""
    kept = tuple(p for p in parts if not isinstance(p, Every))
    if NOTHING in kept:
        return NOTHING
    return Every() if not kept else kept[0] if len(kept) == 1 else Both(kept)


def either(*parts: Expression) -> Expression:
    """Any of them holds."""
    if any(isinstance(p, Every) for p in parts):
        return Every()
    kept = tuple(p for p in parts if p != NOTHING)
    if kept and all(isinstance(p, Codes) for p in kept):
        return Codes(tuple(dict.fromkeys(code for p in kept if isinstance(p, Codes) for code in p.codes)))
    return NOTHING if not kept else kept[0] if len(kept) == 1 else Either(kept)


def holds(expression: Expression, concept: Concept) -> bool:
    """Whether a concept is among them."""
    match expression:
        case Every():
            return True
        case Codes():
            return concept.code in expression.among
        case Under(code, itself, direct):
            if direct:
                return code in concept.parents
            return code in concept.ancestors or (itself and concept.code == code)
        case InList():
            raise TypeError("a long enumeration must be resolved first")
        case Leaf():
            return concept.leaf
        case Has(name, values):
            return any(found in values if values else True for found in texts(concept, name))
        case Active():
            return not concept.inactive
        case Words(wanted):
            return matches(concept, wanted)
        case Both(parts):
            return all(holds(part, concept) for part in parts)
        case Either(parts):
            return any(holds(part, concept) for part in parts)
        case Not(part):
            return not holds(part, concept)


def texts(concept: Concept, name: str) -> list[str]:
    """The values of a property as text; code, display, definition and parent are properties too."""
    match name:
        case "code" | "concept":
            return [concept.code]
        case "display":
            return [concept.display] if concept.display else []
        case "definition":
            return [concept.definition] if concept.definition else []
        case "parent":
            return list(concept.parents)
        case _:
            found = [p.text for p in concept.properties if p.code == name]
            if not found and name == "inactive":
                return ["true" if concept.inactive else "false"]
            return found


def matches(concept: Concept, wanted: tuple[str, ...]) -> bool:
    """Whether each wanted word begins a word of the concept's texts."""
    own = words(concept.code, concept.display, *(d.value for d in concept.designations))
    return all(any(word.startswith(part) for word in own) for part in wanted)
