"""A campaign, its machines and what was done about them, as rows. Times in µs since the epoch."""

from __future__ import annotations

from typing import Any

import msgspec

KINDS = ("recall", "cve", "patch", "hand")
CANDIDATE, OPEN, DONE, CLEAR = "candidate", "affected-open", "affected-done", "not-affected"
STATES = (CANDIDATE, OPEN, DONE, CLEAR)
ENDED = frozenset({DONE, CLEAR})
STEPS = ("quarantine", "work", "verify", "evidence")
"""Steps that a campaign may ask of every affected machine, in their order; "ask" and "free" come before, for
those on a patient."""


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``campaign``. ``target``: the version that a remedied machine runs, as a statement of versions.
    ``removal``: a machine is done only off the patient. ``seen``: digest of the document that it goes by."""

    campaign_id: str
    kind: str
    title: str
    created_at: int
    created_by: str
    advisory_id: str | None = None
    cve: str = ""
    source_id: str = ""
    security: bool = False
    removal: bool = True
    steps: tuple[str, ...] = ("work", "verify")
    target: str = ""
    remedy: str = ""
    due: int | None = None
    state: str = "open"
    seen: str = ""
    closed_at: int | None = None
    closed_by: str = ""
    proof: dict[str, Any] | None = None
    digest: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``campaign_item``: one machine and how it stands."""

    campaign_id: str
    device_id: str
    state: str
    joined_at: int
    certainty: str = ""
    why: tuple[str, ...] = ()
    reason: str = ""
    decided_by: str = ""
    decided_at: int | None = None
    done_by: str = ""
    done_at: int | None = None
    work_id: str = ""
    reopened: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``campaign_step``: what somebody did about one machine."""

    step_id: str
    campaign_id: str
    device_id: str
    step: str
    at: int
    person_id: str
    display: str
    note: str = ""
    detail: dict[str, Any] = {}
    void: bool = False


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``campaign_event``."""

    event_id: str
    campaign_id: str
    at: int
    kind: str
    text: str
    display: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Where every machine of a campaign is: the four counts are always the total."""

    candidate: int = 0
    open: int = 0
    done: int = 0
    clear: int = 0
    in_use: int = 0

    @property
    def total(self) -> int:
        return self.candidate + self.open + self.done + self.clear

    @property
    def ended(self) -> int:
        return self.done + self.clear

    @property
    def percent(self) -> int:
        """Whole percent that came to an end; 100 only when all did."""
        return 100 if not self.total else 100 * self.ended // self.total


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign in a list."""

    campaign: Campaign
    account: Account
    to_free: int = 0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that its ward was asked to free, while it is still on a patient; ``at`` in µs."""

    campaign_id: str
    title: str
    device_id: str
    name: str
    place: str
    note: str
    at: int
