"""The embedded PostgreSQL: starts, is taken over, survives kill -9, closes no door behind itself."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import asyncpg
import pytest

from wardbridge.core.clock import SystemClock
from wardbridge.core.postgres import Embedded


@pytest.fixture
async def server(tmp_path: Path):
    server = Embedded(tmp_path / "data", SystemClock(), shared_mb=32)
    await server.start()
    yield server
    await server.stop()


async def test_committed_rows_survive_kill_of_the_server(server: Embedded) -> None:
    connection = await asyncpg.connect(server.dsn)
    await connection.execute("CREATE TABLE kept (n int)")
    await connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
    os.kill(server.pid(), signal.SIGKILL)
    await server.start()
    again = await asyncpg.connect(server.dsn)
    assert await again.fetchval("SELECT count(*) FROM kept") == 1000
    await again.close()


async def test_a_surviving_server_is_taken_over(server: Embedded) -> None:
    pid = server.pid()
    second = Embedded(server.folder, SystemClock(), shared_mb=32)
    await second.start()
    assert second.pid() == pid


async def test_parent_folders_stay_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = Embedded(closed / "data", SystemClock(), shared_mb=32)
    await server.start()
    try:
        assert closed.stat().st_mode & 0o777 == 0o700
        assert (closed / "data" / "postgres").stat().st_mode & 0o777 == 0o700
    finally:
        await server.stop()
