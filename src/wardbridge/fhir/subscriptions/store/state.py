"""The state of each subscription."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection, Pool

CHANNEL = "wb_subscription"
"""Rung when WebSockets have something to look at."""


class State(msgspec.Struct, frozen=True):
    """One subscription. Times in µs, 0 for never; ``error`` is of the last attempt, '' when it succeeded."""

    id: str
    version: int
    status: str
    channel: str
    events: int
    delivered: int
    last_sent: int
    failing_since: int
    failures: int
    error: str

    @property
    def pending(self) -> int:
        return self.events - self.delivered


async def states(db: Connection | Pool, ids: Sequence[str] | None = None) -> dict[str, State]:
    """States by id; of all where ``ids`` is None."""
    rows = await db.fetch(
        "SELECT * FROM fhir_subscription WHERE $1::text[] IS NULL OR id = ANY($1::text[])",
        None if ids is None else list(ids),
    )
    return {row["id"]: State(*row) for row in rows}


async def put(conn: Connection, id_: str, version: int, status: str, channel: str) -> None:
    """A version of the Subscription has been met in the log; a start makes a clean slate of old failures."""
    await conn.execute(
        """INSERT INTO fhir_subscription (id, version, status, channel) VALUES ($1, $2, $3, $4)
           ON CONFLICT (id) DO UPDATE SET version = $2, status = $3, channel = $4,
               failing_since = CASE WHEN $3 = 'requested' THEN 0 ELSE fhir_subscription.failing_since END,
               failures = CASE WHEN $3 = 'requested' THEN 0 ELSE fhir_subscription.failures END,
               error = CASE WHEN $3 IN ('requested', 'active') THEN '' ELSE fhir_subscription.error END""",
        id_,
        version,
        status,
        channel,
    )


async def remove(conn: Connection, id_: str) -> None:
    await conn.execute(
        """WITH gone AS (DELETE FROM fhir_subscription_event WHERE subscription = $1)
           DELETE FROM fhir_subscription WHERE id = $1""",
        id_,
    )


async def answered(conn: Connection, done: Sequence[tuple[str, int, int]]) -> None:
    """(id, number of the last event handed over, when): the receiver answers, whatever was before."""
    await conn.execute(
        """UPDATE fhir_subscription s SET delivered = greatest(s.delivered, least(u.number, s.events)),
               last_sent = greatest(s.last_sent, u.at), failing_since = 0, failures = 0, error = ''
           FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS u(id, number, at) WHERE s.id = u.id""",
        *map(list, zip(*done, strict=True)),
    )


async def failed(db: Connection | Pool, id_: str, reason: str, now: int) -> int:
    """Keep the reason of a failure; since when (µs) there is no success."""
    found = await db.fetchval(
        """UPDATE fhir_subscription SET failures = failures + 1, error = $2,
               failing_since = CASE WHEN failing_since = 0 THEN $3 ELSE failing_since END
           WHERE id = $1 RETURNING failing_since""",
        id_,
        reason,
        now,
    )
    return int(found or now)


async def ring(db: Connection | Pool) -> None:
    await db.execute("SELECT pg_notify($1, '')", CHANNEL)


async def bodies(db: Connection | Pool, type_number: int) -> dict[str, bytes | None]:
    """The Subscription resources by id, each in the version that was met in the log."""
    rows = await db.fetch(
        """SELECT s.id, v.body FROM fhir_subscription s
           JOIN fhir_resource r ON r.type = $1 AND r.id = s.id
           JOIN fhir_version v ON v.key = r.key AND v.version = s.version""",
        type_number,
    )
    return {row[0]: row[1] for row in rows}
