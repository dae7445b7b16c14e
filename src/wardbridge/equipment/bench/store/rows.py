"""Values into rows and back: a table's columns are the fields of its value."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.register.store import columns, values

Source = Connection | Pool
_JSON = msgspec.json.Encoder()


async def put(conn: Connection, table: str, key: Sequence[str], rows: Sequence[msgspec.Struct]) -> None:
    """Insert rows, or replace those of the same key, in one statement."""
    if not rows:
        return
    names = columns(type(rows[0]))
    sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
    await conn.execute(f"{_insert(table, names)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}", _encode(rows))


async def append(conn: Connection, table: str, rows: Sequence[msgspec.Struct]) -> None:
    """Insert new rows, in one statement."""
    if rows:
        await conn.execute(_insert(table, columns(type(rows[0]))), _encode(rows))


def _insert(table: str, names: Sequence[str]) -> str:
    listed = ", ".join(names)
    return f"INSERT INTO {table} ({listed}) SELECT {listed} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)"


def _encode(rows: Sequence[msgspec.Struct]) -> str:
    return _JSON.encode(rows).decode()


__all__ = ["Source", "append", "columns", "put", "values"]
