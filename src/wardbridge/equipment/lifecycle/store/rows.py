"""Values as rows: insert or replace many in one statement."""

from __future__ import annotations

from collections.abc import Sequence
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


def value(row: Any, kind: type[Any]) -> Any:
    """A database row as a value; jsonb columns arrive as text."""
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    found = {name: row[name] for name in fields}
    for name, wanted in fields.items():
        if isinstance(found[name], str) and wanted is not str and found[name][:1] in ("{", "["):
            found[name] = msgspec.json.decode(found[name])
    return msgspec.convert(found, kind)
