"""SQL of changes, their steps, and what the site decided about risk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.changes.calendar import Freeze
from wardbridge.equipment.changes.values import Change, Matrix, RiskFile, Step

Source = Connection | Pool
_COLUMNS = """change_id, kind, state, state_at, version, title, file, start, stop, author, author_name, created"""


def as_json(value: Any) -> str:
    """A value for a jsonb column."""
    return msgspec.json.encode(value).decode()


def _change(row: Any) -> Change:
    fields = dict(row)
    fields["file"] = msgspec.json.decode(fields["file"], type=RiskFile)
    return Change(**fields)


async def put(conn: Connection, change: Change) -> None:
    """Insert or replace a change with the machines that it touches, and its patch."""
    file = change.file
    await conn.execute(
        f"""INSERT INTO joint_change ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT (change_id) DO UPDATE SET kind = $2, state = $3, state_at = $4, version = $5, title = $6,
                file = $7, start = $8, stop = $9""",
        change.change_id, change.kind, change.state, change.state_at, change.version, file.title, as_json(file),
        file.start, file.stop, change.author, change.author_name, change.created,
    )  # fmt: skip
    await conn.execute(
        """WITH gone AS (DELETE FROM change_device WHERE change_id = $1 AND device_id <> ALL($2::text[]))
           INSERT INTO change_device SELECT $1, d FROM unnest($2::text[]) d ON CONFLICT DO NOTHING""",
        change.change_id, list(file.devices),
    )  # fmt: skip
    if file.patch is not None:
        await conn.execute(
            """INSERT INTO patch (change_id, model_id, component, version, fixes, campaign_id)
               VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (change_id) DO UPDATE SET model_id = $2, component = $3, version = $4, fixes = $5,
                   campaign_id = $6""",
            change.change_id, file.patch.model_id, file.patch.component, file.patch.version, list(file.patch.fixes),
            file.patch.campaign_id,
        )  # fmt: skip


async def get(source: Source, change_id: str, *, lock: bool = False) -> Change | None:
    """A change by id, locked until the transaction ends where asked."""
    row = await source.fetchrow(
        f"SELECT {_COLUMNS} FROM joint_change WHERE change_id = $1 {'FOR UPDATE' if lock else ''}", change_id
    )
    return _change(row) if row else None


async def find(
    source: Source, *, states: Sequence[str] = (), kind: str = "", text: str = "", device_id: str = "",
    since: int | None = None, until: int | None = None, limit: int = 500,
) -> list[Change]:  # fmt: skip
    """Changes, latest window first. ``since`` and ``until`` (µs): those whose window meets this time."""
    rows = await source.fetch(
        f"""SELECT {_COLUMNS} FROM joint_change c
            WHERE ($1::text[] = '{{}}' OR state = ANY($1)) AND ($2 = '' OR kind = $2)
            AND ($3 = '' OR title ILIKE '%' || $3 || '%')
            AND ($4 = '' OR EXISTS (SELECT 1 FROM change_device d WHERE d.change_id = c.change_id AND d.device_id = $4)
                 OR EXISTS (SELECT 1 FROM patch_item i WHERE i.change_id = c.change_id AND i.device_id = $4))
            AND ($5::bigint IS NULL OR stop > $5) AND ($6::bigint IS NULL OR start < $6)
            ORDER BY start DESC NULLS FIRST, created DESC, change_id LIMIT $7""",
        list(states), kind, text.replace("%", r"\%").replace("_", r"\_"), device_id, since, until, limit,
    )  # fmt: skip
    return [_change(row) for row in rows]


async def add_step(conn: Connection, change: Change, step: str, at: int, person: tuple[str, str], note: str) -> None:
    """Write what somebody (id, name) did."""
    await conn.execute(
        """INSERT INTO change_step (change_id, number, at, step, state, version, person_id, display, note)
           SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8 FROM change_step WHERE change_id = $1""",
        change.change_id, at, step, change.state, change.version, *person, note,
    )  # fmt: skip


async def steps(source: Source, change_ids: Sequence[str]) -> list[Step]:
    """What was done with changes, oldest first."""
    rows = await source.fetch(
        "SELECT * FROM change_step WHERE change_id = ANY($1) ORDER BY change_id, number", list(change_ids)
    )
    return [Step(**dict(row)) for row in rows]


async def open_items(source: Source, change_id: str) -> int:
    """How many machines of a patch are neither verified nor excepted nor back on their version."""
    return int(
        await source.fetchval(
            """SELECT count(*) FROM patch_item WHERE change_id = $1
               AND state NOT IN ('verified', 'excepted', 'rolled-back')""",
            change_id,
        )
    )


async def running_items(source: Source, change_id: str) -> int:
    """How many machines of a patch are in the workshop for it now."""
    return int(
        await source.fetchval("SELECT count(*) FROM patch_item WHERE change_id = $1 AND state = 'running'", change_id)
    )


async def unknown(source: Source, file: RiskFile) -> tuple[list[str], list[str]]:
    """Machines and models of a file that are not in the register."""
    models = [*file.models, *([file.patch.model_id] if file.patch else [])]
    row = await source.fetchrow(
        """SELECT ARRAY(SELECT d FROM unnest($1::text[]) d WHERE NOT EXISTS (
                      SELECT 1 FROM asset a WHERE a.device_id = d AND a.merged_into IS NULL)) AS devices,
                  ARRAY(SELECT m FROM unnest($2::text[]) m WHERE NOT EXISTS (
                      SELECT 1 FROM model WHERE model_id = m)) AS models""",
        list(file.devices), models,
    )  # fmt: skip
    return list(row["devices"]), list(row["models"])


async def touched(source: Source, change: Change) -> list[Any]:
    """What the change touches at this moment: a row for each ward with its machines and how many are in use."""
    file = change.file
    rows: list[Any] = await source.fetch(
        """SELECT coalesce(ward, '') AS ward, count(*) AS machines, count(*) FILTER (WHERE in_use) AS in_use
           FROM asset_now n
           WHERE device_id = ANY($1) OR model_id = ANY($2)
              OR ($3::text[] <> '{}' AND EXISTS (
                    SELECT 1 FROM interface i WHERE i.device_id = n.device_id AND i.zone = ANY($3)))
           GROUP BY 1 ORDER BY 1""",
        list(file.devices), list(file.models), list(file.zones),
    )  # fmt: skip
    return rows


async def put_matrix(conn: Connection, matrix_id: str, since: int, matrix: Matrix, by: str) -> None:
    """A new matrix of the site, in force from ``since`` on."""
    await conn.execute("INSERT INTO risk_matrix VALUES ($1, $2, $3, $4)", matrix_id, since, as_json(matrix), by)


async def matrix(source: Source, at: int) -> Matrix | None:
    """The site's matrix in force at ``at``, None where it has none of its own."""
    found = await source.fetchval(
        "SELECT content FROM risk_matrix WHERE since <= $1 ORDER BY since DESC, matrix_id DESC LIMIT 1", at
    )
    return msgspec.json.decode(found, type=Matrix) if found else None


async def put_freeze(conn: Connection, freeze: Freeze) -> None:
    """Insert or replace a time in which nothing is changed."""
    await conn.execute(
        """INSERT INTO change_freeze (freeze_id, start, stop, ward, zone, reason) VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (freeze_id) DO UPDATE SET start = $2, stop = $3, ward = $4, zone = $5, reason = $6""",
        freeze.freeze_id, freeze.start, freeze.stop, freeze.ward, freeze.zone, freeze.reason,
    )  # fmt: skip


async def drop_freeze(conn: Connection, freeze_id: str) -> None:
    """Lift a freeze."""
    await conn.execute("DELETE FROM change_freeze WHERE freeze_id = $1", freeze_id)


async def freezes(source: Source, since: int, until: int) -> list[Freeze]:
    """The freezes that meet a time."""
    rows = await source.fetch(
        "SELECT * FROM change_freeze WHERE stop > $1 AND start < $2 ORDER BY start, freeze_id", since, until
    )
    return [Freeze(**dict(row)) for row in rows]


async def named(source: Source, texts: Sequence[str]) -> dict[str, str]:
    """Machines by id, asset number or serial number: {text: device id}; nothing for one that fits several."""
    rows = await source.fetch(
        """SELECT t AS text, min(a.device_id) AS device_id FROM unnest($1::text[]) t
           JOIN asset a ON a.merged_into IS NULL AND (a.device_id = t OR (a.tag <> '' AND lower(a.tag) = lower(t))
                                                      OR (a.serial <> '' AND lower(a.serial) = lower(t)))
           GROUP BY t HAVING count(DISTINCT a.device_id) = 1""",
        list(texts),
    )
    return {row["text"]: row["device_id"] for row in rows}


async def names(source: Source, device_ids: Sequence[str]) -> list[Any]:
    """What lists say of machines: name, number, place, whether in use."""
    rows: list[Any] = await source.fetch(
        """SELECT device_id, coalesce(nullif(label, ''), model || ' ' || coalesce(nullif(tag, ''), serial)) AS name,
                  tag, serial, coalesce(ward, '') AS ward, coalesce(place_label, '') AS place, in_use
           FROM asset_now WHERE device_id = ANY($1) ORDER BY ward, place, name, device_id""",
        list(device_ids),
    )
    return rows


async def offered(source: Source) -> dict[str, list[str]]:
    """The wards and zones that there are."""
    row = await source.fetchrow(
        """SELECT ARRAY(SELECT DISTINCT ward FROM place WHERE ward <> '' ORDER BY 1) AS wards,
                  ARRAY(SELECT DISTINCT zone FROM interface WHERE zone <> '' ORDER BY 1) AS zones"""
    )
    return {"wards": list(row["wards"]), "zones": list(row["zones"])}
