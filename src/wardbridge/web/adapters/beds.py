"""Beds with who lies in them and which machines stand there, as one read of the devices room."""

from __future__ import annotations

import msgspec

from wardbridge.core.db import Pool
from wardbridge.devices.store import people, places, registry
from wardbridge.devices.store.people import Person
from wardbridge.devices.store.places import Place
from wardbridge.devices.store.registry import Device


class BedNow(msgspec.Struct, frozen=True):
    """One bed; ``person`` is None where nobody lies in it."""

    place: Place
    person: Person | None
    devices: tuple[Device, ...]


async def beds(pool: Pool, ward: str = "") -> list[BedNow]:
    """Every bed of a ward (of the house when '') in the order of their names."""
    known = [place for place in await places.every(pool, ward) if place.bed]
    machines = await registry.devices(pool, state="accepted")
    found = []
    async with pool.acquire() as conn:
        for place in sorted(known, key=_order):
            here = tuple(device for device in machines if device.place_id == place.place_id)
            patient = next((device.patient_id for device in here if device.patient_id), "")
            found.append(BedNow(place, await people.person(conn, patient) if patient else None, here))
    return found


def _order(place: Place) -> tuple[str, str, int, str]:
    digits = "".join(c for c in place.bed if c.isdigit())
    return place.ward, place.room, int(digits) if digits else 0, place.bed
