"""Values into rows and back: the columns of a table are the fields of its value, many rows are one statement."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool

Source = Connection | Pool
_JSON = msgspec.json.Encoder()


@cache
def _fields(kind: Any) -> tuple[tuple[str, bool], ...]:
    """The columns of a value, and whether one may arrive as JSON text."""
    return tuple((field.encode_name, field.type is not str) for field in msgspec.structs.fields(kind))


def columns(kind: Any) -> tuple[str, ...]:
    """The columns of a kind of value, in order: its fields as they are encoded."""
    return tuple(name for name, _ in _fields(kind))


def value(row: Any, kind: Any) -> Any:
    """A database row as a value; jsonb columns arrive as text."""
    found = {}
    for name, other in _fields(kind):
        one = row[name]
        found[name] = msgspec.json.decode(one) if other and isinstance(one, str) and one[:1] in ("{", "[") else one
    return msgspec.convert(found, kind)


async def put(conn: Connection, table: str, key: Sequence[str], rows: Sequence[msgspec.Struct]) -> None:
    """Insert rows, or replace those of the same key."""
    if rows:
        names = columns(type(rows[0]))
        sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
        await conn.execute(f"{_insert(table, names)} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}", _text(rows))


async def append(conn: Connection, table: str, rows: Sequence[msgspec.Struct]) -> None:
    """Insert new rows."""
    if rows:
        await conn.execute(_insert(table, columns(type(rows[0]))), _text(rows))


def _insert(table: str, names: Sequence[str]) -> str:
    listed = ", ".join(names)
    return f"INSERT INTO {table} ({listed}) SELECT {listed} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)"


def _text(rows: Sequence[msgspec.Struct]) -> str:
    return _JSON.encode(rows).decode()
