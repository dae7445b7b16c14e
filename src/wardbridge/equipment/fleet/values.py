"""What the fleet list is narrowed to, and what it shows. Times are µs since the epoch (UTC), 0 for never."""

from __future__ import annotations

import msgspec

DUE = ("overdue", "due", "current", "unplanned")
USE = ("in-use", "free", "silent", "never")
SORTS = ("place", "name", "model", "due", "criticality", "seen")


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Empty means all. ``due`` one of ``DUE``, ``use`` one of ``USE``, ``sort`` one of ``SORTS``."""

    text: str = ""
    state: str = ""
    ward: str = ""
    kind: str = ""
    class_: str = msgspec.field(default="", name="class")
    model: str = ""
    criticality: str = ""
    zone: str = ""
    due: str = ""
    use: str = ""
    fault: bool = False
    open_campaign: bool = msgspec.field(default=False, name="campaign")
    exploited: bool = msgspec.field(default=False, name="kev")
    sort: str = "place"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A machine in the list. No patient is in it: ``in_use`` is all that a list needs."""

    device_id: str
    name: str
    tag: str
    serial: str
    manufacturer: str
    model: str
    kind: str
    state: str
    criticality: str
    firmware: str
    ward: str
    bed: str
    in_use: bool
    last_seen: int
    admission: str
    due: int
    faults: int
    campaigns: int
    exploited: int


class Facet(msgspec.Struct, frozen=True):
    """How many machines of the selection have ``value`` in ``field``."""

    field: str
    value: str
    count: int


class Page(msgspec.Struct, frozen=True):
    """A page of the list, how many there are in all, and the facets of the selection."""

    rows: tuple[Row, ...]
    total: int
    facets: tuple[Facet, ...]

    def of(self, field: str) -> list[Facet]:
        """The facets of one field, the most first."""
        found = [facet for facet in self.facets if facet.field == field and facet.value]
        return sorted(found, key=lambda facet: (-facet.count, facet.value))


class WardCell(msgspec.Struct, frozen=True, kw_only=True):
    """A bed, room or store on the map: its machines counted by what needs a look."""

    ward: str
    room: str
    bed: str
    label: str
    machines: int
    in_use: int
    overdue: int
    faults: int
    campaigns: int
    exploited: int


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A filter that somebody kept; ``query`` is its URL query."""

    view_id: str
    person_id: str
    display: str
    name: str
    query: str
    shared: bool
    created: int


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which a machine was with a patient; ``stop`` 0 while it lasts. ``patient_id`` must not reach people
    without ``patient.see``."""

    start: int
    stop: int
    place: str
    patient_id: str
