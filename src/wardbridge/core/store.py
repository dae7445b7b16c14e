"""SQL of the core room: what processes say of themselves, and the lock of the one leader."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from wardbridge.core.db import AWAY, Connection, Pool

Source = Connection | Pool
_LEADER = 0x57424C44


class State(msgspec.Struct, frozen=True):
    """``counters`` and ``gauges`` by metric name, each a number or numbers by label; ``links`` as told."""

    process: str
    at: int
    pid: int
    data: dict[str, Any]


async def put_state(source: Source, process: str, at: int, data: dict[str, Any]) -> None:
    """Say what a process is doing; ``at`` in µs."""
    await source.execute(
        """INSERT INTO process_state VALUES ($1, $2, $3, $4::jsonb)
           ON CONFLICT (process) DO UPDATE SET at = $2, pid = $3, data = $4::jsonb""",
        process,
        at,
        os.getpid(),
        json.dumps(data),
    )


async def states(source: Source, since: int = 0) -> list[State]:
    """States said since ``since`` (µs)."""
    rows = await source.fetch("SELECT process, at, pid, data FROM process_state WHERE at >= $1 ORDER BY process", since)
    return [State(row["process"], row["at"], row["pid"], json.loads(row["data"])) for row in rows]


async def forget_states(source: Source, process: str = "") -> None:
    """Forget what ``process`` (all where none is named) said: it is not running."""
    await source.execute("DELETE FROM process_state WHERE $1 IN ('', process)", process)


async def lead(conn: Connection) -> bool:
    """Become the one leader for as long as this connection lives; False where another is."""
    return bool(await conn.fetchval("SELECT pg_try_advisory_lock($1)", _LEADER))


async def ping(source: Source) -> bool:
    """Whether the database answers."""
    return bool(await source.fetchval("SELECT true"))


async def size(source: Source) -> int:
    """Bytes of the whole database on disk."""
    return int(await source.fetchval("SELECT pg_database_size(current_database())"))


@asynccontextmanager
async def doorbell(pool: Pool, channels: Sequence[str], ring: Callable[[str], None]) -> AsyncIterator[asyncio.Event]:
    """Call ``ring`` with the channel at each NOTIFY; the event is set when the connection is lost.

    A ring may be missed while nobody listens: whoever waits for one also looks by itself now and then.
    """
    gone = asyncio.Event()

    def heard(_conn: Any, _pid: int, channel: str, _payload: str) -> None:
        ring(channel)

    def lost(*_: Any) -> None:
        gone.set()

    async with pool.acquire() as conn:
        conn.add_termination_listener(lost)
        for channel in channels:
            await conn.add_listener(channel, heard)
        try:
            yield gone
        finally:
            with suppress(*AWAY):  # a connection that was lost has left the pool already
                conn.remove_termination_listener(lost)
                for channel in channels:
                    await conn.remove_listener(channel, heard)
