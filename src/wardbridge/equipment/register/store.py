"""SQL of the register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict
from wardbridge.equipment.register.values import Asset, Interface, Model, Now, Software
from wardbridge.equipment.store.rows import Source, put, value

_JSON = msgspec.json.Encoder()
_NOW = """device_id, model_id, manufacturer, model, kind, class, state, tag, serial, lot, udi, di, label, criticality,
    firmware, department, owner, parent_id, coalesce(admission, '') AS admission, coalesce(last_seen, 0) AS last_seen,
    coalesce(now_place_id, '') AS place_id, coalesce(ward, '') AS ward, coalesce(room, '') AS room,
    coalesce(bed, '') AS bed, coalesce(place_label, '') AS place, coalesce(patient_id, '') AS patient_id,
    coalesce(bound_since, 0) AS bound_since, in_use, storage, product_code"""


async def put_models(conn: Connection, models: Sequence[Model]) -> None:
    """Insert or replace models, in one statement."""
    await put(conn, "model", ("model_id",), models)


async def put_assets(conn: Connection, assets: Sequence[Asset]) -> None:
    """Insert or replace machines, in one statement. Raises Conflict for an asset number that somebody else takes at
    the same moment."""
    try:
        await put(conn, "asset", ("device_id",), assets)
    except asyncpg.UniqueViolationError as error:
        raise Conflict("an asset number is another machine's already", "tag") from error


async def put_interfaces(conn: Connection, interfaces: Sequence[Interface]) -> None:
    """Insert or replace network interfaces."""
    await put(conn, "interface", ("interface_id",), interfaces)


async def put_software(conn: Connection, rows: Sequence[Software]) -> None:
    """Add versions to the history, each after what is there; one that runs already adds nothing."""
    if rows:
        await conn.execute(
            """
            INSERT INTO software (device_id, component, since, version, source)
            SELECT n.device_id, n.component, greatest(n.since, coalesce(last.since + 1, 0)), n.version, n.source
            FROM jsonb_populate_recordset(NULL::software, $1::jsonb) n
            LEFT JOIN LATERAL (SELECT s.since, s.version FROM software s
                               WHERE s.device_id = n.device_id AND s.component = n.component
                               ORDER BY s.since DESC LIMIT 1) last ON true
            WHERE last.version IS DISTINCT FROM n.version""",
            _JSON.encode(rows).decode(),
        )


async def models(source: Source, ids: Sequence[str] | None = None) -> list[Model]:
    """Models by id, all where None, by manufacturer and name."""
    rows = await source.fetch(
        """SELECT * FROM model WHERE $1::text[] IS NULL OR model_id = ANY($1)
           ORDER BY lower(manufacturer), lower(name), model_id""",
        None if ids is None else list(ids),
    )
    return [value(row, Model) for row in rows]


async def assets(source: Source, ids: Sequence[str], *, lock: bool = False) -> list[Asset]:
    """Machines by id, merged ones too; locked until the transaction ends where asked."""
    rows = await source.fetch(
        f"SELECT * FROM asset WHERE device_id = ANY($1) ORDER BY device_id {'FOR UPDATE' if lock else ''}", list(ids)
    )
    return [value(row, Asset) for row in rows]


async def now(source: Source, ids: Sequence[str] | None = None, *, models: Sequence[str] | None = None) -> list[Now]:
    """What is known of machines at this moment, of these ids or models; all where both are None."""
    rows = await source.fetch(
        f"""SELECT {_NOW} FROM asset_now WHERE ($1::text[] IS NULL OR device_id = ANY($1))
            AND ($2::text[] IS NULL OR model_id = ANY($2)) ORDER BY ward, room, bed, label, device_id""",
        None if ids is None else list(ids),
        None if models is None else list(models),
    )
    return [value(row, Now) for row in rows]


async def interfaces(source: Source, device_ids: Sequence[str] | None = None) -> list[Interface]:
    """Network interfaces of these machines (all where None)."""
    rows = await source.fetch(
        """SELECT * FROM interface WHERE $1::text[] IS NULL OR device_id = ANY($1)
           ORDER BY device_id, name, mac, interface_id""",
        None if device_ids is None else list(device_ids),
    )
    return [value(row, Interface) for row in rows]


async def software(source: Source, device_ids: Sequence[str]) -> list[Software]:
    """The version history of these machines, newest first."""
    rows = await source.fetch(
        "SELECT * FROM software WHERE device_id = ANY($1) ORDER BY device_id, component, since DESC", list(device_ids)
    )
    return [value(row, Software) for row in rows]


async def taken_tag(source: Source, tags: Mapping[str, str]) -> str:
    """The first asset number of ``{number: device id}`` that another machine has, '' when none."""
    found = await source.fetchval(
        """SELECT a.tag FROM asset a JOIN unnest($1::text[], $2::text[]) AS n (tag, device_id) ON n.tag = a.tag
           WHERE a.merged_into IS NULL AND a.device_id <> n.device_id ORDER BY a.tag LIMIT 1""",
        list(tags),
        list(tags.values()),
    )
    return str(found or "")


async def find_model(source: Source, manufacturer: str, name: str, catalogue: str = "") -> Model | None:
    """The model of this name, whatever its case."""
    row = await source.fetchrow(
        """SELECT * FROM model WHERE lower(manufacturer) = lower($1) AND lower(name) = lower($2)
           AND lower(catalogue) = lower($3)""",
        manufacturer, name, catalogue,
    )  # fmt: skip
    return value(row, Model) if row else None


async def heads(source: Source, ids: Sequence[str]) -> dict[str, str]:
    """The machine that each of these ids stands for now: itself, or the one that it was merged into in the end. An id
    that the register does not have is left out."""
    rows = await source.fetch(
        """
        WITH RECURSIVE up AS (
            SELECT device_id AS start, device_id, merged_into FROM asset WHERE device_id = ANY($1)
            UNION ALL
            SELECT up.start, a.device_id, a.merged_into FROM up JOIN asset a ON a.device_id = up.merged_into)
        SELECT start, device_id FROM up WHERE merged_into IS NULL""",
        list(ids),
    )
    return {row[0]: row[1] for row in rows}


async def tree(source: Source, device_id: str) -> list[Asset]:
    """A machine with everything that is part of it, wholes before parts."""
    rows = await source.fetch(
        """
        WITH RECURSIVE down AS (
            SELECT device_id, 0 AS depth, ARRAY[device_id] AS path FROM asset WHERE device_id = $1
            UNION ALL
            SELECT a.device_id, depth + 1, path || a.device_id FROM down JOIN asset a ON a.parent_id = down.device_id
            WHERE a.merged_into IS NULL AND NOT a.device_id = ANY(path))
        SELECT a.* FROM down JOIN asset a USING (device_id) ORDER BY depth, a.tag, a.serial, a.device_id""",
        device_id,
    )
    return [value(row, Asset) for row in rows]


async def channels_without_metric(source: Source, limit: int) -> list[dict[str, Any]]:
    """Channels of registered machines and of their modules that have no DeviceMetric yet."""
    rows = await source.fetch(
        """
        SELECT c.channel_id, c.device_id, coalesce(d.parent_id, '') AS parent_id, c.key, c.kind, c.code, c.refid,
               c.system, c.unit, c.ucum, c.label
        FROM channel c JOIN device d USING (device_id)
        JOIN asset a ON a.device_id = coalesce(d.parent_id, d.device_id)
        WHERE d.state = 'accepted' AND NOT EXISTS (SELECT 1 FROM metric m WHERE m.channel_id = c.channel_id)
        ORDER BY c.channel_id LIMIT $1""",
        limit,
    )
    return [dict(row) for row in rows]


async def put_metrics(conn: Connection, rows: Sequence[tuple[int, str, str]]) -> None:
    """(channel, device, DeviceMetric) that were written."""
    await conn.execute(
        """INSERT INTO metric SELECT * FROM unnest($1::int[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING""",
        [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows],
    )  # fmt: skip


async def count_metrics(source: Source, device_id: str) -> int:
    """How many DeviceMetrics a machine has."""
    return int(await source.fetchval("SELECT count(*) FROM metric WHERE device_id = $1", device_id))


async def counts(source: Source) -> dict[str, int]:
    """How many machines there are in each state of the life cycle."""
    rows = await source.fetch(
        "SELECT state, count(*) FROM asset WHERE merged_into IS NULL GROUP BY state ORDER BY count(*) DESC, state"
    )
    return {row[0]: row[1] for row in rows}


async def find(source: Source, text: str, *, limit: int) -> list[Now]:
    """Machines whose number, serial number, name, model, ward or place holds these words, all where there are none."""
    rows = await source.fetch(
        f"""SELECT {_NOW} FROM asset_now
            WHERE (SELECT coalesce(bool_and(position(word IN lower(concat_ws(' ', tag, serial, label, manufacturer,
                       model, ward, place_label))) > 0), true)
                   FROM unnest(string_to_array(lower($1), ' ')) AS word WHERE word <> '')
            ORDER BY tag, serial, device_id LIMIT $2""",
        text,
        limit,
    )
    return [value(row, Now) for row in rows]


async def by_name(source: Source, text: str) -> str:
    """The machine of this asset number (whatever its case) or id, '' for none."""
    rows = await source.fetch(
        """SELECT device_id FROM asset WHERE merged_into IS NULL AND (device_id = $1 OR lower(tag) = lower($1))
           LIMIT 2""",
        text,
    )
    return str(rows[0][0]) if len(rows) == 1 else ""


async def model_counts(source: Source, text: str = "") -> list[tuple[Model, int]]:
    """Models whose names hold this text, each with its number of machines."""
    rows = await source.fetch(
        """SELECT m.*, coalesce(n.machines, 0) AS machines FROM model m
           LEFT JOIN (SELECT model_id, count(*) AS machines FROM asset WHERE merged_into IS NULL GROUP BY model_id) n
               USING (model_id)
           WHERE position(lower($1) IN lower(concat_ws(' ', m.manufacturer, m.name, m.catalogue, m.kind))) > 0
           ORDER BY lower(m.manufacturer), lower(m.name), m.model_id LIMIT 1000""",
        text,
    )
    return [(value(row, Model), row["machines"]) for row in rows]
