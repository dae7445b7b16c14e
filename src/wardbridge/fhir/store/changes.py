"""The tail of all changes, for feeds, subscriptions and live views: nothing skipped, nothing twice.

Sequence numbers are given before the commit, so a higher one may become visible first. Therefore the tail is ordered
by (transaction, sequence) and ends below the oldest transaction that is still open (``pg_snapshot_xmin``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wardbridge.core.db import Connection, Pool
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.values import Stored


@dataclass(frozen=True, order=True)
class Mark:
    """How far a reader has come; keep it as text. ``Mark()`` is the very beginning."""

    transaction: int = 0
    sequence: int = 0

    def __str__(self) -> str:
        return f"{self.transaction}.{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Mark:
        """Raises ValueError for a text that is no mark; '' is the beginning."""
        transaction, _, sequence = text.partition(".")
        return cls(int(transaction), int(sequence)) if text else cls()


@dataclass(frozen=True)
class Change:
    mark: Mark
    stored: Stored


async def changes(
    db: Connection | Pool, numbers: Numbers, after: Mark, limit: int, types: Sequence[str] = ()
) -> list[Change]:
    """The next changes behind ``after``, oldest first; with ``types`` only of those."""
    rows = await db.fetch(
        """SELECT v.transaction::text::bigint AS transaction, v.sequence, v.type, r.id, v.version, v.updated, v.body
           FROM fhir_version v JOIN fhir_resource r ON r.key = v.key
           WHERE (v.transaction, v.sequence) > ($1::text::xid8, $2::bigint)
             AND v.transaction < pg_snapshot_xmin(pg_current_snapshot())
             AND ($3::smallint[] IS NULL OR v.type = ANY($3::smallint[]))
           ORDER BY v.transaction, v.sequence LIMIT $4""",
        str(after.transaction),
        after.sequence,
        [numbers.types[name] for name in types] or None,
        limit,
    )
    return [
        Change(Mark(row[0], row[1]), Stored(numbers.names[row[2]], row[3], row[4], row[5], row[6], row[4] == 1))
        for row in rows
    ]


async def latest(db: Connection | Pool) -> Mark:
    """The mark behind all that is settled now: for a reader that wants only what is new."""
    row = await db.fetchrow(
        """SELECT transaction::text::bigint, sequence FROM fhir_version
           WHERE transaction < pg_snapshot_xmin(pg_current_snapshot())
           ORDER BY transaction DESC, sequence DESC LIMIT 1"""
    )
    return Mark() if row is None else Mark(row[0], row[1])


async def rebase(conn: Connection) -> None:
    """After a logical restore into another cluster: its transaction numbers mean nothing here. Marks start anew."""
    await conn.execute("UPDATE fhir_version SET transaction = '0'::xid8 WHERE transaction >= pg_current_xact_id()")
