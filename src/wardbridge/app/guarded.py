"""The record as the API writes it: below the reserve of the disk it refuses, and reading goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from wardbridge.core.disk import DiskGuard
from wardbridge.fhir.rest.hooks import Audit
from wardbridge.fhir.rest.repository import StoreRepository, Unit
from wardbridge.fhir.store.group import Note
from wardbridge.fhir.store.integrity import Integrity
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Delete, Put
from wardbridge.fhir.store.write import Outcome

T = TypeVar("T")


class GuardedRepository(StoreRepository):
    """Every write first asks the disk. Raises Unavailable (503) below the reserve."""

    def __init__(self, record: Record, audit: Audit, disk: DiskGuard, integrity: Integrity = "off") -> None:
        super().__init__(record, audit, integrity=integrity)
        self._disk = disk

    async def put(self, item: Put | Delete, note: Note) -> Outcome:
        """One write, when there is room for it."""
        self._disk.check()
        return await super().put(item, note)

    async def transact(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        """One transaction, when there is room for it."""
        self._disk.check()
        return await super().transact(work)
