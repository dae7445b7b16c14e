"""Nothing changes unseen: every table of the room is under account, and the account alone gives the tables again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.equipment.conftest import ADMINISTRATOR, OPERATOR, TECHNICIAN, Stocked

from wardbridge.core.migrate import migrations
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.values import Interface
from wardbridge.equipment.shop import Shop

DERIVED = frozenset({"request_rate", "use_cursor", "use_rest", "use_time", "epss", "upload"})
"""Counters against floods, use hours taken from telemetry, a public list of scores, files between preview and import:
nobody decides them, and they are made again from what is kept elsewhere."""


async def tables(pool: Any) -> list[str]:
    """The tables that the migrations of the equipment room make, as the database has them."""
    text = "\n".join(item.sql for item in migrations(("equipment",))).lower()
    rows = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    return sorted(row["relname"] for row in rows if f"create table {row['relname']} (" in text)


async def test_every_table_of_the_room_is_under_account(database: Any) -> None:
    found = await tables(database.pool)
    assert {"asset", "model", "work", "signature"} <= set(found)
    rows = await database.pool.fetch(
        """SELECT tgrelid::regclass::text AS name FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid
           WHERE p.proname = 'journal' AND tgenabled = 'O'"""
    )
    assert set(found) - {row["name"] for row in rows} - DERIVED == set()


async def replayed(pool: Any, table: str) -> dict[str, dict[str, Any]]:
    """The rows of a table out of its account alone, by key."""
    rows: dict[str, dict[str, Any]] = {}
    for row in await pool.fetch(
        "SELECT key, action::text AS action, after FROM change WHERE table_name = $1 ORDER BY sequence", table
    ):
        match row["action"]:
            case "C":
                rows[row["key"]] = json.loads(row["after"])
            case "U":
                rows[row["key"]] |= json.loads(row["after"])
            case "D":
                del rows[row["key"]]
    return rows


async def differences(pool: Any) -> list[str]:
    """Tables whose rows are not what their account says."""
    wrong = []
    for table in await tables(pool):
        if table in DERIVED:
            continue
        there = [json.loads(row["row"]) for row in await pool.fetch(f"SELECT to_jsonb(t) AS row FROM {table} t")]
        told = list((await replayed(pool, table)).values())
        if sorted(map(_text, there)) != sorted(map(_text, told)):
            wrong.append(table)
    return wrong


def _text(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


STEP = st.tuples(st.integers(0, 2), st.sampled_from(["note", "firmware", "tag", "network", "drop", "nothing"]),
                 st.text(alphabet="abc/\\\"'ä ", max_size=6))  # fmt: skip


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=12))
async def test_the_account_alone_gives_the_tables_again(
    shop: Shop, stock: Stocked, steps: list[tuple[int, str, str]]
) -> None:
    assets = await stock(3)
    for at, what, text in steps:
        async with shop.acting((TECHNICIAN, OPERATOR, ADMINISTRATOR)[at], text) as conn:
            device = assets[at].device_id
            match what:
                case "network":
                    await desk.connect(shop, conn, [Interface(interface_id=f"{device}-i", device_id=device, port=text)])
                case "drop":
                    await conn.execute("DELETE FROM interface WHERE device_id = $1", device)
                case "nothing":
                    await conn.execute("UPDATE asset SET note = note WHERE device_id = $1", device)
                case _:
                    await desk.change(shop, conn, device, **{what: f"{device}-{text}" if what == "tag" else text})
    assert await differences(shop.pool) == []
    counts = await shop.pool.fetchrow(
        """SELECT count(*) AS rows, count(DISTINCT a.audit_id) AS audited
           FROM change c LEFT JOIN audit_event a USING (audit_id)"""
    )
    assert counts["rows"] == counts["audited"] > 0


async def test_the_account_cannot_be_rewritten(shop: Shop, stock: Stocked) -> None:
    await stock(1)
    for statement in (
        "UPDATE change SET display = 'x'",
        "DELETE FROM change",
        "TRUNCATE change",
        "TRUNCATE asset CASCADE",
    ):
        with pytest.raises(Exception, match="append-only"):
            await shop.pool.execute(statement)
