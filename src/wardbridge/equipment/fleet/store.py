"""SQL of the fleet list, its map, saved views, and where a machine has been."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from wardbridge.core.clock import DAY, SECOND
from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.fleet.values import Facet, Filter, Page, Row, SavedView, Stay, WardCell
from wardbridge.equipment.register import store as register
from wardbridge.equipment.register.values import Asset

Source = Connection | Pool
SOON = 30 * DAY
SILENT = 120 * SECOND
_ROW, _FACET = msgspec.json.Decoder(Row), msgspec.json.Decoder(Facet)

_OPEN = """
    SELECT device_id, min(due) FILTER (WHERE kind = 'maintenance') AS due,
           count(*) FILTER (WHERE kind = 'fault') AS faults
    FROM work WHERE state NOT IN ('resolved', 'cancelled') GROUP BY device_id"""
_CAMPAIGNS = """
    SELECT device_id, count(*) AS campaigns FROM campaign_item WHERE state IN ('candidate', 'affected-open')
    GROUP BY device_id"""
_EXPLOITED = """
    SELECT c.device_id, count(DISTINCT v.cve) AS exploited
    FROM advisory_candidate c JOIN advisory_cve v ON v.advisory_id = c.advisory_id AND v.kev
    WHERE c.verdict = 'candidate' AND c.decision <> 'not-affected'
      AND NOT EXISTS (
          SELECT 1 FROM campaign_item i JOIN campaign k USING (campaign_id)
          WHERE i.device_id = c.device_id AND i.state IN ('affected-done', 'not-affected')
            AND (k.cve = v.cve OR v.cve IN (SELECT w.cve FROM advisory_cve w WHERE w.advisory_id = k.advisory_id)))
    GROUP BY c.device_id"""
"""Exploited weaknesses (KEV) that nobody has ruled out or seen to its end on the machine."""

_CHOSEN = f"""
    WITH chosen AS MATERIALIZED (
        SELECT a.device_id, coalesce(nullif(a.label, ''), trim(a.model || ' ' || coalesce(nullif(a.tag, ''), a.serial)))
                   AS name, a.tag, a.serial, a.manufacturer, a.model, a.kind, a.class, a.state, a.criticality,
               a.firmware, coalesce(a.ward, '') AS ward, coalesce(a.room, '') AS room, coalesce(a.bed, '') AS bed,
               coalesce(a.place_label, '') AS label, a.in_use, coalesce(a.last_seen, 0) AS last_seen,
               coalesce(a.admission, '') AS admission, coalesce(w.due, 0) AS due, coalesce(w.faults, 0) AS faults,
               coalesce(c.campaigns, 0) AS campaigns, coalesce(x.exploited, 0) AS exploited,
               array_position('{{life-support,high,medium,low}}'::text[], a.criticality) AS rank
        FROM asset_now a
        LEFT JOIN ({_OPEN}) w USING (device_id)
        LEFT JOIN ({_CAMPAIGNS}) c USING (device_id)
        LEFT JOIN ({_EXPLOITED}) x USING (device_id)
        WHERE ($1 = '' OR a.label || ' ' || a.tag || ' ' || a.serial || ' ' || a.manufacturer || ' ' || a.model || ' '
                          || a.kind || ' ' || a.udi || ' ' || coalesce(a.wire_key, '') ILIKE $1)
          AND ($2 = '' OR a.state = $2) AND ($3 = '' OR a.ward = $3) AND ($4 = '' OR a.kind = $4)
          AND ($5 = '' OR a.class = $5) AND ($6 = '' OR a.model_id = $6) AND ($7 = '' OR a.criticality = $7)
          AND ($8 = '' OR EXISTS (SELECT 1 FROM interface i WHERE i.device_id = a.device_id AND i.zone = $8))
          AND ($9 = '' OR CASE $9 WHEN 'overdue' THEN w.due < $12 WHEN 'due' THEN w.due BETWEEN $12 AND $13
               WHEN 'current' THEN w.due > $13 ELSE w.due IS NULL END)
          AND ($10 = '' OR CASE $10 WHEN 'in-use' THEN a.in_use WHEN 'never' THEN a.last_seen IS NULL
               WHEN 'silent' THEN a.last_seen < $14 AND NOT a.standby
               ELSE NOT a.in_use END)
          AND (NOT $11 OR w.faults > 0) AND (NOT $15 OR c.campaigns > 0) AND (NOT $16 OR x.exploited > 0))"""

_ORDER = {
    "place": "ward = '', ward, room, bed, name",
    "name": "name",
    "model": "manufacturer, model, name",
    "due": "due = 0, due, name",
    "criticality": "rank, ward, room, bed, name",
    "seen": "last_seen DESC, name",
}


def _values(chosen: Filter, now: int) -> list[Any]:
    escaped = chosen.text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return [
        f"%{escaped}%" if escaped else "", chosen.state, chosen.ward, chosen.kind, chosen.class_, chosen.model,
        chosen.criticality, chosen.zone, chosen.due, chosen.use, chosen.fault, now, now + SOON, now - SILENT,
        chosen.open_campaign, chosen.exploited,
    ]  # fmt: skip


async def page(source: Source, chosen: Filter, now: int, skip: int, limit: int) -> Page:
    """A page of the list with its facets, in one statement. ``now`` in µs decides what is overdue or silent."""
    rows = await source.fetch(
        f"""{_CHOSEN}
            SELECT 'row' AS part, to_jsonb(r) AS body FROM (
                SELECT * FROM (
                    SELECT row_number() OVER (ORDER BY {_ORDER[chosen.sort]}, device_id) AS n, * FROM chosen) l
                ORDER BY n OFFSET $17 LIMIT $18) r
            UNION ALL
            SELECT 'facet', to_jsonb(f) FROM (
                SELECT CASE WHEN grouping(state) = 0 THEN 'state' WHEN grouping(ward) = 0 THEN 'ward'
                            WHEN grouping(kind) = 0 THEN 'kind' WHEN grouping(criticality) = 0 THEN 'criticality'
                            ELSE 'all' END AS field,
                       coalesce(state, ward, kind, criticality, '') AS value, count(*) AS count
                FROM chosen GROUP BY GROUPING SETS ((state), (ward), (kind), (criticality), ())) f""",
        *_values(chosen, now), skip, limit,
    )  # fmt: skip
    found = tuple(_ROW.decode(row["body"]) for row in rows if row["part"] == "row")
    facets = tuple(_FACET.decode(row["body"]) for row in rows if row["part"] == "facet")
    total = next((facet.count for facet in facets if facet.field == "all"), 0)
    return Page(found, total, facets)


async def plan(source: Source, chosen: Filter, now: int) -> list[WardCell]:
    """The selection by place: every room and bed with what needs a look, for the map."""
    rows = await source.fetch(
        f"""{_CHOSEN}
            SELECT ward, room, bed, max(label) AS label, count(*) AS machines, count(*) FILTER (WHERE in_use) AS in_use,
                   count(*) FILTER (WHERE due BETWEEN 1 AND $12) AS overdue, sum(faults)::bigint AS faults,
                   sum(campaigns)::bigint AS campaigns, sum(exploited)::bigint AS exploited
            FROM chosen WHERE $17 > 0 GROUP BY ward, room, bed ORDER BY ward = '', ward, room, bed LIMIT $17""",
        *_values(chosen, now), 5000,
    )  # fmt: skip
    return [WardCell(**dict(row)) for row in rows]


async def today(source: Source, now: int) -> dict[str, int]:
    """What needs somebody, counted; ``now`` in µs."""
    row = await source.fetchrow(
        """SELECT (SELECT count(*) FROM asset
                   WHERE merged_into IS NULL AND state NOT IN ('need', 'disposed')) AS machines,
                  (SELECT count(*) FROM asset_now WHERE in_use) AS in_use, w.overdue, w.faults, w.urgent,
                  (SELECT count(*) FROM campaign WHERE state = 'open') AS campaigns,
                  c.machines AS campaign_machines, c.on_patients,
                  (SELECT count(*) FROM joint_change WHERE state IN ('scheduled', 'running')) AS changes,
                  (SELECT count(*) FROM suggestion WHERE state = 'open') AS suggestions
           FROM (SELECT count(*) FILTER (WHERE due < $1) AS overdue, count(*) FILTER (WHERE kind = 'fault') AS faults,
                        count(*) FILTER (WHERE priority IN ('urgent', 'asap', 'stat')) AS urgent
                 FROM work WHERE state NOT IN ('resolved', 'cancelled')) w,
                (SELECT count(DISTINCT i.device_id) AS machines,
                        count(DISTINCT i.device_id) FILTER (WHERE b.patient_id IS NOT NULL) AS on_patients
                 FROM campaign_item i LEFT JOIN binding b ON b.device_id = i.device_id AND b.stop IS NULL
                 WHERE i.state IN ('candidate', 'affected-open')) c""",
        now,
    )
    return dict(row)


async def worth(source: Source) -> list[tuple[str, int, Decimal]]:
    """What the machines that are there were bought for: (currency, machines with a price, sum)."""
    rows = await source.fetch(
        """SELECT currency, count(*) AS machines, sum(price) AS total FROM asset
           WHERE price IS NOT NULL AND merged_into IS NULL AND state <> 'disposed' GROUP BY currency ORDER BY 3 DESC"""
    )
    return [(row["currency"], row["machines"], row["total"]) for row in rows]


async def choices(source: Source) -> dict[str, list[str]]:
    """What the filters of the list offer: wards, kinds, zones."""
    row = await source.fetchrow(
        """SELECT ARRAY(SELECT DISTINCT ward FROM place ORDER BY 1) AS ward,
                  ARRAY(SELECT DISTINCT kind FROM model WHERE kind <> '' ORDER BY 1) AS kind,
                  ARRAY(SELECT DISTINCT zone FROM interface WHERE zone <> '' ORDER BY 1) AS zone"""
    )
    return {name: list(row[name]) for name in ("ward", "kind", "zone")}


async def stays(source: Source, device_id: str, limit: int = 200) -> list[Stay]:
    """When a machine was with a patient, newest first."""
    rows = await source.fetch(
        """SELECT b.start, coalesce(b.stop, 0) AS stop, coalesce(p.label, '') AS place, b.patient_id
           FROM binding b LEFT JOIN place p USING (place_id)
           WHERE b.device_id = $1 AND b.patient_id IS NOT NULL ORDER BY b.start DESC LIMIT $2""",
        device_id,
        limit,
    )
    return [Stay(**dict(row)) for row in rows]


async def modules(source: Source, device_id: str) -> list[Asset]:
    """The modules of a machine that the register knows."""
    rows = await source.fetch(
        "SELECT device_id FROM asset WHERE parent_id = $1 AND merged_into IS NULL ORDER BY label, serial", device_id
    )
    return await register.assets(source, [row["device_id"] for row in rows])


async def keep_view(conn: Connection, view: SavedView) -> None:
    """Keep a view; one of the same person and name is replaced."""
    names = SavedView.__struct_fields__
    marks = ", ".join(f"${at + 1}" for at in range(len(names)))
    await conn.execute(
        f"""INSERT INTO saved_view ({", ".join(names)}) VALUES ({marks})
            ON CONFLICT (person_id, lower(name)) DO UPDATE SET query = excluded.query, shared = excluded.shared""",
        *msgspec.structs.astuple(view),
    )


async def drop_view(conn: Connection, view_id: str, person_id: str) -> bool:
    """Forget somebody's own view."""
    done = await conn.fetchval(
        "DELETE FROM saved_view WHERE view_id = $1 AND person_id = $2 RETURNING 1", view_id, person_id
    )
    return done is not None


async def views(source: Source, person_id: str) -> list[SavedView]:
    """Own views, then those that others share."""
    rows = await source.fetch(
        """SELECT * FROM saved_view WHERE person_id = $1 OR shared
           ORDER BY person_id <> $1, lower(name), display LIMIT 100""",
        person_id,
    )
    return [SavedView(**dict(row)) for row in rows]
