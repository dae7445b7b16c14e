"""What was seen, and what is suggested, as values."""

from __future__ import annotations

from typing import Any

import msgspec


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What one entry of an export says of one network interface or machine; '' for what it does not. ``mac`` and ``ip``
    as the register writes them. ``at`` in µs, None where the export has no time."""

    mac: str = ""
    ip: str = ""
    hostname: str = ""
    name: str = ""
    vlan: int | None = None
    switch: str = ""
    port: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    tag: str = ""
    firmware: str = ""
    label: str = ""
    place: str = ""
    at: int | None = None


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """What a file held: its ``kind`` (dhcp, arp, lldp, netbox), the sightings, and how many entries were passed over,
    by why."""

    kind: str
    sightings: tuple[Sighting, ...] = ()
    passed: dict[str, int] = {}


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``suggestion``. ``kind``: machine (not in the register), module (of a machine that is), interface (of
    ``device_id``: new or changed), identity (the device says otherwise than the register). ``seen`` is what the source
    said; ``key`` what it is recognised by when it is seen again."""

    suggestion_id: str
    key: str
    kind: str
    source: str
    seen: dict[str, Any]
    first_seen: int
    last_seen: int
    device_id: str = ""
    state: str = "open"
    by: str = ""
    decided: int | None = None
    reason: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What an export led to: suggestions that are new, that were known, entries that the register has as they are."""

    kind: str
    seen: int
    fresh: int
    again: int
    same: int
    passed: dict[str, int] = {}
