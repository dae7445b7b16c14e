"""Rows that stay as they are until the transaction ends: the "read" of a read-modify-write (patch, conditional update).

Two statements, since a join beside FOR UPDATE would not follow a row to the version that another writer has made.
"""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.core.db import Connection
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.read import read_many
from wardbridge.fhir.store.values import Stored


async def hold(conn: Connection, numbers: Numbers, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
    """Lock these (type, id), all at once and in one order, and give their current versions, deletions included.

    What does not exist is not in the answer and not locked: two who create it meet at its unique index.
    """
    if not names:
        return {}
    await conn.execute(
        """SELECT r.key FROM fhir_resource r
           WHERE (r.type, r.id) IN (SELECT * FROM unnest($1::smallint[], $2::text[])) ORDER BY r.key FOR UPDATE OF r""",
        [numbers.types[name] for name, _ in names],
        [id_ for _, id_ in names],
    )
    return {(one.type, one.id): one for one in await read_many(conn, numbers, sorted(set(names)))}
