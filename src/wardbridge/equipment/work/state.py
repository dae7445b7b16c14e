"""What a machine's work says of it at any moment, past or present; pure."""

from __future__ import annotations

from collections.abc import Iterable

from wardbridge.core.clock import DAY
from wardbridge.equipment.work.values import Work

SOON = 30 * DAY


def _open_at(work: Work, at: int) -> bool:
    return work.reported_at <= at and (work.done_at is None or work.done_at > at)


def maintenance_state(work: Iterable[Work], at: int) -> tuple[str, Work | None]:
    """``current``, ``due`` (within 30 days), ``overdue`` or ``unknown`` at the moment ``at``, and the work
    that decides. Work counts as it stood then: reported before, and not yet done."""
    open_then = [item for item in work if item.kind == "maintenance" and item.due is not None and _open_at(item, at)]
    if not open_then:
        return "unknown", None
    first = min(open_then, key=lambda item: item.due or 0)
    due = first.due or 0
    if due < at:
        return "overdue", first
    return ("due" if due - at <= SOON else "current"), first


def faults_at(work: Iterable[Work], at: int) -> list[Work]:
    """Faults that were open at the moment ``at``."""
    return [item for item in work if item.kind == "fault" and _open_at(item, at)]
