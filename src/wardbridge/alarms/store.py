"""SQL of the alarms room."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from wardbridge.alarms.limits import Limit
from wardbridge.alarms.news2 import Score
from wardbridge.core.db import Connection, Pool

Source = Connection | Pool


async def open_alarm(conn: Connection, origin: str, key: str) -> Any:
    """The alarm that is open under this key, locked; None where there is none."""
    return await conn.fetchrow(
        "SELECT * FROM alarm WHERE origin = $1 AND key = $2 AND ended IS NULL FOR UPDATE", origin, key
    )


async def insert(conn: Connection, **columns: Any) -> int:
    """A new open alarm. Raises UniqueViolationError when one is open under the same key."""
    names = list(columns)
    marks = ", ".join(f"${at + 1}" for at in range(len(names)))
    return int(
        await conn.fetchval(
            f"INSERT INTO alarm ({', '.join(names)}) VALUES ({marks}) RETURNING alarm_id", *columns.values()
        )
    )


async def update(conn: Connection, alarm_id: int, **columns: Any) -> None:
    """Set columns of one alarm."""
    sets = ", ".join(f"{name} = ${at + 2}" for at, name in enumerate(columns))
    await conn.execute(f"UPDATE alarm SET {sets} WHERE alarm_id = $1", alarm_id, *columns.values())


async def add_event(
    conn: Connection, alarm_id: int, event_id: str, at: int, phase: str, priority: str, state: str, by: str = ""
) -> bool:
    """Keep one event; False where it was there already (a repeated report)."""
    done = await conn.fetchval(
        """INSERT INTO alarm_event (alarm_id, event_id, at, phase, priority, state, by)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING 1""",
        alarm_id,
        event_id,
        at,
        phase,
        priority,
        state,
        by,
    )
    return done is not None


async def seen_event(conn: Connection, origin: str, key: str, event_id: str) -> bool:
    """Whether a report was already counted for any alarm of this key, open or over."""
    return bool(
        await conn.fetchval(
            """SELECT EXISTS (SELECT 1 FROM alarm_event e JOIN alarm a USING (alarm_id)
                          WHERE a.origin = $1 AND a.key = $2 AND e.event_id = $3)""",
            origin,
            key,
            event_id,
        )
    )


async def last_ended(conn: Connection, origin: str, key: str) -> int:
    """When the newest alarm of this key ended, in the alarm's own time; 0 where none did."""
    return int(
        await conn.fetchval(
            "SELECT coalesce(max(last), 0) FROM alarm WHERE origin = $1 AND key = $2 AND ended IS NOT NULL", origin, key
        )
    )


async def end_unheard(conn: Connection, device_id: str, received: int) -> int:
    """End the open alarms of a device that it did not name again at ``received``; how many."""
    done = await conn.execute(
        """WITH over AS (UPDATE alarm SET state = 'inactive', ended = $2 WHERE origin = 'device' AND device_id = $1
                         AND ended IS NULL AND heard < $2 RETURNING alarm_id, priority)
           INSERT INTO alarm_event (alarm_id, event_id, at, phase, priority, state)
           SELECT alarm_id, '', $2, 'end', priority, 'inactive' FROM over""",
        device_id,
        received,
    )
    return int(done.split()[-1])


async def reopen(conn: Connection, key: str, received: int) -> None:
    """Take back an end that a new connection brought in the very batch that now names the alarm again."""
    await conn.execute(
        """UPDATE alarm SET ended = NULL, state = 'active' WHERE origin = 'device' AND key = $1 AND ended = $2
           AND NOT EXISTS (SELECT 1 FROM alarm a WHERE a.origin = 'device' AND a.key = $1 AND a.ended IS NULL)""",
        key,
        received,
    )


_COLUMNS = """alarm_id, origin, key, device_id, patient_id, place_id, slot, channel, code, text, value, limit_text,
              priority, kind, state, inactivation, since, last, ended, acknowledged_by, acknowledged_at"""
_ORDER = "array_position(ARRAY['high', 'medium', 'low', 'info'], priority), since DESC"


async def active(source: Source, places: Sequence[str] | None = None) -> list[Any]:
    """Open alarms, the highest priority first; those of ``places`` only where it is not None."""
    return list(
        await source.fetch(
            f"""SELECT {_COLUMNS} FROM alarm WHERE ended IS NULL AND ($1::text[] IS NULL OR place_id = ANY($1))
            ORDER BY {_ORDER}""",
            None if places is None else list(places),
        )
    )


async def past(source: Source, place_id: str, since: int, limit: int) -> list[Any]:
    """Alarms of a place that are over, newest first."""
    return list(
        await source.fetch(
            f"""SELECT {_COLUMNS} FROM alarm WHERE place_id = $1 AND ended IS NOT NULL AND since >= $2
            ORDER BY since DESC LIMIT $3""",
            place_id,
            since,
            limit,
        )
    )


async def by_id(conn: Source, alarm_id: int) -> Any:
    return await conn.fetchrow(f"SELECT {_COLUMNS} FROM alarm WHERE alarm_id = $1", alarm_id)


async def open_of(conn: Source, origin: str) -> list[Any]:
    """Every open alarm of one origin."""
    return list(await conn.fetch(f"SELECT {_COLUMNS} FROM alarm WHERE origin = $1 AND ended IS NULL", origin))


async def limits(source: Source, scopes: Sequence[str] | None = None) -> dict[str, list[Limit]]:
    """Stored limits by scope; of every scope where ``scopes`` is None."""
    rows = await source.fetch(
        "SELECT * FROM alarm_limit WHERE $1::text[] IS NULL OR scope = ANY($1)",
        None if scopes is None else list(scopes),
    )
    found: dict[str, list[Limit]] = {}
    for row in rows:
        found.setdefault(row["scope"], []).append(
            Limit(
                row["slot"],
                row["low"],
                row["high"],
                row["priority"],
                row["delay_seconds"],
                row["scope"],
                row["by"],
                row["at"],
            )
        )
    return found


async def put_limit(conn: Source, scope: str, limit: Limit) -> None:
    await conn.execute(
        """INSERT INTO alarm_limit (scope, slot, low, high, priority, delay_seconds, by, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (scope, slot) DO UPDATE
           SET low = $3, high = $4, priority = $5, delay_seconds = $6, by = $7, at = $8""",
        scope,
        limit.slot,
        limit.low,
        limit.high,
        limit.priority,
        limit.delay_seconds,
        limit.by,
        limit.at,
    )


async def drop_limit(conn: Source, scope: str, slot: str) -> None:
    await conn.execute("DELETE FROM alarm_limit WHERE scope = $1 AND slot = $2", scope, slot)


async def standby(source: Source) -> set[str]:
    """Places on standby: their alarms are kept but not shown."""
    return {row["place_id"] for row in await source.fetch("SELECT place_id FROM bed_standby")}


async def set_standby(conn: Source, place_id: str, on: bool, by: str, at: int) -> None:
    if on:
        await conn.execute(
            "INSERT INTO bed_standby VALUES ($1, $2, $3) ON CONFLICT (place_id) DO NOTHING", place_id, at, by
        )
    else:
        await conn.execute("DELETE FROM bed_standby WHERE place_id = $1", place_id)


async def put_input(
    conn: Connection, patient_id: str, name: str, text: str, number: float | None, time: int, observation_id: str
) -> None:
    """What was charted for a score; the same Observation replaces itself (a correction)."""
    await conn.execute(
        """INSERT INTO score_input VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (patient_id, name, observation_id) DO UPDATE SET text = $3, number = $4, time = $5""",
        patient_id,
        name,
        text,
        number,
        time,
        observation_id,
    )


async def drop_input(conn: Connection, observation_id: str) -> None:
    """An Observation that is entered-in-error or deleted no longer counts."""
    await conn.execute("DELETE FROM score_input WHERE observation_id = $1", observation_id)


async def forget_inputs(conn: Connection, before: int) -> None:
    await conn.execute("DELETE FROM score_input WHERE time < $1", before)


async def inputs(source: Source, patients: Iterable[str], since: int) -> dict[str, dict[str, tuple[str, int]]]:
    """The newest charted text and time of each name, by patient."""
    rows = await source.fetch(
        """SELECT DISTINCT ON (patient_id, name) patient_id, name, text, time FROM score_input
           WHERE patient_id = ANY($1) AND time >= $2 ORDER BY patient_id, name, time DESC""",
        list(patients),
        since,
    )
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for row in rows:
        found.setdefault(row["patient_id"], {})[row["name"]] = (row["text"], row["time"])
    return found


async def cursor(conn: Source, name: str) -> str:
    """How far a reader of the record's change log has come; '' at the beginning."""
    return str(await conn.fetchval("SELECT coalesce(max(mark), '') FROM alarm_cursor WHERE name = $1", name))


async def move_cursor(conn: Connection, name: str, mark: str) -> None:
    await conn.execute(
        "INSERT INTO alarm_cursor VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET mark = $2", name, mark
    )


async def rebase(conn: Connection) -> None:
    """After a logical restore, together with the record's: marks of another cluster go on by sequence alone."""
    await conn.execute(
        """UPDATE alarm_cursor SET mark = '0.' || split_part(mark, '.', 2)
           WHERE mark <> '' AND split_part(mark, '.', 1)::xid8 >= pg_current_xact_id()"""
    )


async def add_score(conn: Source, patient_id: str, name: str, time: int, score: Score) -> None:
    await conn.execute(
        """INSERT INTO score VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7) ON CONFLICT (patient_id, name, time)
           DO UPDATE SET total = $4, band = $5, parts = $6::jsonb, missing = $7""",
        patient_id,
        name,
        time,
        score.total,
        score.band,
        json.dumps(score.parts),
        list(score.missing),
    )


async def scores(source: Source, patients: Iterable[str], name: str, since: int) -> dict[str, list[Any]]:
    """Scores of each patient since ``since``, oldest first, as rows (time, total, band, parts, missing)."""
    rows = await source.fetch(
        """SELECT patient_id, time, total, band, parts, missing FROM score
           WHERE patient_id = ANY($1) AND name = $2 AND time >= $3 ORDER BY patient_id, time""",
        list(patients),
        name,
        since,
    )
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row["patient_id"], []).append(
            (row["time"], row["total"], row["band"], json.loads(row["parts"]), list(row["missing"]))
        )
    return found


async def beat(conn: Source, at: int) -> None:
    """The engine's sign of life."""
    await conn.execute("UPDATE alarm_heartbeat SET at = $1", at)


async def heartbeat(source: Source) -> int:
    return int(await source.fetchval("SELECT at FROM alarm_heartbeat"))


async def ring(conn: Source) -> None:
    """Tell the screens that alarms changed."""
    await conn.execute("SELECT pg_notify('wb_alarm', '')")


async def begun(source: Source, since: int) -> list[tuple[str, bool]]:
    """(place id, acknowledged) of every alarm at a bed that began since ``since``."""
    rows = await source.fetch(
        "SELECT place_id, acknowledged_by <> '' AS acknowledged FROM alarm WHERE since >= $1 AND place_id <> ''", since
    )
    return [(row["place_id"], row["acknowledged"]) for row in rows]
