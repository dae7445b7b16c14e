"""``wardbridge import`` and ``wardbridge export``: bulk jobs from the command line, beside a running server or without.

The job is one like any other: ended by Ctrl-C or kill -9, the server's own worker (or the next start) goes on with it.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from wardbridge.app.jobs import worker
from wardbridge.app.parts import record_of
from wardbridge.app.serve import database
from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.core.migrate import migrate
from wardbridge.core.settings import Settings
from wardbridge.fhir.bulk.ingest import REFUSED
from wardbridge.fhir.bulk.job import Export, Import, Job, Progress, Source
from wardbridge.fhir.bulk.manifest import imported
from wardbridge.fhir.bulk.request import Wanted, plan
from wardbridge.fhir.bulk.store import jobs
from wardbridge.fhir.bulk.work import Worker, finished
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.security.principal import SYSTEM


@contextlib.asynccontextmanager
async def _worker(settings: Settings) -> AsyncIterator[Worker]:
    clock = SystemClock()
    async with database(settings, clock) as dsn:
        pool = await open_pool(dsn, size=4, name="wardbridge-cli")
        try:
            await migrate(pool)
            yield worker(settings, clock, await record_of(settings, pool, clock))
        finally:
            await pool.close()


async def _done(bulk: Worker, kind: Literal["export", "import"], asked: Export | Import, now: int) -> Job:
    job = Job(bulk.record.ids(), kind, "waiting", SYSTEM, "command line", msgspec.to_builtins(asked), Progress(), now)
    await jobs.add(bulk.record.pool, job)
    found = await finished(bulk, job.id)
    if found.state != "done":
        raise Invalid(found.reason.partition(" ")[2] or f"the {kind} was {found.state}")
    return found


async def import_files(settings: Settings, files: list[Path]) -> tuple[list[dict[str, Any]], int, Path | None]:
    """(what was written by type, lines that were refused, the file that says why).

    Raises NotFound for a file that is not there.
    """
    for file in files:
        if not file.is_file():
            raise NotFound(f"{file} does not exist")
    async with _worker(settings) as bulk:
        asked = Import(tuple(Source(str(file.resolve()), file.name) for file in files))
        job = await _done(bulk, "import", asked, bulk.clock.now())
        errors = [file for file in await jobs.files(bulk.record.pool, job.id) if file.kind == "error"]
    refused = job.progress.counts.get(REFUSED, 0)
    return imported(job), refused, settings.folder / "bulk" / job.id / errors[0].name if errors else None


async def export_files(settings: Settings, out: Path, types: tuple[str, ...]) -> list[tuple[str, int]]:
    """(file, lines) of what was written to the folder ``out``. Raises Invalid for an unknown type."""
    for name in types:
        if name not in resource_types():
            raise Invalid(f"{name!r} is no resource type of R4", name)
    async with _worker(settings) as bulk:
        now = bulk.clock.now() // 1000 * 1000
        job = await _done(bulk, "export", plan(Wanted(types=types), "system", "", now, lambda _: True), now)
        listed = await jobs.files(bulk.record.pool, job.id)
        out.mkdir(parents=True, exist_ok=True)
        for file in listed:
            shutil.move(settings.folder / "bulk" / job.id / file.name, out / file.name)
        await jobs.cancel(bulk.record.pool, job.id, bulk.clock.now())
        await bulk.tidy()
    return [(file.name, file.lines) for file in listed]
