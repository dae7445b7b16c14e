"""SQL of meters: use hours behind a cursor of the telemetry, times of rest, readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.work.usage import Rest, Use
from wardbridge.security.principal import Principal

Source = Connection | Pool


async def heard(conn: Connection, limit: int) -> tuple[dict[str, list[int]], int]:
    """When each machine was heard, in rows of telemetry behind the cursor, and how many rows; moves the cursor.

    Rows of transactions that may still commit are left for later: none is skipped. Compaction takes rows away after
    some minutes, so the counter goes before it (``app.upkeep``). A second counter waits for the first.
    """
    rows = await conn.fetch(
        """WITH place AS (SELECT xid, sequence FROM use_cursor FOR UPDATE)
           SELECT h.xid, h.sequence, h.device_id, h.received FROM telemetry_hot h
           WHERE (h.xid, h.sequence) > ((SELECT xid FROM place), (SELECT sequence FROM place))
             AND h.xid < pg_snapshot_xmin(pg_current_snapshot())
           ORDER BY h.xid, h.sequence LIMIT $1""",
        limit,
    )
    if not rows:
        return {}, 0
    found: dict[str, list[int]] = {}
    for row in rows:
        found.setdefault(row["device_id"], []).append(row["received"])
    await conn.execute("UPDATE use_cursor SET xid = $1, sequence = $2", rows[-1]["xid"], rows[-1]["sequence"])
    return found, len(rows)


async def rebase(conn: Connection) -> None:
    """After a logical restore: transaction numbers of another cluster mean nothing here."""
    await conn.execute("UPDATE use_cursor SET xid = '0', sequence = 0")


async def uses(source: Source, device_ids: Sequence[str]) -> dict[str, Use]:
    """The use of each machine that has any."""
    rows = await source.fetch("SELECT * FROM use_time WHERE device_id = ANY($1)", list(device_ids))
    return {row["device_id"]: Use(row["use_us"], row["until"]) for row in rows}


async def put_uses(conn: Connection, found: Mapping[str, Use]) -> None:
    """Write how much each machine was used."""
    await conn.execute(
        """INSERT INTO use_time SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
           ON CONFLICT (device_id) DO UPDATE SET use_us = excluded.use_us, until = excluded.until""",
        list(found),
        [use.use_us for use in found.values()],
        [use.until for use in found.values()],
    )


async def rest(conn: Connection, device_id: str, at: int, begins: bool) -> None:
    """A machine begins to rest, or goes on; nothing changes where it said so before."""
    if begins:
        await conn.execute(
            """INSERT INTO use_rest SELECT $1, $2, NULL
               WHERE NOT EXISTS (SELECT FROM use_rest WHERE device_id = $1 AND stop IS NULL) ON CONFLICT DO NOTHING""",
            device_id,
            at,
        )
    else:
        await conn.execute(
            "UPDATE use_rest SET stop = greatest($2, start) WHERE device_id = $1 AND stop IS NULL", device_id, at
        )


async def rests(source: Source, device_ids: Sequence[str]) -> dict[str, list[Rest]]:
    """The times of rest of these machines."""
    rows = await source.fetch(
        "SELECT device_id, start, stop FROM use_rest WHERE device_id = ANY($1) ORDER BY start", list(device_ids)
    )
    found: dict[str, list[Rest]] = {}
    for row in rows:
        found.setdefault(row["device_id"], []).append((row["start"], row["stop"]))
    return found


async def forget_rests(conn: Connection, before: int) -> None:
    """Drop rests that ended before ``before`` (µs): what they concern is counted."""
    await conn.execute("DELETE FROM use_rest WHERE stop < $1", before)


async def add_reading(
    conn: Connection, reading_id: str, device_id: str, meter: str, value: float, at: int, by: Principal
) -> None:
    """Append what somebody read."""
    await conn.execute(
        "INSERT INTO meter_reading VALUES ($1, $2, $3, $4, $5, $6, $7)",
        reading_id, device_id, meter, value, at, by.id, by.display,
    )  # fmt: skip


async def of_device(source: Source, device_id: str) -> list[tuple[str, float, int]]:
    """The meters of a machine: (name, value, as of)."""
    rows = await source.fetch("SELECT meter, value, at FROM meter_now WHERE device_id = $1 ORDER BY meter", device_id)
    return [(row["meter"], row["value"], row["at"]) for row in rows]
