"""Writing values as rows: many in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection

_JSON = msgspec.json.Encoder()


def encoded(value: Any) -> str:
    """A value as JSON text, for a parameter."""
    return _JSON.encode(value).decode()


async def put(conn: Connection, table: str, key: Sequence[str], rows: Sequence[dict[str, Any]]) -> int:
    """Insert rows, or change those of the same key where they differ. Returns how many were written.

    All rows have the same columns; a table's other columns keep their defaults.
    """
    if not rows:
        return 0
    names = [f'"{name}"' for name in rows[0]]
    rest = [name for name in names if name.strip('"') not in key]
    sets = ", ".join(f"{name} = excluded.{name}" for name in rest)
    old, new = (", ".join(f"{row}.{name}" for name in rest) for row in ("t", "excluded"))
    changed = f"DO UPDATE SET {sets} WHERE ({old}) IS DISTINCT FROM ({new})"
    done = await conn.execute(
        f"""INSERT INTO {table} AS t ({", ".join(names)})
            SELECT {", ".join(names)} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)
            ON CONFLICT ({", ".join(key)}) {changed if rest else "DO NOTHING"}""",
        encoded(rows),
    )
    return int(done.rpartition(" ")[2])
