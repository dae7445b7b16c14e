"""kill -9 of PostgreSQL in the middle of puts: every acknowledged entry is there, exactly once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from wardbridge.core.clock import SystemClock
from wardbridge.core.db import open_pool
from wardbridge.core.errors import Unavailable
from wardbridge.core.migrate import migrate
from wardbridge.core.postgres import Embedded
from wardbridge.exchange.intake import store
from wardbridge.exchange.intake.entry import Entry
from wardbridge.exchange.intake.log import Intake


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Embedded]:
    server = Embedded(tmp_path / "data", SystemClock(), shared_mb=32)
    await server.start()
    yield server
    await server.stop()


async def crash(server: Embedded) -> None:
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert server.process is not None
    await server.process.wait()
    await server.start()


async def puts_through_crashes(server: Embedded, crashes: int, patience: float) -> None:
    pool: Any = await open_pool(server.dsn, size=4)
    await migrate(pool, rooms=("exchange",))
    intake = Intake(pool, SystemClock(), patience=patience)
    stored: dict[str, int] = {}
    refused: set[str] = set()
    done = asyncio.Event()
    running = asyncio.Semaphore(0)

    async def device(name: str) -> None:
        number = 0
        while not done.is_set():
            number += 1
            control = f"{name}-{number}"
            while True:
                message = Entry(
                    "device",
                    "link",
                    name,
                    control,
                    1_767_225_600_000_000,
                    b"MSH|" + control.encode(),
                    b"values of " + control.encode(),
                )
                try:
                    answer = await intake.put(message)
                except Unavailable:
                    refused.add(control)
                    if done.is_set():
                        return
                    continue
                assert control not in stored
                stored[control] = answer.sequence
                running.release()
                break

    devices = [asyncio.create_task(device(f"D{n}")) for n in range(40)]
    for _ in range(crashes):
        for _ in range(300):
            await running.acquire()
        await crash(server)
    for _ in range(300):
        await running.acquire()
    done.set()
    await asyncio.gather(*devices)
    await intake.close()

    rows = await pool.fetch("SELECT control, sequence FROM intake")
    controls = [row["control"] for row in rows]
    assert len(controls) == len(set(controls)), "an entry was stored twice"
    kept = {row["control"]: row["sequence"] for row in rows}
    assert {control: kept.get(control) for control in stored} == stored, "an acknowledged entry is missing"
    assert set(kept) <= set(stored) | refused

    seen: list[str] = []
    while True:
        async with pool.acquire() as conn, conn.transaction():
            batch = await store.read(conn, "reader", 500)
            if not batch:
                break
            await store.advance(conn, "reader", batch[-1].sequence)
        for row in batch:
            assert row.payload == b"values of " + row.control.encode()
        seen += [row.control for row in batch]
    assert sorted(seen) == sorted(kept)
    await pool.close()


async def test_acknowledged_survives_kill_9(server: Embedded) -> None:
    await puts_through_crashes(server, crashes=2, patience=30.0)


async def test_callers_are_told_when_patience_ends(server: Embedded) -> None:
    await puts_through_crashes(server, crashes=1, patience=0.05)


@pytest.mark.slow
async def test_acknowledged_survives_many_kills(server: Embedded) -> None:
    await puts_through_crashes(server, crashes=12, patience=1.0)
