"""Wards, rooms and beds."""

from __future__ import annotations

import msgspec

from wardbridge.core.db import Connection, Pool


class Place(msgspec.Struct, frozen=True):
    """A bed, a room, or a ward as such (room and bed empty)."""

    place_id: str
    ward: str
    room: str = ""
    bed: str = ""
    label: str = ""
    location_id: str = ""


async def find(conn: Connection | Pool, ward: str, room: str, bed: str) -> Place | None:
    """A place by its names."""
    r = await conn.fetchrow("SELECT * FROM place WHERE ward = $1 AND room = $2 AND bed = $3", ward, room, bed)
    return None if r is None else Place(**dict(r))


async def get(conn: Connection | Pool, place_id: str) -> Place | None:
    """A place by id."""
    r = await conn.fetchrow("SELECT * FROM place WHERE place_id = $1", place_id)
    return None if r is None else Place(**dict(r))


async def add(conn: Connection, place: Place) -> None:
    """Store a place; one that is there stays."""
    await conn.execute(
        "INSERT INTO place VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        place.place_id,
        place.ward,
        place.room,
        place.bed,
        place.label,
        place.location_id,
    )


async def every(conn: Connection | Pool, ward: str = "") -> list[Place]:
    """All places, or those of a ward, in the order of their names."""
    rows = await conn.fetch("SELECT * FROM place WHERE $1 = '' OR ward = $1 ORDER BY ward, room, bed", ward)
    return [Place(**dict(r)) for r in rows]
