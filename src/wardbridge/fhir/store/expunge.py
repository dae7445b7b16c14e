"""Removing for good: versions, or a resource with everything that was derived from it. There is no way back.

Each function works inside the caller's transaction and locks the rows of the resources first, so that no write can
come between.
"""

from __future__ import annotations

from dataclasses import dataclass

from wardbridge.core.db import Connection
from wardbridge.fhir.search.rows import TABLES
from wardbridge.fhir.store.numbers import Numbers

DERIVED = (*(f"fhir_{name}" for name in TABLES), "fhir_text")
"""Tables whose rows are made from the body of a resource."""


@dataclass(frozen=True)
class Removed:
    """One resource of which something was removed. ``whole``: nothing of it is left."""

    type: str
    id: str
    versions: int
    whole: bool


async def old_versions(conn: Connection, numbers: Numbers, type_name: str, id_: str, limit: int) -> list[Removed]:
    """The versions before the current one, oldest first, ``limit`` at most; type and id '' for all."""
    rows = await conn.fetch(
        """WITH old AS (
               SELECT v.key, v.version FROM fhir_version v JOIN fhir_resource r ON r.key = v.key
               WHERE v.version < r.version AND ($1::smallint IS NULL OR r.type = $1) AND ($2::text = '' OR r.id = $2)
               ORDER BY v.sequence LIMIT $3 FOR UPDATE OF r),
           gone AS (
               DELETE FROM fhir_version v USING old WHERE v.key = old.key AND v.version = old.version RETURNING v.key)
           SELECT r.type, r.id, count(*) AS n FROM gone JOIN fhir_resource r ON r.key = gone.key GROUP BY 1, 2""",
        numbers.types[type_name] if type_name else None,
        id_,
        limit,
    )
    return [Removed(numbers.names[row["type"]], row["id"], row["n"], False) for row in rows]


async def resources(
    conn: Connection, numbers: Numbers, type_name: str, id_: str, limit: int, *, deleted: bool
) -> list[Removed]:
    """Whole resources with all versions and index rows, ``limit`` versions at most, but at least one resource.

    ``deleted``: only those that are deleted already.
    """
    keys = await conn.fetch(
        """SELECT r.key, (SELECT count(*) FROM fhir_version v WHERE v.key = r.key) AS versions FROM fhir_resource r
           WHERE (NOT $4::boolean OR r.deleted)
             AND ($1::smallint IS NULL OR r.type = $1) AND ($2::text = '' OR r.id = $2)
           ORDER BY r.key LIMIT $3 FOR UPDATE OF r""",
        numbers.types[type_name] if type_name else None,
        id_,
        limit,
        deleted,
    )
    chosen: list[int] = []
    left = limit
    for row in keys:
        if chosen and row["versions"] > left:
            break
        chosen.append(row["key"])
        left -= row["versions"]
    if not chosen:
        return []
    derived = ", ".join(f"d{at} AS (DELETE FROM {table} WHERE key = ANY($1))" for at, table in enumerate(DERIVED))
    rows = await conn.fetch(
        f"""WITH {derived},
            v AS (DELETE FROM fhir_version WHERE key = ANY($1::bigint[]) RETURNING key),
            r AS (DELETE FROM fhir_resource WHERE key = ANY($1) RETURNING key, type, id)
            SELECT r.type, r.id, (SELECT count(*) FROM v WHERE v.key = r.key) AS n FROM r""",
        chosen,
    )
    return [Removed(numbers.names[row["type"]], row["id"], row["n"], True) for row in rows]
