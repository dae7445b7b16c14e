"""The read side for screens: beds with who lies in them and what stands at them; intervals; what waits.

Everything is a frozen value; times are µs since the epoch. Values, alarms and maintenance are joined by the
rooms above.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from wardbridge.core.clock import SECOND
from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import NotFound
from wardbridge.devices.store import board as store
from wardbridge.devices.store import places, registry
from wardbridge.devices.store.board import Interval, Lying
from wardbridge.devices.store.people import Person
from wardbridge.devices.store.places import Place
from wardbridge.devices.store.registry import Device
from wardbridge.telemetry import store as telemetry
from wardbridge.telemetry.values import Last

SLACK = 2 * SECOND
"""What a device's time may lie before the interval in which it was received: its clock is never exact."""


class Bed(msgspec.Struct, frozen=True):
    """One bed now. ``patient`` is None where nobody lies in it, or where several do (``shared``: nobody is
    chosen then). Without ADT the patient is the one that every bound device of the bed is on. ``devices``
    are the machines that stand there, with their own ``patient_id``; ``since`` is the start of the stay."""

    place_id: str
    ward: str
    room: str = ""
    bed: str = ""
    label: str = ""
    location_id: str = ""
    patient: Person | None = None
    since: int = 0
    visit: str = ""
    encounter_id: str = ""
    shared: tuple[Person, ...] = ()
    devices: tuple[Device, ...] = ()

    @property
    def patient_id(self) -> str:
        """The patient's id, empty for none."""
        return self.patient.patient_id if self.patient is not None else ""

    @property
    def conflict(self) -> bool:
        """Whether somebody should look: two patients in the bed, or a device that contradicts."""
        return bool(self.shared) or any(d.conflict for d in self.devices)


async def wards(pool: Pool | Connection) -> list[tuple[str, int, int]]:
    """(ward, beds, beds with a patient) by name."""
    return await store.wards(pool)


async def beds(pool: Pool | Connection, ward: str = "") -> list[Bed]:
    """Every bed (of a ward), in the order of their names."""
    found = [p for p in await places.every(pool, ward) if p.bed or p.room]
    return await _beds(pool, found)


async def ward(pool: Pool | Connection, name: str) -> list[Bed]:
    """The beds of one ward. Raises NotFound for a ward without a bed."""
    found = await beds(pool, name)
    if not found:
        raise NotFound("no such ward", f"ward/{name}")
    return found


async def bed(pool: Pool | Connection, place_id: str) -> Bed:
    """One bed. Raises NotFound."""
    place = await store.place(pool, place_id)
    if place is None:
        raise NotFound("no such bed", f"place/{place_id}")
    return (await _beds(pool, [place]))[0]


async def current(pool: Pool | Connection, beds: Sequence[Bed]) -> dict[str, list[Last]]:
    """By device: the last values that belong to who lies in the bed now.

    What an accepted device measured before its running interval began was somebody else's; a device that is
    not accepted, or bound to another patient or in conflict, says nothing of this bed.
    """
    since: dict[str, tuple[int, int]] = {}
    for one in beds:
        patient = one.patient.patient_id if one.patient else ""
        for device in one.devices:
            if device.state == "accepted" and device.patient_id == patient and not device.conflict:
                since[device.device_id] = (device.bound_since, device.clock_offset_us or 0)
    values = await telemetry.last_values(pool, list(since))
    return {
        device_id: [
            last for last in values.get(device_id, ()) if last.received >= start and last.time + offset >= start - SLACK
        ]
        for device_id, (start, offset) in since.items()
    }


async def patients_of(pool: Pool | Connection, device_id: str, limit: int = 200) -> list[Interval]:
    """The patients that a device measured, newest first."""
    return await store.intervals(pool, device_id=device_id, limit=limit)


async def devices_of(pool: Pool | Connection, patient_id: str, limit: int = 200) -> list[Interval]:
    """The devices that measured a patient, newest first."""
    return await store.intervals(pool, patient_id=patient_id, limit=limit)


async def unbound(pool: Pool | Connection, device_id: str = "", limit: int = 200) -> list[Interval]:
    """Data that is nobody's yet and can be claimed, newest first."""
    return await store.unbound(pool, device_id=device_id, limit=limit)


async def conflicts(pool: Pool | Connection, *, running: bool = True) -> list[Interval]:
    """Where facts contradict each other."""
    return await store.conflicts(pool, running=running)


async def queue(pool: Pool | Connection) -> list[Device]:
    """Unknown devices that wait to be accepted, quarantined or put into the workshop."""
    return await registry.devices(pool, state="unknown")


async def people(pool: Pool | Connection, patient_ids: Sequence[str]) -> dict[str, Person]:
    """What a board shows of these patients, by id."""
    return await store.people(pool, patient_ids)


async def find_patients(pool: Pool | Connection, text: str, limit: int = 20) -> list[Person]:
    """Patients by the start of their name, or by number."""
    return await store.find(pool, text.strip(), limit) if text.strip() else []


async def _beds(pool: Pool | Connection, found: Sequence[Place]) -> list[Bed]:
    ids = [place.place_id for place in found]
    lying: dict[str, list[Lying]] = defaultdict(list)
    for one in await store.lying(pool, ids):
        lying[one.place_id].append(one)
    devices: dict[str, list[Device]] = defaultdict(list)
    for device in await registry.devices(pool, ids=await store.standing(pool, ids)):
        devices[device.place_id].append(device)
    bound = {d.patient_id for some in devices.values() for d in some if d.patient_id}
    known = await store.people(pool, sorted(bound))
    return [_bed(place, lying[place.place_id], devices[place.place_id], known) for place in found]


def _bed(place: Place, lying: Sequence[Lying], devices: Sequence[Device], known: dict[str, Person]) -> Bed:
    here = Bed(
        place.place_id, place.ward, place.room, place.bed, place.label, place.location_id, devices=tuple(devices)
    )
    if len(lying) > 1:
        return msgspec.structs.replace(here, shared=tuple(one.person for one in lying))
    if lying:
        one = lying[0]
        return msgspec.structs.replace(
            here, patient=one.person, since=one.start, visit=one.visit, encounter_id=one.encounter_id
        )
    on = {device.patient_id for device in devices if device.patient_id}
    return msgspec.structs.replace(here, patient=known.get(on.pop())) if len(on) == 1 else here


__all__ = [
    "Bed",
    "Device",
    "Interval",
    "Person",
    "bed",
    "beds",
    "conflicts",
    "devices_of",
    "find_patients",
    "patients_of",
    "people",
    "queue",
    "unbound",
    "ward",
    "wards",
]
