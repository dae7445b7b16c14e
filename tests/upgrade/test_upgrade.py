"""Old data in a new version: every golden dump is migrated, ends at the schema of a fresh database, and reads back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wardbridge.core.clock import SystemClock
from wardbridge.core.migrate import migrate, migrations
from wardbridge.devices import fleet
from wardbridge.exchange.outbound.store import screens
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.reindex import Reindexer
from wardbridge.fhir.store.verify import verify
from wardbridge.security import store as people
from wardbridge.telemetry import store as telemetry

DUMPS = sorted(Path(__file__).parent.glob("*.sql"))
SHAPE = """
    SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
           || ' ' || coalesce(column_default, '') AS line
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'check ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    ORDER BY 1"""


async def shape(pool: Any) -> set[str]:
    """Columns, indexes and constraints, without the partitions that only data brings."""
    parts = await pool.fetch("SELECT inhrelid::regclass::text AS name FROM pg_inherits")
    names = {row["name"] for row in parts}
    return {row["line"] for row in await pool.fetch(SHAPE) if not any(name in row["line"] for name in names)}


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.stem)
async def test_an_old_database_becomes_a_current_one(database: Any, dump: Path) -> None:
    pool = database.pool
    fresh = await shape(pool)
    await pool.execute("DROP SCHEMA public CASCADE")
    await pool.execute("CREATE SCHEMA public")
    await pool.execute(dump.read_text("utf-8"))
    before = await pool.fetchval("SELECT count(*) FROM schema_migration")
    applied = await migrate(pool)
    assert before + len(applied) == len(migrations())
    assert await migrate(pool) == []
    assert await shape(pool) == fresh

    record = Record(pool, SystemClock())
    await record.load()
    for criteria in ([("code", "http://loinc.org|8867-4")], []):
        page = await record.search(record.query(["Observation"], criteria))
        values = [loads(one.body)["valueQuantity"]["value"] for one in page.matches]
        assert "61.50" in {str(value) for value in values}
    patient = (await record.search(record.query(["Patient"], [("family", "former")]))).matches
    assert [loads(one.body)["name"][0]["given"] for one in patient] == [["Ona"]]
    assert len((await record.history("Patient", patient[0].id)).versions) >= 1
    assert "olivia" in {row["login"] for row in await people.people(pool)}
    device = next(one for one in await fleet.list_devices(pool) if one.key == "02A17CFFFE110001")
    assert device.state == "accepted"
    last = await telemetry.last_values(pool, [device.device_id])
    assert "61.50" in {one.text for one in last[device.device_id]}
    assert (await screens.find(pool, type="ADT^A01")).messages

    # Rows that older rules made are brought to today's by the server itself; then what came with them works.
    await Reindexer(pool, record.numbers, record.clock).once()
    proof = await verify(pool, record.numbers)
    assert proof.wrong == []
    assert proof.checked > 0
    for criteria in ([("subject:Patient.family", "former")], [("_content", "heart")]):
        assert (await record.search(record.query(["Observation"], criteria))).matches, criteria


def test_there_is_a_dump() -> None:
    assert DUMPS
    assert all(path.stat().st_size < 200_000 for path in DUMPS)
