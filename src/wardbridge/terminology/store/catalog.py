"""The heads of the record's terminology resources, and whether any of them has changed since they were read.

A change is seen by the very next request, whichever process made it: versions are counted from the oldest transaction
that was still open at the last look, so that a late commit is not missed (see ``fhir.store.changes``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wardbridge.core.db import Connection, Pool, transaction
from wardbridge.fhir.json import dumps, loads
from wardbridge.terminology.store import listed
from wardbridge.terminology.values import dicts, head_of, standards_status

TYPES = ("CodeSystem", "ValueSet", "ConceptMap")


@dataclass(frozen=True)
class Look:
    """How far a look went: transactions from ``floor`` on may bring more than the ``seen`` versions."""

    floor: str = "0"
    seen: int = -1
    loads: int = -1


@dataclass(frozen=True)
class Entry:
    """A terminology resource of the record, without its content."""

    key: int
    version: int
    type: str
    id: str
    url: str
    facts: dict[str, Any]

    @property
    def business(self) -> str:
        return str(self.facts.get("version", ""))


async def look(db: Pool, before: Look) -> tuple[Look, bool]:
    """The next look and whether anything has changed since ``before``; it reads what was written since then."""
    if before.seen < 0:
        floor = await db.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
        before = Look(floor)
    row = await db.fetchrow(
        """SELECT s.floor::text, count(v.key), count(v.key) FILTER (WHERE v.transaction >= s.floor),
                  (SELECT coalesce(max(key), 0) * 2 + count(*) FROM term_system WHERE ready AND resource IS NULL)
           FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS floor) s
           LEFT JOIN fhir_version v ON v.transaction >= $1::text::xid8
                AND v.type IN (SELECT number FROM fhir_type WHERE name = ANY($2)) GROUP BY s.floor""",
        before.floor,
        list(TYPES),
    )
    changed = before.seen < 0 or row[1] != before.seen or row[3] != before.loads
    return Look(row[0], row[2], row[3]), changed


async def entries(pool: Pool) -> list[Entry]:
    """All heads, after reading those of resources that are new or have changed."""
    async with transaction(pool) as conn:
        await conn.execute(
            """DELETE FROM term_resource t WHERE NOT EXISTS
               (SELECT 1 FROM fhir_resource r WHERE r.key = t.key AND NOT r.deleted AND r.version = t.version)"""
        )
        await listed.clear(conn)
        await _read_new(conn)
        rows = await conn.fetch("SELECT key, version, type, id, url, facts FROM term_resource ORDER BY key")
    return [Entry(r[0], r[1], r[2], r[3], r[4], loads(r[5].encode())) for r in rows]


async def _read_new(conn: Connection) -> None:
    numbers = await conn.fetch("SELECT number FROM fhir_type WHERE name = ANY($1)", list(TYPES))
    cursor = conn.cursor(
        """SELECT r.key, r.version, t.name, r.id, v.body FROM fhir_resource r
           JOIN fhir_type t ON t.number = r.type JOIN fhir_version v ON v.key = r.key AND v.version = r.version
           WHERE r.type = ANY($1::smallint[]) AND NOT r.deleted
           AND NOT EXISTS (SELECT 1 FROM term_resource k WHERE k.key = r.key)""",
        [row[0] for row in numbers],
        prefetch=20,
    )
    found: list[tuple[Any, ...]] = []
    async for key, version, type_name, id_, body in cursor:
        resource = loads(body)
        if type_name == "ValueSet":
            await listed.write(conn, key, resource)
        found.append((key, version, type_name, id_, str(resource.get("url") or ""), dumps(facts(resource)).decode()))
    if found:
        await conn.execute(
            """INSERT INTO term_resource (key, version, type, id, url, facts)
               SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[])
               ON CONFLICT (key) DO UPDATE
               SET version = EXCLUDED.version, url = EXCLUDED.url, facts = EXCLUDED.facts""",
            *(list(column) for column in zip(*found, strict=True)),
        )


def facts(resource: dict[str, Any]) -> dict[str, Any]:
    """What finding a resource and choosing among its versions needs."""
    out: dict[str, Any] = {
        "version": str(resource.get("version") or ""),
        "status": str(resource.get("status") or ""),
        "standards": standards_status(resource),
        "experimental": resource.get("experimental") is True,
    }
    if resource.get("resourceType") == "CodeSystem":
        head = head_of(resource)
        out |= {
            "content": head.content,
            "supplements": head.supplements,
            "valueSet": head.value_set,
            "concepts": count(resource),
        }
    elif resource.get("resourceType") == "ConceptMap":
        out["source"] = _first(resource, "sourceUri", "sourceCanonical")
        out["target"] = _first(resource, "targetUri", "targetCanonical")
        out["groups"] = [[str(g.get("source") or ""), str(g.get("target") or "")] for g in dicts(resource.get("group"))]
    return out


def _first(resource: dict[str, Any], *names: str) -> str:
    return next((str(resource[name]) for name in names if resource.get(name)), "")


def count(resource: dict[str, Any]) -> int:
    """How many concepts a CodeSystem resource has."""
    total = 0
    stack = dicts(resource.get("concept"))
    while stack:
        element = stack.pop()
        total += 1
        if "concept" in element:
            stack.extend(dicts(element["concept"]))
    return total


async def body(db: Pool, key: int, version: int) -> dict[str, Any] | None:
    """The resource of an entry; None where it has gone meanwhile."""
    found = await db.fetchval("SELECT body FROM fhir_version WHERE key = $1 AND version = $2", key, version)
    return loads(found) if found else None
