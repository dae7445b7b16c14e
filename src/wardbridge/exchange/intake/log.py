"""Group commit: many callers, one statement, one fsync, and an honest answer for each.

Entries are spread over lanes by sender, so that one sender's messages keep their order. A lane has
one batch in flight; what arrives meanwhile is the next batch. When the connection breaks, the outcome
of a batch is unknown: the same batch is sent again, and its digests make that harmless (what the
first attempt had stored then counts as a duplicate).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg
import structlog

from wardbridge.core.clock import DAY, Clock
from wardbridge.core.db import AWAY, Connection, Pool
from wardbridge.core.disk import DiskGuard
from wardbridge.core.errors import Invalid, Unavailable
from wardbridge.exchange.intake import store
from wardbridge.exchange.intake.entry import KINDS, STATUSES, Accepted, Entry, key

log = structlog.get_logger(__name__)

AGAIN = (
    *AWAY,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InternalServerError,
)
"""Failures after which the same batch may be sent again."""


@dataclass(slots=True)
class _Waiting:
    """One stored thing and everyone who waits for it (the same message may be put twice at once)."""

    packed: store.Packed
    put_at: float
    futures: list[asyncio.Future[Accepted]]


@dataclass
class _Lane:
    queue: deque[_Waiting] = field(default_factory=deque)
    by_digest: dict[bytes, _Waiting] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


@dataclass
class Counts:
    """Since this process started."""

    stored: int = 0
    duplicates: int = 0
    clashes: int = 0
    refused: int = 0
    batches: int = 0
    retries: int = 0


class Intake:
    """The durable log of one process. Close it when done: what is under way is finished first.

    ``limit_bytes`` bounds what waits in memory; beyond it ``put`` waits. ``patience`` is how long in
    seconds a batch is tried again before its callers get Unavailable.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        disk: DiskGuard | None = None,
        *,
        lanes: int = 2,
        batch: int = 512,
        batch_bytes: int = 8_000_000,
        limit_bytes: int = 64_000_000,
        patience: float = 8.0,
        chance: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.pool = pool
        self.clock = clock
        self.disk = disk
        self.batch = batch
        self.batch_bytes = batch_bytes
        self.limit_bytes = limit_bytes
        self.patience = patience
        self.chance = chance
        self.counts = Counts()
        self._lanes = [_Lane() for _ in range(lanes)]
        self._bytes = 0
        self._room = asyncio.Condition()
        self._partitions: set[tuple[str, int]] = set()
        self._closed = False

    async def put(self, entry: Entry) -> Accepted:
        """Returns once ``entry`` is on disk, with its sequence.

        Raises Unavailable when it could not be stored (the caller must not acknowledge; a later
        repetition is recognised), Invalid for an unknown kind or status.
        """
        if entry.kind not in KINDS or entry.status not in STATUSES:
            raise Invalid(f"kind {entry.kind!r} or status {entry.status!r} is not known", "Entry")
        if self._closed:
            raise Unavailable("the intake log is closing", "intake")
        if self.disk is not None:
            try:
                self.disk.check()
            except Unavailable:
                self.counts.refused += 1
                raise
        packed = store.pack(entry, key(entry, self.chance(16)))
        if self._bytes >= self.limit_bytes:
            async with self._room:
                await self._room.wait_for(lambda: self._bytes < self.limit_bytes)
        lane = self._lanes[zlib.crc32(packed.sender.encode()) % len(self._lanes)]
        future: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        waiting = lane.by_digest.get(packed.key.digest)
        if waiting is not None:
            waiting.futures.append(future)
        else:
            waiting = _Waiting(packed, self.clock.monotonic(), [future])
            lane.by_digest[packed.key.digest] = waiting
            lane.queue.append(waiting)
            self._bytes += packed.size
            lane.wake.set()
            if lane.task is None:
                lane.task = asyncio.create_task(self._serve(lane), name="intake-lane")
        return await future

    async def close(self) -> None:
        """Finish what is under way, refuse what comes now."""
        self._closed = True
        for lane in self._lanes:
            lane.wake.set()
        for lane in self._lanes:
            if lane.task is not None:
                await lane.task

    async def _serve(self, lane: _Lane) -> None:
        while True:
            if not lane.queue:
                if self._closed:
                    return
                lane.wake.clear()
                await lane.wake.wait()
                continue
            batch: list[_Waiting] = []
            size = 0
            while lane.queue and len(batch) < self.batch and size < self.batch_bytes:
                batch.append(lane.queue.popleft())
                size += batch[-1].packed.size
            await self._settle(lane, batch)

    async def _settle(self, lane: _Lane, batch: list[_Waiting]) -> None:
        """Store ``batch`` and answer everyone who waits for it, whatever happens."""
        try:
            answers = await self._store(batch)
        except Unavailable as error:
            self.counts.refused += sum(len(waiting.futures) for waiting in batch)
            self._answer(lane, batch, error)
        except Exception as error:
            if len(batch) > 1:
                # One bad entry must not take its neighbours with it.
                for waiting in batch:
                    await self._settle(lane, [waiting])
                return
            log.exception("intake.entry_failed", error=type(error).__name__)
            self.counts.refused += len(batch[0].futures)
            self._answer(lane, batch, Unavailable(f"the entry cannot be stored: {type(error).__name__}", "intake"))
        else:
            self._answer(lane, batch, answers)
        if self._bytes < self.limit_bytes:
            async with self._room:
                self._room.notify_all()

    def _answer(self, lane: _Lane, batch: list[_Waiting], result: dict[bytes, Accepted] | Unavailable) -> None:
        for waiting in batch:
            digest = waiting.packed.key.digest
            del lane.by_digest[digest]
            self._bytes -= waiting.packed.size
            for place, future in enumerate(waiting.futures):
                if isinstance(result, Unavailable):
                    if not future.done():
                        future.set_exception(Unavailable(result.message, result.where))
                    continue
                answer = result[digest]
                if place or answer.duplicate:
                    self.counts.duplicates += 1
                    answer = Accepted(answer.sequence, True)
                else:
                    self.counts.stored += 1
                    self.counts.clashes += answer.clash
                if not future.done():
                    future.set_result(answer)

    async def _store(self, batch: list[_Waiting]) -> dict[bytes, Accepted]:
        packed = [waiting.packed for waiting in batch]
        deadline = batch[0].put_at + self.patience
        pause = 0.05
        while True:
            try:
                answers = await self._attempt(packed)
            except asyncpg.DiskFullError as error:
                raise Unavailable("the disk of the database is full", "database") from error
            except AGAIN as error:
                if self.clock.monotonic() + pause > deadline:
                    raise Unavailable(f"the database is away: {type(error).__name__}", "database") from error
                self.counts.retries += 1
                await self.clock.sleep(pause)
                pause = min(pause * 2, 1.0)
            else:
                self.counts.batches += 1
                return answers

    async def _attempt(self, packed: list[store.Packed]) -> dict[bytes, Accepted]:
        generation = self.clock.now() // store.GENERATION
        async with self.pool.acquire() as connection:
            await self._prepare(connection, generation, packed)
            try:
                answers = await store.insert(connection, generation, packed)
            except asyncpg.CheckViolationError:
                # Retention dropped a partition that we knew.
                self._partitions.clear()
                await self._prepare(connection, generation, packed)
                answers = await store.insert(connection, generation, packed)
            # The batch is on disk; readers who miss the bell find it at their next look.
            with contextlib.suppress(*AGAIN):
                await store.ring(connection)
        return answers

    async def _prepare(self, connection: Connection, generation: int, packed: list[store.Packed]) -> None:
        days = frozenset(p.received // DAY for p in packed)
        wanted = {("day", day) for day in days} | {("generation", generation)}
        if not wanted <= self._partitions:
            await store.ensure_partitions(connection, store.Partitions(days, generation))
            self._partitions |= wanted
