"""SQL of lists: the whole register in a few statements."""

from __future__ import annotations

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.register import store
from wardbridge.equipment.register.lists.values import Known, Seat
from wardbridge.equipment.register.values import Asset
from wardbridge.equipment.store.rows import value

Source = Connection | Pool
_LOCK = 0x57524547


async def lock(conn: Connection) -> None:
    """One list at a time, until the transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def known(source: Source) -> Known:
    """The register as plans are made against it, and the machines of the wire that are in none of its rows."""
    rows = await source.fetch("SELECT * FROM asset WHERE merged_into IS NULL ORDER BY device_id")
    assets = tuple(value(row, Asset) for row in rows)
    places = {row["place_id"]: Seat(row["ward"], row["room"], row["bed"])
              for row in await source.fetch("SELECT place_id, ward, room, bed FROM place")}  # fmt: skip
    merged = await source.fetch("SELECT device_id, merged_into FROM asset WHERE merged_into IS NOT NULL")
    heard = await source.fetch(
        """SELECT d.device_id, d.identity ->> 'serial' AS serial, coalesce(d.identity ->> 'model', '') AS model
           FROM device d WHERE d.identity ->> 'serial' <> '' AND d.state <> 'retired'
             AND NOT EXISTS (SELECT 1 FROM asset a WHERE a.device_id = d.device_id)"""
    )
    ids = {asset.device_id for asset in assets}
    return Known(
        models=tuple(await store.models(source)),
        assets=assets,
        interfaces=tuple(one for one in await store.interfaces(source) if one.device_id in ids),
        seats={asset.device_id: places[asset.place_id] for asset in assets if asset.place_id in places},
        places=places,
        heard=tuple((row["device_id"], row["serial"], row["model"]) for row in heard),
        merged={row["device_id"]: row["merged_into"] for row in merged},
    )


async def keep_upload(
    conn: Connection,
    upload_id: str,
    purpose: str,
    name: str,
    digest: str,
    content: bytes,
    person: str,
    at: int,
    ttl: int,
) -> None:
    """Keep a file until its sender has seen the preview; those older than ``ttl`` µs go."""
    await conn.execute("DELETE FROM upload WHERE made < $1", at - ttl)
    await conn.execute(
        "INSERT INTO upload VALUES ($1, $2, $3, $4, $5, $6, $7)", upload_id, purpose, name, digest, content, person, at
    )


async def upload(source: Source, upload_id: str, person: str, since: int) -> tuple[str, bytes] | None:
    """(name, content) of a file that this person sent since then."""
    row = await source.fetchrow(
        "SELECT name, content FROM upload WHERE upload_id = $1 AND person_id = $2 AND made >= $3",
        upload_id, person, since,
    )  # fmt: skip
    return None if row is None else (row["name"], row["content"])


async def drop_upload(conn: Connection, upload_id: str) -> None:
    """The file is done with."""
    await conn.execute("DELETE FROM upload WHERE upload_id = $1", upload_id)
