"""Key figures of maintenance: how much planned work was done in time, how machines fail and are mended; values."""

from __future__ import annotations

import msgspec


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """Planned work that fell due (first) in a month, of machines of one criticality. ``month`` as YYYY-MM."""

    month: str
    criticality: str
    due: int
    on_time: int
    late: int
    open: int
    cancelled: int

    @property
    def completion(self) -> float | None:
        """Share done in time of what was not cancelled; None where nothing was due."""
        wanted = self.due - self.cancelled
        return self.on_time / wanted if wanted else None


class Reliability(msgspec.Struct, frozen=True, kw_only=True):
    """A model over a span: failures, mean time between them (hours in service), mean time to repair (hours from the
    word to the end of work), repeats within 30 days of a repair, availability (1 minus the share of unplanned
    downtime). None where there is nothing to divide by."""

    model_id: str
    model: str
    machines: int
    failures: int
    repeats: int
    mtbf: float | None
    mttr: float | None
    availability: float | None


class Age(msgspec.Struct, frozen=True, kw_only=True):
    """Unfinished work of one kind by how long it has been known, and how much of it is overdue."""

    kind: str
    week: int
    month: int
    quarter: int
    older: int
    overdue: int
