"""The intake log on a real PostgreSQL: durable, once, in order, and honest when it cannot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from wardbridge.core.clock import DAY, FakeClock
from wardbridge.core.db import transaction
from wardbridge.core.disk import DiskGuard
from wardbridge.core.errors import Invalid, NotFound, Unavailable
from wardbridge.exchange.intake import store
from wardbridge.exchange.intake.entry import Entry, key
from wardbridge.exchange.intake.log import Intake


def entry(
    control: str = "1",
    raw: bytes = b"MSH|^~\\&|",
    sender: str = "MON",
    received: int = 1_767_225_600_000_000,
    **more: Any,
) -> Entry:
    return Entry(
        more.pop("kind", "device"), "link", sender, control, received, raw, more.pop("payload", b"values"), **more
    )


async def drain(pool: Any, name: str = "pipeline", limit: int = 100) -> list[store.Row]:
    async with transaction(pool) as conn:
        rows = await store.read(conn, name, limit)
        if rows:
            await store.advance(conn, name, rows[-1].sequence)
    return rows


async def test_what_was_put_is_read_back_once(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock)
    told = await intake.put(
        entry(
            raw=b"raw \x00\xff bytes",
            payload=b"\x00values",
            profile="PCD-01",
            patient_ids=("MR|1", "AN|2"),
            message_type="ORU^R01",
            status="uninterpreted",
            problems='["x"]',
        )
    )
    rows = await drain(database.pool)
    assert [row.sequence for row in rows] == [told.sequence]
    assert (rows[0].payload, rows[0].raw) == (b"\x00values", b"")
    assert rows[0].patient_ids == ("MR|1", "AN|2")
    assert (rows[0].profile, rows[0].message_type, rows[0].status, rows[0].problems) == (
        "PCD-01",
        "ORU^R01",
        "uninterpreted",
        '["x"]',
    )
    assert (await store.message(database.pool, told.sequence)).raw == b"raw \x00\xff bytes"
    assert await drain(database.pool) == []
    assert len(await drain(database.pool, "another reader")) == 1
    with pytest.raises(NotFound):
        await store.message(database.pool, told.sequence + 1)
    await intake.close()


async def test_a_reader_that_fails_reads_again(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock)
    await intake.put(entry())
    conn = await database.pool.acquire()
    work = conn.transaction()
    await work.start()
    rows = await store.read(conn, "pipeline", 10)
    await store.advance(conn, "pipeline", rows[-1].sequence)
    await work.rollback()
    await database.pool.release(conn)
    assert len(await drain(database.pool)) == 1
    await intake.close()


async def test_repeats_are_recognised(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock)
    first = await intake.put(entry("7"))
    again = await intake.put(entry("7"))
    other = await intake.put(entry("7", raw=b"MSH|other"))
    sender = await intake.put(entry("7", sender="OTHER"))
    assert (again.sequence, again.duplicate) == (first.sequence, True)
    assert other.sequence != first.sequence
    assert (other.duplicate, other.clash) == (False, True)
    assert (sender.duplicate, sender.clash) == (False, False)
    assert await database.pool.fetchval("SELECT count(*) FROM intake") == 3
    assert (intake.counts.stored, intake.counts.duplicates, intake.counts.clashes) == (3, 1, 1)
    await intake.close()


async def test_repeats_within_one_batch(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock)
    answers = await asyncio.gather(*(intake.put(entry(str(n % 10))) for n in range(200)))
    assert await database.pool.fetchval("SELECT count(*) FROM intake") == 10
    for n, answer in enumerate(answers):
        assert answer.sequence == answers[n % 10].sequence
        assert answer.duplicate is (n >= 10)
    await intake.close()


async def test_without_a_control_id(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock)
    answers = [await intake.put(entry("", raw=raw)) for raw in (b"a", b"a", b"b", b"", b"")]
    assert [answer.duplicate for answer in answers] == [False, True, False, False, False]
    assert not any(answer.clash for answer in answers)
    await intake.close()


def test_keys_are_stable_and_do_not_run_together() -> None:
    one = entry("12", sender="A")
    assert key(one, b"x" * 16) == key(one, b"y" * 16)
    assert key(one, b"").digest.hex() == "75b778bea5bf800a5cfacc5ce60289bd"
    assert key(entry("2", sender="A1"), b"").name != key(one, b"").name
    assert key(entry("", raw=b""), b"x" * 16) != key(entry("", raw=b""), b"y" * 16)


async def test_many_puts_are_few_commits_and_keep_their_order(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock)
    await asyncio.gather(*(intake.put(entry(str(n), sender=f"S{n % 5}")) for n in range(1000)))
    assert intake.counts.batches < 12
    rows = await drain(database.pool, limit=5000)
    assert len(rows) == 1000
    for sender in range(5):
        controls = [int(row.control) for row in rows if row.sender == f"S{sender}"]
        assert controls == list(range(sender, 1000, 5))
    await intake.close()


async def test_late_commits_are_never_skipped(database: Any, clock: FakeClock) -> None:
    """A slow transaction with lower numbers must hold back what was committed after it began."""
    intake = Intake(database.pool, clock)
    await intake.put(entry("before"))
    slow = await database.pool.acquire()
    held = slow.transaction()
    await held.start()
    packed = store.pack(entry("slow"), key(entry("slow"), b""))
    await store.insert(slow, clock.now() // store.GENERATION, [packed])
    await intake.put(entry("quick"))
    assert [row.control for row in await drain(database.pool)] == ["before"]
    await held.commit()
    await database.pool.release(slow)
    assert {row.control for row in await drain(database.pool)} == {"slow", "quick"}
    await intake.close()


async def test_two_readers_of_one_name_take_turns(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock)
    await asyncio.gather(*(intake.put(entry(str(n))) for n in range(40)))

    async def consume() -> list[str]:
        got: list[str] = []
        while rows := await drain(database.pool, limit=5):
            got += [row.control for row in rows]
        return got

    taken = await asyncio.gather(*(consume() for _ in range(4)))
    assert sorted(control for part in taken for control in part) == sorted(str(n) for n in range(40))
    await intake.close()


async def test_texts_that_postgresql_cannot_hold(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock)
    await intake.put(entry("a\0b", sender="s\ud800", patient_ids=("p\0", "q\x1fr")))
    row = (await drain(database.pool))[0]
    assert (row.control, row.sender, row.patient_ids) == ("a�b", "s?", ("p�", "q�r"))
    await intake.close()


async def test_a_bad_entry_spares_its_neighbours(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock, lanes=1)
    await intake.put(entry("first"))
    good = [intake.put(entry(str(n))) for n in range(5)]
    bad = intake.put(entry("bad", received=2**70))
    answers = await asyncio.gather(*good[:2], bad, *good[2:], return_exceptions=True)
    assert isinstance(answers[2], Unavailable)
    assert sum(isinstance(answer, BaseException) for answer in answers) == 1
    assert len(await drain(database.pool)) == 6
    with pytest.raises(Invalid):
        await intake.put(entry(kind="novel"))
    await intake.close()


async def test_a_full_disk_refuses_before_anything_is_written(database: Any, clock: FakeClock, tmp_path: Path) -> None:
    intake = Intake(database.pool, clock, DiskGuard(tmp_path, 1 << 60, clock))
    with pytest.raises(Unavailable, match="disk"):
        await intake.put(entry())
    assert await database.pool.fetchval("SELECT count(*) FROM intake") == 0
    assert intake.counts.refused == 1


async def test_unknown_outcome_is_tried_again_and_stored_once(
    database: Any,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The connection breaks after COMMIT reached the server but before the answer reached us."""
    real = store.insert
    broken = 0

    async def breaking(*args: Any) -> Any:
        nonlocal broken
        answers = await real(*args)
        if broken < 2:
            broken += 1
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return answers

    monkeypatch.setattr(store, "insert", breaking)
    intake = Intake(database.pool, clock)
    puts = asyncio.gather(*(intake.put(entry(str(n))) for n in range(50)))
    while not puts.done():
        await asyncio.sleep(0.001)
        await clock.advance(0.05)
    assert len({answer.sequence for answer in puts.result()}) == 50
    assert await database.pool.fetchval("SELECT count(*) FROM intake") == 50
    assert intake.counts.retries == 2
    await intake.close()


async def test_away_for_too_long_is_said_so(database: Any, clock: FakeClock) -> None:
    pool = await asyncpg.create_pool(database.dsn, min_size=0, max_size=2)
    await pool.close()
    intake = Intake(pool, clock, patience=5.0)
    put = asyncio.create_task(intake.put(entry()))
    await clock.advance(4.0)
    assert not put.done()
    await clock.advance(2.0)
    with pytest.raises(Unavailable, match="away"):
        await put
    await intake.close()
    with pytest.raises(Unavailable, match="closing"):
        await intake.put(entry())


async def test_closing_finishes_what_is_under_way(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock)
    puts = [asyncio.create_task(intake.put(entry(str(n)))) for n in range(100)]
    await asyncio.sleep(0)
    await intake.close()
    assert len({(await put).sequence for put in puts}) == 100


async def test_waiting_memory_is_bounded(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock, limit_bytes=2000, batch=4, lanes=1)
    answers = await asyncio.gather(*(intake.put(entry(str(n))) for n in range(300)))
    assert len({answer.sequence for answer in answers}) == 300
    assert intake.counts.batches > 50
    await intake.close()


async def test_retention_drops_days_and_old_keys(database: Any, clock: FakeClock) -> None:
    now = clock.now()
    intake = Intake(database.pool, clock)
    await intake.put(entry("old", received=now - 40 * DAY))
    await intake.put(entry("new", received=now))
    assert await store.retain(database.pool, 30, now) == [f"intake_{(now - 40 * DAY) // DAY}"]
    assert [row.control for row in await drain(database.pool)] == ["new"]

    clock.set(now + 8 * DAY)
    assert (await intake.put(entry("new", received=clock.now()))).duplicate
    clock.set(now + 21 * DAY)
    later = await intake.put(entry("new", received=clock.now()))
    assert not later.duplicate
    assert any(name.startswith("intake_key_") for name in await store.retain(database.pool, 30, clock.now()))
    # The day of a dropped partition can come back (a late import).
    assert not (await intake.put(entry("very late", received=now - 40 * DAY))).duplicate
    await intake.close()


async def test_retention_keeps_what_a_reader_has_not_seen(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock)
    await intake.put(entry("1"))
    await drain(database.pool)
    await intake.put(entry("2"))
    later = clock.now() + 100 * DAY
    assert [name for name in await store.retain(database.pool, 30, later) if "key" not in name] == []
    await drain(database.pool)
    assert len([name for name in await store.retain(database.pool, 30, later) if "key" not in name]) == 1
    await intake.close()


async def test_a_restored_log_is_read_on_where_it_stood(database: Any, clock: FakeClock) -> None:
    intake = Intake(database.pool, clock, lanes=1)
    for n in range(4):
        await intake.put(entry(str(n)))
    assert [row.control for row in await drain(database.pool, limit=3)] == ["0", "1", "2"]
    # As pg_restore leaves it: numbers of transactions that this cluster has not reached. And one entry
    # that committed late, behind the reader's place although its number is lower.
    for table in ("intake", "intake_cursor"):
        await database.pool.execute(f"UPDATE {table} SET xid = (xid::text::bigint + 99999999999)::text::xid8")
    await database.pool.execute("UPDATE intake SET xid = '999999999999' WHERE control = '1'")
    assert await drain(database.pool) == []
    async with transaction(database.pool) as conn:
        await store.rebase(conn)
    await intake.put(entry("4"))
    assert [row.control for row in await drain(database.pool)] == ["3", "1", "4"]
    await intake.close()
