"""The record as other rooms see it: write, read, history, search, changes.

``write``, ``delete`` and ``match`` take a connection in a READ COMMITTED transaction, so that everything which
belongs to one effect is committed together; the reading functions take the pool unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from wardbridge.core.clock import Clock
from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import WardbridgeError
from wardbridge.core.ids import Ids, random_ids
from wardbridge.fhir.search.parse import parse
from wardbridge.fhir.search.query import Query
from wardbridge.fhir.store import changes, read, search
from wardbridge.fhir.store.changes import Change, Mark
from wardbridge.fhir.store.conditional import Guard, criteria, lock, match
from wardbridge.fhir.store.hold import hold
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.read import HistoryPage
from wardbridge.fhir.store.search import Page
from wardbridge.fhir.store.values import Delete, Put, SeveralMatches, Stored
from wardbridge.fhir.store.write import Outcome, write
from wardbridge.fhir.terms import Terms


def _resource(item: Put | Delete) -> dict[str, Any] | None:
    return item.resource if isinstance(item, Put) else None


class Record:
    """One record. Call :meth:`load` once before use. ``bases`` are our own URLs: references to them become relative."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        ids: Ids = random_ids,
        *,
        bases: tuple[str, ...] = (),
        search_seconds: float = 20.0,
        text: bool = True,
        terms: Terms | None = None,
    ) -> None:
        """``search_seconds``: after which a search is given up; ``text``: whether full text is kept for ``_text`` and
        ``_content``; ``terms`` answers ``:in`` and its like."""
        self.pool = pool
        self.clock = clock
        self.ids = ids
        self.bases = bases
        self.numbers = Numbers(clock, text=text)
        self.terms = terms
        self.search_seconds = search_seconds

    async def load(self) -> None:
        """Read the numbers of types and parameters, adding new ones."""
        await self.numbers.load(self.pool)

    # --- writing -------------------------------------------------------------------------------------------------

    async def attempt(self, conn: Connection, items: Sequence[Put | Delete]) -> list[Outcome]:
        """Write what can be written; a refused item is an error in its place and changes nothing."""
        conditional = [item for item in items if isinstance(item, Put) and item.if_none_exist is not None]
        if not conditional:
            return await write(conn, self.numbers, self.ids, self.clock.now(), items)
        return await self._conditional(conn, items)

    async def _conditional(self, conn: Connection, items: Sequence[Put | Delete]) -> list[Outcome]:
        queries: dict[int, Query] = {}
        outcomes: dict[int, Outcome] = {}
        for at, item in enumerate(items):
            if isinstance(item, Put) and item.if_none_exist is not None:
                try:
                    queries[at] = criteria(item.resource["resourceType"], item.if_none_exist, self.bases)
                except WardbridgeError as error:
                    outcomes[at] = error
        await lock(conn, [Guard(query, _resource(items[at])) for at, query in queries.items()])
        first: dict[str, int] = {}
        twins: dict[int, int] = {}
        for at, query in queries.items():
            text = repr((query.types, query.clauses))
            if text in first:
                twins[at] = first[text]
                continue
            first[text] = at
            try:
                found = await match(conn, self.numbers, query, self.terms)
            except SeveralMatches as error:  # any other error has broken the transaction
                outcomes[at] = error
            else:
                if found is not None:
                    outcomes[at] = found
        todo = [at for at in range(len(items)) if at not in outcomes and at not in twins]
        written = await write(conn, self.numbers, self.ids, self.clock.now(), [items[at] for at in todo])
        outcomes.update(zip(todo, written, strict=True))
        for at, source in twins.items():
            same = outcomes[source]
            outcomes[at] = (
                Stored(same.type, same.id, same.version, same.updated, same.body, False, False)
                if isinstance(same, Stored)
                else same
            )
        return [outcomes[at] for at in range(len(items))]

    async def write(self, conn: Connection, items: Sequence[Put | Delete]) -> list[Stored]:
        """Write all items or raise the first refusal (the caller's transaction is then to be rolled back).

        Raises VersionConflict, SeveralMatches, NotFound, Invalid (criteria), Conflict (lost a race too often).
        """
        out: list[Stored] = []
        for outcome in await self.attempt(conn, items):
            if isinstance(outcome, WardbridgeError):
                raise outcome
            out.append(outcome)
        return out

    async def delete(self, conn: Connection, type_name: str, id_: str, if_match: str | None = None) -> Stored:
        return (await self.write(conn, [Delete(type_name, id_, if_match)]))[0]

    async def match(self, conn: Connection, type_name: str, text: str, *, guard: bool = True) -> Stored | None:
        """The one resource that the criteria select; with ``guard`` locked against others who ask the same until the
        end of the transaction. Raises SeveralMatches, Invalid."""
        query = criteria(type_name, text, self.bases)
        if guard:
            await lock(conn, [Guard(query)])
        return await match(conn, self.numbers, query, self.terms)

    async def lock(self, conn: Connection, wanted: Iterable[tuple[str, str, dict[str, Any] | None]]) -> None:
        """Lock what several conditional interactions are about, at once and in one order: (type, criteria, resource
        that is to be written)."""
        await lock(conn, [Guard(criteria(name, text, self.bases), resource) for name, text, resource in wanted])

    async def hold(self, conn: Connection, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """Lock these (type, id) to the end of the transaction: their current versions, deletions included."""
        return await hold(conn, self.numbers, names)

    # --- reading -------------------------------------------------------------------------------------------------

    async def read(self, type_name: str, id_: str, conn: Connection | None = None) -> Stored | None:
        """The current version, a deletion included; None where there never was one."""
        return await read.read(conn or self.pool, self.numbers, type_name, id_)

    async def read_many(self, names: Sequence[tuple[str, str]], conn: Connection | None = None) -> list[Stored]:
        """Current versions of those (type, id) that exist, deletions included, in no order."""
        return await read.read_many(conn or self.pool, self.numbers, list(names)) if names else []

    async def vread(self, type_name: str, id_: str, version: int, conn: Connection | None = None) -> Stored | None:
        return await read.vread(conn or self.pool, self.numbers, type_name, id_, version)

    async def history(
        self,
        type_name: str = "",
        id_: str = "",
        *,
        since: int | None = None,
        at: tuple[int, int] | None = None,
        before: int = 0,
        count: int = 20,
    ) -> HistoryPage:
        """Versions newest first, of a resource, a type or the whole record; ``since`` and ``at`` in µs."""
        return await read.history(
            self.pool, self.numbers, type_name=type_name, id_=id_, since=since, at=at, before=before, count=count
        )

    def query(self, types: Sequence[str], parameters: Iterable[tuple[str, str]], *, lenient: bool = False) -> Query:
        """Parse a search. Raises Invalid."""
        return parse(
            types,
            parameters,
            now=self.clock.now(),
            lenient=lenient,
            bases=self.bases,
            text=self.numbers.text,
        )

    async def search(self, query: Query, conn: Connection | None = None) -> Page:
        """One page. Raises Invalid (cursor, a value set that is not known), TooCostly."""
        return await search.run(conn or self.pool, self.numbers, query, self.search_seconds, self.terms)

    async def changes(
        self, conn: Connection | Pool, after: Mark, limit: int, types: Sequence[str] = ()
    ) -> list[Change]:
        """The tail of changes behind ``after``, oldest first, never past a transaction that is still open."""
        return await changes.changes(conn, self.numbers, after, limit, types)

    async def latest(self, conn: Connection | Pool) -> Mark:
        return await changes.latest(conn)
