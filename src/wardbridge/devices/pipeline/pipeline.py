"""The pipeline: consumes the intake log, one transaction a batch with its cursor, so every effect happens once.

Killed at any point, the transaction is gone and the same entries come again. A batch that fails is tried
entry by entry, each in a savepoint; an entry that fails alone is refused with the reason (it stays in the
log) and blocks nobody. While the database is away or full nothing is refused: the pipeline waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections import Counter
from collections.abc import Sequence

import asyncpg
import structlog

from wardbridge.core import store as core
from wardbridge.core.db import AWAY, Connection, Pool, transaction
from wardbridge.core.errors import Unavailable
from wardbridge.devices.charting.policy import Policy
from wardbridge.devices.pipeline.batch import Sinks, Work
from wardbridge.devices.pipeline.memory import Memory
from wardbridge.devices.ports import Parts
from wardbridge.devices.store import people
from wardbridge.devices.store import pipeline as store
from wardbridge.exchange.intake import store as intake
from wardbridge.exchange.intake.entry import Row

log = structlog.get_logger(__name__)

NAME = "devices"
POLL_SECONDS = 1.0
NOT_ITS_FAULT = (
    *AWAY,
    Unavailable,
    asyncpg.DiskFullError,
    asyncpg.OutOfMemoryError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""Failures of the house, not of an entry: try again later."""


class Pipeline:
    """One consumer; run it in one process only (the engine's leader). Raises SettingsError for a wrong policy."""

    def __init__(
        self, pool: Pool, parts: Parts, sinks: Sinks | None = None, *, limit: int = 500, name: str = NAME
    ) -> None:
        self.pool = pool
        self.parts = parts
        self.sinks = sinks or Sinks()
        self.policy = Policy(parts.charting, parts.minutes)
        self.limit = limit
        self.name = name
        self.memory = Memory()
        self.counts: Counter[str] = Counter()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled: woken by the doorbell, and once a second in case it was missed."""
        listener = asyncio.create_task(self._listen(), name="pipeline-doorbell")
        pause = 0.1
        try:
            while True:
                self._wake.clear()
                try:
                    done = await self.step()
                    pause = 0.1
                except NOT_ITS_FAULT as error:
                    log.warning("pipeline.waiting", error=type(error).__name__)
                    await self.parts.clock.sleep(pause)
                    pause = min(pause * 2, 5.0)
                    continue
                if not done:
                    await self._wait()
        finally:
            listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listener

    async def step(self) -> int:
        """Deal with one batch; how many entries it had. Raises Unavailable when the database is away."""
        try:
            async with transaction(self.pool) as conn:
                rows = await intake.read(conn, self.name, self.limit)
                if not rows:
                    return 0
                counts = await self._together(conn, rows)
                await intake.advance(conn, self.name, rows[-1].sequence)
                await store.count(conn, counts)
        except BaseException:
            self.memory.forget()
            raise
        self.counts += counts
        await store.ring(
            self.pool,
            alarms=counts["alerts"] > 0,
            record=counts["charted"] + counts["withdrawn"] > 0 or any(name.startswith("adt_") for name in counts),
        )
        return len(rows)

    async def _together(self, conn: Connection, rows: Sequence[Row]) -> Counter[str]:
        work = self._work(conn)
        try:
            async with conn.transaction():
                await work.run(rows)
        except NOT_ITS_FAULT:
            raise
        except Exception as error:
            self.memory.forget()
            log.warning("pipeline.batch_failed", error=type(error).__name__, at=_where(error), entries=len(rows))
            return await self._one_by_one(conn, rows)
        return work.counts

    async def _one_by_one(self, conn: Connection, rows: Sequence[Row]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for row in rows:
            work = self._work(conn)
            try:
                async with conn.transaction():
                    await work.run([row])
                counts += work.counts
            except NOT_ITS_FAULT:
                raise
            except Exception as error:
                # The message of an error may quote what came off the wire: the table keeps it, the log does not.
                self.memory.forget()
                log.warning(
                    "pipeline.refused",
                    sequence=row.sequence,
                    kind=row.kind,
                    error=type(error).__name__,
                    at=_where(error),
                )
                await people.refuse(
                    conn,
                    row.sequence,
                    row.kind,
                    row.link,
                    "apply",
                    f"{type(error).__name__}: {error}"[:500],
                    self.parts.clock.now(),
                )
                counts["refused"] += 1
        return counts

    def _work(self, conn: Connection) -> Work:
        return Work(self.parts, conn, self.memory, self.policy, self.sinks)

    async def _wait(self) -> None:
        poll = asyncio.ensure_future(self.parts.clock.sleep(POLL_SECONDS))
        bell = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait({poll, bell}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (poll, bell):
                task.cancel()

    async def _listen(self) -> None:
        while True:
            try:
                async with core.doorbell(self.pool, ("wb_intake",), lambda _: self._wake.set()) as gone:
                    await gone.wait()
            except (*AWAY, Unavailable, asyncpg.PostgresError) as error:
                log.info("pipeline.doorbell_lost", error=type(error).__name__)
            await self.parts.clock.sleep(POLL_SECONDS)


def _where(error: BaseException) -> str:
    """The line that raised: what a maintainer needs and no value of a patient."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
