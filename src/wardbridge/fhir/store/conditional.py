"""Conditional interactions that stay right under concurrency (R4 http.html#ccreate, #cond-update).

Whoever is about to search and then write takes a transaction lock on what the criteria name, so a second one waits,
and then finds what the first has written. Criteria with an identifier lock that identifier, whatever else they say.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl

from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid
from wardbridge.fhir.search.hash import hash64
from wardbridge.fhir.search.parse import parse
from wardbridge.fhir.search.query import Clause, Query, Token
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.search import run
from wardbridge.fhir.store.values import SeveralMatches, Stored


def criteria(type_name: str, text: str, bases: tuple[str, ...] = ()) -> Query:
    """The query of ``identifier=a|1&...`` (a leading ``?`` or ``Type?`` is allowed). Raises Invalid."""
    text = text.strip()
    text = text.partition("?")[2] if "?" in text else text
    pairs = parse_qsl(text, keep_blank_values=True)
    query = parse([type_name], pairs, bases=bases)
    if not query.clauses:
        raise Invalid("the criteria of a conditional interaction are empty", "If-None-Exist")
    if query.includes or query.sort or query.cursor or query.summary or query.elements:
        raise Invalid("criteria select resources; result parameters have no place in them", "If-None-Exist")
    return query


def lock_keys(query: Query) -> list[int]:
    """What to lock: each identifier that is named, else the whole of the criteria."""
    head = "|".join(query.types)
    identifiers = [
        value
        for clause in query.clauses
        if isinstance(clause, Clause) and clause.code == "identifier" and not clause.modifier
        for value in clause.values
        if isinstance(value, Token)
    ]
    if identifiers:
        # By code alone: "a|1" and "1" may mean the same resource.
        return sorted({hash64(f"lock\x1f{head}\x1fidentifier\x1f{token.code}") for token in identifiers})
    whole = sorted(map(repr, query.clauses))
    return [hash64(f"lock\x1f{head}\x1f{whole}")]


async def lock(conn: Connection, queries: Sequence[Query]) -> None:
    """Hold the locks of these criteria until the transaction ends, taken in one order."""
    keys = sorted({key for query in queries for key in lock_keys(query)})
    if keys:
        await conn.execute("SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) AS u(k)", keys)


async def match(conn: Connection, numbers: Numbers, query: Query) -> Stored | None:
    """The one resource that matches, or None. Raises SeveralMatches."""
    page = await run(conn, numbers, query)
    if len(page.matches) > 1 or page.cursor:
        raise SeveralMatches(f"the criteria match more than one {'|'.join(query.types)}")
    return page.matches[0] if page.matches else None
