"""By which rules search rows are made: the set of parameters of each type with the version of the software.

A set that changes gets a new number; a write by the rules of before then writes nothing (``statement.py`` joins the
current numbers), so once no open statement can have seen the old ones, every further row is of the new rules. What was
written before, the reindex brings to them (``reindex.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.fhir.definitions.search import SearchParameter
from wardbridge.fhir.search.extract import parameters
from wardbridge.fhir.search.hash import INDEX_VERSION


@dataclass(frozen=True)
class TypeRules:
    """The rules of one type. ``done`` of ``total`` older resources have been brought to them."""

    type: int
    rules: int
    complete: int
    complete_version: int
    cursor: int
    done: int
    total: int

    @property
    def ready(self) -> bool:
        return self.complete >= self.rules

    @property
    def percent(self) -> int:
        """99 at most until all is done and proven."""
        return 100 if self.ready else min(99, self.done * 100 // self.total) if self.total else 0


@dataclass(frozen=True)
class Custom:
    """A custom parameter of one type. ``rules``: the first set that it belongs to, or, retired, does not; ``searched``:
    it was in force before with another definition."""

    number: int
    type: str
    resource: str
    parameter: SearchParameter
    retired: bool
    searched: bool
    rules: int


async def lock(conn: Connection) -> None:
    """Only one transaction at a time changes rules."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('fhir_rules'))")


async def read(db: Connection | Pool) -> list[TypeRules]:
    rows = await db.fetch(
        "SELECT type, rules, complete, complete_version, cursor, done, total FROM fhir_rules ORDER BY type"
    )
    return [TypeRules(*row) for row in rows]


async def customs(db: Connection | Pool) -> list[Custom]:
    """All that there ever were, retired ones included."""
    rows = await db.fetch(
        """SELECT c.number, p.type, c.resource, c.definition, c.retired, c.searched, c.rules
           FROM fhir_custom_parameter c JOIN fhir_parameter p USING (number) ORDER BY c.number"""
    )
    return [Custom(row[0], row[1], row[2], msgspec.json.decode(row[3], type=SearchParameter), *row[4:]) for row in rows]


async def resources(db: Connection | Pool, type_number: int) -> list[tuple[str, bytes]]:
    """(id, body) of every SearchParameter of the record, oldest first; ``type_number`` is that of SearchParameter."""
    rows = await db.fetch(
        """SELECT r.id, v.body FROM fhir_resource r JOIN fhir_version v ON v.key = r.key AND v.version = r.version
           WHERE r.type = $1 AND NOT r.deleted ORDER BY r.key""",
        type_number,
    )
    return [(row[0], row[1]) for row in rows]


async def state_of_resources(db: Connection | Pool, type_number: int) -> tuple[int, int]:
    """Changes with every change to a SearchParameter of the record."""
    row = await db.fetchrow(
        "SELECT count(*), coalesce(sum(version), 0)::bigint FROM fhir_resource WHERE type = $1", type_number
    )
    return row[0], row[1]


async def keep(conn: Connection, type_name: str, resource: str, parameter: SearchParameter) -> None:
    """A parameter is in force on a type, new or changed; it belongs to the next set of rules."""
    number = await conn.fetchval(
        """WITH new AS (
               INSERT INTO fhir_parameter (type, code, url) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING number)
           SELECT number FROM new UNION ALL
           SELECT number FROM fhir_parameter WHERE (type, code, url) = ($1, $2, $3) LIMIT 1""",
        type_name,
        parameter.code,
        parameter.url,
    )
    await conn.execute(
        """INSERT INTO fhir_custom_parameter (number, resource, definition) VALUES ($1, $2, $3::text::jsonb)
           ON CONFLICT (number)
           DO UPDATE SET resource = $2, definition = $3::text::jsonb, rules = 0, retired = false,
               searched = NOT fhir_custom_parameter.retired""",
        number,
        resource,
        msgspec.json.encode(parameter).decode(),
    )


async def retire(conn: Connection, numbers: Sequence[int]) -> None:
    await conn.execute(
        "UPDATE fhir_custom_parameter SET retired = true, rules = 0 WHERE number = ANY($1::smallint[])", numbers
    )


async def settle(conn: Connection, types: Mapping[str, int], *, anew: Sequence[str] = ()) -> list[str]:
    """Give a new number to each type whose set has changed (and to the types ``anew``); those types.

    Call it after :func:`lock`. A type that has no resource yet is complete with it.
    """
    by_type: dict[str, list[Custom]] = {}
    for one in await customs(conn):
        if not one.retired:
            by_type.setdefault(one.type, []).append(one)
    names = {number: name for name, number in types.items()}
    digests = {types[name]: digest(name, [one.parameter for one in by_type.get(name, ())]) for name in types}
    known = {row[0]: (row[1], row[2]) for row in await conn.fetch("SELECT type, digest, index_version FROM fhir_rules")}
    changed = [
        number
        for number, value in digests.items()
        if known.get(number) != (value, INDEX_VERSION) or names[number] in anew
    ]
    if not changed:
        return []
    number = await conn.fetchval("SELECT nextval('fhir_rules_number')")
    await conn.execute(
        """INSERT INTO fhir_rules (type, rules, index_version, digest, complete, complete_version, anew)
           SELECT w.type, $3::int, $4::smallint, w.digest, CASE WHEN t.there THEN 0 ELSE $3::int END,
                  CASE WHEN t.there THEN 0 ELSE $4::smallint END, w.type = ANY($5::smallint[])
           FROM unnest($1::smallint[], $2::bigint[]) AS w(type, digest)
           CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM fhir_resource r WHERE r.type = w.type) AS there) t
           ON CONFLICT (type) DO UPDATE SET rules = excluded.rules, index_version = excluded.index_version,
               digest = excluded.digest, cursor = 0, done = 0, total = 0,
               anew = fhir_rules.anew OR excluded.anew""",
        changed,
        [digests[one] for one in changed],
        number,
        INDEX_VERSION,
        [types[name] for name in anew],
    )
    await conn.execute(
        """UPDATE fhir_custom_parameter c SET rules = $1::int FROM fhir_parameter p
           WHERE p.number = c.number AND c.rules = 0 AND p.type = ANY($2::text[])""",
        number,
        [names[one] for one in changed],
    )
    return [names[one] for one in changed]


def digest(type_name: str, custom: Sequence[SearchParameter]) -> int:
    """Of all that decides which rows a resource of the type has, but for the software's own version."""
    own = msgspec.json.encode(sorted(custom, key=lambda parameter: (parameter.code, parameter.url)))
    raw = blake2b(_published(type_name) + own, digest_size=8).digest()
    return int.from_bytes(raw, "big", signed=True)


@cache
def _published(type_name: str) -> bytes:
    return msgspec.json.encode([parameter for _, parameter in sorted(parameters(type_name).items())])
