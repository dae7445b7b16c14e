"""Long work that nobody at a bed waits for: bulk export and import, and the search index; a process of its own.

It shares the machine with alarms and pages, so it asks the system for what they leave over (nice); each job is kept
in the database and goes on after kill -9 where it was.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from typing import Any

import structlog

from wardbridge.app.api import integrity_of, prepare, validator_of
from wardbridge.app.metrics import say
from wardbridge.app.parts import record_of
from wardbridge.app.process import tell
from wardbridge.core.clock import Clock, SystemClock
from wardbridge.core.db import AWAY, Pool, open_pool
from wardbridge.core.disk import DiskGuard
from wardbridge.core.errors import Unavailable
from wardbridge.core.settings import Settings
from wardbridge.fhir.bulk.work import Worker
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.reindex import Reindexer
from wardbridge.security.audit import Audit
from wardbridge.security.policy import decide
from wardbridge.terminology.service import Service

log = structlog.get_logger(__name__)
NICE = 5


def worker(settings: Settings, clock: Clock, record: Record) -> Worker:
    """What does bulk jobs, with the same rules as the API."""
    disk = DiskGuard(settings.folder, settings.disk_reserve_mb * 1_000_000, clock)
    return Worker(
        record,
        clock,
        settings.folder / "bulk",
        Audit(record.pool, clock),
        decide,
        validator_of(clock, record, Service(record.pool, record, clock)).written,
        disk.check,
        settings.bulk_hours,
        prepare(settings, clock, record),
        integrity_of(settings),
    )


async def run_jobs(settings: Settings, dsn: str) -> None:
    """Work until cancelled; a database that is away is waited for."""
    os.nice(NICE)
    clock = SystemClock()
    while True:
        try:
            pool = await open_pool(dsn, size=8, name="wardbridge-jobs")
            try:
                async with asyncio.TaskGroup() as group:
                    for work in await works(settings, pool, clock):
                        group.create_task(work)
            finally:
                pool.terminate()
        except* (Unavailable, *AWAY) as error:
            log.warning("jobs.waiting", reason=type(error.exceptions[0]).__name__)
        await clock.sleep(0.3)


async def works(settings: Settings, pool: Pool, clock: Clock) -> list[Coroutine[Any, Any, None]]:
    """Everything that runs side by side."""
    record = await record_of(settings, pool, clock)
    bulk = worker(settings, clock, record)
    reindexer = Reindexer(pool, record.numbers, clock, bulk.room)

    def state() -> dict[str, Any]:
        late = {name: at for name, at in record.numbers.progress.items() if not at.ready}
        gauges = {
            "reindex_types": len(late),
            "reindex_resources_left": sum(max(at.total - at.done, 0) for at in late.values()),
            "search_parameters_refused": len(reindexer.refused),
        }
        return say(gauges=gauges)

    return [bulk.run(), reindexer.run(), record.numbers.follow(pool), tell(pool, clock, "jobs", state)]
