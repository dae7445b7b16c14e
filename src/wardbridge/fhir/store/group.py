"""Group commit: the writes that arrive while one transaction commits share the next one.

Each keeps its own outcome. One that breaks the statement makes the group run again one by one, so it harms nobody.
Serialization failures and deadlocks are repeated here and never seen outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg
import structlog

from wardbridge.core.db import Connection, Pool, transaction
from wardbridge.core.errors import Conflict, Invalid, Unavailable
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Delete, Put
from wardbridge.fhir.store.write import Outcome

log = structlog.get_logger(__name__)

TRIES = 8
LARGEST = 100
T = TypeVar("T")
Proof = Callable[[Connection, Sequence[tuple[Any, Outcome]]], Awaitable[None]]
"""Called inside the transaction with (note, outcome) of each write: the audit record."""


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
    note: Any
    future: asyncio.Future[Outcome]


class Group:
    """Writes single resources together. ``lanes`` transactions run at a time in this process."""

    def __init__(self, record: Record, proof: Proof, lanes: int = 1) -> None:
        self._record = record
        self._proof = proof
        self._lanes = lanes
        self._waiting: list[_Waiting] = []
        self._busy = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, item: Put | Delete, note: Any = None) -> Outcome:
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
        async def work(conn: Connection) -> list[Outcome]:
            outcomes = await self._record.attempt(conn, [one.item for one in batch])
            await self._proof(conn, [(one.note, out) for one, out in zip(batch, outcomes, strict=True)])
            return outcomes

        for one, outcome in zip(batch, await repeat(self._record.pool, work), strict=True):
            if not one.future.done():
                one.future.set_result(outcome)

    @staticmethod
    def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
        for one in batch:
            if not one.future.done():
                one.future.set_exception(error)
