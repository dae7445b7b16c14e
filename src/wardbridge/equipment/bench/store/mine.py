"""SQL of what a tablet holds: the orders of one person, the list of machines, parts and test equipment."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from wardbridge.equipment.store.rows import Source
from wardbridge.equipment.work.steps import Step
from wardbridge.equipment.work.store.orders import OPEN

_STEPS = msgspec.json.Decoder(tuple[Step, ...])
_MACHINES = """SELECT a.device_id, a.tag, a.serial, coalesce(nullif(a.label, ''), m.name) AS name, m.manufacturer,
    coalesce(p.label, '') AS place, substr(md5(a.device_id), 1, 2) AS bucket,
    coalesce(left(encode(sha256(l.token::bytea), 'hex'), 16), '') AS label
    FROM asset a JOIN model m USING (model_id) LEFT JOIN place p ON p.place_id = a.place_id
    LEFT JOIN label l ON l.device_id = a.device_id
    WHERE a.merged_into IS NULL AND a.state <> 'disposed'"""


async def work_ids(source: Source, person_id: str, teams: Sequence[str], limit: int) -> list[str]:
    """Unfinished orders of a person, and those of their teams that nobody has; nearest due first."""
    rows = await source.fetch(
        f"""SELECT work_id FROM work WHERE {OPEN} AND (person_id = $1 OR (person_id = '' AND team = ANY($2)))
            ORDER BY coalesce(due, planned) NULLS LAST, array_position(ARRAY['stat', 'asap', 'urgent', 'routine'],
            priority), reported_at, work_id LIMIT $3""",
        person_id, list(teams), limit,
    )  # fmt: skip
    return [row["work_id"] for row in rows]


async def steps(source: Source, procedures: Sequence[tuple[str, int]]) -> dict[tuple[str, int], tuple[Step, ...]]:
    """The steps of versions of procedures."""
    rows = await source.fetch(
        """SELECT p.procedure_id, p.version, p.steps FROM procedure p
           JOIN unnest($1::text[], $2::int[]) AS n (procedure_id, version) USING (procedure_id, version)""",
        [one[0] for one in procedures],
        [one[1] for one in procedures],
    )
    return {(row["procedure_id"], row["version"]): _STEPS.decode(row["steps"]) for row in rows}


async def used(source: Source, ids: Sequence[str]) -> list[tuple[str, str, str, Decimal]]:
    """(order, part number, name, quantity) of parts that orders used, what came back taken off."""
    rows = await source.fetch(
        """SELECT s.work_id, p.number, p.name, -sum(s.quantity) AS quantity
           FROM stock_movement s JOIN part p USING (part_id)
           WHERE s.work_id = ANY($1) GROUP BY s.work_id, p.part_id, p.number, p.name HAVING sum(s.quantity) <> 0
           ORDER BY p.name, p.number""",
        list(ids),
    )
    return [(row["work_id"], row["number"], row["name"], row["quantity"]) for row in rows]


async def minutes(source: Source, ids: Sequence[str]) -> dict[str, int]:
    """Minutes worked and travelled, by order."""
    rows = await source.fetch(
        "SELECT work_id, sum(minutes + travel)::int AS n FROM labour WHERE work_id = ANY($1) GROUP BY work_id",
        list(ids),
    )
    return {row["work_id"]: row["n"] for row in rows}


async def out_of_use(source: Source, device_ids: Sequence[str]) -> dict[str, int]:
    """Since when machines are out of use (µs)."""
    rows = await source.fetch(
        """SELECT d.device_id, min(d.start) AS since FROM downtime d LEFT JOIN work w USING (work_id)
           WHERE d.device_id = ANY($1) AND d.stop IS NULL
             AND (w.state IS NULL OR w.state NOT IN ('resolved', 'cancelled')) GROUP BY d.device_id""",
        list(device_ids),
    )
    return {row["device_id"]: row["since"] for row in rows}


async def marks(source: Source) -> dict[str, str]:
    """The digest of every bucket of the list of machines."""
    rows = await source.fetch(
        f"""SELECT bucket, left(md5(string_agg(concat_ws(chr(31), device_id, tag, serial, name, manufacturer, place,
                   label),
                   chr(30) ORDER BY device_id)), 12) AS mark FROM ({_MACHINES}) a GROUP BY bucket"""
    )
    return {row["bucket"]: row["mark"] for row in rows}


async def machines(source: Source, buckets: Sequence[str]) -> dict[str, list[list[str]]]:
    """(device id, asset number, serial, name, maker, place, digest of its label's code) of the machines of buckets.

    The code itself opens a form without a login, so it is not laid on tablets.
    """
    rows = await source.fetch(
        f"SELECT * FROM ({_MACHINES}) a WHERE bucket = ANY($1) ORDER BY bucket, device_id", list(buckets)
    )
    found: dict[str, list[list[str]]] = {}
    for row in rows:
        found.setdefault(row["bucket"], []).append(
            [row["device_id"], row["tag"], row["serial"], row["name"], row["manufacturer"], row["place"], row["label"]]
        )
    return found


async def kit(source: Source, limit: int) -> list[dict[str, Any]]:
    """Parts in use, with what lies of each in which store."""
    rows = await source.fetch(
        """SELECT p.part_id AS id, p.number, p.name, p.manufacturer, p.unit, p.fits, p.serialised, h.held
           FROM part p LEFT JOIN LATERAL (
               SELECT json_object_agg(store_id, q) AS held FROM (
                   SELECT store_id, sum(quantity)::text AS q FROM stock_movement s WHERE s.part_id = p.part_id
                   GROUP BY store_id HAVING sum(quantity) <> 0) b) h ON true
           WHERE NOT p.retired ORDER BY lower(p.name), p.number LIMIT $1""",
        limit,
    )
    return [dict(row) | {"held": msgspec.json.decode(row["held"]) if row["held"] else {}} for row in rows]


async def by_code(source: Source, code: str) -> list[str]:
    """Ids of machines with this asset number, id, code of a label, serial number or UDI, in that order; at most two."""
    rows = await source.fetch(
        """WITH hit AS (
               SELECT device_id, 1 AS rank FROM asset WHERE tag = $1 AND merged_into IS NULL
               UNION SELECT device_id, 1 FROM asset WHERE device_id = $1 AND merged_into IS NULL
               UNION SELECT l.device_id, 1 FROM label l JOIN asset USING (device_id)
                     WHERE l.token = $1 AND merged_into IS NULL
               UNION SELECT device_id, 2 FROM asset WHERE serial = $1 AND merged_into IS NULL
               UNION SELECT device_id, 3 FROM asset WHERE udi = $1 AND udi <> '' AND merged_into IS NULL)
           SELECT DISTINCT device_id FROM hit WHERE $1 <> '' AND rank = (SELECT min(rank) FROM hit) LIMIT 2""",
        code,
    )
    return [row["device_id"] for row in rows]
