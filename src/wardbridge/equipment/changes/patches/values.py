"""A patch on one machine, when machines may be patched, and how a machine stands at this moment."""

from __future__ import annotations

import msgspec

OPEN = ("waiting", "ready", "running")


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``patch_item``. ``before`` is the version before it, ``observed`` the last one reported, ``admission``
    what the machine was for the devices room before we took it; ``told``: its campaign knows; times in µs."""

    change_id: str
    device_id: str
    state: str
    state_at: int
    before: str = ""
    observed: str = ""
    evidence: str = ""
    evidence_at: int | None = None
    started_at: int | None = None
    admission: str = ""
    ward: str = ""
    window_id: str = ""
    work_id: str = ""
    reason: str = ""
    by: str = ""
    told: bool = False


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``patch_window``: [start, stop) in µs. '' and () stand for any change, ward, zone, model."""

    window_id: str
    start: int
    stop: int
    change_id: str = ""
    ward: str = ""
    zone: str = ""
    models: tuple[str, ...] = ()
    parallel: int = 1
    spares: int = 1
    note: str = ""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """How a machine stands now. ``device_id`` may be a module: ``machine_id`` is what is bound and admitted.

    ``bound``: a patient (or a conflict) is on it now or later; ``streaming``: it is connected, not on standby, and
    stands at a bed that has a patient; ``ahead``: something is on record for a time after now. ``running`` counts
    machines of its kind being patched in the ward, ``free`` those of its kind that would be left there for patients.
    """

    device_id: str
    machine_id: str
    model_id: str
    admission: str
    ward: str
    zones: tuple[str, ...]
    bound: bool
    streaming: bool
    ahead: bool
    running: int
    free: int

    @property
    def in_use(self) -> bool:
        """Whether a patient needs it."""
        return self.bound or self.streaming


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An item as lists show it: no patient, only the bed and whether it is in use."""

    item: Item
    name: str
    serial: str
    firmware: str
    ward: str
    place: str
    in_use: bool
