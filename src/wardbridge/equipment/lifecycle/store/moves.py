"""Moves, and what the store knows of a machine that is to move."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.core.db import Connection
from wardbridge.equipment.lifecycle.table import since_service
from wardbridge.equipment.lifecycle.values import Facts, Move
from wardbridge.equipment.store.rows import Source, append, value

_KEPT = """
    SELECT a.device_id, a.state,
        ARRAY(SELECT m.to_state FROM move m WHERE m.device_id = a.device_id ORDER BY m.number) AS history,
        (i.state = 'open') AS checklist, (i.state = 'passed') AS inspection, i.inspection_id,
        coalesce(p.label, nullif(a.department, ''), '') AS place,
        coalesce(md.count, 0) AS media, coalesce(md.covered, 0) AS covered, md.certificates,
        mo.storage, d.state AS admission, (d.parent_id IS NOT NULL) AS module,
        (b.patient_id IS NOT NULL OR coalesce(b.conflict, '') <> '') AS in_use,
        coalesce(bp.label, p.label, '') AS bed
    FROM asset a
    JOIN model mo USING (model_id)
    LEFT JOIN device d ON d.device_id = a.device_id
    LEFT JOIN binding b ON b.device_id = a.device_id AND b.stop IS NULL
    LEFT JOIN place bp ON bp.place_id = b.place_id
    LEFT JOIN place p ON p.place_id = a.place_id
    LEFT JOIN LATERAL (SELECT inspection_id, state FROM inspection i WHERE i.device_id = a.device_id
                       ORDER BY opened_at DESC, (i.state = 'open') DESC, inspection_id DESC LIMIT 1) i ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS count, count(c.certificate_id) AS covered,
               string_agg(DISTINCT c.certificate_id, ', ') AS certificates
        FROM medium me
        LEFT JOIN LATERAL (
            SELECT s.certificate_id FROM sanitisation s, jsonb_array_elements(s.media) w
            WHERE s.device_id = a.device_id AND w ->> 'medium_id' = me.medium_id AND s.result = 'passed'
              AND s.done_at >= coalesce((SELECT max(m.at) FROM move m
                                         WHERE m.device_id = a.device_id AND m.to_state = 'retired'), 0)
            ORDER BY s.done_at DESC LIMIT 1) c ON true
        WHERE me.device_id = a.device_id AND me.removed = '') md ON true
    WHERE a.device_id = ANY($1) AND a.merged_into IS NULL ORDER BY a.device_id"""


async def facts(source: Source, device_ids: Sequence[str], *, lock: bool = False) -> list[Facts]:
    """What moves of these machines are judged by; locked until the transaction ends where asked."""
    rows = await source.fetch(_KEPT + (" FOR UPDATE OF a" if lock else ""), list(device_ids))
    return [_facts(row) for row in rows]


def _facts(row: object) -> Facts:
    r = dict(row)  # type: ignore[call-overload]
    kept = {}
    if r["checklist"]:
        kept["checklist"] = r["inspection_id"]
    if r["inspection"]:
        kept["inspection"] = r["inspection_id"]
    if r["place"]:
        kept["place"] = r["place"]
    if r["media"] and r["media"] == r["covered"]:
        kept["certificate"] = r["certificates"]
    if r["storage"] == "no" and not r["media"]:
        kept["no-storage"] = "MDS2 MPII-2.2: No"
    return Facts(
        device_id=r["device_id"], state=r["state"], been=tuple(since_service(r["history"], r["state"])), kept=kept,
        in_use=r["in_use"], bed=r["bed"], admission=r["admission"] or "", module=r["module"],
    )  # fmt: skip


async def add(conn: Connection, moves: Sequence[Move]) -> None:
    """Append moves."""
    await append(conn, "move", moves)


async def enter(conn: Connection, moves: Sequence[Move]) -> None:
    """Bring machines to the states that their moves (already appended) led to."""
    await conn.execute(
        """UPDATE asset a SET state = n.state, state_since = n.at, version = a.version + 1
           FROM unnest($1::text[], $2::text[], $3::bigint[]) AS n (device_id, state, at)
           WHERE a.device_id = n.device_id""",
        [one.device_id for one in moves],
        [one.to_state for one in moves],
        [one.at for one in moves],
    )


async def of_device(source: Source, device_id: str) -> list[Move]:
    """A machine's moves, those of rows merged into it too, newest first."""
    rows = await source.fetch(
        """SELECT * FROM move WHERE device_id = $1
              OR device_id IN (SELECT device_id FROM asset WHERE merged_into = $1) ORDER BY number DESC""",
        device_id,
    )
    return [value(row, Move) for row in rows]


async def of_need(source: Source, need_id: str) -> list[Move]:
    """A need's moves, newest first."""
    rows = await source.fetch("SELECT * FROM move WHERE need_id = $1 ORDER BY number DESC", need_id)
    return [value(row, Move) for row in rows]


async def disagreeing(source: Source, wire: dict[str, str]) -> list[tuple[str, str, str]]:
    """Machines heard on the wire whose admission is not the one of their state: (device id, state, admission).

    ``wire``: admission by state, without those that leave it alone."""
    rows = await source.fetch(
        """SELECT a.device_id, a.state, d.state AS admission FROM asset a JOIN device d USING (device_id)
           JOIN unnest($1::text[], $2::text[]) AS w (state, admission) ON w.state = a.state
           WHERE d.parent_id IS NULL AND a.merged_into IS NULL AND d.state <> w.admission ORDER BY a.device_id""",
        list(wire),
        list(wire.values()),
    )
    return [tuple(row) for row in rows]


async def known_serials(source: Source, model_id: str, serials: Sequence[str]) -> list[str]:
    """Which of these serial numbers a machine of the model has already."""
    rows = await source.fetch(
        """SELECT serial FROM asset WHERE model_id = $1 AND lower(serial) = ANY($2) AND merged_into IS NULL
           ORDER BY serial""",
        model_id,
        [serial.lower() for serial in serials],
    )
    return [row["serial"] for row in rows]
