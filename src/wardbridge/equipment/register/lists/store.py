"""SQL of lists: the whole register in a few statements."""

from __future__ import annotations

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.register import store
from wardbridge.equipment.register.lists.values import Known, Seat
from wardbridge.equipment.register.store import values
from wardbridge.equipment.register.values import Asset

Source = Connection | Pool
_LOCK = 0x57524547


async def lock(conn: Connection) -> None:
    """One list at a time, until the transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def known(source: Source) -> Known:
    """The register as plans are made against it, and the machines of the wire that are in none of its rows."""
    rows = await source.fetch("SELECT * FROM asset WHERE merged_into IS NULL ORDER BY device_id")
    assets = tuple(values(row, Asset) for row in rows)
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
