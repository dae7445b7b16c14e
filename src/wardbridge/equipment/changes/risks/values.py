"""A risk of the organisation. Times in µs."""

from __future__ import annotations

import msgspec

from wardbridge.equipment.changes.values import Measure

STATES = ("open", "mitigating", "accepted", "closed")
LINKS = ("device", "model", "zone", "change", "advisory", "vulnerability", "unexpected")


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Severity and probability, from 1, on the site's matrix."""

    severity: int
    probability: int


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``risk`` with its links, ``(kind, target)``. ``inherent`` before, ``residual`` after the measures."""

    risk_id: str
    title: str
    property: str
    state: str
    cause: str
    effect: str
    inherent: Score
    residual: Score
    measures: tuple[Measure, ...]
    owner: str
    review_due: int
    links: tuple[tuple[str, str], ...] = ()
    reviewed_at: int | None = None
    version: int = 1
    author: str = ""
    created: int = 0
