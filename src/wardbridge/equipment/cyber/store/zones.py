"""SQL of zones, conduits, controls and disclosure statements."""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.cyber.store.exposure import Control
from wardbridge.equipment.cyber.store.rows import put

Source = Connection | Pool


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``zone``: ``level`` is the target security level (SL-T, 0 to 4) of IEC 62443-3-3."""

    zone: str
    level: int
    exposure: str
    purpose: str = ""


class Conduit(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``conduit``: what may be spoken from a zone to another; '' service is every one."""

    conduit_id: str
    source: str
    target: str
    service: str = ""
    purpose: str
    level: int


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``mds2``; ``answers``: question -> (answer, note)."""

    mds2_id: str
    model_id: str
    version: str = ""
    made_at: int | None = None
    answers: dict[str, tuple[str, str]]
    refused: list[dict[str, str]] = []
    digest: str
    document_id: str
    loaded_at: int
    loaded_by: str
    superseded_by: str | None = None


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """Machines of a model in a zone ('' where none is named), with what the model's maker discloses."""

    zone: str
    model_id: str
    manufacturer: str
    model: str
    devices: int
    in_use: int
    answers: dict[str, tuple[str, str]] | None


async def put_zone(conn: Connection, zone: Zone) -> None:
    """Add or change a zone."""
    await put(conn, "zone", ("zone",), [msgspec.to_builtins(zone)])


async def put_conduit(conn: Connection, conduit: Conduit) -> None:
    """Add or change a conduit."""
    await put(conn, "conduit", ("conduit_id",), [msgspec.to_builtins(conduit)])


async def drop_conduit(conn: Connection, conduit_id: str) -> bool:
    """Take a conduit away."""
    done: str = await conn.execute("DELETE FROM conduit WHERE conduit_id = $1", conduit_id)
    return done == "DELETE 1"


async def zones(source: Source) -> list[Zone]:
    """Every zone, the best protected first."""
    return [Zone(**dict(row)) for row in await source.fetch("SELECT * FROM zone ORDER BY level DESC, zone")]


async def conduits(source: Source) -> list[Conduit]:
    """Every conduit."""
    return [
        Conduit(**dict(row)) for row in await source.fetch("SELECT * FROM conduit ORDER BY source, target, service")
    ]


async def unnamed(source: Source) -> list[tuple[str, int]]:
    """Zones that interfaces name and nobody described, with their machines."""
    rows = await source.fetch(
        """SELECT i.zone, count(DISTINCT i.device_id) AS devices FROM interface i
           WHERE i.zone <> '' AND NOT EXISTS (SELECT FROM zone z WHERE z.zone = i.zone) GROUP BY 1 ORDER BY 1"""
    )
    return [(row["zone"], row["devices"]) for row in rows]


async def seats(source: Source, model_id: str = "") -> list[Seat]:
    """Which models stand in which zones (all, or one model's)."""
    rows = await source.fetch(
        """SELECT coalesce(i.zone, '') AS zone, n.model_id, n.manufacturer, n.model,
                  count(DISTINCT n.device_id) AS devices,
                  count(DISTINCT n.device_id) FILTER (WHERE n.in_use) AS in_use, s.answers
           FROM asset_now n LEFT JOIN interface i ON i.device_id = n.device_id AND i.zone <> ''
           LEFT JOIN mds2 s ON s.model_id = n.model_id AND s.superseded_by IS NULL
           WHERE $1 = '' OR n.model_id = $1
           GROUP BY 1, 2, 3, 4, s.answers ORDER BY 1, 3, 4""",
        model_id,
    )
    return [
        Seat(**dict(row) | {"answers": None if row["answers"] is None else _answers(row["answers"])}) for row in rows
    ]


def _answers(sent: str) -> dict[str, tuple[str, str]]:
    return msgspec.json.decode(sent, type=dict[str, tuple[str, str]])


async def put_sheet(conn: Connection, sheet: Sheet) -> None:
    """A new disclosure statement; it takes the place of the model's one in force."""
    await put(conn, "mds2", ("mds2_id",), [msgspec.to_builtins(sheet)])
    await conn.execute(
        "UPDATE mds2 SET superseded_by = $1 WHERE model_id = $2 AND mds2_id <> $1 AND superseded_by IS NULL",
        sheet.mds2_id,
        sheet.model_id,
    )


async def sheet(source: Source, model_id: str) -> Sheet | None:
    """The disclosure statement in force of a model."""
    row = await source.fetchval(
        "SELECT to_jsonb(s) FROM mds2 s WHERE model_id = $1 AND superseded_by IS NULL ORDER BY loaded_at DESC LIMIT 1",
        model_id,
    )
    return None if row is None else msgspec.json.decode(row, type=Sheet)


async def put_control(conn: Connection, control: Control) -> None:
    """A new compensating control, or its early end."""
    await put(conn, "control", ("control_id",), [msgspec.to_builtins(control)])


async def controls(source: Source, *, control_id: str = "") -> list[Control]:
    """Controls, those that end first in front."""
    rows = await source.fetch(
        "SELECT * FROM control WHERE $1 = '' OR control_id = $1 ORDER BY coalesce(ended_at, until), control_id",
        control_id,
    )
    return [Control(**dict(row)) for row in rows]


async def exposure(source: Source) -> list[dict[str, Any]]:
    """For each zone: its machines, and how many vulnerabilities were found in them, exploited and critical ones.

    Findings before judgement; what was judged is on the page of each vulnerability.
    """
    rows = await source.fetch(
        """WITH kev AS (SELECT cve FROM advisory_cve WHERE kev UNION SELECT cve FROM vulnerability WHERE kev),
                critical AS (SELECT cve FROM vulnerability GROUP BY cve HAVING max(cvss) >= 9),
                seat AS (SELECT DISTINCT coalesce(i.zone, '') AS zone, b.device_id, b.build_id
                         FROM device_build b LEFT JOIN interface i ON i.device_id = b.device_id AND i.zone <> ''),
                flaw AS (SELECT DISTINCT f.build_id, f.cve, f.cve IN (SELECT cve FROM kev) AS kev,
                                f.cve IN (SELECT cve FROM critical) AS critical FROM finding f)
           SELECT s.zone, count(DISTINCT s.device_id) AS devices,
                  count(DISTINCT f.cve) AS cves, count(DISTINCT f.cve) FILTER (WHERE f.kev) AS kev,
                  count(DISTINCT f.cve) FILTER (WHERE f.critical) AS critical,
                  count(DISTINCT s.device_id) FILTER (WHERE f.kev) AS kev_devices
           FROM (SELECT DISTINCT zone, build_id FROM seat) z
           JOIN seat s USING (zone, build_id) LEFT JOIN flaw f USING (build_id)
           GROUP BY s.zone ORDER BY s.zone"""
    )
    return [dict(row) for row in rows]


async def standing(source: Source, device_id: str) -> tuple[str, list[str]] | None:
    """A machine's model and the zones that its interfaces are in; None where it is not in the register."""
    row = await source.fetchrow(
        """SELECT a.model_id, ARRAY(SELECT DISTINCT i.zone FROM interface i
                                    WHERE i.device_id = a.device_id AND i.zone <> '' ORDER BY 1) AS zones
           FROM asset a WHERE a.device_id = $1""",
        device_id,
    )
    return None if row is None else (row["model_id"], list(row["zones"]))
