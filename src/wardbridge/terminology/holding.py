"""What is here under a canonical url: one version of a code system, value set or concept map, without its content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SENT, RECORD, LOADED, BASE, COMPUTED = range(5)


@dataclass(frozen=True)
class Holding:
    """One version of a resource. ``rank``: where it comes from; ``key`` tells it from every other, for caches."""

    type: str
    url: str
    version: str
    rank: int
    key: tuple[Any, ...]
    content: str = "complete"
    supplements: str = ""
    value_set: str = ""
    size: int = 0
    status: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    id: str = ""

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url


def usable(holding: Holding) -> bool:
    """Whether codes can be looked up in it."""
    return holding.content not in ("supplement", "not-present")
