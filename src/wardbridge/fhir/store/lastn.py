"""The last observations of each code among those that a search finds (R4 observation-operation-lastn).

The index alone chooses them: the newest of each coding, by a window over the matching rows. Only what is chosen, and
the codings that stand on it, are then read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import Invalid
from wardbridge.fhir.search.query import Query
from wardbridge.fhir.store.conditions import Arguments
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.resolve import resolved
from wardbridge.fhir.store.search import TooCostly
from wardbridge.fhir.store.values import Stored
from wardbridge.fhir.store.where import Where
from wardbridge.fhir.terms import Terms


@dataclass(frozen=True)
class Candidate:
    """An observation that is among the newest of one of its codings. ``at``: when, in µs, None where it is unknown."""

    stored: Stored
    at: int | None
    codings: tuple[tuple[str, str], ...]


async def newest(
    db: Connection | Pool, numbers: Numbers, query: Query, most: int, seconds: float, terms: Terms | None = None
) -> list[Candidate]:
    """For each coding the ``most`` newest, and those without any coding alike. Raises Invalid, TooCostly."""
    asked = await resolved(query, terms, db, numbers)
    a = Arguments()
    source, where = Where(numbers, a).resources(asked.clauses, asked.types, "r")
    code = a.add(numbers.parameters(("Observation",), "code"), "smallint[]")
    date = a.add(numbers.parameters(("Observation",), "date"), "smallint[]")
    limit = a.add(most, "bigint")
    text = f"""
        WITH found AS MATERIALIZED (
            SELECT r.key, (SELECT max(d.low) FROM fhir_date d WHERE d.key = r.key AND d.parameter = ANY({date})) AS at
            FROM {source} WHERE {" AND ".join(where)}),
        ranked AS (
            SELECT f.key, f.at, row_number() OVER (
                PARTITION BY t.hash, t.code, t.system ORDER BY f.at DESC NULLS LAST, f.key DESC) AS place
            FROM found f LEFT JOIN fhir_token t ON t.key = f.key AND t.parameter = ANY({code})),
        chosen AS (SELECT DISTINCT key, at FROM ranked WHERE place <= {limit})
        SELECT c.at, r.type, r.id, r.version, r.updated, v.body,
            (SELECT array_agg(coalesce(t.system, '') || '|' || coalesce(t.code, '')) FROM fhir_token t
             WHERE t.key = c.key AND t.parameter = ANY({code})) AS codings
        FROM chosen c JOIN fhir_resource r ON r.key = c.key
        JOIN fhir_version v ON v.key = r.key AND v.version = r.version
        ORDER BY c.at DESC NULLS LAST, c.key DESC"""
    return [_candidate(row, numbers) for row in await ask(db, text, a.values, seconds)]


def _candidate(row: Any, numbers: Numbers) -> Candidate:
    stored = Stored(numbers.names[row["type"]], row["id"], row["version"], row["updated"], row["body"], False, False)
    codings = []
    for text in row["codings"] or ():
        system, _, code = text.rpartition("|")
        codings.append((system, code))
    return Candidate(stored, row["at"], tuple(codings))


async def ask(db: Connection | Pool, text: str, arguments: list[Any], seconds: float) -> list[Any]:
    """The rows of a statement that may not run for ever. Raises TooCostly, Invalid."""
    try:
        return list(await db.fetch(text, *arguments, timeout=seconds))
    except (TimeoutError, asyncpg.QueryCanceledError) as error:
        raise TooCostly(f"the search did not end within {seconds:g} s; please narrow it") from error
    except asyncpg.DataError as error:
        raise Invalid("a value of the search is out of range") from error
