"""A change as criteria see it: the version that was written and the one before, parsed and indexed when first asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wardbridge.fhir.json import loads
from wardbridge.fhir.search.extract import extract
from wardbridge.fhir.search.rows import Rows

CREATE, UPDATE, DELETE = "C", "U", "D"


@dataclass(frozen=True)
class Focus:
    """One version of a resource. ``method`` C, U or D; ``updated`` in µs; ``before`` and ``body`` JSON or None."""

    key: int
    type: str
    id: str
    version: int
    method: str
    updated: int
    body: bytes | None
    before: bytes | None = None
    index: Callable[[dict[str, Any]], Rows] = extract
    """Makes the search rows; who knows what is asked for gives one that makes no others."""

    @cached_property
    def current(self) -> dict[str, Any] | None:
        return None if self.body is None else loads(self.body)

    @cached_property
    def previous(self) -> dict[str, Any] | None:
        return None if self.before is None or self.method == CREATE else loads(self.before)

    @cached_property
    def rows(self) -> Rows | None:
        """The search rows of the current version; None for a deletion."""
        return None if self.current is None else self.index(self.current)

    @cached_property
    def rows_before(self) -> Rows | None:
        """The search rows of the version before; None for a creation."""
        return None if self.previous is None else self.index(self.previous)
