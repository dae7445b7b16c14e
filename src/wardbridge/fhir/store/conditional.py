"""Conditional interactions that stay right under concurrency (R4 http.html#ccreate, #cond-update).

Whoever is about to search and then write takes transaction locks first, so a second one waits, and then finds what the
first has written. Criteria that name identifiers lock those, and those of the resource to be written: two writers
whose resources share an identifier meet, whatever their criteria say. Other criteria lock the whole type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid
from wardbridge.fhir.search.hash import hash64
from wardbridge.fhir.search.parse import parse
from wardbridge.fhir.search.query import Clause, Query, Token
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.search import run
from wardbridge.fhir.store.values import SeveralMatches, Stored
from wardbridge.fhir.terms import Terms


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


@dataclass(frozen=True)
class Guard:
    """What a conditional interaction must hold: its criteria and, where it writes one, its resource."""

    query: Query
    resource: Mapping[str, Any] | None = None


MOST_KEYS = 500
"""Identifiers of one type that a transaction locks one by one; beyond that it locks the type (locks use memory)."""


def lock_keys(guards: Iterable[Guard]) -> dict[int, bool]:
    """The locks of these interactions; True: for one holder only."""
    named: dict[str, set[str]] = {}
    whole: set[str] = set()
    for guard in guards:
        head = "|".join(guard.query.types)
        codes = _identifiers(guard.query)
        if codes:
            named.setdefault(head, set()).update(codes, _own_identifiers(guard.resource))
        else:
            whole.add(head)
    whole.update(head for head, codes in named.items() if len(codes) > MOST_KEYS)
    out = {_key(head): head in whole for head in named.keys() | whole}
    for head in named.keys() - whole:
        out.update((_key(head, code), True) for code in named[head])
    return out


def _key(head: str, code: str = "") -> int:
    # By code alone: "a|1" and "1" may mean the same resource.
    return hash64(f"lock\x1f{head}\x1fidentifier\x1f{code.lower()}" if code else f"lock\x1f{head}")


def _identifiers(query: Query) -> set[str]:
    """The codes of a clause that only a resource with one of these identifiers can meet; empty: there is none."""
    for clause in query.clauses:
        if isinstance(clause, Clause) and clause.code == "identifier" and not clause.modifier:
            codes = {value.code for value in clause.values if isinstance(value, Token) and value.code}
            if all(isinstance(value, Token) and value.code for value in clause.values):
                return codes
    return set()


def _own_identifiers(resource: Mapping[str, Any] | None) -> set[str]:
    found = resource.get("identifier") if resource else None
    listed = found if isinstance(found, list) else [found]
    values = [one.get("value") for one in listed if isinstance(one, dict)]
    return {value for value in values if isinstance(value, str) and value}


async def lock(conn: Connection, guards: Iterable[Guard]) -> None:
    """Hold the locks of these interactions until the transaction ends, taken in one order everywhere."""
    keys = sorted(lock_keys(guards).items())
    if keys:
        await conn.execute(
            """SELECT CASE WHEN alone THEN pg_advisory_xact_lock(k) ELSE pg_advisory_xact_lock_shared(k) END
               FROM unnest($1::bigint[], $2::boolean[]) AS u(k, alone)""",
            [key for key, _ in keys],
            [alone for _, alone in keys],
        )


async def match(conn: Connection, numbers: Numbers, query: Query, terms: Terms | None = None) -> Stored | None:
    """The one resource that matches, or None. Raises SeveralMatches."""
    page = await run(conn, numbers, query, terms=terms)
    if len(page.matches) > 1 or page.cursor:
        raise SeveralMatches(f"the criteria match more than one {'|'.join(query.types)}")
    return page.matches[0] if page.matches else None
