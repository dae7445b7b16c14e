"""Counters, rings and refusals of the pipeline."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from wardbridge.core.db import Connection, Pool


class Refused(msgspec.Struct, frozen=True):
    """An entry of the intake log that could not be used. ``at`` in µs since the epoch."""

    sequence: int
    kind: str
    link: str
    stage: str
    reason: str
    at: int


async def count(conn: Connection, counts: Mapping[str, int]) -> None:
    """Add to the lasting counters."""
    found = sorted((name, number) for name, number in counts.items() if number)
    if found:
        await conn.execute(
            """
            INSERT INTO pipeline_count AS c SELECT * FROM unnest($1::text[], $2::bigint[])
            ON CONFLICT (name) DO UPDATE SET count = c.count + excluded.count""",
            [f[0] for f in found],
            [f[1] for f in found],
        )


async def counts(pool: Pool | Connection) -> dict[str, int]:
    """The lasting counters by name."""
    return {r["name"]: r["count"] for r in await pool.fetch("SELECT * FROM pipeline_count ORDER BY name")}


async def refused(pool: Pool | Connection, limit: int = 100) -> list[Refused]:
    """What could not be used, newest first."""
    rows = await pool.fetch("SELECT * FROM refused ORDER BY at DESC, sequence DESC LIMIT $1", limit)
    return [Refused(**dict(r)) for r in rows]


async def ring(pool: Pool, *, alarms: bool, record: bool) -> None:
    """Wake those who read what was committed just now."""
    names = ["wb_live", *(["wb_alarm"] if alarms else []), *(["wb_record"] if record else [])]
    await pool.execute("; ".join(f"NOTIFY {name}" for name in names))
