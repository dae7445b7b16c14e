"""Writing single resources in one round trip: one statement is the whole transaction, audit rows included.

Nothing is locked before. The statement names the version that each change replaces, so one that lost a race writes
nothing, not even its audit row. Those, what is refused (a wrong If-Match, nothing there to delete) and conditional
creates are given back, to be written under a lock (:mod:`wardbridge.fhir.store.write`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wardbridge.core.db import Pool
from wardbridge.core.ids import Ids
from wardbridge.fhir.store.heads import Head, Heads
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.statement import Columns, statement
from wardbridge.fhir.store.values import Delete, Put, Stored
from wardbridge.fhir.store.write import Change, add, change_of, look_up, refusal

Prove = Callable[[int, Stored], tuple[Any, ...]]
"""The audit row of the item at a position, once it is what is given here."""


async def write_direct(
    pool: Pool, numbers: Numbers, ids: Ids, now: int, heads: Heads, items: Sequence[Put | Delete], prove: Prove
) -> list[Stored | None]:
    """What each item became, committed with its audit row; None: nothing was done, write it under a lock.

    ``now`` in µs; lastUpdated keeps milliseconds. Raises asyncpg's errors: where the statement was refused nothing
    is written, where the connection broke the outcome is unknown.
    """
    now = now // 1000 * 1000
    batch: dict[tuple[str, str], Change] = {}
    for at, item in enumerate(items):
        if isinstance(item, Put) and item.if_none_exist is not None:
            continue
        change = change_of(at, item, ids)
        batch.setdefault((change.type, change.id), change)
    unknown = [change for change in batch.values() if not change.fresh and not _hint(change, heads)]
    if unknown:
        await look_up(pool, numbers, unknown)
    columns = Columns()
    planned: list[tuple[Change, Stored]] = []
    # In one order everywhere, so that two statements do not wait for each other.
    for change in sorted(batch.values(), key=lambda change: (change.key, change.type, change.id)):
        if refusal(change) is None:
            stored = add(change, numbers, now, columns)
            planned.append((change, stored))
            columns.prove(len(planned), prove(change.at, stored))
    outcomes: list[Stored | None] = [None] * len(items)
    if planned:
        text, arguments = statement(columns)
        for (change, stored), key in zip(planned, await pool.fetchval(text, *arguments), strict=True):
            if key is not None:
                outcomes[change.at] = stored
                head = Head(key, stored.version, stored.updated, change.fingerprint, change.rules, stored.deleted)
                heads.keep(change.type, change.id, head)
    for change in batch.values():
        if outcomes[change.at] is None:
            heads.forget(change.type, change.id)
    return outcomes


def _hint(change: Change, heads: Heads) -> bool:
    head = heads.get(change.type, change.id)
    if head is None:
        return False
    change.key, change.version, change.updated, change.fingerprint, change.rules, change.deleted = head
    return True
