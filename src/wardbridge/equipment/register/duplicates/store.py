"""SQL of duplicates."""

from __future__ import annotations

import msgspec

from wardbridge.core.db import Connection, Pool

Source = Connection | Pool
MOST_ALIKE = 10
"""A value that more machines share tells nothing (serial number "none")."""


class Pair(msgspec.Struct, frozen=True):
    """Two machines that may be one; ``why``: serial, udi, mac, tag."""

    one: str
    other: str
    why: tuple[str, ...]


async def pairs(source: Source, limit: int = 500) -> list[Pair]:
    """Candidates, those with the most reasons first, without those that somebody said are two."""
    rows = await source.fetch(
        """
        WITH alike AS (
            SELECT 'serial' AS why, lower(m.manufacturer) || chr(31) || lower(a.serial) AS value, a.device_id
            FROM asset a JOIN model m USING (model_id) WHERE a.serial <> '' AND a.merged_into IS NULL
            UNION ALL
            SELECT 'udi', a.di || chr(31) || lower(a.serial), a.device_id FROM asset a
            WHERE a.di <> '' AND a.serial <> '' AND a.merged_into IS NULL
            UNION ALL
            SELECT DISTINCT 'mac', i.mac, i.device_id FROM interface i JOIN asset a USING (device_id)
            WHERE i.mac <> '' AND a.merged_into IS NULL
            UNION ALL
            SELECT 'tag', t.plain, t.device_id
            FROM (SELECT device_id, regexp_replace(lower(tag), '[^a-z0-9]', '', 'g') AS plain FROM asset
                  WHERE tag <> '' AND merged_into IS NULL) t WHERE t.plain <> ''),
        shared AS (SELECT why, value FROM alike GROUP BY 1, 2 HAVING count(*) BETWEEN 2 AND $2)
        SELECT a.device_id AS one, b.device_id AS other, array_agg(DISTINCT a.why ORDER BY a.why) AS why
        FROM shared s JOIN alike a USING (why, value) JOIN alike b USING (why, value)
        WHERE a.device_id < b.device_id
          AND NOT EXISTS (SELECT 1 FROM distinct_machines d WHERE d.one = a.device_id AND d.other = b.device_id)
        GROUP BY 1, 2 ORDER BY count(DISTINCT a.why) DESC, 1, 2 LIMIT $1""",
        limit,
        MOST_ALIKE,
    )
    return [Pair(row["one"], row["other"], tuple(row["why"])) for row in rows]


async def say_distinct(conn: Connection, one: str, other: str, reason: str) -> None:
    """These are two machines."""
    await conn.execute(
        """INSERT INTO distinct_machines VALUES ($1, $2, $3)
           ON CONFLICT (one, other) DO UPDATE SET reason = excluded.reason""",
        min(one, other), max(one, other), reason,
    )  # fmt: skip


async def move(conn: Connection, loser: str, winner: str) -> None:
    """Give everything of the register that hangs on one machine to the other. An interface that the other has too goes,
    a version of a moment for which the other has one stays where it was."""
    await conn.execute(
        """DELETE FROM interface l USING interface w WHERE l.device_id = $1 AND w.device_id = $2
           AND (l.mac, l.ip, l.name) = (w.mac, w.ip, w.name)""",
        loser, winner,
    )  # fmt: skip
    await conn.execute("UPDATE interface SET device_id = $2 WHERE device_id = $1", loser, winner)
    await conn.execute(
        """UPDATE software l SET device_id = $2 WHERE device_id = $1 AND NOT EXISTS (
               SELECT 1 FROM software w WHERE w.device_id = $2 AND (w.component, w.since) = (l.component, l.since))""",
        loser, winner,
    )  # fmt: skip
    await conn.execute("UPDATE accessory SET device_id = $2 WHERE device_id = $1", loser, winner)
    await conn.execute("UPDATE suggestion SET device_id = $2 WHERE device_id = $1", loser, winner)
    await conn.execute("UPDATE asset SET parent_id = $2 WHERE parent_id = $1", loser, winner)


async def on_wire(source: Source, device_ids: list[str]) -> dict[str, str]:
    """Admission of those of these machines that were heard on the wire."""
    rows = await source.fetch("SELECT device_id, state FROM device WHERE device_id = ANY($1)", device_ids)
    return {row[0]: row[1] for row in rows}


async def merged_into(source: Source, device_id: str) -> list[tuple[str, str, str]]:
    """(device id, asset number, serial number) of machines that were merged into this one."""
    rows = await source.fetch(
        """WITH RECURSIVE down AS (
               SELECT device_id, tag, serial FROM asset WHERE merged_into = $1
               UNION ALL
               SELECT a.device_id, a.tag, a.serial FROM down JOIN asset a ON a.merged_into = down.device_id)
           SELECT * FROM down ORDER BY device_id""",
        device_id,
    )
    return [(row[0], row[1], row[2]) for row in rows]
