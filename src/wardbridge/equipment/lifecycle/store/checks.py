"""Inspections, storage media and certificates of sanitisation."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.core.db import Connection
from wardbridge.equipment.lifecycle.values import Certificate, Inspection, Item, Medium
from wardbridge.equipment.store.rows import Source, put, value


async def save(conn: Connection, inspection: Inspection) -> None:
    """Insert or replace an inspection."""
    await put(conn, "inspection", ("inspection_id",), [inspection])


async def save_items(conn: Connection, items: Sequence[Item]) -> None:
    """Insert or replace results."""
    await put(conn, "inspection_item", ("inspection_id", "item"), items)


async def get(source: Source, inspection_id: str, *, lock: bool = False) -> Inspection | None:
    """One inspection."""
    row = await source.fetchrow(
        f"SELECT * FROM inspection WHERE inspection_id = $1 {'FOR UPDATE' if lock else ''}", inspection_id
    )
    return value(row, Inspection) if row else None


async def open_of(source: Source, device_id: str) -> Inspection | None:
    """The open inspection of a machine."""
    row = await source.fetchrow("SELECT * FROM inspection WHERE device_id = $1 AND state = 'open'", device_id)
    return value(row, Inspection) if row else None


async def inspections(source: Source, device_id: str) -> list[Inspection]:
    """A machine's inspections, the newest first."""
    rows = await source.fetch(
        "SELECT * FROM inspection WHERE device_id = $1 ORDER BY opened_at DESC, inspection_id DESC", device_id
    )
    return [value(row, Inspection) for row in rows]


async def items(source: Source, inspection_id: str) -> list[Item]:
    """What was found so far."""
    rows = await source.fetch("SELECT * FROM inspection_item WHERE inspection_id = $1 ORDER BY item", inspection_id)
    return [value(row, Item) for row in rows]


async def networked(source: Source, device_id: str) -> bool:
    """Whether a machine has an interface, speaks on the wire, or came of a need for a networked one."""
    return bool(
        await source.fetchval(
            """SELECT EXISTS (SELECT FROM interface WHERE device_id = $1)
                OR EXISTS (SELECT FROM device WHERE device_id = $1)
                OR EXISTS (SELECT FROM need_asset JOIN need USING (need_id) WHERE device_id = $1 AND networked)""",
            device_id,
        )
    )


async def save_media(conn: Connection, media: Sequence[Medium]) -> None:
    """Insert or replace storage media."""
    await put(conn, "medium", ("medium_id",), media)


async def media(source: Source, device_id: str) -> list[Medium]:
    """The storage media of a machine, removed ones last."""
    rows = await source.fetch(
        "SELECT * FROM medium WHERE device_id = $1 ORDER BY removed <> '', kind, serial, medium_id", device_id
    )
    return [value(row, Medium) for row in rows]


async def save_certificate(conn: Connection, certificate: Certificate) -> None:
    """Insert or replace a certificate."""
    await put(conn, "sanitisation", ("certificate_id",), [certificate])


async def certificate(source: Source, certificate_id: str, *, lock: bool = False) -> Certificate | None:
    """One certificate."""
    row = await source.fetchrow(
        f"SELECT * FROM sanitisation WHERE certificate_id = $1 {'FOR UPDATE' if lock else ''}", certificate_id
    )
    return value(row, Certificate) if row else None


async def certificates(source: Source, device_id: str) -> list[Certificate]:
    """A machine's certificates, the newest first."""
    rows = await source.fetch(
        "SELECT * FROM sanitisation WHERE device_id = $1 ORDER BY done_at DESC, certificate_id DESC", device_id
    )
    return [value(row, Certificate) for row in rows]
