"""SQL of unexpected behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.changes.behaviour.judge import Expected
from wardbridge.equipment.changes.behaviour.values import Finding, Mark
from wardbridge.equipment.changes.network.store import GROUP
from wardbridge.equipment.changes.network.values import OURS, Link
from wardbridge.equipment.changes.store import as_json

Source = Connection | Pool


async def unjudged(source: Source, limit: int = 2000) -> list[tuple[Link, str, str]]:
    """Links that nobody has judged yet, with model and zone of their machine."""
    rows = await source.fetch(
        f"""SELECT l.*, a.model_id, {GROUP} AS zone FROM link_seen l JOIN asset a USING (device_id)
            WHERE NOT l.judged ORDER BY l.first_seen, l.device_id, l.peer, l.port LIMIT $1""",
        limit,
    )
    names = Link.__struct_fields__
    return [(Link(**{n: row[n] for n in names}), row["model_id"], row["zone"]) for row in rows]


async def judged(conn: Connection, links: Sequence[Link]) -> None:
    """These links are judged."""
    await conn.execute(
        """UPDATE link_seen l SET judged = true
           FROM jsonb_to_recordset($1::jsonb) AS n (device_id text, peer text, port int, protocol text, direction text)
           WHERE (l.device_id, l.peer, l.port, l.protocol, l.direction)
               = (n.device_id, n.peer, n.port, n.protocol, n.direction)""",
        as_json(links),
    )


async def learned(
    source: Source, groups: Sequence[tuple[str, str]], period: int
) -> dict[tuple[str, str], tuple[int, frozenset[tuple[str, int, str, str]]]]:
    """For models in zones: until when they learn (as people said, else ``period`` µs after the first link), and the
    links (peer, port, protocol, direction) first seen until then."""
    rows = await source.fetch(
        f"""WITH seen AS MATERIALIZED (
                SELECT a.model_id, {GROUP} AS zone, l.peer, l.port, l.protocol, l.direction, l.first_seen
                FROM link_seen l JOIN asset a USING (device_id) WHERE a.model_id = ANY($1)),
            until AS (
                SELECT s.model_id, s.zone, coalesce(min(g.stop), min(s.first_seen) + $3) AS until
                FROM seen s LEFT JOIN learning g USING (model_id, zone)
                WHERE (s.model_id, s.zone) IN (SELECT * FROM unnest($1::text[], $2::text[]))
                GROUP BY s.model_id, s.zone)
            SELECT u.model_id, u.zone, u.until, coalesce(jsonb_agg(DISTINCT jsonb_build_array(s.peer, s.port,
                   s.protocol, s.direction)) FILTER (WHERE s.first_seen < u.until), '[]') AS links
            FROM until u JOIN seen s USING (model_id, zone) GROUP BY u.model_id, u.zone, u.until""",
        [model for model, _ in groups], [zone for _, zone in groups], period,
    )  # fmt: skip
    return {
        (row["model_id"], row["zone"]): (
            row["until"],
            frozenset(msgspec.json.decode(row["links"], type=list[tuple[str, int, str, str]])),
        )
        for row in rows
    }


async def taught(source: Source, models: Sequence[str]) -> list[Expected]:
    """What people taught of models, in whatever zone."""
    rows = await source.fetch(
        "SELECT * FROM expected_link WHERE model_id = ANY($1) ORDER BY at, expected_id", list(models)
    )
    return [Expected(**dict(row)) for row in rows]


async def teach(conn: Connection, many: Sequence[Expected]) -> None:
    """Remember what is expected."""
    for one in many:
        await conn.execute(
            """INSERT INTO expected_link VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING""",
            *[getattr(one, name) for name in Expected.__struct_fields__],
        )


async def machine(source: Source, device_id: str) -> tuple[str, str]:
    """Model and zone of a machine."""
    row = await source.fetchrow(f"SELECT a.model_id, {GROUP} AS zone FROM asset a WHERE device_id = $1", device_id)
    return (row["model_id"], row["zone"]) if row else ("", "")


def _finding(row: Any) -> Finding:
    fields = {name: row[name] for name in Finding.__struct_fields__}
    fields["details"] = msgspec.json.decode(fields["details"], type=list[dict[str, Any]])
    return Finding(**fields)


async def open_one(conn: Connection, device_id: str, kind: str) -> Finding | None:
    """The open finding of a machine and kind, locked."""
    row = await conn.fetchrow(
        "SELECT * FROM unexpected WHERE device_id = $1 AND kind = $2 AND state = 'open' FOR UPDATE", device_id, kind
    )
    return _finding(row) if row else None


async def get(conn: Connection, unexpected_id: str) -> Finding | None:
    """A finding by id, locked."""
    row = await conn.fetchrow("SELECT * FROM unexpected WHERE unexpected_id = $1 FOR UPDATE", unexpected_id)
    return _finding(row) if row else None


async def put(conn: Connection, one: Finding) -> None:
    """Insert or replace a finding."""
    names = Finding.__struct_fields__
    sets = ", ".join(f"{name} = excluded.{name}" for name in names if name != "unexpected_id")
    marks = ", ".join(f"${at + 1}" for at in range(len(names)))
    await conn.execute(
        f"""INSERT INTO unexpected ({", ".join(names)}) VALUES ({marks})
            ON CONFLICT (unexpected_id) DO UPDATE SET {sets}""",
        *[as_json(one.details) if name == "details" else getattr(one, name) for name in names],
    )


async def find(
    source: Source, *, device_id: str = "", states: Sequence[str] = ("open",), limit: int = 500
) -> list[Any]:
    """Findings with the name and place of the machine, open ones first, then the newest."""
    rows = await source.fetch(
        """SELECT u.*, n.label, n.model, n.tag, n.serial, coalesce(n.ward, '') AS ward,
                  coalesce(n.place_label, '') AS place, n.in_use
           FROM unexpected u JOIN asset_now n USING (device_id)
           WHERE ($1 = '' OR device_id = $1) AND ($2::text[] = '{}' OR u.state = ANY($2))
           ORDER BY (u.state = 'open') DESC, u.last_at DESC, u.unexpected_id LIMIT $3""",
        device_id, list(states), limit,
    )  # fmt: skip
    return [(_finding(row), row["label"] or f"{row['model']} {row['tag'] or row['serial']}".strip(), row["ward"],
             row["place"], row["in_use"]) for row in rows]  # fmt: skip


async def explained(source: Source, device_id: str, component: str, version: str, since: int) -> bool:
    """Whether somebody was at the machine's software: a patch of the component that started after ``since`` or still
    runs, a change that runs and touches it, or an order (not routine watching) that is being worked on."""
    return bool(
        await source.fetchval(
            f"""SELECT EXISTS (SELECT 1 FROM patch_item i JOIN patch p USING (change_id) WHERE i.device_id = $1
                               AND p.component = $2 AND (i.state = 'running' OR (i.state IN ('verified', 'failed',
                               'rolled-back') AND (lower(p.version) = lower($3) OR lower(i.before) = lower($3)
                               OR i.state_at >= $4))))
                OR EXISTS (SELECT 1 FROM joint_change c WHERE c.state = 'running' AND c.kind <> 'patch' AND (
                      EXISTS (SELECT 1 FROM change_device d WHERE d.change_id = c.change_id AND d.device_id = $1)
                      OR EXISTS (SELECT 1 FROM asset a WHERE a.device_id = $1
                                 AND (c.file -> 'models' ? a.model_id OR c.file -> 'zones' ? {GROUP}))))
                OR EXISTS (SELECT 1 FROM work w WHERE w.device_id = $1 AND w.state = 'taken'
                           AND w.source <> 'behaviour')""",
            device_id, component, version, since,
        )
    )  # fmt: skip


async def moved(source: Source) -> list[tuple[Mark, str]]:
    """What differs from the marks: (mark as it is now, the value before; '' where there was none or where the new one
    is usual). An address that several machines speak through says nothing of one; a ward is usual where machines of the
    same model are at home."""
    rows = await source.fetch(
        f"""WITH said AS (
                SELECT l.device_id, 'address' AS kind, l.source AS value, false AS usual FROM link_seen l
                WHERE l.peer = '{OURS}' AND l.source ~ '^[0-9a-f.:]+$'
                  AND NOT EXISTS (SELECT 1 FROM link_seen o WHERE o.peer = '{OURS}' AND o.source = l.source
                                  AND o.device_id <> l.device_id)
                UNION ALL
                SELECT i.device_id, 'hardware-address', string_agg(DISTINCT i.mac, ' ' ORDER BY i.mac), false
                FROM interface i WHERE i.mac <> '' GROUP BY i.device_id
                UNION ALL
                SELECT n.device_id, 'place', n.ward, EXISTS (
                    SELECT 1 FROM asset h JOIN place p USING (place_id)
                    WHERE h.model_id = n.model_id AND p.ward = n.ward) FROM asset_now n
                WHERE coalesce(n.ward, '') <> '' AND n.admission = 'accepted')
            SELECT s.*, CASE WHEN s.usual THEN '' ELSE coalesce(m.value, '') END AS before
            FROM said s LEFT JOIN behaviour_mark m USING (device_id, kind)
            WHERE m.value IS DISTINCT FROM s.value ORDER BY s.device_id, s.kind LIMIT 1000"""
    )
    return [(Mark(row["device_id"], row["kind"], row["value"]), row["before"]) for row in rows]


async def put_marks(conn: Connection, marks: Sequence[Mark], at: int) -> None:
    """Remember what is known now."""
    await conn.execute(
        """INSERT INTO behaviour_mark SELECT device_id, kind, value, $2
           FROM jsonb_to_recordset($1::jsonb) AS n (device_id text, kind text, value text)
           ON CONFLICT (device_id, kind) DO UPDATE SET value = excluded.value, at = excluded.at""",
        as_json(marks), at,
    )  # fmt: skip


async def addresses(source: Source, device_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Which addresses the register gives to machines: (device id, IP)."""
    rows = await source.fetch(
        "SELECT device_id, ip FROM interface WHERE device_id = ANY($1) AND ip <> ''", list(device_ids)
    )
    return {(row["device_id"], row["ip"]) for row in rows}
