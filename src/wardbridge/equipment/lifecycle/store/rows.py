"""Values as rows: insert or replace many in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.register.store import columns

Source = Connection | Pool
_JSON = msgspec.json.Encoder()


async def put(
    conn: Connection, table: str, key: Sequence[str], kind: type[msgspec.Struct], rows: Sequence[Any]
) -> None:
    """Insert or replace rows of ``table``; ``key`` empty: insert only."""
    if not rows:
        return
    names = columns(kind)
    sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
    clash = f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}" if key else ""
    await conn.execute(
        f"""INSERT INTO {table} ({", ".join(names)})
            SELECT {", ".join(names)} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb) {clash}""",
        _JSON.encode(rows).decode(),
    )


@cache
def _fields(kind: Any) -> tuple[tuple[str, bool], ...]:
    """The columns of a value, and whether one may arrive as JSON text."""
    return tuple((field.encode_name, field.type is not str) for field in msgspec.structs.fields(kind))


def value(row: Any, kind: Any) -> Any:
    """A database row as a value; jsonb columns arrive as text."""
    found = {}
    for name, other in _fields(kind):
        one = row[name]
        found[name] = msgspec.json.decode(one) if other and isinstance(one, str) and one[:1] in ("{", "[") else one
    return msgspec.convert(found, kind)
