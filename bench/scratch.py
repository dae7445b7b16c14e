"""A database for one run: an embedded PostgreSQL in a temporary folder, migrated, gone at the end."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
from bench.record_app import build

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.log import configure
from wardbridge.core.migrate import migrate
from wardbridge.core.postgres import Embedded

BASE = "http://test/fhir"


@contextlib.asynccontextmanager
async def database() -> AsyncIterator[str]:
    """The DSN of an empty, migrated database."""
    configure("warning")
    folder = Path(tempfile.mkdtemp(prefix="wbb-"))
    server = Embedded(folder, SystemClock())
    try:
        await server.start()
        pool = await open_pool(server.dsn, size=1)
        await migrate(pool)
        await pool.close()
        yield server.dsn
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def rooted(app: Any) -> Any:
    """The application as if it were mounted at ``/fhir``."""

    async def under(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": "/fhir"}, receive, send)

    return under


def with_client(work: Callable[[httpx.AsyncClient], Awaitable[Any]], *, validated: bool = True) -> Any:
    """What ``work`` makes of a client that talks to the record over a fresh database, in process."""

    async def run() -> Any:
        async with database() as dsn:
            pool, app = await build(dsn, validated=validated, base=BASE)
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(rooted(app)),
                base_url=BASE,
                headers={"content-type": "application/fhir+json"},
                timeout=60,
            ) as client:
                found = await work(client)
            await pool.close()
            return found

    return asyncio.run(run())


def with_pool(work: Callable[[Any], Awaitable[Any]]) -> Any:
    """What ``work`` makes of a pool on a fresh database."""

    async def run() -> Any:
        async with database() as dsn:
            pool = await open_pool(dsn, size=2)
            found = await work(pool)
            await pool.close()
            return found

    return asyncio.run(run())
