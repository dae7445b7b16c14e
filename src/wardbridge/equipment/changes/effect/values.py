"""What hangs on a part of the network, as people at the bedside see it. Times in µs."""

from __future__ import annotations

import msgspec


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that would go silent. ``patient_id`` is '' for whoever may not see patients."""

    device_id: str
    name: str
    kind: str
    criticality: str
    ward: str
    room: str
    bed: str
    place: str
    in_use: bool
    switch: str
    port: str
    patient_id: str = ""


class Ward(msgspec.Struct, frozen=True, kw_only=True):
    """What it means for a ward: how many machines, how many of them on patients, at which beds, how many keep alive."""

    ward: str
    machines: int
    in_use: int
    beds: tuple[str, ...]
    life_support: int


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """The effect of a failing switch, port, VLAN, zone or server."""

    what: str
    wards: tuple[Ward, ...]
    machines: tuple[Hit, ...]
    on_patients: int


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """A switch with what hangs on it."""

    switch: str
    machines: int
    in_use: int
    life_support: int
    wards: tuple[str, ...]


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Machines of one switch that fell silent together: ``silent`` of ``heard``, between ``first`` and ``last``."""

    switch: str
    heard: int
    silent: int
    in_use: int
    first: int
    last: int
