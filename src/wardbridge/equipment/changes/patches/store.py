"""SQL of patches on machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.core.clock import MINUTE
from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.changes.patches.values import Item, Line, Situation, Window
from wardbridge.equipment.changes.store import as_json

Source = Connection | Pool
HEARD = 2 * MINUTE
"""A machine last heard longer ago than this (µs) does not count as running."""


async def plan(conn: Connection, change_id: str, at: int, by: str) -> int:
    """Bring the machines of a patch in line with its file: those named there, else all of the model that are on hand
    and have another version. Machines that something was done with already stay. Returns how many are new."""
    await conn.execute(
        """DELETE FROM patch_item i USING patch p, joint_change c
           WHERE i.change_id = $1 AND p.change_id = $1 AND c.change_id = $1 AND i.state IN ('waiting', 'ready')
           AND NOT EXISTS (SELECT 1 FROM asset a WHERE a.device_id = i.device_id AND a.model_id = p.model_id
                AND a.merged_into IS NULL
                AND a.state NOT IN ('need', 'assessed', 'ordered', 'retired', 'sanitised', 'disposed')
                AND (NOT EXISTS (SELECT 1 FROM change_device d WHERE d.change_id = $1)
                     OR EXISTS (SELECT 1 FROM change_device d
                                WHERE d.change_id = $1 AND d.device_id = a.device_id)))""",
        change_id,
    )
    done = await conn.execute(
        """INSERT INTO patch_item (change_id, device_id, state, state_at, before, by)
           SELECT p.change_id, a.device_id, 'waiting', $2, v.version, $3
           FROM patch p JOIN asset a USING (model_id)
           CROSS JOIN LATERAL (SELECT coalesce(
                (SELECT s.version FROM software s WHERE s.device_id = a.device_id AND s.component = p.component
                 ORDER BY s.since DESC LIMIT 1), CASE p.component WHEN 'firmware' THEN a.firmware WHEN 'os' THEN a.os
                 ELSE '' END) AS version) v
           WHERE p.change_id = $1 AND a.merged_into IS NULL
             AND a.state NOT IN ('need', 'assessed', 'ordered', 'retired', 'sanitised', 'disposed')
             AND CASE WHEN EXISTS (SELECT 1 FROM change_device d WHERE d.change_id = $1)
                 THEN EXISTS (SELECT 1 FROM change_device d WHERE d.change_id = $1 AND d.device_id = a.device_id)
                 ELSE v.version <> p.version END
           ORDER BY a.device_id ON CONFLICT DO NOTHING""",
        change_id, at, by,
    )  # fmt: skip
    return int(done.split()[-1])


async def items(source: Source, change_id: str, *, states: Sequence[str] = ()) -> list[Item]:
    """The machines of a patch."""
    rows = await source.fetch(
        """SELECT * FROM patch_item WHERE change_id = $1 AND ($2::text[] = '{}' OR state = ANY($2))
           ORDER BY device_id""",
        change_id, list(states),
    )  # fmt: skip
    return [Item(**dict(row)) for row in rows]


async def item(conn: Connection, change_id: str, device_id: str) -> Item | None:
    """One machine of a patch; its row and the machine's are locked until the transaction ends."""
    await conn.execute("SELECT 1 FROM asset WHERE device_id = $1 FOR UPDATE", device_id)
    row = await conn.fetchrow(
        "SELECT * FROM patch_item WHERE change_id = $1 AND device_id = $2 FOR UPDATE", change_id, device_id
    )
    return Item(**dict(row)) if row else None


async def locked(conn: Connection, many: Sequence[Item]) -> list[Item]:
    """These items as they are now, locked until the transaction ends."""
    rows = await conn.fetch(
        """SELECT i.* FROM patch_item i JOIN unnest($1::text[], $2::text[]) AS n (change_id, device_id)
           USING (change_id, device_id) ORDER BY i.change_id, i.device_id FOR UPDATE OF i""",
        [one.change_id for one in many], [one.device_id for one in many],
    )  # fmt: skip
    return [Item(**dict(row)) for row in rows]


async def put(conn: Connection, many: Sequence[Item]) -> None:
    """Bring items up to date in one statement."""
    names = [name for name in Item.__struct_fields__ if name not in ("change_id", "device_id")]
    types = {"state_at": "bigint", "evidence_at": "bigint", "started_at": "bigint", "told": "boolean"}
    fields = ", ".join(f"{name} {types.get(name, 'text')}" for name in Item.__struct_fields__)
    await conn.execute(
        f"""UPDATE patch_item i SET {", ".join(f"{name} = n.{name}" for name in names)}
            FROM jsonb_to_recordset($1::jsonb) AS n ({fields})
            WHERE i.change_id = n.change_id AND i.device_id = n.device_id""",
        as_json(list(many)),
    )


async def open_of(source: Source, device_id: str, component: str) -> list[tuple[Item, str]]:
    """Open and failed items of a machine's component, each with the version it shall have."""
    rows = await source.fetch(
        """SELECT i.*, p.version AS target FROM patch_item i JOIN patch p USING (change_id)
           WHERE i.device_id = $1 AND p.component = $2 AND i.state IN ('waiting', 'ready', 'running', 'failed')
           ORDER BY i.state_at, i.change_id""",
        device_id, component,
    )  # fmt: skip
    return [(Item(**{n: row[n] for n in Item.__struct_fields__}), row["target"]) for row in rows]


async def moving(source: Source) -> list[tuple[Item, str, int, int]]:
    """Waiting and ready machines of patches that are on: with title, start and stop of the change."""
    rows = await source.fetch(
        """SELECT i.*, c.title, c.start, c.stop FROM patch_item i JOIN joint_change c USING (change_id)
           WHERE i.state IN ('waiting', 'ready') AND c.state IN ('scheduled', 'running')
             AND c.start IS NOT NULL AND c.stop IS NOT NULL ORDER BY i.change_id, i.device_id"""
    )
    return [
        (Item(**{n: row[n] for n in Item.__struct_fields__}), row["title"], row["start"], row["stop"]) for row in rows
    ]


async def unseen_proof(source: Source) -> list[tuple[str, str, str, int, str]]:
    """Running machines whose history of versions has a newer row than their start: (device, component, version, since,
    source)."""
    rows = await source.fetch(
        """SELECT i.device_id, p.component, s.version, s.since, s.source
           FROM patch_item i JOIN patch p USING (change_id)
           CROSS JOIN LATERAL (SELECT * FROM software s WHERE s.device_id = i.device_id AND s.component = p.component
                               ORDER BY since DESC LIMIT 1) s
           WHERE i.state = 'running' AND s.since >= i.started_at ORDER BY i.device_id"""
    )
    return [(r["device_id"], r["component"], r["version"], r["since"], r["source"]) for r in rows]


async def situations(source: Source, device_ids: Sequence[str], now: int) -> dict[str, Situation]:
    """How machines stand at ``now``, in one statement."""
    rows = await source.fetch(_SITUATION, list(device_ids), now, now - HEARD)
    return {
        row["device_id"]: Situation(**{**dict(row), "zones": tuple(row["zones"])}) for row in rows
    }  # fmt: skip


_SITUATION = """
WITH wanted AS MATERIALIZED (
    SELECT a.device_id, coalesce(a.parent_id, a.device_id) AS machine_id, a.model_id FROM asset a
    WHERE a.device_id = ANY($1::text[])),
machine AS MATERIALIZED (
    SELECT w.*, n.ward, n.now_place_id, coalesce(nullif(n.kind, ''), n.model_id) AS kind,
           coalesce(n.admission, '') AS admission,
           n.connected, n.standby, n.last_seen
    FROM wanted w JOIN asset_now n ON n.device_id = w.machine_id),
kinds AS MATERIALIZED (
    SELECT n.device_id, n.ward, coalesce(nullif(n.kind, ''), n.model_id) AS kind,
           (n.parent_id IS NULL AND n.state IN ('in-service', 'maintenance-due') AND NOT n.in_use
            AND coalesce(n.admission, '') IN ('', 'accepted')) AS free,
           EXISTS (SELECT 1 FROM patch_item i WHERE i.device_id = n.device_id AND i.state = 'running') AS running
    FROM asset_now n
    WHERE n.ward IN (SELECT ward FROM machine)
      AND coalesce(nullif(n.kind, ''), n.model_id) IN (SELECT kind FROM machine)),
counted AS (
    SELECT ward, kind, count(*) FILTER (WHERE running) AS running, count(*) FILTER (WHERE free AND NOT running) AS free,
           array_agg(device_id) FILTER (WHERE free AND NOT running) AS free_ids
    FROM kinds GROUP BY ward, kind)
SELECT m.device_id, m.machine_id, m.model_id, m.admission, coalesce(m.ward, '') AS ward,
       ARRAY(SELECT DISTINCT i.zone FROM interface i WHERE i.device_id IN (m.machine_id, m.device_id) AND i.zone <> ''
             ORDER BY 1) AS zones,
       EXISTS (SELECT 1 FROM binding b WHERE b.device_id IN (m.machine_id, m.device_id)
               AND (b.stop IS NULL OR b.stop > $2) AND (b.patient_id IS NOT NULL OR b.conflict <> '')) AS bound,
       (coalesce(m.connected, false) AND NOT coalesce(m.standby, false) AND coalesce(m.last_seen, 0) > $3
        AND EXISTS (SELECT 1 FROM patient_place pp WHERE pp.place_id = m.now_place_id
                    AND (pp.stop IS NULL OR pp.stop > $2))) AS streaming,
       (EXISTS (SELECT 1 FROM device_mode d WHERE d.device_id = m.machine_id AND d.start > $2)
        OR EXISTS (SELECT 1 FROM binding b WHERE b.device_id = m.machine_id AND b.start > $2)) AS ahead,
       coalesce(c.running, 0) AS running,
       coalesce(c.free, 0) - CASE WHEN m.machine_id = ANY(c.free_ids) THEN 1 ELSE 0 END AS free
FROM machine m LEFT JOIN counted c ON c.ward = m.ward AND c.kind = m.kind
"""


async def lines(source: Source, change_id: str, limit: int = 1000) -> list[Line]:
    """The machines of a patch with name, place and whether they are in use, in the order of the work: running, ready,
    failed, waiting, then those that are settled."""
    rows = await source.fetch(
        """SELECT i.*, n.label, n.model, n.tag, n.serial, n.firmware, coalesce(n.ward, '') AS now_ward,
                  coalesce(n.place_label, '') AS place, n.in_use
           FROM patch_item i JOIN asset_now n USING (device_id) WHERE i.change_id = $1
           ORDER BY array_position(
               ARRAY['running', 'ready', 'failed', 'waiting', 'excepted', 'rolled-back', 'verified'], i.state),
               now_ward, place, i.device_id LIMIT $2""",
        change_id, limit,
    )  # fmt: skip
    return [
        Line(item=Item(**{n: row[n] for n in Item.__struct_fields__}),
             name=row["label"] or f"{row['model']} {row['tag'] or row['serial']}".strip(), serial=row["serial"],
             firmware=row["firmware"], ward=row["now_ward"], place=row["place"], in_use=row["in_use"])
        for row in rows
    ]  # fmt: skip


async def count(source: Source, change_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many machines of each patch are in which state."""
    rows = await source.fetch(
        "SELECT change_id, state, count(*) AS n FROM patch_item WHERE change_id = ANY($1) GROUP BY 1, 2 ORDER BY 1, 2",
        list(change_ids),
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["change_id"], {})[row["state"]] = row["n"]
    return found


async def of_device(source: Source, device_id: str) -> list[tuple[Item, str, str]]:
    """The patches of a machine, newest first: with title and the version it shall have."""
    rows = await source.fetch(
        """SELECT i.*, c.title, p.version AS target FROM patch_item i JOIN patch p USING (change_id)
           JOIN joint_change c USING (change_id) WHERE i.device_id = $1 ORDER BY i.state_at DESC, i.change_id""",
        device_id,
    )
    return [(Item(**{n: row[n] for n in Item.__struct_fields__}), row["title"], row["target"]) for row in rows]


async def put_window(conn: Connection, window: Window) -> None:
    """Insert or replace a window."""
    await conn.execute(
        """INSERT INTO patch_window (window_id, start, stop, change_id, ward, zone, models, parallel, spares, note)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (window_id) DO UPDATE SET start = $2, stop = $3, change_id = $4, ward = $5, zone = $6,
               models = $7, parallel = $8, spares = $9, note = $10""",
        window.window_id, window.start, window.stop, window.change_id, window.ward, window.zone, list(window.models),
        window.parallel, window.spares, window.note,
    )  # fmt: skip


async def drop_window(conn: Connection, window_id: str) -> bool:
    """Take a window away; whether there was one."""
    return bool(await conn.fetchval("DELETE FROM patch_window WHERE window_id = $1 RETURNING 1", window_id))


async def windows(source: Source, *, now: int | None = None, change_id: str = "", lock: bool = False) -> list[Window]:
    """Windows that are open at ``now`` (all that do not lie behind where None), of a change and of any."""
    rows: list[Any] = await source.fetch(
        f"""SELECT * FROM patch_window WHERE ($1::bigint IS NULL OR (start <= $1 AND stop > $1))
            AND ($2 = '' OR change_id IN ('', $2)) ORDER BY start, window_id {"FOR SHARE" if lock else ""}""",
        now, change_id,
    )  # fmt: skip
    return [Window(**{**dict(row), "models": tuple(row["models"])}) for row in rows]


async def untold(source: Source, limit: int = 200) -> list[tuple[Item, str]]:
    """Verified machines whose campaign does not know yet, each with the campaign; the longest verified first."""
    rows = await source.fetch(
        """SELECT i.*, p.campaign_id FROM patch_item i JOIN patch p USING (change_id)
           WHERE i.state = 'verified' AND NOT i.told AND p.campaign_id <> ''
           ORDER BY i.state_at, i.change_id, i.device_id LIMIT $1""",
        limit,
    )
    return [(Item(**{n: row[n] for n in Item.__struct_fields__}), row["campaign_id"]) for row in rows]
