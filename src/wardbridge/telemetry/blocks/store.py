"""Statements over blocks and the hot rows that become blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import asyncpg
import msgspec

from wardbridge.core.clock import DAY, HOUR, MINUTE
from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import NotFound

SPAN = {"wave": MINUTE, "numeric": HOUR}
"""No block spans more device time than this, in µs; a window looks so much further back."""

_TABLE = {"wave": "telemetry_wave", "numeric": "telemetry_numeric"}


class Block(msgspec.Struct, frozen=True, gc=False):
    """A block ready to be stored. ``received`` is that of its newest sample."""

    channel: int
    start: int
    stop: int
    received: int
    count: int
    body: bytes
    level: bytes


class Found(msgspec.Struct, frozen=True, gc=False):
    """Bytes of one source: ``hot`` (with device and receive time), ``numeric`` or ``wave``."""

    source: str
    channel: int
    device_id: str
    received: int
    body: bytes


async def kind(pool: Pool | Connection, channel_id: int) -> str:
    """``numeric``, ``wave`` or ``text``. Raises NotFound."""
    found: str | None = await pool.fetchval("SELECT kind FROM channel WHERE channel_id = $1", channel_id)
    if found is None:
        raise NotFound(f"no channel {channel_id}", f"channel/{channel_id}")
    return found


async def ripe(pool: Pool, before: int) -> list[str]:
    """Devices with hot rows received before ``before``."""
    return [
        row["device_id"]
        for row in await pool.fetch(
            "SELECT DISTINCT device_id FROM telemetry_hot WHERE received < $1 ORDER BY 1", before
        )
    ]


async def take(conn: Connection, device_id: str, before: int, limit: int) -> list[Found]:
    """Take hot rows of one device away, oldest first. They are gone when the transaction commits.

    Nothing while another compactor works on the same device.
    """
    if not await conn.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 7))", device_id):
        return []
    rows = await conn.fetch(
        """DELETE FROM telemetry_hot WHERE sequence IN (
               SELECT sequence FROM telemetry_hot WHERE device_id = $1 AND received < $2
               ORDER BY received, sequence LIMIT $3)
           RETURNING device_id, received, body""",
        device_id,
        before,
        limit,
    )
    return [Found("hot", 0, row["device_id"], row["received"], row["body"]) for row in rows]


async def insert(conn: Connection, kind: str, blocks: Sequence[Block]) -> None:
    """Store ``blocks`` of ``kind`` (wave or numeric)."""
    if not blocks:
        return
    await _ensure_days(conn, _TABLE[kind], {block.received // DAY for block in blocks})
    await conn.execute(
        f"""INSERT INTO {_TABLE[kind]} (channel_id, start, stop, received, count, body, level)
            SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::bytea[],
                                 $7::bytea[])""",
        [b.channel for b in blocks],
        [b.start for b in blocks],
        [b.stop for b in blocks],
        [b.received for b in blocks],
        [b.count for b in blocks],
        [b.body for b in blocks],
        [b.level for b in blocks],
    )


async def _ensure_days(conn: Connection, parent: str, days: Iterable[int]) -> None:
    for day in sorted(days):
        name = f"{parent}_{day}"
        if await _exists(conn, name):
            continue
        await conn.execute("SELECT pg_advisory_xact_lock(hashtext('telemetry_partitions'))")
        if not await _exists(conn, name):
            # ATTACH locks less than CREATE ... PARTITION OF: readers and writers go on.
            await conn.execute(
                f"CREATE TABLE {name} (LIKE {parent} INCLUDING DEFAULTS INCLUDING STORAGE) "
                "WITH (toast_tuple_target = 8160)"
            )
            await conn.execute(
                f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ({day * DAY}) TO ({(day + 1) * DAY})"
            )


async def _exists(conn: Connection, table: str) -> bool:
    # Not to_regclass: behind the advisory lock it may answer from a cache filled before.
    found: bool = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM pg_class WHERE relname = $1 AND relnamespace = current_schema()::regnamespace)",
        table,
    )
    return found


async def fetch(
    pool: Pool | Connection, channel_ids: Sequence[int], start: int, end: int, levels: bool = False
) -> list[Found]:
    """All bytes that may hold samples of the channels in [start, end), of one moment (one statement:
    what a compaction moves meanwhile is seen once). ``levels``: of blocks their levels instead."""
    column = "level" if levels else "body"
    rows: list[asyncpg.Record] = await pool.fetch(
        f"""SELECT 'hot' AS source, 0 AS channel_id, h.device_id, h.received, h.body AS body FROM telemetry_hot h
            WHERE h.device_id IN (SELECT c.device_id FROM channel c WHERE c.channel_id = ANY ($1))
              AND h.start < $3 AND h.stop > $2
            UNION ALL
            SELECT 'numeric', b.channel_id, '', b.received, b.{column} FROM telemetry_numeric b
            WHERE b.channel_id = ANY ($1) AND b.start < $3 AND b.start > $2 - {SPAN["numeric"]} AND b.stop > $2
            UNION ALL
            SELECT 'wave', b.channel_id, '', b.received, b.{column} FROM telemetry_wave b
            WHERE b.channel_id = ANY ($1) AND b.start < $3 AND b.start > $2 - {SPAN["wave"]} AND b.stop > $2""",
        list(channel_ids),
        start,
        end,
    )
    return [Found(row["source"], row["channel_id"], row["device_id"], row["received"], row["body"]) for row in rows]


async def drop_days(pool: Pool, kind: str, before: int) -> list[str]:
    """Drop the days of blocks of ``kind`` that were received wholly before ``before``."""
    dropped = []
    async with pool.acquire() as conn:
        rows = await conn.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = to_regclass($1)", _TABLE[kind]
        )
        for name in sorted(row["name"] for row in rows):
            if (int(name.rsplit("_", 1)[1]) + 1) * DAY > before:
                continue
            async with conn.transaction():
                # DROP locks the parent for a moment: rather later than behind a long reader.
                await conn.execute("SET LOCAL lock_timeout = '2s'")
                await conn.execute(f"DROP TABLE {name}")
            dropped.append(name)
    return dropped


async def drop_hot(pool: Pool, before: int, limit: int = 10_000) -> int:
    """Delete hot rows received before ``before`` in bounded steps (where compaction stood still)."""
    total = 0
    while True:
        done = await pool.execute(
            """DELETE FROM telemetry_hot WHERE sequence IN (
                   SELECT sequence FROM telemetry_hot WHERE received < $1 LIMIT $2)""",
            before,
            limit,
        )
        count = int(done.split()[-1])
        total += count
        if count < limit:
            return total
