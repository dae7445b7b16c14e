"""The ground that every room stands on: settings, the guard of the disk, time in tests, migrations, doorbells."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from wardbridge.core import store
from wardbridge.core.clock import SECOND, FakeClock, from_datetime, iso, to_datetime
from wardbridge.core.db import transaction
from wardbridge.core.disk import DiskGuard
from wardbridge.core.errors import SettingsError, Unavailable
from wardbridge.core.migrate import migrate, migrations
from wardbridge.core.settings import load


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    (tmp_path / "wardbridge.toml").write_text(
        'port = 1001\nsite = "File"\nmllp_allow = ["10.0.0.1"]\n[links.a]\nx = 1\n'
    )
    here = {"WARDBRIDGE_DATA": str(tmp_path)}
    assert load(here).port == 1001
    assert load(here).links == {"a": {"x": 1}}
    assert load(here).mllp_allow == ("10.0.0.1",)
    changed = load({**here, "WARDBRIDGE_PORT": "1002", "WARDBRIDGE_MLLP_ALLOW": "10.0.0.2, 10.0.0.3"})
    assert (changed.port, changed.site) == (1002, "File")
    assert changed.mllp_allow == ("10.0.0.2", "10.0.0.3")
    assert load({**here, "WARDBRIDGE_PORT": "1002"}, port=1003, host=None).port == 1003
    assert load({**here, "WARDBRIDGE_MLLP_ALLOW": ""}).mllp_allow == ()


@pytest.mark.parametrize(("environ", "text", "said"), [
    ({"WARDBRIDGE_PORT": "many"}, "", "port"),
    ({"WARDBRIDGE_PORT": "70000"}, "", "between 1 and 65535"),
    ({"WARDBRIDGE_ZONE": "Mars/Olympus"}, "", "not an IANA time zone"),
    ({"WARDBRIDGE_RAW_DAYS": "0"}, "", "raw_days"),
    ({"WARDBRIDGE_TLS_CERT": "/x"}, "", "belong together"),
    ({"WARDBRIDGE_TLS_CERT": "/nowhere", "WARDBRIDGE_TLS_KEY": "/nowhere"}, "", "cannot be read"),
    ({"WARDBRIDGE_CONFIG": "/nowhere.toml"}, "", "does not exist"),
    ({}, "prot = 1", "prot"),
    ({}, "port = ", "wardbridge.toml"),
    ({"WARDBRIDGE_PORT": "2575"}, "", "must differ"),
])  # fmt: skip
def test_a_wrong_setting_is_named(tmp_path: Path, environ: dict[str, str], text: str, said: str) -> None:
    if text:
        (tmp_path / "wardbridge.toml").write_text(text)
    with pytest.raises(SettingsError, match=said):
        load({"WARDBRIDGE_DATA": str(tmp_path), **environ})


def test_the_guard_of_the_disk_looks_once_a_second(tmp_path: Path, clock: FakeClock) -> None:
    stat = os.statvfs(tmp_path)
    free = stat.f_bavail * stat.f_frsize
    DiskGuard(tmp_path, free // 2, clock).check()
    guard = DiskGuard(tmp_path, free * 2, clock)
    with pytest.raises(Unavailable, match="disk is nearly full"):
        guard.check()
    assert guard.free() == guard.free()
    guard.reserve = 0
    guard.check()


async def test_a_fake_clock_wakes_sleepers_at_their_moments(clock: FakeClock) -> None:
    woken: list[tuple[str, float, int]] = []
    start = clock.now()

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic(), clock.now() - start))

    tasks = [asyncio.create_task(sleeper(name, s)) for name, s in (("c", 3), ("a", 1), ("b", 1), ("never", 99))]
    await clock.advance(0.5)
    assert woken == []
    await clock.advance(3)
    assert woken == [("a", 1.0, SECOND), ("b", 1.0, SECOND), ("c", 3.0, 3 * SECOND)]
    clock.set(start - 10 * SECOND)  # the wall clock jumps back: sleepers do not care
    await clock.advance(95.5)
    assert woken[-1] == ("never", 99.0, -10 * SECOND + int(95.5 * SECOND))
    await asyncio.gather(*tasks)


def test_times_are_exact() -> None:
    moment = 1_767_225_600_123_456
    assert from_datetime(to_datetime(moment)) == moment
    assert iso(moment) == "2026-01-01T00:00:00.123456Z"
    assert iso(moment // SECOND * SECOND) == "2026-01-01T00:00:00.000Z"
    assert from_datetime(to_datetime(-1)) == -1
    with pytest.raises(ValueError, match="naive"):
        from_datetime(to_datetime(0).replace(tzinfo=None))


async def test_migrations_run_once_from_the_bottom_up(database: Any) -> None:
    assert await migrate(database.pool) == []
    rooms = [m.room for m in migrations()]
    assert rooms.index("core") < rooms.index("security") < rooms.index("fhir") < rooms.index("devices")
    numbers: dict[str, list[int]] = {}
    for one in migrations():
        numbers.setdefault(one.room, []).append(one.number)
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values()), numbers


async def test_a_changed_or_a_newer_migration_is_refused(database: Any) -> None:
    await database.pool.execute("UPDATE schema_migration SET digest = 'x' WHERE room = 'core' AND number = 1")
    with pytest.raises(SettingsError, match="core migration 1 has changed"):
        await migrate(database.pool)
    await database.pool.execute("DELETE FROM schema_migration WHERE room = 'core' AND number = 1")
    await database.pool.execute("INSERT INTO schema_migration VALUES ('fhir', 99, 'later', 'y')")
    with pytest.raises(SettingsError, match="newer than the program"):
        await migrate(database.pool)


async def test_two_processes_migrate_at_once(database: Any) -> None:
    await database.pool.execute("DROP SCHEMA public CASCADE")
    await database.pool.execute("CREATE SCHEMA public")
    both = await asyncio.gather(migrate(database.pool), migrate(database.pool))
    assert sorted(map(len, both)) == [0, len(migrations())]


async def test_a_doorbell_rings_and_says_when_it_is_gone(database: Any) -> None:
    heard: list[str] = []
    rung = asyncio.Event()

    def ring(channel: str) -> None:
        heard.append(channel)
        rung.set()

    async with store.doorbell(database.pool, ("wb_live", "wb_alarm"), ring) as gone:
        await database.pool.execute("NOTIFY wb_alarm")
        await asyncio.wait_for(rung.wait(), 10)
        assert heard == ["wb_alarm"]
        assert not gone.is_set()
        await database.pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database() AND query LIKE 'LISTEN%'"
        )
        await asyncio.wait_for(gone.wait(), 10)


async def test_one_leads(database: Any) -> None:
    async with database.pool.acquire() as first, database.pool.acquire() as second:
        assert await store.lead(first)
        assert not await store.lead(second)


async def test_states_are_said_and_forgotten(database: Any) -> None:
    for name in ("gateway", "engine"):
        await store.put_state(database.pool, name, 5, {"counters": {"n": 1}})
    assert [s.process for s in await store.states(database.pool)] == ["engine", "gateway"]
    assert await store.states(database.pool, 6) == []
    await store.forget_states(database.pool, "engine")
    assert [s.process for s in await store.states(database.pool)] == ["gateway"]
    await store.forget_states(database.pool)
    assert await store.states(database.pool) == []


async def test_a_failed_transaction_leaves_nothing(database: Any) -> None:
    async def fail() -> None:
        async with transaction(database.pool) as conn:
            await store.put_state(conn, "x", 1, {})
            raise ValueError

    with pytest.raises(ValueError):
        await fail()
    assert await store.states(database.pool) == []
