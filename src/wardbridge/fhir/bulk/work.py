"""Doing the jobs: one export and one import at a time, each taken up again wherever it was interrupted."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from wardbridge.core.clock import DAY, HOUR, SECOND, Clock
from wardbridge.core.db import AWAY, Connection
from wardbridge.core.errors import NotFound, Unavailable, WardbridgeError
from wardbridge.fhir.bulk.export import KEYS, Exporting
from wardbridge.fhir.bulk.files import LINES
from wardbridge.fhir.bulk.ingest import BATCH, Importing
from wardbridge.fhir.bulk.job import OPEN, Cancelled, Job
from wardbridge.fhir.bulk.store import jobs
from wardbridge.fhir.rest.hooks import Audit, Decide, Prepare, Validate
from wardbridge.fhir.store.integrity import Integrity
from wardbridge.fhir.store.record import Record

log = structlog.get_logger(__name__)
LOOK_SECONDS = 0.5


@dataclass
class Worker:
    """``folder`` holds one folder a job. ``hours``: how long results are kept. ``room`` raises Unavailable when the
    disk is nearly full: a job then waits and goes on by itself."""

    record: Record
    clock: Clock
    folder: Path
    audit: Audit
    decide: Decide
    validate: Validate | None
    room: Callable[[], None]
    hours: int = 24
    prepare: Mapping[str, Prepare] = field(default_factory=dict)
    integrity: Integrity = "off"
    keys: int = KEYS
    lines: int = LINES
    batch: int = BATCH

    async def run(self) -> None:
        """Until cancelled. A database that is away is waited for."""
        running: dict[str, tuple[str, asyncio.Task[None]]] = {}
        swept = False
        try:
            while True:
                running = {kind: one for kind, one in running.items() if not one[1].done()}
                try:
                    for id_, kind in await jobs.open_jobs(self.record.pool):
                        if kind not in running:
                            running[kind] = id_, asyncio.create_task(self._guarded(id_))
                    await self.tidy({id_ for id_, _ in running.values()})
                    if not swept:
                        await self.sweep()
                        swept = True
                except (Unavailable, *AWAY) as error:
                    log.info("bulk.waiting", reason=type(error).__name__)
                await self.clock.sleep(LOOK_SECONDS)
        finally:
            for _, task in running.values():
                task.cancel()
            await asyncio.gather(*(task for _, task in running.values()), return_exceptions=True)

    async def _guarded(self, id_: str) -> None:
        try:
            await self.do(id_)
        except (Unavailable, *AWAY) as error:
            log.info("bulk.interrupted", job=id_, reason=str(error)[:200])

    async def do(self, id_: str) -> bool:
        """Do this job to its end; False where somebody else has it in hand.

        Raises Unavailable (database or disk): the job goes on when it is done again.
        """
        pool = self.record.pool
        async with pool.acquire() as conn:
            if not await jobs.hold(conn, id_):
                return False
            try:
                await self._do(conn, id_)
            finally:
                if not conn.is_closed():
                    await jobs.release(conn, id_)
        return True

    async def _do(self, conn: Connection, id_: str) -> None:
        job = await jobs.get(self.record.pool, id_)
        if job is None or job.state not in OPEN:
            return

        def check() -> None:
            if conn.is_closed():
                raise Unavailable("the connection that holds the job is lost", "database")
            self.room()

        try:
            check()
            await self._run(job, check)
        except Cancelled:
            log.info("bulk.cancelled", job=id_)
        except (Unavailable, *AWAY):
            raise
        except WardbridgeError as error:
            await self._finish(job, "failed", f"{error.status} {error.message}")
        except Exception as error:
            log.exception("bulk.failed", job=id_, kind=job.kind)
            await self._finish(job, "failed", f"500 an error of ours ({type(error).__name__}); it has been logged")
        else:
            await self._finish(job, "done", "")
            log.info("bulk.done", job=id_, kind=job.kind, counts=job.progress.counts)

    async def _run(self, job: Job, check: Callable[[], None]) -> None:
        folder = self.folder / job.id
        if job.kind == "export":
            await Exporting(self.record, self.clock, folder, job, check, self.keys, self.lines).run()
        else:
            await Importing(
                self.record,
                self.clock,
                folder,
                job,
                self.audit,
                self.decide,
                self.validate,
                self.prepare,
                self.integrity,
                check,
                self.batch,
            ).run()

    async def _finish(self, job: Job, state: str, reason: str) -> None:
        now = self.clock.now()
        await jobs.finish(self.record.pool, job, state, now, now + self.hours * HOUR, reason)
        if job.kind == "import":
            for source in job.imports.sources:
                if source.once:
                    Path(source.path).unlink(missing_ok=True)

    async def tidy(self, busy: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        """Remove what was cancelled or has expired, with its files."""
        for id_ in await jobs.expired(self.record.pool, self.clock.now()):
            if id_ not in busy:
                await asyncio.to_thread(shutil.rmtree, self.folder / id_, True)
                await jobs.remove(self.record.pool, id_)

    async def sweep(self) -> None:
        """Remove folders of no job: uploads that broke off a day ago or earlier."""
        known = await jobs.known(self.record.pool)
        for path in list(self.folder.iterdir()) if self.folder.is_dir() else ():
            if path.name not in known and self.clock.now() // SECOND - path.stat().st_mtime > DAY // SECOND:
                await asyncio.to_thread(shutil.rmtree, path, True)


async def finished(worker: Worker, id_: str) -> Job:
    """Do a job here, or wait for whoever has it in hand; the job as it ended. Raises NotFound."""
    while True:
        job = await jobs.get(worker.record.pool, id_)
        if job is None:
            raise NotFound("the job was deleted")
        if job.state not in OPEN:
            return job
        if not await worker.do(id_):
            await worker.clock.sleep(LOOK_SECONDS)
