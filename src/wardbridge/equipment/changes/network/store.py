"""SQL of links, flow imports and network policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.changes.network.values import Bad, Link, Policy, Rule
from wardbridge.equipment.changes.store import as_json

Source = Connection | Pool
_FIELDS = """device_id text, peer text, port int, protocol text, direction text, first_seen bigint, last_seen bigint,
             count bigint, source text"""
GROUP = """(SELECT coalesce((SELECT i.zone FROM interface i WHERE i.device_id = a.device_id AND i.zone <> ''
                             ORDER BY i.zone LIMIT 1), ''))"""
"""The zone of machine ``a``: that of its first interface that has one."""


async def add(conn: Connection, links: Sequence[Link]) -> None:
    """Add what was seen to what is known."""
    if links:
        await conn.execute(
            f"""INSERT INTO link_seen AS l
                    (device_id, peer, port, protocol, direction, first_seen, last_seen, count, source)
                SELECT * FROM jsonb_to_recordset($1::jsonb) AS n ({_FIELDS})
                ON CONFLICT (device_id, peer, port, protocol, direction) DO UPDATE SET
                    first_seen = least(l.first_seen, excluded.first_seen),
                    last_seen = greatest(l.last_seen, excluded.last_seen), count = l.count + excluded.count,
                    source = excluded.source""",
            as_json(links),
        )


async def machines_at(source: Source, addresses: Sequence[str]) -> dict[str, str]:
    """Whose these IP addresses are: {address: device id}; an address of two machines is nobody's."""
    rows = await source.fetch(
        """SELECT i.ip, min(i.device_id) AS device_id FROM interface i JOIN asset a USING (device_id)
           WHERE i.ip = ANY($1) AND a.merged_into IS NULL GROUP BY i.ip HAVING count(DISTINCT i.device_id) = 1""",
        list(addresses),
    )
    return {row["ip"]: row["device_id"] for row in rows}


async def put_import(
    conn: Connection, import_id: str, at: int, name: str, parsed: Any, used: int, strangers: Mapping[str, int],
    digest: str, by: str,
) -> bool:  # fmt: skip
    """Keep what was read; False where this file was read before."""
    made = await conn.fetchval(
        """INSERT INTO flow_import (import_id, at, name, format, lines, used, bad, strange, kept, strangers, digest, by)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (digest) DO NOTHING RETURNING 1""",
        import_id, at, name, parsed.format, parsed.lines, used, len(parsed.bad), sum(strangers.values()),
        as_json(parsed.bad), as_json(strangers), digest, by,
    )  # fmt: skip
    return bool(made)


async def imports(source: Source, limit: int = 20) -> list[Any]:
    """The last imports, newest first."""
    rows: list[Any] = await source.fetch(
        """SELECT import_id, at, name, format, lines, used, bad, strange, by FROM flow_import
           ORDER BY at DESC, import_id LIMIT $1""",
        limit,
    )
    return rows


async def kept(source: Source, import_id: str) -> list[Bad]:
    """The lines of an import that could not be understood."""
    found = await source.fetchval("SELECT kept FROM flow_import WHERE import_id = $1", import_id)
    return msgspec.json.decode(found or "[]", type=list[Bad])


async def links(
    source: Source, *, device_id: str = "", model_id: str = "", zone: str | None = None, since: int = 0,
    until: int | None = None, limit: int = 100_000,
) -> list[Link]:  # fmt: skip
    """Links of a machine, or of a model (in a zone), first seen before ``until`` and last seen from ``since`` on."""
    rows = await source.fetch(
        f"""SELECT l.* FROM link_seen l JOIN asset a USING (device_id)
            WHERE ($1 = '' OR l.device_id = $1) AND ($2 = '' OR a.model_id = $2) AND ($3::text IS NULL OR {GROUP} = $3)
              AND l.last_seen >= $4 AND ($5::bigint IS NULL OR l.first_seen < $5)
            ORDER BY l.device_id, l.direction, l.peer, l.port, l.protocol LIMIT $6""",
        device_id, model_id, zone, since, until, limit,
    )  # fmt: skip
    return [Link(**dict(row)) for row in rows]


async def names(source: Source, addresses: Sequence[str]) -> dict[str, str]:
    """What the register calls the machines at these addresses: ``model in zone``."""
    rows = await source.fetch(
        """SELECT i.ip, min(m.manufacturer || ' ' || m.name
                            || CASE WHEN i.zone = '' THEN '' ELSE ' in ' || i.zone END) AS name
           FROM interface i JOIN asset a USING (device_id) JOIN model m USING (model_id)
           WHERE i.ip = ANY($1) AND a.merged_into IS NULL GROUP BY i.ip""",
        list(addresses),
    )
    return {row["ip"]: row["name"] for row in rows}


async def addresses(source: Source, model_id: str, zone: str) -> list[str]:
    """The IP addresses of the machines of a model in a zone."""
    rows = await source.fetch(
        f"""SELECT DISTINCT i.ip FROM interface i JOIN asset a USING (device_id)
            WHERE a.model_id = $1 AND {GROUP} = $2 AND i.ip <> '' AND a.merged_into IS NULL ORDER BY 1""",
        model_id, zone,
    )  # fmt: skip
    return [row["ip"] for row in rows]


async def groups(source: Source) -> list[Any]:
    """Models in zones that were seen on the network: machines, links, since when, and the state of their policies."""
    rows: list[Any] = await source.fetch(
        f"""WITH seen AS (SELECT a.model_id, {GROUP} AS zone, count(DISTINCT l.device_id) AS machines,
                              count(*) AS links, min(l.first_seen) AS first_seen, max(l.last_seen) AS last_seen
                          FROM link_seen l JOIN asset a USING (device_id) GROUP BY 1, 2)
            SELECT s.*, m.manufacturer || ' ' || m.name AS name, g.stop AS learned,
                   (SELECT p.policy_id FROM network_policy p WHERE p.model_id = s.model_id AND p.zone = s.zone
                    AND p.state = 'approved') AS approved,
                   (SELECT p.policy_id FROM network_policy p WHERE p.model_id = s.model_id AND p.zone = s.zone
                    AND p.state = 'suggested') AS suggested
            FROM seen s JOIN model m USING (model_id) LEFT JOIN learning g USING (model_id, zone)
            ORDER BY name, s.zone, s.model_id"""
    )
    return rows


def _policy(row: Any) -> Policy:
    fields = dict(row)
    fields["rules"] = msgspec.json.decode(fields["rules"], type=tuple[Rule, ...])
    return Policy(**fields)


async def put_policy(conn: Connection, policy: Policy) -> None:
    """Insert or replace a policy."""
    await conn.execute(
        """INSERT INTO network_policy (policy_id, model_id, zone, state, rules, learned_from, learned_to, created,
               approved_at, by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
           ON CONFLICT (policy_id) DO UPDATE SET state = $4, rules = $5, approved_at = $9""",
        policy.policy_id, policy.model_id, policy.zone, policy.state, as_json(policy.rules), policy.learned_from,
        policy.learned_to, policy.created, policy.approved_at, policy.by,
    )  # fmt: skip


async def policy(source: Source, policy_id: str, *, lock: bool = False) -> Policy | None:
    """A policy by id."""
    row = await source.fetchrow(
        f"SELECT * FROM network_policy WHERE policy_id = $1 {'FOR UPDATE' if lock else ''}", policy_id
    )
    return _policy(row) if row else None


async def policies(source: Source, *, state: str = "", model_id: str = "", zone: str | None = None) -> list[Policy]:
    """Policies, newest first."""
    rows = await source.fetch(
        """SELECT * FROM network_policy WHERE ($1 = '' OR state = $1) AND ($2 = '' OR model_id = $2)
           AND ($3::text IS NULL OR zone = $3) ORDER BY created DESC, policy_id""",
        state, model_id, zone,
    )  # fmt: skip
    return [_policy(row) for row in rows]


async def model_name(source: Source, model_id: str) -> str:
    """Manufacturer and name of a model."""
    return str(
        await source.fetchval("SELECT manufacturer || ' ' || name FROM model WHERE model_id = $1", model_id) or ""
    )


async def set_learning(conn: Connection, model_id: str, zone: str, start: int, stop: int) -> None:
    """From when to when what is seen of a model in a zone counts as usual."""
    await conn.execute(
        """INSERT INTO learning VALUES ($1, $2, $3, $4)
           ON CONFLICT (model_id, zone) DO UPDATE SET start = $3, stop = $4""",
        model_id, zone, start, stop,
    )  # fmt: skip


async def known_keys(source: Source, keys: Sequence[str]) -> dict[str, str]:
    """Machines of the register by the name that they have on the wire: {key: device id}."""
    rows = await source.fetch(
        "SELECT d.key, d.device_id FROM device d JOIN asset USING (device_id) WHERE d.key = ANY($1)", list(keys)
    )
    return {row["key"]: row["device_id"] for row in rows}


async def heard_on(source: Source, names: Sequence[str], since: int) -> list[tuple[str, str, int]]:
    """Machines of the register that were heard on these links from ``since`` (µs) on: (device, link, last seen)."""
    rows = await source.fetch(
        """SELECT d.device_id, d.link, s.last_seen FROM device d JOIN asset USING (device_id)
           JOIN device_state s ON s.device_id = d.device_id
           WHERE d.link = ANY($1) AND d.parent_id IS NULL AND s.last_seen > $2 ORDER BY d.device_id""",
        list(names), since,
    )  # fmt: skip
    return [(row["device_id"], row["link"], row["last_seen"]) for row in rows]
