"""All that belongs to a patient, or to another compartment (R4 compartmentdefinition.html), as query and stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace

from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.search import compartment, compartments
from wardbridge.fhir.search.query import Compartment, Query
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Stored


def members(name: str) -> tuple[str, ...]:
    """The resource types that can belong to a compartment, its own included. Raises Invalid for any other name."""
    if name not in compartments():
        raise Invalid(f"{name} is no compartment; there are {', '.join(compartments())}")
    return tuple(sorted({name, *compartment(name)}))


def compartment_query(
    record: Record,
    name: str,
    id_: str | Sequence[str],
    types: Sequence[str] = (),
    parameters: Iterable[tuple[str, str]] = (),
) -> Query:
    """Every resource of ``types`` (none given: of all that can) in the compartment of ``id_`` (or of several ids).

    The resource itself belongs to it. ``parameters`` narrow further (``_lastUpdated``, ``_count`` ...). Give it to
    ``record.search``, or to :func:`walk` for all of it. Raises Invalid.
    """
    possible = members(name)
    wanted = tuple(types) or possible
    for one in wanted:
        if one not in possible:
            raise Invalid(f"{one} does not belong to the {name} compartment")
    query = record.query(wanted, parameters)
    ids = (id_,) if isinstance(id_, str) else tuple(id_)
    return replace(query, clauses=(Compartment(name, ids), *query.clauses))


async def walk(
    record: Record, query: Query, conn: Connection | None = None, at_once: int = 500
) -> AsyncIterator[Stored]:
    """All matches of a query, newest first, in constant memory: page after page of ``at_once``.

    Stable while the record changes: nothing comes twice, and what was there at the start and still is comes once.
    """
    page = replace(query, count=at_once, total="none", summary="", cursor="")
    while True:
        found = await record.search(page, conn)
        for one in found.matches:
            yield one
        if not found.cursor:
            return
        page = replace(page, cursor=found.cursor)
