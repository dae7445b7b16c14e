"""How far each feed has read the record."""

from __future__ import annotations

from wardbridge.core.db import Connection


async def mark(conn: Connection, name: str, start: str) -> str:
    """The feed's mark, ``start`` for a new feed; locked until the transaction ends."""
    await conn.execute("INSERT INTO feed_cursor (name, mark) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, start)
    found: str = await conn.fetchval("SELECT mark FROM feed_cursor WHERE name = $1 FOR UPDATE", name)
    return found


async def move(conn: Connection, name: str, to: str) -> None:
    """Move the mark."""
    await conn.execute("UPDATE feed_cursor SET mark = $2 WHERE name = $1", name, to)


async def rebase(conn: Connection) -> None:
    """After a logical restore, together with ``fhir.store.changes.rebase``: marks of transactions of
    another cluster go on by sequence alone."""
    await conn.execute(
        """UPDATE feed_cursor SET mark = '0.' || split_part(mark, '.', 2)
           WHERE split_part(mark, '.', 1)::xid8 >= pg_current_xact_id()""")
