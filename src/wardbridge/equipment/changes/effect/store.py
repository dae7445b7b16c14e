"""SQL of what hangs on a part of the network: one statement each."""

from __future__ import annotations

from typing import Any

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.changes.effect.values import Silence, Switch

Source = Connection | Pool


async def hits(
    source: Source, switch: str, port: str, vlan: int | None, zone: str, server: str, since: int
) -> list[Any]:
    """Machines that hang on it; those that talked to the server from ``since`` (µs) on."""
    rows: list[Any] = await source.fetch(
        """WITH hit AS (
               SELECT device_id, min(switch) AS switch, min(port) AS port FROM interface
               WHERE $5 = '' AND ($1 = '' OR switch = $1) AND ($2 = '' OR port = $2) AND ($3::int IS NULL OR vlan = $3)
                 AND ($4 = '' OR zone = $4)
               GROUP BY device_id
               UNION ALL
               SELECT DISTINCT l.device_id, '', '' FROM link_seen l
               WHERE $5 <> '' AND l.last_seen >= $6 AND (l.peer = $5 OR l.peer IN (SELECT ip FROM interface
                     WHERE lower(hostname) = lower($5) AND ip <> '')))
           SELECT n.device_id, n.label, n.model, n.tag, n.serial, n.kind, n.criticality, coalesce(n.ward, '') AS ward,
                  coalesce(n.room, '') AS room, coalesce(n.bed, '') AS bed, coalesce(n.place_label, '') AS place,
                  n.in_use, coalesce(n.patient_id, '') AS patient_id, hit.switch, hit.port
           FROM hit JOIN asset_now n USING (device_id)
           ORDER BY n.in_use DESC, ward, room, bed, n.device_id""",
        switch, port, vlan, zone, server, since,
    )  # fmt: skip
    return rows


async def switches(source: Source, limit: int = 500) -> list[Switch]:
    """Switches by the number of machines on patients."""
    rows = await source.fetch(
        """SELECT i.switch, count(*) AS machines, count(*) FILTER (WHERE n.in_use) AS in_use,
                  count(*) FILTER (WHERE n.criticality = 'life-support') AS life_support,
                  coalesce(array_agg(DISTINCT n.ward ORDER BY n.ward) FILTER (WHERE n.ward <> ''), '{}') AS wards
           FROM (SELECT DISTINCT device_id, switch FROM interface WHERE switch <> '') i
           JOIN asset_now n USING (device_id)
           GROUP BY i.switch ORDER BY in_use DESC, machines DESC, i.switch LIMIT $1""",
        limit,
    )
    return [Switch(**{**dict(row), "wards": tuple(row["wards"])}) for row in rows]


async def silences(source: Source, heard_since: int, silent_since: int, least: int, share: float) -> list[Silence]:
    """Switches of whose machines, heard from ``heard_since`` on, at least ``least`` and ``share`` (0 to 1) were last
    heard before ``silent_since`` (µs). Machines on standby do not count."""
    rows = await source.fetch(
        """SELECT i.switch, count(*) AS heard, count(*) FILTER (WHERE n.last_seen < $2) AS silent,
                  count(*) FILTER (WHERE n.last_seen < $2 AND n.in_use) AS in_use,
                  min(n.last_seen) FILTER (WHERE n.last_seen < $2) AS first,
                  max(n.last_seen) FILTER (WHERE n.last_seen < $2) AS last
           FROM (SELECT DISTINCT device_id, switch FROM interface WHERE switch <> '') i
           JOIN asset_now n USING (device_id)
           WHERE n.admission = 'accepted' AND n.last_seen >= $1 AND NOT n.standby
           GROUP BY i.switch
           HAVING count(*) FILTER (WHERE n.last_seen < $2) >= greatest($3, count(*) * $4::float8)
           ORDER BY in_use DESC, silent DESC, i.switch""",
        heard_since, silent_since, least, share,
    )  # fmt: skip
    return [Silence(**dict(row)) for row in rows]
