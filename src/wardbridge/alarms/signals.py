"""The life of one device alarm as its reports arrive (IHE ACM PCD-04, BICEPS AlertSystem).

One pure step: what is known of the alarm, a report, and what the alarm is then. Reports repeat and
come late: ``continue`` changes nothing but the time last heard, and an old report never reopens.
"""

from __future__ import annotations

import msgspec

PRIORITY = {"PH": "high", "PM": "medium", "PL": "low", "PN": "info", "": "medium"}
KIND = {"SP": "physiological", "ST": "technical", "SA": "advisory", "": "technical"}
OPENING = frozenset({"start", "start_only", "present", "continue", "update", "escalate", "deescalate", "tpoint"})
CLOSING = frozenset({"end", "reset", "stop"})


class Alarm(msgspec.Struct, frozen=True):
    """What is known of one alarm. ``state`` is active, latched or inactive (then it is over)."""

    priority: str
    kind: str
    state: str
    text: str
    value: str
    limit: str
    since: int
    last: int
    acknowledged: bool = False
    inactivation: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True):
    """One report in the words of the screens. ``time`` is the device's own time."""

    phase: str
    state: str
    priority: str
    kind: str
    text: str
    value: str = ""
    limit: str = ""
    time: int = 0
    inactivation: tuple[str, ...] = ()


def step(known: Alarm | None, report: Report) -> Alarm | None:
    """The alarm after ``report``; None where the report opens nothing (an end never started).

    A report that is older than the last one heard only counts where it ends the alarm.
    """
    if report.state == "inactive" or (report.phase in CLOSING and report.state != "latched"):
        if known is None:
            return None
        return msgspec.structs.replace(known, state="inactive", last=max(known.last, report.time))
    if known is None:
        if report.phase == "tpoint" and report.state not in {"active", "latched"}:
            return None
        return Alarm(
            report.priority, report.kind, report.state or "active", report.text, report.value, report.limit,
            report.time, report.time, _acknowledged(report), report.inactivation,
        )  # fmt: skip
    if report.time < known.last:
        return known
    return msgspec.structs.replace(
        known,
        priority=report.priority,
        state=report.state or known.state,
        text=report.text or known.text,
        value=report.value or known.value,
        limit=report.limit or known.limit,
        last=report.time,
        acknowledged=known.acknowledged or _acknowledged(report),
        inactivation=report.inactivation,
    )


def _acknowledged(report: Report) -> bool:
    return report.phase == "acknowledged" or "alert-acknowledged" in report.inactivation
