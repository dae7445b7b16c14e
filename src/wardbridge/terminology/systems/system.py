"""What the operations ask of a code system, whatever holds its concepts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wardbridge.terminology.expression import Expression
from wardbridge.terminology.values import Concept, Head


@dataclass(frozen=True)
class Page:
    """Concepts in the order of the system. ``total`` counts all that were meant."""

    total: int
    concepts: tuple[Concept, ...]


class System(Protocol):
    """A version of a code system. Look-ups are bounded whatever its size; ``countable``: it can be listed."""

    @property
    def head(self) -> Head: ...

    @property
    def countable(self) -> bool: ...

    @property
    def hierarchical(self) -> bool: ...

    async def find(self, codes: Sequence[str], /) -> dict[str, Concept]:
        """The concepts of those codes that exist, by the code as it was asked for."""
        ...

    async def children(self, code: str, /) -> Sequence[Concept]: ...

    async def select(self, expression: Expression, offset: int, limit: int, /) -> Page:
        """A part of the concepts for which an expression holds. Raises TooCostly where it cannot be listed."""
        ...

    async def values(self, property: str, limit: int, /) -> Sequence[str]:
        """The distinct values of a property (``code``, ``display`` ... too). Raises TooCostly above the limit."""
        ...
