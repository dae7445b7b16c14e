"""Candidates in the database, and the register as matching reads it: one statement each way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.advisories.judge import Machine
from wardbridge.equipment.advisories.values import Candidate

Source = Connection | Pool
_JSON = msgspec.json.Encoder()
_COLUMNS = ("advisory_id", "device_id", "verdict", "certainty", "products", "why", "unknown", "reason", "facts",
            "decision", "decided_why", "decided_by", "decided_at", "decided_facts", "reopened", "since")  # fmt: skip
_STEP = 5000
ABSENT = ("need", "assessed", "ordered", "disposed")
"""States in which a machine is not in the house (yet, or any more)."""


async def machines(source: Source, ids: Sequence[str] | None = None) -> list[Machine]:
    """Every machine in the house with what runs on it now, or these ones."""
    rows = await source.fetch(
        """SELECT a.device_id, a.model_id, m.manufacturer, m.name AS model, m.catalogue, m.product_code, a.serial,
                  a.lot, a.firmware, a.hardware, a.os, CASE WHEN a.di = '' THEN m.di ELSE m.di || a.di END AS di,
                  coalesce(s.names, '{}') AS names, coalesce(s.versions, '{}') AS versions
           FROM asset a JOIN model m USING (model_id)
           LEFT JOIN (SELECT device_id, array_agg(component ORDER BY component) AS names,
                             array_agg(version ORDER BY component) AS versions
                      FROM (SELECT DISTINCT ON (device_id, component) device_id, component, version FROM software
                            WHERE component NOT IN ('firmware', 'os') ORDER BY device_id, component, since DESC) newest
                      GROUP BY device_id) s USING (device_id)
           WHERE a.merged_into IS NULL AND a.state <> ALL($1) AND ($2::text[] IS NULL OR a.device_id = ANY($2))""",
        list(ABSENT), None if ids is None else list(ids),
    )  # fmt: skip
    return [
        Machine(
            device_id=row["device_id"], model_id=row["model_id"], manufacturer=row["manufacturer"], model=row["model"],
            catalogue=row["catalogue"], product_code=row["product_code"], serial=row["serial"], lot=row["lot"],
            firmware=row["firmware"], hardware=row["hardware"], os=row["os"], di=tuple(row["di"]),
            software=tuple(zip(row["names"], row["versions"], strict=True)),
        )
        for row in rows
    ]  # fmt: skip


async def of(
    source: Source, advisory_ids: Sequence[str] | None = None, device_ids: Sequence[str] | None = None
) -> list[Candidate]:
    """Candidates of these advisories and machines, of all where None."""
    rows = await source.fetch(
        """SELECT c.*, facts::text AS facts, decided_facts::text AS decided_facts FROM advisory_candidate c
           WHERE ($1::text[] IS NULL OR advisory_id = ANY($1)) AND ($2::text[] IS NULL OR device_id = ANY($2))
           ORDER BY advisory_id, device_id""",
        None if advisory_ids is None else list(advisory_ids), None if device_ids is None else list(device_ids),
    )  # fmt: skip
    return [_candidate(row) for row in rows]


def _candidate(row: Any) -> Candidate:
    value = dict(row)
    for name in ("facts", "decided_facts"):
        value[name] = None if value[name] is None else msgspec.json.decode(value[name])
    return msgspec.convert(value, Candidate)


async def put(conn: Connection, rows: Sequence[Candidate]) -> None:
    """Insert or replace candidates, some thousand a statement."""
    names = ", ".join(_COLUMNS)
    sets = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in ("advisory_id", "device_id"))
    for at in range(0, len(rows), _STEP):
        values = [{name: getattr(row, name) for name in _COLUMNS} for row in rows[at : at + _STEP]]
        await conn.execute(
            f"""INSERT INTO advisory_candidate ({names})
                SELECT {names} FROM jsonb_populate_recordset(NULL::advisory_candidate, $1::jsonb)
                ON CONFLICT (advisory_id, device_id) DO UPDATE SET {sets}""",
            _JSON.encode(values).decode().replace("\\u0000", ""),
        )


async def put_broad(conn: Connection, numbers: dict[str, int]) -> None:
    """Write how many machines each advisory touches without naming a version."""
    await conn.execute(
        """UPDATE advisory a SET broad = n.broad FROM unnest($1::text[], $2::int[]) AS n (advisory_id, broad)
           WHERE a.advisory_id = n.advisory_id AND a.broad <> n.broad""",
        list(numbers), list(numbers.values()),
    )  # fmt: skip
