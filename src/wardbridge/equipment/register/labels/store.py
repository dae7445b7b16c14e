"""SQL of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wardbridge.core.db import Connection, Pool

Source = Connection | Pool


async def tokens(source: Source, device_ids: Sequence[str]) -> dict[str, str]:
    """Token by device id, of those that have one."""
    rows = await source.fetch("SELECT device_id, token FROM label WHERE device_id = ANY($1)", list(device_ids))
    return {row[0]: row[1] for row in rows}


async def put(conn: Connection, found: Mapping[str, str], at: int) -> None:
    """Keep tokens by device id; one that a machine has stays."""
    await conn.execute(
        """INSERT INTO label (device_id, token, made) SELECT d, t, $3 FROM unnest($1::text[], $2::text[]) AS n (d, t)
           ON CONFLICT (device_id) DO NOTHING""",
        list(found), list(found.values()), at,
    )  # fmt: skip


async def drop(conn: Connection, device_id: str) -> None:
    """Take a machine's token away: its printed labels lead nowhere."""
    await conn.execute("DELETE FROM label WHERE device_id = $1", device_id)


async def device(source: Source, token: str) -> str:
    """The device id of a token, '' for none."""
    return str(await source.fetchval("SELECT device_id FROM label WHERE token = $1", token) or "")
