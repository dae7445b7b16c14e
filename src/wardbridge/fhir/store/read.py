"""Reading one resource, one version, and histories (R4 http.html#read, #vread, #history)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wardbridge.core.db import Connection, Pool
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.values import Stored

_METHODS = {b"C": "POST", b"U": "PUT", b"D": "DELETE"}


@dataclass(frozen=True)
class Version:
    """One line of a history. ``method`` is POST, PUT or DELETE."""

    stored: Stored
    sequence: int
    method: str


@dataclass(frozen=True)
class HistoryPage:
    """Newest first. ``before`` is the sequence to go on from, 0 on the last page."""

    versions: tuple[Version, ...]
    total: int | None
    before: int


async def read(db: Connection | Pool, numbers: Numbers, type_name: str, id_: str) -> Stored | None:
    """The current version (a deletion included), None for an id that was never used."""
    row = await db.fetchrow(
        """SELECT r.version, r.updated, v.body FROM fhir_resource r
           JOIN fhir_version v ON v.key = r.key AND v.version = r.version WHERE r.type = $1 AND r.id = $2""",
        numbers.types[type_name],
        id_,
    )
    return None if row is None else Stored(type_name, id_, row[0], row[1], row[2], False, False)


async def read_many(db: Connection | Pool, numbers: Numbers, names: list[tuple[str, str]]) -> list[Stored]:
    """The current versions of those (type, id) that exist, in no order."""
    rows = await db.fetch(
        """SELECT r.type, r.id, r.version, r.updated, v.body FROM unnest($1::smallint[], $2::text[]) AS u(type, id)
           JOIN fhir_resource r ON r.type = u.type AND r.id = u.id
           JOIN fhir_version v ON v.key = r.key AND v.version = r.version""",
        [numbers.types[name] for name, _ in names],
        [id_ for _, id_ in names],
    )
    return [Stored(numbers.names[row[0]], row[1], row[2], row[3], row[4], False, False) for row in rows]


async def vread(db: Connection | Pool, numbers: Numbers, type_name: str, id_: str, version: int) -> Stored | None:
    row = await db.fetchrow(
        """SELECT v.version, v.updated, v.body FROM fhir_resource r JOIN fhir_version v ON v.key = r.key
           WHERE r.type = $1 AND r.id = $2 AND v.version = $3""",
        numbers.types[type_name],
        id_,
        version,
    )
    return None if row is None else Stored(type_name, id_, row[0], row[1], row[2], False, False)


async def history(
    db: Connection | Pool,
    numbers: Numbers,
    *,
    type_name: str = "",
    id_: str = "",
    since: int | None,
    at: tuple[int, int] | None,
    before: int,
    count: int,
) -> HistoryPage:
    """``since`` in µs; ``at``: only versions that were current at some moment of that range [low, high).

    The total is counted for one resource only: for a type or the whole system it would be a scan.
    """
    where, arguments = ["true"], list[Any]()

    def add(value: Any, kind: str) -> str:
        arguments.append(value)
        return f"${len(arguments)}::{kind}"

    if type_name:
        where.append(f"v.type = {add(numbers.types[type_name], 'smallint')}")
    if id_:
        where.append(f"v.key = (SELECT key FROM fhir_resource WHERE type = $1 AND id = {add(id_, 'text')})")
    if since is not None:
        where.append(f"v.updated >= {add(since, 'bigint')}")
    if at is not None:
        where.append(f"v.updated < {add(at[1], 'bigint')}")
        where.append(f"""NOT EXISTS (SELECT 1 FROM fhir_version n WHERE n.key = v.key AND n.version = v.version + 1
                          AND n.updated <= {add(at[0], "bigint")})""")
    counted = " AND ".join(where)
    total = await db.fetchval(f"SELECT count(*) FROM fhir_version v WHERE {counted}", *arguments) if id_ else None
    if before:
        where.append(f"v.sequence < {add(before, 'bigint')}")
    rows = await db.fetch(
        f"""SELECT v.type, r.id, v.version, v.updated, v.body, v.sequence, v.method
            FROM fhir_version v JOIN fhir_resource r ON r.key = v.key WHERE {" AND ".join(where)}
            ORDER BY v.sequence DESC LIMIT {add(count + 1, "bigint")}""",
        *arguments,
    )
    versions = tuple(
        Version(
            Stored(numbers.names[row["type"]], row["id"], row["version"], row["updated"], row["body"]),
            row["sequence"],
            _METHODS[row["method"]],
        )
        for row in rows[:count]
    )
    return HistoryPage(versions, total, versions[-1].sequence if len(rows) > count else 0)
