"""SQL of key figures: each answer is one statement, whatever the number of machines and orders."""

from __future__ import annotations

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.work.figures import Age, Month, Reliability

Source = Connection | Pool
REPEAT = 30 * DAY


async def completion(source: Source, start: int, stop: int, zone: str = "UTC") -> list[Month]:
    """Planned work by the month in which it first fell due in [start, stop) µs, and criticality. Work that was put off
    counts by its first date. Months are those of ``zone``."""
    rows = await source.fetch(
        """SELECT to_char(to_timestamp(coalesce(w.due_first, w.due) / 1e6) AT TIME ZONE $3, 'YYYY-MM') AS month,
                  coalesce(a.criticality, 'medium') AS criticality, count(*) AS due,
                  count(*) FILTER (WHERE w.state = 'resolved' AND w.done_at <= coalesce(w.due_first, w.due)) AS on_time,
                  count(*) FILTER (WHERE w.state = 'resolved' AND w.done_at > coalesce(w.due_first, w.due)) AS late,
                  count(*) FILTER (WHERE w.state NOT IN ('resolved', 'cancelled')) AS open,
                  count(*) FILTER (WHERE w.state = 'cancelled') AS cancelled
           FROM work w LEFT JOIN asset a USING (device_id)
           WHERE w.kind IN ('maintenance', 'inspection', 'calibration') AND w.due IS NOT NULL
             AND w.due >= $1 AND coalesce(w.due_first, w.due) >= $1 AND coalesce(w.due_first, w.due) < $2
           GROUP BY 1, 2 ORDER BY 1, array_position(ARRAY['life-support', 'high', 'medium', 'low'],
                                                    coalesce(a.criticality, 'medium'))""",
        start,
        stop,
        zone,
    )
    return [Month(**dict(row)) for row in rows]


async def reliability(source: Source, start: int, stop: int, limit: int = 200) -> list[Reliability]:
    """Models by failures in [start, stop) µs. Time in service is counted from the installation on; downtime is what
    the bench kept of it, overlaps on one machine counted once."""
    rows = await source.fetch(
        f"""WITH machine AS (
                SELECT device_id, model_id, greatest($2 - greatest($1, coalesce(installed, created)), 0) AS time
                FROM asset WHERE merged_into IS NULL
                  AND state NOT IN ('need', 'assessed', 'ordered', 'received', 'retired', 'sanitised', 'disposed')),
            fault AS (
                SELECT w.device_id, w.reported_at, w.done_at, w.state,
                       lag(w.done_at) OVER (PARTITION BY w.device_id ORDER BY w.reported_at) AS before
                FROM work w WHERE w.kind = 'fault' AND w.state <> 'cancelled'
                  AND w.reported_at >= $1 - {REPEAT} AND w.reported_at < $2),
            failed AS (
                SELECT m.model_id, count(*) AS failures,
                       count(*) FILTER (WHERE f.reported_at - f.before <= {REPEAT}) AS repeats,
                       avg(f.done_at - f.reported_at) FILTER (WHERE f.state = 'resolved') AS repair
                FROM fault f JOIN machine m USING (device_id) WHERE f.reported_at >= $1 GROUP BY m.model_id),
            span AS (
                SELECT d.device_id, int8range(greatest(d.start, $1), greatest(least(coalesce(d.stop,
                           CASE WHEN w.state IN ('resolved', 'cancelled') THEN w.done_at END, $2), $2),
                           greatest(d.start, $1))) AS time
                FROM downtime d LEFT JOIN work w USING (work_id)
                WHERE NOT d.planned AND d.start < $2 AND coalesce(d.stop, $2) > $1),
            merged AS (SELECT device_id, unnest(range_agg(time)) AS time FROM span GROUP BY device_id),
            down AS (SELECT m.model_id, sum(upper(s.time) - lower(s.time)) AS time
                     FROM merged s JOIN machine m USING (device_id) GROUP BY m.model_id),
            model_time AS (SELECT model_id, count(*) AS machines, sum(time) AS time FROM machine GROUP BY model_id)
            SELECT t.model_id, o.manufacturer || ' ' || o.name AS model, t.machines,
                   coalesce(f.failures, 0) AS failures, coalesce(f.repeats, 0) AS repeats,
                   (t.time / nullif(f.failures, 0) / 3600e6)::float8 AS mtbf, (f.repair / 3600e6)::float8 AS mttr,
                   (1 - coalesce(d.time, 0) / nullif(t.time, 0))::float8 AS availability
            FROM model_time t JOIN model o USING (model_id) LEFT JOIN failed f USING (model_id)
            LEFT JOIN down d USING (model_id) ORDER BY failures DESC, model LIMIT $3""",
        start,
        stop,
        limit,
    )
    return [Reliability(**dict(row)) for row in rows]


async def ages(source: Source, now: int) -> list[Age]:
    """Unfinished work by kind and by how long it has been known."""
    rows = await source.fetch(
        f"""SELECT kind, count(*) FILTER (WHERE $1 - reported_at < {7 * DAY}) AS week,
                   count(*) FILTER (WHERE $1 - reported_at >= {7 * DAY} AND $1 - reported_at < {30 * DAY}) AS month,
                   count(*) FILTER (WHERE $1 - reported_at >= {30 * DAY} AND $1 - reported_at < {90 * DAY}) AS quarter,
                   count(*) FILTER (WHERE $1 - reported_at >= {90 * DAY}) AS older,
                   count(*) FILTER (WHERE due < $1) AS overdue
            FROM work WHERE state NOT IN ('resolved', 'cancelled') GROUP BY kind ORDER BY kind""",
        now,
    )
    return [Age(**dict(row)) for row in rows]
