"""Places: ward, room and bed as HL7 PV1-3 names them, each a FHIR Location made on first use."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any

from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid
from wardbridge.devices.ports import Parts
from wardbridge.devices.store import places as store
from wardbridge.devices.store.places import Place

SPACE = uuid.UUID("0f6d2d0a-0a2e-5a0d-8f4f-0f3d6b6c1a55")
PHYSICAL = "http://terminology.hl7.org/CodeSystem/location-physical-type"
IDENTIFIER = "urn:wardbridge:place"


def parse(text: str) -> tuple[str, str, str]:
    """``unit^room^bed`` (PL, components 1 to 3) as three names; surplus components are left out."""
    names = [part.strip() for part in text.split("^")[:3]] + ["", "", ""]
    return names[0], names[1], names[2]


def place_id(ward: str, room: str, bed: str) -> str:
    """A readable id that stays the same for the same names: ``icu-1-r2-b3``, with a digest where letters
    were lost or the parts would run together."""
    parts = [part for part in (ward, room, bed) if part]
    plain = "-".join(re.sub(r"[^a-z0-9]+", "", part.lower()) for part in parts)
    digest = uuid.uuid5(SPACE, "\x1f".join((ward, room, bed))).hex[:8]
    return f"{plain[:40]}-{digest}"


async def ensure(
    parts: Parts, conn: Connection, ward: str, room: str = "", bed: str = "", label: str = ""
) -> Place | None:
    """The place of these names, made with its FHIR Location on first use. None when all names are empty.

    Raises Invalid when a name is longer than 60 characters.
    """
    if not (ward or room or bed):
        return None
    if max(len(ward), len(room), len(bed)) > 60:
        raise Invalid("a name of a place is longer than 60 characters", "PV1-3")
    found = await store.find(conn, ward, room, bed)
    if found is not None:
        return found
    above = await ensure(parts, conn, ward) if (room or bed) and ward else None
    ident = place_id(ward, room, bed)
    place = Place(ident, ward, room, bed, label or bed or room or ward, str(uuid.uuid5(SPACE, ident)))
    await parts.record.put(conn, [location(place, above)])
    await store.add(conn, place)
    return place


async def ensure_many(
    parts: Parts, conn: Connection, names: Sequence[tuple[str, str, str]]
) -> dict[tuple[str, str, str], str]:
    """The ids of the places of these (ward, room, bed), those that are new made together; empty names are left out.

    Raises Invalid when a name is longer than 60 characters.
    """
    wanted = {name for name in names if any(name)}
    if any(len(part) > 60 for name in wanted for part in name):
        raise Invalid("a name of a place is longer than 60 characters", "PV1-3")
    wards = {(ward, "", "") for ward, room, bed in wanted if ward}
    known = {(place.ward, place.room, place.bed): place for place in await store.every(conn)}
    fresh: dict[tuple[str, str, str], Place] = {}
    for ward, room, bed in sorted(wanted | wards):
        if (ward, room, bed) not in known:
            ident = place_id(ward, room, bed)
            label = bed or room or ward
            fresh[ward, room, bed] = Place(ident, ward, room, bed, label, str(uuid.uuid5(SPACE, ident)))
    every = known | fresh
    await parts.record.put(
        conn,
        [
            location(place, every.get((place.ward, "", "")) if place.ward and (place.room or place.bed) else None)
            for place in fresh.values()
        ],
    )
    for place in fresh.values():
        await store.add(conn, place)
    return {name: every[name].place_id for name in wanted}


def location(place: Place, above: Place | None = None) -> dict[str, Any]:
    """The FHIR Location of a place."""
    code, display = ("bd", "Bed") if place.bed else ("ro", "Room") if place.room else ("wa", "Ward")
    resource: dict[str, Any] = {
        "resourceType": "Location",
        "id": place.location_id,
        "identifier": [{"system": IDENTIFIER, "value": place.place_id}],
        "status": "active",
        "name": " ".join(part for part in (place.ward, place.room, place.bed) if part),
        "mode": "instance",
        "physicalType": {"coding": [{"system": PHYSICAL, "code": code, "display": display}]},
    }
    if above is not None:
        resource["partOf"] = {"reference": f"Location/{above.location_id}"}
    return resource
