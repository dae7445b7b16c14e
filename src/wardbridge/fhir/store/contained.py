"""Searching contained resources (``_contained``, R4 search §3.1.1.5.6).

A resource says in the index which types it contains. The containers of a type are read newest first and what they
contain is judged in memory: contained resources are few, and have no life of their own that would pay for rows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from wardbridge.core.errors import Unavailable
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.search.clauses import UnknownParameter
from wardbridge.fhir.search.extract import CONTAINED, extract
from wardbridge.fhir.search.hash import token_hash
from wardbridge.fhir.search.match import matches
from wardbridge.fhir.search.query import Query
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.select import Select
from wardbridge.fhir.store.values import Stored

MOST = 5000
"""Containers that one search reads."""
AT_ONCE = 200


class TooManyContainers(Unavailable):
    """More resources contain one of this type than a search can look into (503)."""

    code = "too-costly"


@dataclass(frozen=True)
class Hit:
    """A match and the key of its container."""

    key: int
    stored: Stored


async def contained(
    fetch: Callable[[Select], Awaitable[list[Any]]], numbers: Numbers, query: Query, before: int | None, count: int
) -> list[Hit]:
    """The first ``count`` matches in containers with a key below ``before``, newest container first, and those that
    the last of the containers has beyond that.

    Raises UnknownParameter for conditions that cannot be judged so, TooManyContainers.
    """
    if query.sort or query.includes:
        raise UnknownParameter("_sort and _include cannot be mixed with _contained", "_contained")
    hits: list[Hit] = []
    looked = 0
    while True:
        rows = await fetch(_containers(query, before))
        for row in rows:
            before = row["key"]
            hits.extend(_within(row, numbers, query))
            if len(hits) >= count:
                return hits
        looked += len(rows)
        if len(rows) < AT_ONCE:
            return hits
        if looked >= MOST:
            raise TooManyContainers(f"more than {MOST} resources contain such; please narrow the search", "_contained")


def _containers(query: Query, before: int | None) -> Select:
    return Select(
        f"""SELECT r.key, r.type, r.id, r.version, r.updated, v.body
            FROM fhir_resource r JOIN fhir_version v ON v.key = r.key AND v.version = r.version
            WHERE NOT r.deleted AND ($2::bigint IS NULL OR r.key < $2::bigint) AND EXISTS (
                SELECT 1 FROM fhir_token x WHERE x.key = r.key AND x.parameter = {CONTAINED}
                AND ($1::bigint[] = '{{}}' OR x.hash = ANY($1::bigint[])))
            ORDER BY r.key DESC LIMIT {AT_ONCE}""",
        [[token_hash(name) for name in query.types], before],
    )


def _within(row: Any, numbers: Numbers, query: Query) -> Iterator[Hit]:
    container = Stored(numbers.names[row["type"]], row["id"], row["version"], row["updated"], row["body"], False, False)
    for one in loads(row["body"]).get("contained", ()):
        kind, id_ = one.get("resourceType", ""), str(one.get("id", ""))
        if query.types and kind not in query.types:
            continue
        rows = extract(one)
        if not all(matches(part, rows, id_) for part in query.clauses):
            continue
        if query.container:
            yield Hit(row["key"], container)
            return
        name = f"{container.id}#{id_}"
        yield Hit(
            row["key"], Stored(container.type, name, container.version, container.updated, dumps(one), False, False)
        )
