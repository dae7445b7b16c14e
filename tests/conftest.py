"""Fixtures that every room shares: one PostgreSQL a worker, a fresh migrated database a test."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import hypothesis  # noqa: F401 - early: CPython 3.11 fails to rewrite it at the end of a run
import pytest

from wardbridge.core.clock import FakeClock, SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.migrate import migrate
from wardbridge.core.postgres import Embedded

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def suites() -> Path:
    """The folder of the public conformance suites; skips the test where it is absent."""
    folder = Path(os.environ.get("WARDBRIDGE_SUITES", ROOT.parent / "shared" / "suites"))
    if not folder.is_dir():
        pytest.skip(f"suites not found at {folder}: set WARDBRIDGE_SUITES")
    return folder


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Embedded]:
    """An embedded PostgreSQL of this test worker with one migrated template database."""
    folder = Path(tempfile.mkdtemp(prefix="wbt-"))
    server = Embedded(
        folder,
        SystemClock(),
        shared_mb=64,
        extra={
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "60",
            "autovacuum": "off",
        },
    )

    async def prepare() -> None:
        await server.start()
        admin = await asyncpg.connect(server.dsn)
        await admin.execute("CREATE DATABASE pattern")
        await admin.close()
        pool = await open_pool(server.dsn.replace("///wardbridge", "///pattern"), size=2)
        await migrate(pool)
        await pool.close()

    try:
        asyncio.run(prepare())
        yield server
    finally:
        asyncio.run(Embedded(folder, SystemClock()).stop())
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class TestDatabase:
    __test__ = False
    dsn: str
    pool: Any


_count = 0


@pytest.fixture
async def database(cluster: Embedded) -> AsyncIterator[TestDatabase]:
    """A fresh database with every migration applied: ``database.pool`` (asyncpg) and ``database.dsn``."""
    global _count
    _count += 1
    name = f"test_{_count}"
    admin = await asyncpg.connect(cluster.dsn)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE pattern STRATEGY file_copy")
    dsn = cluster.dsn.replace("///wardbridge", f"///{name}")
    pool = await open_pool(dsn, size=8)
    try:
        yield TestDatabase(dsn, pool)
    finally:
        await pool.close()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()
