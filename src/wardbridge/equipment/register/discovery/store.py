"""SQL of discovery."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.register.discovery.values import Suggestion

Source = Connection | Pool
_JSON = msgspec.json.Encoder()


async def suggest(conn: Connection, rows: Sequence[Suggestion]) -> int:
    """Keep suggestions; how many are new. What is seen again keeps its state, and brings what it says now when it is
    open."""
    if not rows:
        return 0
    return int(
        await conn.fetchval(
            """
            WITH new AS (
                INSERT INTO suggestion AS s (suggestion_id, key, kind, source, device_id, seen, first_seen, last_seen)
                SELECT suggestion_id, key, kind, source, device_id, seen, first_seen, last_seen
                FROM jsonb_populate_recordset(NULL::suggestion, $1::jsonb)
                ON CONFLICT (source, kind, key) DO UPDATE
                    SET seen = excluded.seen, last_seen = excluded.last_seen, device_id = excluded.device_id
                    WHERE s.state = 'open' AND s.last_seen <= excluded.last_seen
                RETURNING xmax = 0 AS fresh)
            SELECT count(*) FILTER (WHERE fresh) FROM new""",
            _JSON.encode(rows).decode(),
        )
    )


async def suggestions(
    source: Source, *, state: str = "open", ids: Sequence[str] | None = None, limit: int = 200, skip: int = 0
) -> list[Suggestion]:
    """Suggestions of a state, or of these ids, the newest first."""
    rows = await source.fetch(
        """SELECT * FROM suggestion WHERE CASE WHEN $2::text[] IS NULL THEN state = $1 ELSE suggestion_id = ANY($2) END
           ORDER BY last_seen DESC, kind, key LIMIT $3 OFFSET $4""",
        state,
        None if ids is None else list(ids),
        limit,
        skip,
    )
    return [_suggestion(row) for row in rows]


async def lock(conn: Connection, ids: Sequence[str]) -> list[Suggestion]:
    """Suggestions by id, locked until the transaction ends."""
    rows = await conn.fetch(
        "SELECT * FROM suggestion WHERE suggestion_id = ANY($1) ORDER BY suggestion_id FOR UPDATE", list(ids)
    )
    return [_suggestion(row) for row in rows]


def _suggestion(row: msgspec.Raw | dict[str, object]) -> Suggestion:
    found = dict(row)  # type: ignore[arg-type]
    return msgspec.convert(found | {"seen": msgspec.json.decode(str(found["seen"]))}, Suggestion)


async def decide(
    conn: Connection, ids: Sequence[str], state: str, by: str, at: int, reason: str, device_id: str = ""
) -> None:
    """Write what somebody decided; ``device_id`` is the machine that it led to."""
    await conn.execute(
        """UPDATE suggestion SET state = $2, by = $3, decided = $4, reason = $5,
               device_id = CASE WHEN $6 = '' THEN device_id ELSE $6 END
           WHERE suggestion_id = ANY($1)""",
        list(ids), state, by, at, reason, device_id,
    )  # fmt: skip


async def counts(source: Source) -> dict[str, int]:
    """How many suggestions are in each state."""
    return {row[0]: row[1] for row in await source.fetch("SELECT state, count(*) FROM suggestion GROUP BY state")}


async def unregistered(source: Source) -> list[dict[str, object]]:
    """Machines of the wire, and modules of registered machines, that are in no row of the register and were not
    suggested yet. A module that names neither a serial number nor a model is part of its machine, nothing to keep a
    row of."""
    rows = await source.fetch(
        """
        SELECT d.device_id, d.key, d.link, d.first_seen, d.parent_id, d.label, d.identity,
               coalesce(p.label, '') AS place
        FROM device d LEFT JOIN binding b ON b.device_id = d.device_id AND b.stop IS NULL
        LEFT JOIN place p USING (place_id)
        WHERE d.state <> 'retired' AND NOT EXISTS (SELECT 1 FROM asset a WHERE a.device_id = d.device_id)
          AND (d.parent_id IS NULL
               OR ((d.identity ->> 'serial' <> '' OR d.identity ->> 'model' <> '')
                   AND EXISTS (SELECT 1 FROM asset a WHERE a.device_id = d.parent_id)))
          AND NOT EXISTS (SELECT 1 FROM suggestion s WHERE s.source = 'wire' AND s.key = d.device_id)
        ORDER BY d.first_seen LIMIT 1000"""
    )
    return [dict(row) | {"identity": msgspec.json.decode(row["identity"])} for row in rows]


async def settled(source: Source) -> list[str]:
    """Open suggestions of machines on the wire that somebody registered otherwise."""
    rows = await source.fetch(
        """SELECT suggestion_id FROM suggestion s JOIN asset a ON a.device_id = s.key
           WHERE s.state = 'open' AND s.source = 'wire' AND s.kind IN ('machine', 'module')"""
    )
    return [row[0] for row in rows]
