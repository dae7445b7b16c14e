"""What hangs on a machine or is built into it."""

from __future__ import annotations

import msgspec

KINDS = ("accessory", "part", "battery", "consumable")


class Accessory(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``accessory``; ``accessory_id`` is also the id of its FHIR Device. Times are µs since the epoch (UTC);
    ``removed`` None while it is in place, ``replaces`` the one that it came for."""

    accessory_id: str
    device_id: str
    kind: str
    name: str
    fitted: int
    part_number: str = ""
    serial: str = ""
    lot: str = ""
    expires: int | None = None
    removed: int | None = None
    replaces: str | None = None
    note: str = ""
