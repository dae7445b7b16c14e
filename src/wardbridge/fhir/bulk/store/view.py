"""The record as it was at one moment, read in small pieces long afterwards, without a transaction that stays open.

A version carries the number of the transaction that wrote it; whether that had committed when a snapshot was taken,
PostgreSQL can say at any later time. So every piece shows the same state, across crashes and restarts of the worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wardbridge.core.db import Connection, Pool
from wardbridge.fhir.search.hash import reference_hash
from wardbridge.fhir.search.query import Query
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.select import Builder


@dataclass(frozen=True)
class Seen:
    """A resource as the view has it. ``size`` is that of the body in bytes; ``current``: it has not changed since."""

    key: int
    type: str
    id: str
    version: int
    updated: int
    deleted: bool
    size: int
    current: bool


async def writers(db: Connection | Pool, seconds: float) -> bool:
    """Whether a transaction that may write has been open for longer than ``seconds``.

    One that has no number yet gets it within moments of looking at the clock; one that has none after 5 s only reads.
    """
    return bool(
        await db.fetchval(
            """SELECT EXISTS (SELECT 1 FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                 AND state <> 'idle' AND extract(epoch FROM clock_timestamp() - xact_start) >= $1::float8
                 AND (backend_xid IS NOT NULL OR clock_timestamp() - xact_start < interval '5 s'))""",
            seconds,
        )
    )


async def snapshot(db: Connection | Pool) -> tuple[str, int]:
    """(snapshot, highest key that it may show)."""
    row = await db.fetchrow("SELECT pg_current_snapshot()::text, (SELECT coalesce(max(key), 0) FROM fhir_resource)")
    return row[0], row[1]


_LAST = """CROSS JOIN LATERAL (
    SELECT v.version, v.updated, v.body FROM fhir_version v
    WHERE v.key = r.key AND v.updated <= $2 AND pg_visible_in_snapshot(v.transaction, $1::text::pg_snapshot)
    ORDER BY v.version DESC LIMIT 1) v"""


async def resources(
    db: Connection | Pool,
    numbers: Numbers,
    shot: str,
    until: int,
    since: int,
    types: Sequence[str],
    after: int,
    upto: int,
    among: Sequence[int] | None = None,
) -> list[Seen]:
    """Resources with keys in (after, upto] whose last version in the view is of (since, until] (µs), by key.

    ``among``: only these keys.
    """
    rows = await db.fetch(
        f"""SELECT r.key, r.type, r.id, v.version, v.updated, v.body IS NULL, coalesce(octet_length(v.body), 0),
                   v.version = r.version
            FROM fhir_resource r {_LAST}
            WHERE r.key > $3 AND r.key <= $4 AND r.type = ANY($5::smallint[]) AND v.updated > $6
              {"" if among is None else "AND r.key = ANY($7::bigint[])"} ORDER BY r.key""",
        shot,
        until,
        after,
        upto,
        [numbers.types[name] for name in types],
        since,
        *(() if among is None else (list(among),)),
    )
    return [Seen(row[0], numbers.names[row[1]], *row[2:]) for row in rows]


async def candidates(
    db: Connection | Pool,
    numbers: Numbers,
    until: int,
    since: int,
    types: Sequence[str],
    patients: Sequence[str],
    parameters: Sequence[int],
    after: int,
    most: int,
) -> list[int]:
    """The next keys behind ``after`` of what may be of these patients in the view: what refers to them now, themselves,
    and all that changed after ``until`` or was deleted after ``since``."""
    rows = await db.fetch(
        """SELECT key FROM (
               SELECT x.key FROM fhir_reference x
               WHERE x.parameter = ANY($1::smallint[]) AND x.hash = ANY($2::bigint[]) AND x.key > $7
               UNION
               SELECT r.key FROM fhir_resource r WHERE r.type = $3 AND r.id = ANY($4::text[]) AND r.key > $7
               UNION
               SELECT r.key FROM fhir_resource r
               WHERE r.type = ANY($6::smallint[]) AND r.updated > $5 AND r.key > $7
               UNION
               SELECT r.key FROM fhir_resource r
               WHERE $8::bigint >= 0 AND r.type = ANY($6::smallint[]) AND r.updated > $8 AND r.deleted AND r.key > $7
           ) found ORDER BY key LIMIT $9""",
        parameters,
        [reference_hash("Patient", id_) for id_ in patients],
        numbers.types["Patient"],
        patients,
        until,
        [numbers.types[name] for name in types],
        after,
        since,
        most,
    )
    return [row[0] for row in rows]


async def named(
    db: Connection | Pool, numbers: Numbers, shot: str, until: int, since: int, names: Sequence[tuple[str, str]]
) -> list[Seen]:
    """Those of these (type, id) that the view has, by key."""
    rows = await db.fetch(
        f"""SELECT r.key, r.type, r.id, v.version, v.updated, v.body IS NULL, coalesce(octet_length(v.body), 0),
                   v.version = r.version
            FROM unnest($3::smallint[], $4::text[]) AS u(type, id) JOIN fhir_resource r USING (type, id) {_LAST}
            WHERE v.updated > $5 ORDER BY r.key""",
        shot,
        until,
        [numbers.types[name] for name, _ in names],
        [id_ for _, id_ in names],
        since,
    )
    return [Seen(row[0], numbers.names[row[1]], *row[2:]) for row in rows]


async def bodies(db: Connection | Pool, seen: Sequence[Seen]) -> list[bytes]:
    """The bodies in the order of ``seen``. One whose history was expunged meanwhile is b''."""
    rows = await db.fetch(
        """SELECT v.key, v.body FROM unnest($1::bigint[], $2::int[]) AS u(key, version)
           JOIN fhir_version v USING (key, version)""",
        [one.key for one in seen],
        [one.version for one in seen],
    )
    found: dict[int, bytes] = {row[0]: row[1] or b"" for row in rows}
    return [found.get(one.key, b"") for one in seen]


async def of_patients(
    db: Connection | Pool,
    numbers: Numbers,
    keys: Sequence[int],
    parameters: Sequence[int],
    patients: Sequence[str] | None,
) -> set[int]:
    """Which of these resources refer by one of these parameters to a patient, or to one of ``patients``, now."""
    rows = await db.fetch(
        """SELECT DISTINCT x.key FROM fhir_reference x
           WHERE x.key = ANY($1::bigint[]) AND x.parameter = ANY($2::smallint[]) AND x.target = $3
             AND ($4::bigint[] IS NULL OR x.hash = ANY($4::bigint[]) AND x.value = ANY($5::text[]))""",
        keys,
        parameters,
        numbers.types["Patient"],
        None if patients is None else [reference_hash("Patient", id_) for id_ in patients],
        patients,
    )
    return {row[0] for row in rows}


async def matching(db: Connection | Pool, numbers: Numbers, query: Query, keys: Sequence[int]) -> set[int]:
    """Which of these resources a search finds now."""
    select = Builder(query, numbers).among(keys)
    return {row[0] for row in await db.fetch(select.text, *select.arguments)}


def link_numbers(numbers: Numbers, links: Mapping[str, Sequence[str]], types: Sequence[str]) -> list[int]:
    """The numbers of the parameters that link these types to a compartment."""
    found: list[int] = []
    for name in types:
        for code in links.get(name, ()):
            try:
                found.append(numbers.parameter(name, code))
            except KeyError:
                continue  # the compartment's definition names a parameter that R4 has not on this type
    return found
