"""What the API needs of a store: small enough that the semantics of HTTP can be read without any SQL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from wardbridge.core.db import Connection
from wardbridge.fhir.rest.hooks import Audit
from wardbridge.fhir.search.query import Query
from wardbridge.fhir.store.group import Group, Note, repeat
from wardbridge.fhir.store.read import HistoryPage
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.search import Page
from wardbridge.fhir.store.values import Delete, Put, Stored
from wardbridge.fhir.store.write import Outcome
from wardbridge.security.audit import Access

T = TypeVar("T")


class Unit(Protocol):
    """One transaction: nothing of it is seen before its end, all of it or nothing remains."""

    async def lock(self, wanted: Iterable[tuple[str, str]]) -> None: ...

    async def match(self, type_name: str, criteria: str) -> Stored | None: ...

    async def read_many(self, names: Sequence[tuple[str, str]]) -> list[Stored]: ...

    async def search(self, query: Query) -> Page: ...

    async def write(self, items: Sequence[Put | Delete]) -> list[Stored]: ...

    async def attest(self, accesses: Sequence[Access]) -> None: ...


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
    def __init__(self, record: Record, audit: Audit, conn: Connection) -> None:
        self._record = record
        self._audit = audit
        self._conn = conn

    async def lock(self, wanted: Iterable[tuple[str, str]]) -> None:
        await self._record.lock(self._conn, wanted)

    async def match(self, type_name: str, criteria: str) -> Stored | None:
        return await self._record.match(self._conn, type_name, criteria)

    async def read_many(self, names: Sequence[tuple[str, str]]) -> list[Stored]:
        return await self._record.read_many(names, self._conn)

    async def search(self, query: Query) -> Page:
        return await self._record.search(query, self._conn)

    async def write(self, items: Sequence[Put | Delete]) -> list[Stored]:
        return await self._record.write(self._conn, items)

    async def attest(self, accesses: Sequence[Access]) -> None:
        await self._audit.within(self._conn, *accesses)


class StoreRepository:
    """The record in PostgreSQL, each write in one transaction with its audit entry."""

    def __init__(self, record: Record, audit: Audit, lanes: int = 2) -> None:
        self._record = record
        self._audit = audit
        self._group = Group(record, audit, lanes)
        self.query = record.query
        self.search = record.search
        self.read = record.read
        self.vread = record.vread
        self.history = record.history
        self.new_id = record.ids

    async def put(self, item: Put | Delete, note: Note) -> Outcome:
        """Conditional creates have a transaction of their own: they may wait for a lock."""
        if isinstance(item, Put) and item.if_none_exist is not None:

            async def alone(conn: Connection) -> Outcome:
                (outcome,) = await self._record.attempt(conn, [item])
                await self._audit.within(conn, note(outcome))
                return outcome

            return await repeat(self._record.pool, alone)
        return await self._group.write(item, note)

    async def transact(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        return await repeat(self._record.pool, lambda conn: work(_StoreUnit(self._record, self._audit, conn)))
