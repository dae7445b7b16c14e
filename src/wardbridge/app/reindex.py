"""``wardbridge reindex``: the search index from the command line, beside a running server or without."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from wardbridge.app.parts import record_of
from wardbridge.app.serve import database
from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.disk import DiskGuard
from wardbridge.core.errors import Invalid
from wardbridge.core.migrate import migrate
from wardbridge.core.settings import Settings
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.reindex import LOOK_SECONDS, Reindexer
from wardbridge.fhir.store.verify import Verified, verify


@contextlib.asynccontextmanager
async def _record(settings: Settings) -> AsyncIterator[Record]:
    clock = SystemClock()
    async with database(settings, clock) as dsn:
        pool = await open_pool(dsn, size=4, name="wardbridge-cli")
        try:
            await migrate(pool)
            yield await record_of(settings, pool, clock)
        finally:
            await pool.close()


def _known(record: Record, types: Sequence[str]) -> None:
    for name in types:
        if name not in record.numbers.types:
            raise Invalid(f"{name!r} is no resource type of R4", "type")


def _lines(record: Record) -> list[str]:
    numbers = record.numbers
    late = [
        f"{name}: {at.percent} % ({at.done} of {at.total})"
        for name, at in sorted(numbers.progress.items())
        if not at.ready
    ]
    custom = [
        f"{one.type}?{one.parameter.code}: "
        + ("active" if numbers.progress[one.type].complete >= one.rules else "building")
        for one in numbers.custom()
    ]
    return late + custom + ([] if late else ["the index is complete"])


async def index_status(settings: Settings) -> list[str]:
    """Types that are not complete, custom parameters with their states, and a word when all is done."""
    async with _record(settings) as record:
        reindexer = Reindexer(record.pool, record.numbers, record.clock)
        await reindexer.sync()
        await record.numbers.refresh(record.pool)
        return [*_lines(record), *(f"SearchParameter/{id_}: {why}" for id_, why in sorted(reindexer.refused.items()))]


async def reindex(settings: Settings, types: Sequence[str], say: Callable[[str], None]) -> None:
    """Make the rows of these types (none named: of all) again, here, or wait for the server that does.

    Raises Invalid for an unknown type.
    """
    async with _record(settings) as record:
        _known(record, types)
        disk = DiskGuard(settings.folder, settings.disk_reserve_mb * 1_000_000, record.clock)
        reindexer = Reindexer(record.pool, record.numbers, record.clock, disk.check)
        await reindexer.anew(types)
        while not await reindexer.once():
            await record.clock.sleep(LOOK_SECONDS)
            await record.numbers.refresh(record.pool)
            if all(at.ready for at in record.numbers.progress.values()):
                break
        for line in _lines(record):
            say(line)


async def verify_index(settings: Settings, types: Sequence[str], every: int) -> Verified:
    """Compare the index with the bodies, every n-th resource. Raises Invalid for an unknown type."""
    async with _record(settings) as record:
        _known(record, types)
        return await verify(record.pool, record.numbers, types, every=every)
