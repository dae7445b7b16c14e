"""The change log as subscriptions read it: each version once, those of one resource in their order, nobody waited for.

A reader keeps the snapshot that it has seen (xmin:xmax:transactions that were open). New is what was committed since:
transactions from xmax on, and those that were open. Within what is new, ``sequence`` orders: a writer takes it while it
holds the lock of the resource, so versions of one resource come in their order, and whatever committed earlier came in
the same or an earlier reading. A long transaction (an import) delays nobody; it is read when it commits.

Many new rows are read in parts: then the snapshot that bounds them (``window``) and the last sequence are kept as well.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from wardbridge.core.db import Connection, Pool
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.subscriptions.focus import Focus


@dataclass(frozen=True)
class Place:
    """How far a reader has come. ``seen`` and ``window`` are pg_snapshot texts, ``window`` '' where none is open."""

    seen: str
    window: str = ""
    sequence: int = 0

    def __str__(self) -> str:
        return f"{self.seen}|{self.window}|{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Place:
        seen, window, sequence = text.split("|")
        return cls(seen, window, int(sequence))

    @property
    def ahead(self) -> str:
        """xmax: transactions from here on were not begun."""
        return self.seen.split(":")[1]

    @property
    def open(self) -> list[str]:
        """Transactions that were open."""
        return [text for text in self.seen.split(":")[2].split(",") if text]


@dataclass(frozen=True)
class Reading:
    """Changes with their sequence, in order, and the ``place`` behind them."""

    found: tuple[tuple[int, Focus], ...]
    place: Place
    before: Place
    window: str

    def cut(self, sequence: int) -> Place:
        """The place behind this change of the reading: to read on from in the middle of it."""
        return Place(self.before.seen, self.window, sequence)


_NEW = "(v.transaction >= $1::text::xid8 OR v.transaction = ANY($2::text[]::xid8[]))"


async def tail(
    db: Connection | Pool, numbers: Numbers, place: Place, limit: int, wanted: Collection[str], back: Collection[str]
) -> Reading:
    """The changes of the types ``wanted`` among the next ``limit``; the place is the same where there was nothing.
    ``back``: types of which the version before is read too."""
    rows = await db.fetch(
        f"""WITH first AS (
                SELECT min(u.sequence) AS sequence FROM (
                    SELECT sequence FROM fhir_version WHERE transaction >= $1::text::xid8
                    UNION ALL
                    SELECT sequence FROM fhir_version WHERE transaction = ANY($2::text[]::xid8[])) u)
            SELECT v.sequence, v.type, v.key, v.version, v.updated, v.method, r.id,
                   CASE WHEN r.id IS NOT NULL THEN v.body END, p.body, pg_current_snapshot()::text
            FROM fhir_version v
            LEFT JOIN fhir_resource r ON r.key = v.key AND v.type = ANY($6::smallint[])
            LEFT JOIN fhir_version p ON p.key = v.key AND p.version = v.version - 1 AND v.type = ANY($7::smallint[])
            WHERE v.sequence >= (SELECT sequence FROM first) AND v.sequence > $4 AND {_NEW}
              AND ($3::text = '' OR pg_visible_in_snapshot(v.transaction, nullif($3, '')::pg_snapshot))
            ORDER BY v.sequence LIMIT $5""",
        place.ahead,
        place.open,
        place.window,
        place.sequence,
        limit,
        [numbers.types[name] for name in wanted],
        [numbers.types[name] for name in back],
    )
    found = tuple(
        (row[0], Focus(row[2], numbers.names[row[1]], row[6], row[3], row[5].decode(), row[4], row[7], row[8]))
        for row in rows
        if row[6] is not None
    )
    window = place.window or (rows[0][9] if rows else "")
    if len(rows) == limit:
        behind = Place(place.seen, window, rows[-1][0])
    else:
        behind = Place(window) if window else place
    return Reading(found, behind, place, window)


async def mark(db: Connection | Pool, *, lock: bool = False) -> str:
    """How far the change log is read, as text."""
    return str(await db.fetchval(f"SELECT mark FROM fhir_subscription_mark{' FOR UPDATE' if lock else ''}"))


async def move(conn: Connection, place: Place) -> None:
    await conn.execute("UPDATE fhir_subscription_mark SET mark = $1", str(place))


async def rebase(conn: Connection) -> None:
    """Before ``fhir.store.changes.rebase``, after a logical restore: transactions of the old cluster mean nothing in
    this one. Reading goes on at the first change that was not read; one behind it may become an event again."""
    place = Place.parse(await mark(conn, lock=True))
    first = await conn.fetchval(
        f"SELECT min(v.sequence) FROM fhir_version v WHERE {_NEW} AND v.sequence > $3",
        place.ahead,
        place.open,
        place.sequence,
    )
    last = first or 1 + (await conn.fetchval("SELECT max(sequence) FROM fhir_version") or 0)
    await move(conn, Place("0:0:", "", last - 1))
