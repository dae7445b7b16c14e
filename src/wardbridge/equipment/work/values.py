"""Work on machines as rows of its tables. Times are µs since the epoch (UTC), None for unknown."""

from __future__ import annotations

import msgspec

KINDS = ("fault", "maintenance", "inspection", "calibration", "recall", "security", "installation", "decommission")
STATES = ("open", "taken", "waiting", "resolved", "cancelled")
ENDED = frozenset({"resolved", "cancelled"})
WAITING = ("parts", "vendor", "patient")
SOURCES = ("hand", "schedule", "request", "alarm", "recall", "cve", "machine", "behaviour", "runbook")
SIDES = ("biomed", "it", "both")
PRIORITIES = ("routine", "urgent", "asap", "stat")
"""FHIR R4 request-priority."""
PLANNED = frozenset({"maintenance", "inspection", "calibration"})
"""Kinds that fall due by a plan; the others begin with an event."""
LATE = ("deferred", "could-not-locate", "in-use", "no-parts")
"""Why planned work was done after it was due."""
TRIES = 3
"""After so many tries to find a machine it is time to call it missing."""


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``work``: one order. ``number`` is what people call it by, 0 before it is stored.

    The subject is a machine, or a place where ``device_id`` is ''. ``planned`` is when somebody means to start,
    ``due`` by when it must be done, ``due_first`` what that was before the first deferral. ``minutes`` is estimated.
    """

    work_id: str
    kind: str
    name: str
    text: str
    reported_by: str
    reported_at: int
    request_id: str
    task_id: str
    device_id: str = ""
    place_id: str | None = None
    state: str = "open"
    number: int = 0
    parent_id: str | None = None
    code: str = ""
    priority: str = "routine"
    side: str = "biomed"
    waiting_for: str = ""
    team: str = ""
    person_id: str = ""
    person: str = ""
    planned: int | None = None
    minutes: int | None = None
    interval_days: int | None = None
    due: int | None = None
    due_first: int | None = None
    source: str = "hand"
    source_id: str = ""
    schedule_id: str = ""
    procedure_id: str = ""
    procedure_version: int = 0
    taken_by: str = ""
    taken_at: int | None = None
    done_by: str = ""
    done_at: int | None = None
    resolution: str = ""
    late_reason: str = ""
    tries: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.state in ENDED


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``work_note``; kind note, deferred, not-found or late."""

    note_id: str
    work_id: str
    device_id: str
    kind: str
    text: str
    by_id: str
    by: str
    at: int
    due_before: int | None = None
    due_after: int | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An order in a list, with its machine as it is now. ``in_use`` says no more than that: nobody's name."""

    work: Work
    device: str = ""
    model: str = ""
    criticality: str = ""
    ward: str = ""
    bed: str = ""
    place: str = ""
    in_use: bool = False
    asset_state: str = ""
