"""SQL of schedules and their periods."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.work.plans import Period, Schedule

Source = Connection | Pool
_JSON = msgspec.json.Encoder()
_SCHEDULE = ", ".join(f"s.{name}" for name in Schedule.__struct_fields__)
USABLE = "('accepted', 'in-service', 'maintenance-due', 'in-repair', 'on-loan', 'recalled')"
"""Life-cycle states in which a machine is maintained; the missing and the quarantined wait."""


def _schedule(row: Any) -> Schedule:
    return Schedule(**{name: row[name] for name in Schedule.__struct_fields__})


def _period(row: Any) -> Period:
    return Period(**{name: row[name] for name in Period.__struct_fields__})


async def alone(conn: Connection) -> None:
    """Until this transaction ends nobody else enrols or orders."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('equipment schedules'))")


async def pace(conn: Connection, now: int, most: int) -> int:
    """Up to when this tick looks: ``now`` (µs), but ``most`` after the last one. A clock that went back is followed."""
    found = await conn.fetchval(
        """UPDATE use_cursor SET ticked = CASE WHEN ticked = 0 OR $1 < ticked THEN $1 ELSE least($1, ticked + $2) END
           RETURNING ticked""",
        now,
        most,
    )
    return int(found)


async def put(conn: Connection, rows: Sequence[Schedule]) -> None:
    """Insert or replace schedules."""
    names = Schedule.__struct_fields__
    sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in ("schedule_id", "created"))
    await conn.execute(
        f"""INSERT INTO schedule ({", ".join(names)})
            SELECT {", ".join(names)} FROM jsonb_populate_recordset(NULL::schedule, $1::jsonb)
            ON CONFLICT (schedule_id) DO UPDATE SET {sets}""",
        _JSON.encode(rows).decode(),
    )


async def stop(conn: Connection, schedule_id: str) -> bool:
    """Take a schedule out of use; False where there is none."""
    return bool(
        await conn.fetchval("UPDATE schedule SET active = false WHERE schedule_id = $1 RETURNING 1", schedule_id)
    )


async def get(source: Source, ids: Collection[str]) -> list[Schedule]:
    """Schedules by id."""
    rows = await source.fetch(f"SELECT {_SCHEDULE} FROM schedule s WHERE s.schedule_id = ANY($1)", list(ids))
    return [_schedule(row) for row in rows]


async def every(source: Source, limit: int = 500) -> list[tuple[Schedule, str, int, int]]:
    """Schedules with what they are for, how many machines are on them, and how many of those are overdue now."""
    rows = await source.fetch(
        f"""SELECT {_SCHEDULE}, coalesce(m.manufacturer || ' ' || m.name,
                   coalesce(nullif(a.label, ''), nullif(a.tag, ''), a.serial), '') AS shown,
                   (SELECT count(*) FROM schedule_period p WHERE p.schedule_id = s.schedule_id) AS machines,
                   (SELECT count(*) FROM work w WHERE w.schedule_id = s.schedule_id
                    AND w.state NOT IN ('resolved', 'cancelled')) AS running
            FROM schedule s LEFT JOIN model m USING (model_id) LEFT JOIN asset a ON a.device_id = s.device_id
            ORDER BY s.active DESC, shown, s.name LIMIT $1""",
        limit,
    )
    return [(_schedule(row), row["shown"], row["machines"], row["running"]) for row in rows]


async def of_device(source: Source, device_id: str) -> list[tuple[Schedule, Period, float]]:
    """The schedules that a machine is on, with the running period and the meter's reading."""
    rows = await source.fetch(
        f"""SELECT {_SCHEDULE}, p.schedule_id AS p_schedule_id, p.device_id AS p_device_id, p.period, p.since,
                   p.meter AS p_meter, p.due, p.ordered, coalesce(r.value, 0) AS reading
            FROM schedule_period p JOIN schedule s USING (schedule_id)
            LEFT JOIN meter_now r ON r.device_id = p.device_id AND r.meter = s.meter
            WHERE p.device_id = $1 AND s.active ORDER BY p.due NULLS LAST, s.name""",
        device_id,
    )
    return [(_schedule(row), _joined(row), row["reading"]) for row in rows]


def _joined(row: Any) -> Period:
    return Period(
        schedule_id=row["p_schedule_id"], device_id=row["p_device_id"], period=row["period"], since=row["since"],
        meter=row["p_meter"], due=row["due"], ordered=row["ordered"],
    )  # fmt: skip


async def period_of(conn: Connection, schedule_id: str, device_id: str) -> Period | None:
    """The running period, locked until the transaction ends."""
    row = await conn.fetchrow(
        "SELECT * FROM schedule_period WHERE schedule_id = $1 AND device_id = $2 FOR UPDATE", schedule_id, device_id
    )
    return _period(row) if row else None


async def put_periods(conn: Connection, periods: Sequence[Period]) -> None:
    """Insert or replace running periods."""
    if periods:
        await conn.execute(
            """INSERT INTO schedule_period SELECT * FROM jsonb_populate_recordset(NULL::schedule_period, $1::jsonb)
               ON CONFLICT (schedule_id, device_id) DO UPDATE SET period = excluded.period, since = excluded.since,
                   meter = excluded.meter, due = excluded.due, ordered = excluded.ordered""",
            _JSON.encode(periods).decode(),
        )


async def reading(conn: Connection, device_id: str, meter: str) -> float:
    """What a meter of a machine shows, 0 where it was never read."""
    found = await conn.fetchval("SELECT value FROM meter_now WHERE device_id = $1 AND meter = $2", device_id, meter)
    return float(found or 0)


async def unenrolled(conn: Connection, limit: int) -> list[tuple[str, str, int | None, int | None, float]]:
    """Machines without a period of a schedule that is for them: (schedule, device, last such work that was done,
    installed, the meter's reading). A machine's own schedule goes before its model's of the same kind and name."""
    rows = await conn.fetch(
        f"""SELECT s.schedule_id, a.device_id, w.done, a.installed, coalesce(r.value, 0) AS reading
            FROM schedule s JOIN asset a ON a.device_id = s.device_id OR a.model_id = s.model_id
            LEFT JOIN LATERAL (SELECT max(done_at) AS done FROM work w WHERE w.device_id = a.device_id
                AND w.kind = s.kind AND w.name = s.name AND w.state = 'resolved') w ON true
            LEFT JOIN meter_now r ON r.device_id = a.device_id AND r.meter = s.meter
            WHERE s.active AND a.merged_into IS NULL AND a.state IN {USABLE}
              AND NOT EXISTS (SELECT FROM schedule_period p
                              WHERE p.schedule_id = s.schedule_id AND p.device_id = a.device_id)
              AND NOT (s.model_id IS NOT NULL AND EXISTS (SELECT FROM schedule o WHERE o.device_id = a.device_id
                       AND o.active AND o.kind = s.kind AND o.name = s.name))
            ORDER BY s.schedule_id, a.device_id LIMIT $1""",
        limit,
    )
    return [(r["schedule_id"], r["device_id"], r["done"], r["installed"], r["reading"]) for r in rows]


async def ripe(conn: Connection, now: int, limit: int) -> list[tuple[Schedule, Period, float, int, int | None]]:
    """Periods that may want their order now: (schedule, period, reading, procedure version, its minutes). The exact
    answer is :func:`wardbridge.equipment.work.plans.wants_order`'s; the pace of a meter is judged as there."""
    rows = await conn.fetch(
        f"""SELECT {_SCHEDULE}, p.schedule_id AS p_schedule_id, p.device_id AS p_device_id, p.period, p.since,
                   p.meter AS p_meter, p.due, p.ordered, coalesce(r.value, 0) AS reading,
                   coalesce(c.version, 0) AS version, c.minutes AS c_minutes
            FROM schedule_period p JOIN schedule s USING (schedule_id)
            JOIN asset a ON a.device_id = p.device_id
            LEFT JOIN meter_now r ON r.device_id = p.device_id AND r.meter = s.meter
            LEFT JOIN LATERAL (SELECT version, minutes FROM procedure c WHERE c.procedure_id = s.procedure_id
                               ORDER BY version DESC LIMIT 1) c ON true
            WHERE NOT p.ordered AND s.active AND a.merged_into IS NULL AND a.state IN {USABLE}
              AND (p.due <= $1 + s.ahead_days * {DAY}::bigint
                   OR (s.every IS NOT NULL AND r.value - p.meter > 0 AND $1 > p.since
                       AND (s.every - (r.value - p.meter)) / (r.value - p.meter) * ($1 - p.since)
                           <= s.ahead_days * {DAY}::bigint))
            ORDER BY p.due NULLS FIRST, p.device_id, p.schedule_id LIMIT $2""",
        now,
        limit,
    )
    return [(_schedule(row), _joined(row), row["reading"], row["version"], row["c_minutes"]) for row in rows]
