"""Group commit: the writes that arrive while one transaction commits share the next one.

Each keeps its own outcome and has its audit row in the transaction that wrote it. A group is one statement
(:mod:`wardbridge.fhir.store.direct`); what that leaves, because it lost a race or is refused, is written under a lock.
One that breaks the statement makes the group run again one by one, so it harms nobody. Serialization failures and
deadlocks are repeated here and never seen outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import asyncpg
import structlog

from wardbridge.core.db import AWAY, Connection, Pool, transaction
from wardbridge.core.errors import Conflict, Invalid, Unavailable
from wardbridge.fhir.store.direct import write_direct
from wardbridge.fhir.store.heads import Heads
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Delete, Put, Stored
from wardbridge.fhir.store.write import Outcome
from wardbridge.security.audit import Access

log = structlog.get_logger(__name__)

TRIES = 8
LARGEST = 100
T = TypeVar("T")
Note = Callable[[Outcome], Access]
"""Makes the audit entry of a write from its outcome."""


class Proof(Protocol):
    """Where audit entries go: as a row of a larger statement, or in a transaction."""

    def row(self, access: Access) -> tuple[Any, ...]: ...

    async def within(self, conn: Connection, *accesses: Access) -> None: ...


async def repeat(pool: Pool, work: Callable[[Connection], Awaitable[T]], tries: int = TRIES) -> T:
    """``work`` in a transaction, again from the start on a deadlock or serialization failure.

    Raises Conflict (409) when it was in the way of others ``tries`` times.
    """
    for left in reversed(range(tries)):
        try:
            async with transaction(pool) as conn:
                return await work(conn)
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
            if not left:
                raise Conflict("others are changing the same resources; try again") from error
        except asyncpg.DataError as error:
            raise Invalid("a value cannot be stored: it is out of range or no valid text") from error
    raise AssertionError("unreachable")


@dataclass
class _Waiting:
    item: Put | Delete
    note: Note
    future: asyncio.Future[Outcome]


class Group:
    """Writes single resources together. ``lanes`` transactions run at a time in this process."""

    def __init__(self, record: Record, proof: Proof, lanes: int = 1) -> None:
        self._record = record
        self._heads = Heads()
        self._proof = proof
        self._lanes = lanes
        self._waiting: list[_Waiting] = []
        self._busy = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, item: Put | Delete, note: Note) -> Outcome:
        """The outcome once it is committed together with its proof. Raises Unavailable, Conflict."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, note, future))
        if self._busy < self._lanes:
            self._busy += 1
            task = asyncio.create_task(self._run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
                try:
                    await self._commit(batch)
                except (Unavailable, Conflict) as error:
                    self._fail(batch, error)
                except Exception:
                    log.warning("record.group_failed", size=len(batch))
                    for one in batch:
                        if not one.future.done():  # what is committed already is not written again
                            await self._alone(one)
        finally:
            # Here and not when the task is seen to be done: a write in between would wait for ever.
            self._busy -= 1

    async def _alone(self, one: _Waiting) -> None:
        try:
            await self._commit([one])
        except Exception as error:
            self._fail([one], error)

    async def _commit(self, batch: list[_Waiting]) -> None:
        left = []
        for one, done in zip(batch, await self._direct(batch), strict=True):
            if done is None:
                left.append(one)
            elif not one.future.done():
                one.future.set_result(done)
        if left:
            await self._locked(left)

    async def _direct(self, batch: list[_Waiting]) -> list[Stored | None]:
        """One statement for all. Raises Unavailable; its outcome is then unknown, so nothing is repeated."""
        record = self._record
        try:
            return await write_direct(
                record.pool, record.numbers, record.ids, record.clock.now(), self._heads,
                [one.item for one in batch], lambda at, stored: self._proof.row(batch[at].note(stored)),
            )  # fmt: skip
        except (ValueError, TypeError) as error:  # the driver cannot even send it
            raise Invalid("a value cannot be stored: it is out of range or no valid text") from error
        except asyncpg.DiskFullError as error:
            raise Unavailable("the disk of the database is full", "database") from error
        except AWAY as error:
            raise Unavailable(f"the database is away: {type(error).__name__}", "database") from error
        except asyncpg.PostgresError:
            return [None] * len(batch)  # refused as a whole, so nothing is written yet

    async def _locked(self, batch: list[_Waiting]) -> None:
        async def work(conn: Connection) -> list[Outcome]:
            outcomes = await self._record.attempt(conn, [one.item for one in batch])
            await self._proof.within(conn, *(one.note(out) for one, out in zip(batch, outcomes, strict=True)))
            return outcomes

        for one, outcome in zip(batch, await repeat(self._record.pool, work), strict=True):
            if not one.future.done():
                one.future.set_result(outcome)

    @staticmethod
    def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
        for one in batch:
            if not one.future.done():
                one.future.set_exception(error)
