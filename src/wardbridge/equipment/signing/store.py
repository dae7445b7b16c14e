"""SQL of signatures."""

from __future__ import annotations

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.signing.values import Signature


async def put(conn: Connection, signature: Signature) -> None:
    """Append a signature."""
    names = signature.__struct_fields__
    marks = ", ".join(f"${at + 1}" for at in range(len(names)))
    await conn.execute(
        f"INSERT INTO signature ({', '.join(names)}) VALUES ({marks})", *[getattr(signature, name) for name in names]
    )


async def of(source: Connection | Pool, subject: str, subject_id: str) -> list[Signature]:
    """The signatures of one subject, oldest first."""
    rows = await source.fetch(
        "SELECT * FROM signature WHERE subject = $1 AND subject_id = $2 ORDER BY at, signature_id", subject, subject_id
    )
    return [Signature(**dict(row)) for row in rows]
