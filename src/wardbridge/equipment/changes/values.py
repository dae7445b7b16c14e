"""A change and its one joint risk file (IEC 80001-1:2021: risk managed before, during and after a change).

The file is what people sign: kind, what is touched, hazards, plans and times. How far the change has come is not part
of it. Times are µs since the epoch (UTC).
"""

from __future__ import annotations

from typing import Any

import msgspec

KINDS = ("new-device", "patch", "network-move", "configuration", "decommission")
PROPERTIES = ("safety", "effectiveness", "security")
"""The key properties of IEC 80001-1."""


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """What residual risk a site accepts. ``levels[severity - 1][probability - 1]`` is one of LEVELS."""

    severities: tuple[str, ...]
    probabilities: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    source: str = ""

    def level(self, severity: int, probability: int) -> str:
        """The judgement of a cell; both numbers start at 1."""
        return self.levels[severity - 1][probability - 1]


LEVELS = ("acceptable", "tolerable", "unacceptable")


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """What lowers a risk, whose task it is and until when."""

    text: str
    owner: str
    due: int | None = None
    done: int | None = None


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """From cause to harm (ISO 14971 clause 3), with severity and probability (from 1) before and after the measures."""

    property: str
    cause: str
    situation: str
    harm: str
    severity: int
    probability: int
    severity_after: int
    probability_after: int
    measures: tuple[Measure, ...] = ()


class Patch(msgspec.Struct, frozen=True, kw_only=True):
    """The version that a component of a model shall have, what it fixes, and the campaign that asked for it."""

    model_id: str
    version: str
    component: str = "firmware"
    fixes: tuple[str, ...] = ()
    campaign_id: str = ""


class RiskFile(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that biomed and IT sign. ``considered`` says for a key property why there is no hazard to it."""

    title: str
    purpose: str = ""
    devices: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    wards: tuple[str, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    considered: dict[str, str] = {}
    rollback: str = ""
    tests: str = ""
    communication: str = ""
    start: int | None = None
    stop: int | None = None
    patch: Patch | None = None
    matrix: Matrix | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``joint_change``."""

    change_id: str
    kind: str
    state: str
    state_at: int
    version: int
    title: str
    file: RiskFile
    author: str
    author_name: str
    created: int
    start: int | None = None
    stop: int | None = None

    @property
    def content(self) -> dict[str, Any]:
        """What is signed: the whole file in this version, and which change it belongs to. A file that is edited back to
        what it was is a new version: what was signed before does not come to life again."""
        return {"change": self.change_id, "kind": self.kind, "version": self.version, "file": self.file}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that somebody did with a change."""

    change_id: str
    number: int
    at: int
    step: str
    state: str
    version: int
    person_id: str
    display: str
    note: str = ""
