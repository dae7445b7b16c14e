"""How far each feed has read the record."""

from __future__ import annotations

from wardbridge.core.db import Connection


async def mark(conn: Connection, name: str, *, lock: bool = False) -> str | None:
    """The feed's mark, None for a new feed. ``lock`` it until the transaction ends to move it."""
    found: str | None = await conn.fetchval(
        f"SELECT mark FROM feed_cursor WHERE name = $1 {'FOR UPDATE' if lock else ''}", name
    )
    return found


async def begin(conn: Connection, name: str, start: str) -> None:
    """Give a new feed its first mark."""
    await conn.execute("INSERT INTO feed_cursor (name, mark) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, start)


async def move(conn: Connection, name: str, to: str) -> None:
    """Move the mark."""
    await conn.execute("UPDATE feed_cursor SET mark = $2 WHERE name = $1", name, to)


async def rebase(conn: Connection) -> None:
    """After a logical restore, together with ``fhir.store.changes.rebase``: marks of transactions of
    another cluster go on by sequence alone."""
    await conn.execute(
        """UPDATE feed_cursor SET mark = '0.' || split_part(mark, '.', 2)
           WHERE split_part(mark, '.', 1)::xid8 >= pg_current_xact_id()"""
    )
