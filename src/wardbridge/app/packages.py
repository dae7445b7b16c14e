"""Packages of FHIR definitions from the command line: load, list."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from wardbridge.app.parts import record_of
from wardbridge.app.serve import database
from wardbridge.core.clock import SystemClock, iso
from wardbridge.core.db import open_pool
from wardbridge.core.errors import NotFound
from wardbridge.core.migrate import migrate
from wardbridge.core.settings import Settings
from wardbridge.fhir.packages import store
from wardbridge.fhir.packages.archive import manifest
from wardbridge.fhir.packages.load import Report, load
from wardbridge.fhir.store.record import Record


@contextlib.asynccontextmanager
async def _record(settings: Settings) -> AsyncIterator[Record]:
    clock = SystemClock()
    async with database(settings, clock) as dsn:
        pool = await open_pool(dsn, size=2, name="wardbridge-packages")
        try:
            await migrate(pool)
            yield await record_of(settings, pool, clock)
        finally:
            await pool.close()


async def load_packages(settings: Settings, paths: list[Path], say: Callable[[Report], None]) -> list[Report]:
    """Load packages (.tgz or folders) in the order given. Raises NotFound, and Invalid for what is no package of R4:
    every file is looked at before the first one is loaded."""
    for path in paths:
        if not path.exists():
            raise NotFound(f"{path}: no such file or folder")
        manifest(path)
    async with _record(settings) as record:
        return [await load(record, record.clock, path, say) for path in paths]


async def list_packages(settings: Settings) -> list[str]:
    """``name#version  resources  loaded`` of every package."""
    async with _record(settings) as record:
        return [
            f"{row.name + '#' + row.version:<48} {row.resources:>6} resources  {iso(row.loaded)}"
            for row in await store.loaded(record.pool)
        ]
