"""Writing: any number of resources in one statement, which does everything that a version needs.

The current row is locked first (in key order, so that writers do not deadlock), the new state is worked out here, and
one statement inserts or updates the resources, adds the versions and replaces the search rows. Two items for the
same resource go in successive rounds. A round that lost a race for a new id runs again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import Conflict, NotFound, WardbridgeError
from wardbridge.core.ids import Ids
from wardbridge.fhir.search.hash import reference_hash
from wardbridge.fhir.search.rows import TABLES, Rows
from wardbridge.fhir.store.body import stamp
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.statement import Change as Written
from wardbridge.fhir.store.statement import Columns, statement
from wardbridge.fhir.store.values import Delete, Put, Stored, VersionConflict

_ROUNDS = 8
Outcome = Stored | WardbridgeError


@dataclass
class Change:
    """One item on its way: where it stands in the request and what the database knows of its resource."""

    at: int
    type: str
    id: str
    resource: dict[str, Any] | None
    if_match: str | None
    fresh: bool
    if_none_match: str | None = None
    key: int = 0
    version: int = 0
    updated: int = 0
    fingerprint: int = 0
    rules: int = 0
    deleted: bool = False


async def write(conn: Connection, numbers: Numbers, ids: Ids, now: int, items: Sequence[Put | Delete]) -> list[Outcome]:
    """Write all items in the caller's transaction; a refused item is an error in its place and spares the others.

    ``conn`` must be in a READ COMMITTED transaction. ``now`` in µs; lastUpdated keeps milliseconds.
    """
    now = now // 1000 * 1000
    outcomes: list[Outcome | None] = [None] * len(items)
    waiting = [change_of(at, item, ids) for at, item in enumerate(items)]
    for _ in range(_ROUNDS + len(items)):
        if not waiting:
            break
        batch: dict[tuple[str, str], Change] = {}
        later = [change for change in waiting if batch.setdefault((change.type, change.id), change) is not change]
        lost = await _round(conn, numbers, now, list(batch.values()), outcomes)
        if lost:  # to another writer, or because the rules of the index have changed
            await numbers.refresh(conn)
        waiting = lost + later
    for change in waiting:
        outcomes[change.at] = Conflict(f"{change.type}/{change.id} is being changed by others; try again")
    return [outcome for outcome in outcomes if outcome is not None]


def change_of(at: int, item: Put | Delete, ids: Ids) -> Change:
    if isinstance(item, Delete):
        return Change(at, item.type, item.id, None, item.if_match, False)
    given = item.resource.get("id")
    type_name = item.resource["resourceType"]
    return Change(at, type_name, given or ids(), item.resource, item.if_match, not given, item.if_none_match)


async def _round(
    conn: Connection, numbers: Numbers, now: int, batch: list[Change], outcomes: list[Outcome | None]
) -> list[Change]:
    known = [change for change in batch if not change.fresh]
    if known:
        await look_up(conn, numbers, known, lock=True)
    columns = Columns()
    planned: list[tuple[Change, Stored]] = []
    for change in batch:
        outcomes[change.at] = refusal(change)
        if outcomes[change.at] is None:
            planned.append((change, add(change, numbers, now, columns)))
    if not planned:
        return []
    text, arguments = statement(columns)
    lost: list[Change] = []
    for (change, stored), key in zip(planned, await conn.fetchval(text, *arguments), strict=True):
        if key is not None:
            outcomes[change.at] = stored
        else:
            change.fresh = False
            lost.append(change)
    return lost


_HEADS = """SELECT r.key, r.type, r.id, r.version, r.updated, r.fingerprint, r.rules, r.deleted
            FROM fhir_resource r
            WHERE (r.type, r.id) IN (SELECT * FROM unnest($1::smallint[], $2::text[]))"""


async def look_up(conn: Connection | Pool, numbers: Numbers, changes: Sequence[Change], *, lock: bool = False) -> None:
    """Fill in what the database knows of each resource now; ``lock``: held to the end of the transaction."""
    rows = await conn.fetch(
        f"{_HEADS} ORDER BY r.key FOR UPDATE OF r" if lock else _HEADS,
        [numbers.types[change.type] for change in changes],
        [change.id for change in changes],
    )
    found = {(row["type"], row["id"]): row for row in rows}
    for change in changes:
        row = found.get((numbers.types[change.type], change.id))
        if row is not None:
            change.key, change.version, change.updated = row["key"], row["version"], row["updated"]
            change.fingerprint, change.rules = row["fingerprint"], row["rules"]
            change.deleted = row["deleted"]
        else:
            change.key = change.version = 0


_NO_ROWS = Rows()
_NOTHING = _NO_ROWS.fingerprint()


def refusal(change: Change) -> Outcome | None:
    """Why this change writes nothing: an error, or a deletion of what is not there. None where it writes."""
    there = change.version > 0 and not change.deleted
    if change.if_match is not None and (not there or change.if_match not in ("*", str(change.version))):
        if change.version == 0 and change.resource is None:
            return NotFound(f"{change.type}/{change.id} does not exist")
        current = f"the current version is {change.version}" if there else "it does not exist"
        return VersionConflict(
            f"If-Match asks for version {change.if_match} of {change.type}/{change.id}; {current}", "If-Match"
        )
    if there and change.if_none_match in ("*", str(change.version)):
        return VersionConflict(
            f"If-None-Match: {change.type}/{change.id} exists, at version {change.version}", "If-None-Match"
        )
    if change.resource is None and not there:
        return Stored(change.type, change.id, change.version, change.updated, None, False, False)
    return None


def add(change: Change, numbers: Numbers, now: int, columns: Columns) -> Stored:
    """Add the new version to ``columns``; what it will be once it is written."""
    there = change.version > 0 and not change.deleted
    updated = max(now, change.updated)
    version = change.version + 1
    if change.resource is None:
        rows, body, method = _NO_ROWS, None, "D"
    else:
        rows = numbers.extractor(change.type)(change.resource)
        body = stamp(change.resource, change.id, version, updated)
        method = "U" if there else "C"
    fingerprint = _NOTHING if change.resource is None else rows.fingerprint()
    rules = numbers.rules[change.type]
    same = (fingerprint, rules) == (change.fingerprint, change.rules)
    reindex = change.version == 0 or change.resource is None or not same
    narrative, content = rows.text or (None, None)
    owner = columns.change(
        Written(
            change.key, numbers.types[change.type], change.id, version, change.version, updated, fingerprint,
            change.resource is None, method, reindex and change.version > 0,
            reference_hash(change.type, change.id), narrative, content, rules, change.fingerprint,
        ),
        body,
    )  # fmt: skip
    if reindex:
        for name in TABLES:
            if found := getattr(rows, name):
                columns.rows(name, owner, found, numbers.types)
    change.fingerprint, change.rules = fingerprint, rules
    return Stored(change.type, change.id, version, updated, body, not there, True)
