"""What the API needs of a store: small enough that the semantics of HTTP can be read without any SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from wardbridge.core.db import Connection
from wardbridge.core.errors import WardbridgeError
from wardbridge.fhir.rest.hooks import Audit
from wardbridge.fhir.search.query import Query
from wardbridge.fhir.store import answers, integrity
from wardbridge.fhir.store.answers import Kept
from wardbridge.fhir.store.group import Group, Note, repeat
from wardbridge.fhir.store.integrity import Integrity
from wardbridge.fhir.store.read import HistoryPage
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.search import Page
from wardbridge.fhir.store.values import Delete, Put, Stored
from wardbridge.fhir.store.write import Outcome
from wardbridge.security.audit import Access

T = TypeVar("T")


class Unit(Protocol):
    """One transaction: nothing of it is seen before its end, all of it or nothing remains."""

    async def lock(self, wanted: Iterable[tuple[str, str, dict[str, Any] | None]]) -> None:
        """Make others wait whose conditional interactions are about the same: (type, criteria, resource)."""
        ...

    async def match(self, type_name: str, criteria: str) -> Stored | None:
        """The one resource that matches. Raises SeveralMatches, Invalid."""
        ...

    async def hold(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        """Lock these (type, id) and give their current versions, deletions included."""
        ...

    async def read_many(self, names: Sequence[tuple[str, str]]) -> list[Stored]: ...

    async def vread(self, type_name: str, id_: str, version: int) -> Stored | None: ...

    async def search(self, query: Query) -> Page: ...

    async def referrers(self, names: Sequence[tuple[str, str]], most: int) -> list[tuple[str, str]]:
        """At most so many resources that refer to one of these, by references that can be searched for."""
        ...

    async def write(self, items: Sequence[Put | Delete]) -> list[Stored]: ...

    async def attest(self, accesses: Sequence[Access]) -> None: ...

    async def recall(self, principal: str, key: str) -> Kept | None:
        """What was answered to this Idempotency-Key; others with the same wait."""
        ...

    async def remember(self, principal: str, key: str, kept: Kept) -> None: ...


class Repository(Protocol):
    """Reading, single writes (with their proof), and transactions."""

    def query(self, types: Sequence[str], parameters: Iterable[tuple[str, str]], *, lenient: bool = False) -> Query: ...

    async def search(self, query: Query) -> Page: ...

    async def read(self, type_name: str, id_: str) -> Stored | None: ...

    async def vread(self, type_name: str, id_: str, version: int) -> Stored | None: ...

    async def history(
        self,
        type_name: str = "",
        id_: str = "",
        *,
        since: int | None = None,
        at: tuple[int, int] | None = None,
        before: int = 0,
        count: int = 20,
    ) -> HistoryPage: ...

    async def put(self, item: Put | Delete, note: Note) -> Outcome: ...

    async def transact(self, work: Callable[[Unit], Awaitable[T]]) -> T: ...

    def new_id(self) -> str: ...


class _StoreUnit:
    def __init__(self, record: Record, audit: Audit, kept: Integrity, conn: Connection) -> None:
        self._record = record
        self._audit = audit
        self._integrity = kept
        self._conn = conn

    async def lock(self, wanted: Iterable[tuple[str, str, dict[str, Any] | None]]) -> None:
        await self._record.lock(self._conn, wanted)

    async def match(self, type_name: str, criteria: str) -> Stored | None:
        return await self._record.match(self._conn, type_name, criteria, guard=False)

    async def hold(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
        return await self._record.hold(self._conn, names)

    async def read_many(self, names: Sequence[tuple[str, str]]) -> list[Stored]:
        return await self._record.read_many(names, self._conn)

    async def vread(self, type_name: str, id_: str, version: int) -> Stored | None:
        return await self._record.vread(type_name, id_, version, self._conn)

    async def search(self, query: Query) -> Page:
        return await self._record.search(query, self._conn)

    async def referrers(self, names: Sequence[tuple[str, str]], most: int) -> list[tuple[str, str]]:
        return await integrity.referrers(self._conn, self._record.numbers, names, most, self._record.bases)

    async def write(self, items: Sequence[Put | Delete]) -> list[Stored]:
        await integrity.check(self._conn, self._record.numbers, items, self._record.bases, self._integrity)
        return await self._record.write(self._conn, items)

    async def attest(self, accesses: Sequence[Access]) -> None:
        await self._audit.within(self._conn, *accesses)

    async def recall(self, principal: str, key: str) -> Kept | None:
        return await answers.recall(self._conn, principal, key)

    async def remember(self, principal: str, key: str, kept: Kept) -> None:
        await answers.remember(self._conn, principal, key, kept, self._record.clock.now())


class StoreRepository:
    """The record in PostgreSQL, each write in one transaction with its audit entry.

    Transactions of several statements may wait for each other and, to validate a patch, for one more connection. So
    that they never wait for connections that they hold themselves, fewer of them run at a time than the pool has.
    """

    def __init__(self, record: Record, audit: Audit, lanes: int = 2, integrity: Integrity = "off") -> None:
        self._record = record
        self._audit = audit
        self._integrity: Integrity = integrity
        self._group = Group(record, audit, lanes)
        self._gate = asyncio.Semaphore(max(1, record.pool.get_max_size() - lanes - 2))
        self.query = record.query
        self.search = record.search
        self.read = record.read
        self.vread = record.vread
        self.history = record.history
        self.new_id = record.ids

    async def put(self, item: Put | Delete, note: Note) -> Outcome:
        """One write with its proof. What may have to wait for a lock has a transaction of its own."""
        conditional = isinstance(item, Put) and (item.if_none_exist is not None or item.if_none_match is not None)
        if not conditional and self._integrity == "off":
            return await self._group.write(item, note)

        async def alone(conn: Connection) -> Outcome:
            try:
                await integrity.check(conn, self._record.numbers, [item], self._record.bases, self._integrity)
            except WardbridgeError as error:
                outcome: Outcome = error
            else:
                (outcome,) = await self._record.attempt(conn, [item])
            await self._audit.within(conn, note(outcome))
            return outcome

        async with self._gate:
            return await repeat(self._record.pool, alone)

    async def transact(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """``work`` in one transaction, from its start again where it met a deadlock."""
        async with self._gate:
            return await repeat(
                self._record.pool, lambda conn: work(_StoreUnit(self._record, self._audit, self._integrity, conn))
            )
