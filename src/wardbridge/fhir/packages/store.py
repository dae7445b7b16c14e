"""The list of loaded packages, and a stamp that changes with the profiles of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from wardbridge.core.db import Connection, Pool
from wardbridge.fhir.packages.archive import Manifest

RECENT = 64


@dataclass(frozen=True)
class Loaded:
    """A package that was loaded; ``loaded`` in µs (UTC), ``resources`` how many it brought."""

    name: str
    version: str
    loaded: int
    resources: int
    dependencies: dict[str, str]


async def note(conn: Connection, manifest: Manifest, resources: int, now: int) -> None:
    await conn.execute(
        """INSERT INTO fhir_package (name, version, loaded, resources, dependencies) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (name, version) DO UPDATE
           SET loaded = excluded.loaded, resources = excluded.resources, dependencies = excluded.dependencies""",
        manifest.name,
        manifest.version,
        now,
        resources,
        orjson.dumps(manifest.dependencies).decode(),
    )


async def loaded(db: Connection | Pool) -> list[Loaded]:
    rows = await db.fetch(
        "SELECT name, version, loaded, resources, dependencies::text FROM fhir_package ORDER BY name, loaded"
    )
    return [Loaded(row[0], row[1], row[2], row[3], orjson.loads(row[4])) for row in rows]


async def stamp(db: Connection | Pool, types: Sequence[int]) -> tuple[int, ...]:
    """The sequence numbers of the latest versions of some types.

    Several of each, not the highest alone: a transaction that commits late shows lower numbers than are seen already.
    """
    rows = await db.fetch(
        """SELECT v.sequence FROM unnest($1::smallint[]) AS t (type), LATERAL (
               SELECT sequence FROM fhir_version WHERE type = t.type ORDER BY sequence DESC LIMIT $2) AS v
           ORDER BY v.sequence""",
        list(types),
        RECENT,
    )
    return tuple(row[0] for row in rows)
