"""What a preview of a list says, as values."""

from __future__ import annotations

import hashlib

import msgspec

from wardbridge.equipment.register.values import Asset, Interface, Model


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A refused row, or a warning of one: ``row`` as the file counts (1 are the headings), 0 for the whole file."""

    row: int
    column: str
    reason: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A field that would change."""

    field: str
    old: str
    new: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A row that creates (``by`` '') or changes a machine or model; ``by`` is what it was recognised by: device id,
    asset number, serial number, UDI, MAC or wire (first heard there, now registered)."""

    row: int
    device_id: str
    name: str
    by: str
    changes: tuple[Difference, ...] = ()


class Seat(msgspec.Struct, frozen=True):
    """Names of a place."""

    ward: str = ""
    room: str = ""
    bed: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a list would do to the register. ``seats`` are places by device id, made when it is applied; ``heard`` are
    machines of the wire that enter the register."""

    rows: int
    said: str
    created: tuple[Line, ...] = ()
    changed: tuple[Line, ...] = ()
    unchanged: int = 0
    refused: tuple[Trouble, ...] = ()
    warnings: tuple[Trouble, ...] = ()
    unknown: tuple[str, ...] = ()
    models: tuple[Line, ...] = ()
    model_rows: tuple[Model, ...] = ()
    assets: tuple[Asset, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    seats: dict[str, Seat] = {}
    heard: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether applying it would change nothing."""
        return not (self.assets or self.interfaces or self.model_rows)

    @property
    def refused_rows(self) -> int:
        """How many rows were refused; one may have several reasons."""
        return len({one.row for one in self.refused})

    @property
    def digest(self) -> str:
        """What this plan says, as a digest: another plan of the same file has another one."""
        said = (self.created, self.changed, self.unchanged, self.refused, self.models)
        return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The register as a plan is made against: everything, and ``heard``: machines of the wire that are in no row, as
    (device id, serial, model)."""

    models: tuple[Model, ...] = ()
    assets: tuple[Asset, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    seats: dict[str, Seat] = {}
    places: dict[str, Seat] = {}
    heard: tuple[tuple[str, str, str], ...] = ()
    merged: dict[str, str] = {}
