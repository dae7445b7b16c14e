"""The ward's script: beds, devices and events as data (``ward.toml``), and the questions asked of it.

Everything here is a pure function of the ward second, so each process of the simulation can ask for
itself. Beds beyond those of the table repeat its rows without their events.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

FAULTS: Final = frozenset({"leads_off", "occlusion", "battery", "high_pressure", "disconnect", "silent", "venous_low",
                               "pulled"})  # fmt: skip
DEVICES: Final[tuple[str, ...]] = ("monitor", "ventilator", "syringe", "lvp", "dialysis")
KINDS: Final = FAULTS | {"steer", "rate", "update", "merge", "discharge", "move"}


@dataclass(frozen=True)
class Bed:
    """A bed as the ward begins: its number, the clinical story, the patient's profile, its devices."""

    number: int
    story: str
    profile: dict[str, Any]
    devices: dict[str, dict[str, Any]]

    @property
    def place(self) -> str:
        """PV1-3: unit^room^bed, a single-bed room each."""
        return f"ICU^{self.number:02d}^{self.number:02d}"


@dataclass(frozen=True)
class Event:
    """Something scripted. ``at`` and ``until`` in ward seconds; ``until`` 0 where it does not end."""

    at: float
    kind: str
    bed: int
    until: float = 0.0
    device: str = ""
    to_bed: int = 0
    over: float = 0.0
    rate: float = 0.0
    to: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Script:
    """Beds in order, events in order of time."""

    beds: tuple[Bed, ...]
    events: tuple[Event, ...]

    def fault(self, kind: str, bed: int, device: str, at: float) -> bool:
        """Whether a scripted fault holds for a device at ward second ``at``."""
        return any(
            event.kind == kind and event.bed == bed and event.device == device and event.at <= at < event.until
            for event in self.events
        )

    def patient_at(self, bed: int, at: float) -> int | None:
        """Number of the patient in ``bed`` (patients are numbered after the bed that they begin in)."""
        lying: dict[int, int] = {each.number: each.number for each in self.beds}
        for event in self.events:
            if event.at > at:
                break
            if event.kind == "discharge":
                lying.pop(event.bed, None)
            elif event.kind == "move" and event.bed in lying and event.to_bed not in lying:
                lying[event.to_bed] = lying.pop(event.bed)
        return lying.get(bed)

    def rate(self, bed: int, device: str, at: float, usual: float) -> float:
        """The rate in mL/h that a pump is set to."""
        for event in self.events:
            if event.kind == "rate" and event.bed == bed and event.device == device and event.at <= at:
                usual = event.rate
        return usual


def load(beds: int = 12, source: str | None = None) -> Script:
    """The script for ``beds`` beds from TOML text, by default the one that is shipped.

    Raises ValueError naming the row that is wrong.
    """
    if source is None:
        source = resources.files("wardbridge.devices.sim").joinpath("ward.toml").read_text("utf-8")
    table = tomllib.loads(source)
    rows = table.get("bed", [])
    if not rows or beds < 1:
        raise ValueError("a ward needs at least one bed")
    made = [_bed(n + 1, rows[n % len(rows)]) for n in range(beds)]
    events = [_event(row, n + 1) for n, row in enumerate(table.get("event", []))]
    kept = [e for e in events if e.bed <= beds and e.to_bed <= beds]
    return Script(tuple(made), tuple(sorted(kept, key=lambda event: event.at)))


def _bed(number: int, row: dict[str, Any]) -> Bed:
    devices: dict[str, dict[str, Any]] = {name: dict(row[name]) for name in DEVICES if name in row}
    unknown = set(row) - set(DEVICES) - {"story", "profile"}
    if unknown:
        raise ValueError(f"bed {number}: unknown {', '.join(sorted(unknown))}")
    return Bed(number, row["story"], dict(row.get("profile", {})), devices)


def _event(row: dict[str, Any], number: int) -> Event:
    kind = row.get("kind", "")
    if kind not in KINDS:
        raise ValueError(f"event {number}: unknown kind {kind!r}")
    if kind in FAULTS and (not row.get("device") or row.get("until", 0) <= row["at"]):
        raise ValueError(f"event {number}: a fault needs a device and an end after its start")
    try:
        return Event(**row)
    except TypeError as error:
        raise ValueError(f"event {number}: {error}") from None
