"""Chart points and the Observations that were issued for them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection
from wardbridge.devices.charting.point import Content, Point, content, decode


class Due(msgspec.Struct, frozen=True):
    """A point whose Observation is not the one that its binding asks for.

    ``patient_id`` and ``visit`` are what is charted now, ``want_*`` what the binding says (empty: nobody);
    ``merged``: the charted patient has been merged into the wanted one. ``generation`` counts the
    Observations that were issued before.
    """

    point_id: int
    device_id: str
    channel: str
    reason: str
    slot: int
    time: int
    content: Content
    observation_id: str
    patient_id: str
    visit: str
    verified_by: str
    verified_at: int
    want_patient: str
    want_visit: str
    encounter_id: str
    generation: int
    merged: bool
    old_encounter_id: str = ""


async def insert(conn: Connection, points: Sequence[Point]) -> list[int]:
    """Store points that are not there yet; the ids of the new ones."""
    if not points:
        return []
    rows = await conn.fetch(
        """
        INSERT INTO chart_point (device_id, channel, reason, slot, time, content)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::jsonb[])
        ON CONFLICT (device_id, channel, reason, slot) DO NOTHING RETURNING point_id""",
        [p.device_id for p in points],
        [p.channel for p in points],
        [p.reason for p in points],
        [p.slot for p in points],
        [p.time for p in points],
        [content(p) for p in points],
    )
    return [r["point_id"] for r in rows]


_DUE = """
    SELECT p.*, b.patient_id AS want_patient, coalesce(b.visit, '') AS want_visit,
           coalesce(v.encounter_id, '') AS encounter_id, coalesce(o.encounter_id, '') AS old_encounter_id,
           (SELECT count(*) FROM charted c WHERE c.point_id = p.point_id) AS generation,
           coalesce(m.replaced_by = b.patient_id, false) AS merged
    FROM ({points}) p
    LEFT JOIN binding b ON b.device_id = p.device_id AND b.start <= p.time AND (b.stop IS NULL OR b.stop > p.time)
        AND NOT p.withdrawn
    LEFT JOIN visit v ON v.patient_id = b.patient_id AND v.visit = b.visit
    LEFT JOIN visit o ON o.patient_id = p.patient_id AND o.visit = p.visit
    LEFT JOIN bound_patient m ON m.patient_id = p.patient_id AND m.replaced_by <> ''
    WHERE p.patient_id IS DISTINCT FROM b.patient_id
       OR (p.patient_id IS NOT NULL AND p.visit <> coalesce(b.visit, ''))
    ORDER BY p.point_id"""


async def due(conn: Connection, point_ids: Sequence[int]) -> list[Due]:
    """Which of these points need an Observation issued or put right."""
    rows = await conn.fetch(
        _DUE.format(points="SELECT * FROM chart_point WHERE point_id = ANY($1::bigint[])"), list(point_ids)
    )
    return [_due(r) for r in rows]


async def due_within(conn: Connection, ranges: Sequence[tuple[str, int, int]]) -> list[Due]:
    """The same for every point of (device, start, stop)."""
    points = """
        SELECT DISTINCT q.* FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS r(device_id, start, stop)
        JOIN chart_point q ON q.device_id = r.device_id AND q.time >= r.start AND q.time < r.stop"""
    rows = await conn.fetch(
        _DUE.format(points=points), [r[0] for r in ranges], [r[1] for r in ranges], [r[2] for r in ranges]
    )
    return [_due(r) for r in rows]


def _due(r: object) -> Due:
    row: dict[str, object] = dict(r)  # type: ignore[call-overload]
    values = {name: row.get(name) for name in Due.__struct_fields__}
    values["content"] = decode(str(row["content"]))
    for name in ("observation_id", "patient_id", "want_patient"):
        values[name] = row[name] or ""
    return Due(**values)  # type: ignore[arg-type]


async def settled(
    conn: Connection,
    changes: Sequence[tuple[int, str, str, str]],
    new: Sequence[tuple[str, int, str]],
    voided: Sequence[str],
    now: int,
) -> None:
    """Write down what stands for each point: (point, observation, patient, visit); new Observations as
    (observation, point, patient); ids of voided ones."""
    if voided:
        await conn.execute("UPDATE charted SET voided = $2 WHERE observation_id = ANY($1::text[])", list(voided), now)
    if new:
        await conn.execute(
            """
            INSERT INTO charted (observation_id, point_id, patient_id, issued)
            SELECT *, $4::bigint FROM unnest($1::text[], $2::bigint[], $3::text[])""",
            [n[0] for n in new],
            [n[1] for n in new],
            [n[2] for n in new],
            now,
        )
    if changes:
        await conn.execute(
            """
            UPDATE chart_point p SET observation_id = u.observation_id, patient_id = u.patient_id, visit = u.visit,
                verified_by = CASE WHEN p.observation_id = u.observation_id THEN p.verified_by ELSE '' END,
                verified_at = CASE WHEN p.observation_id = u.observation_id THEN p.verified_at ELSE 0 END
            FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
                AS u(point_id, observation_id, patient_id, visit)
            WHERE p.point_id = u.point_id""",
            [c[0] for c in changes],
            [c[1] or None for c in changes],
            [c[2] or None for c in changes],
            [c[3] for c in changes],
        )
        await conn.execute(
            """
            UPDATE charted c SET patient_id = u.patient_id FROM unnest($1::text[], $2::text[]) AS u(id, patient_id)
            WHERE c.observation_id = u.id AND c.patient_id <> u.patient_id""",
            [c[1] for c in changes if c[1]],
            [c[2] for c in changes if c[1]],
        )


async def standing(conn: Connection, observation_id: str) -> Due | None:
    """The point that an Observation stands for, with its present patient as the wanted one."""
    r = await conn.fetchrow(
        """
        SELECT p.*, p.patient_id AS want_patient, p.visit AS want_visit, coalesce(v.encounter_id, '') AS encounter_id,
               0 AS generation, false AS merged, '' AS old_encounter_id
        FROM chart_point p LEFT JOIN visit v ON v.patient_id = p.patient_id AND v.visit = p.visit
        WHERE p.observation_id = $1 FOR UPDATE OF p""",
        observation_id,
    )
    return None if r is None else _due(r)


async def mark_verified(conn: Connection, point_id: int, by: str, at: int) -> None:
    """Remember who looked at the value and when."""
    await conn.execute(
        "UPDATE chart_point SET verified_by = $2, verified_at = $3 WHERE point_id = $1", point_id, by, at
    )


async def withdraw(conn: Connection, taken: Sequence[tuple[str, str, int]]) -> list[int]:
    """The device took these values back (device, channel, time): they are nobody's any more. Ids of the points."""
    rows = await conn.fetch(
        """
        UPDATE chart_point p SET withdrawn = true
        FROM unnest($1::text[], $2::text[], $3::bigint[]) AS u(device_id, channel, time)
        WHERE p.device_id = u.device_id AND p.channel = u.channel AND p.time = u.time AND NOT p.withdrawn
        RETURNING p.point_id""",
        [t[0] for t in taken],
        [t[1] for t in taken],
        [t[2] for t in taken],
    )
    return [r["point_id"] for r in rows]


async def at(conn: Connection, device_id: str, channel: str, time: int) -> list[tuple[int, str, Content]]:
    """(point, Observation or '', content) of every point of a channel at one time."""
    rows = await conn.fetch(
        """
        SELECT point_id, coalesce(observation_id, '') AS observation_id, content FROM chart_point
        WHERE device_id = $1 AND channel = $2 AND time = $3 AND NOT withdrawn FOR UPDATE""",
        device_id,
        channel,
        time,
    )
    return [(r["point_id"], r["observation_id"], decode(r["content"])) for r in rows]


async def replace_content(conn: Connection, point_id: int, text: str) -> None:
    """Another value at the same point (the device corrected itself)."""
    await conn.execute("UPDATE chart_point SET content = $2 WHERE point_id = $1", point_id, text)


async def latest(conn: Connection, device_ids: Sequence[str]) -> list[tuple[str, str, str, int, Content]]:
    """(device, channel, reason, slot, content) of the last point of each channel and reason."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (device_id, channel, reason) device_id, channel, reason, slot, content FROM chart_point
        WHERE device_id = ANY($1::text[]) ORDER BY device_id, channel, reason, slot DESC""",
        list(device_ids),
    )
    return [(r["device_id"], r["channel"], r["reason"], r["slot"], decode(r["content"])) for r in rows]


async def issued(conn: Connection, observation_id: str) -> tuple[int, str, bool] | None:
    """(point, patient, voided) of an Observation that this room issued."""
    r = await conn.fetchrow(
        "SELECT point_id, patient_id, voided FROM charted WHERE observation_id = $1", observation_id
    )
    return None if r is None else (r["point_id"], r["patient_id"], r["voided"] is not None)


async def due_generation(conn: Connection, point_id: int) -> int:
    """How many Observations were ever issued for a point."""
    return int(await conn.fetchval("SELECT count(*) FROM charted WHERE point_id = $1", point_id))


async def of_slot(conn: Connection, point: Point) -> str:
    """The Observation that stands for a point now, '' for none."""
    found = await conn.fetchval(
        """
        SELECT observation_id FROM chart_point WHERE device_id = $1 AND channel = $2 AND reason = $3 AND slot = $4""",
        point.device_id,
        point.channel,
        point.reason,
        point.slot,
    )
    return found or ""
