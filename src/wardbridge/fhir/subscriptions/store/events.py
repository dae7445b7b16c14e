"""The events: appended once with their numbers, read again as often as is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wardbridge.core.db import Connection, Pool
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.subscriptions.focus import Focus


@dataclass(frozen=True)
class Event:
    """``type`` '' where the resource has been expunged since. ``updated`` in µs; ``body`` of the version, or None."""

    number: int
    type: str
    id: str
    version: int
    method: str
    updated: int
    body: bytes | None


async def append(conn: Connection, found: Sequence[tuple[str, Focus]]) -> None:
    """(subscription, focus) in the order of the log: each gets the next number of its subscription."""
    await conn.execute(
        """WITH new AS (
               SELECT u.*, row_number() OVER (PARTITION BY u.subscription ORDER BY u.at) AS nth
               FROM unnest($1::text[], $2::bigint[], $3::int[], $4::"char"[], $5::bigint[])
                    WITH ORDINALITY AS u(subscription, focus, version, method, updated, at)),
           counted AS (SELECT subscription, count(*) AS n FROM new GROUP BY subscription),
           moved AS (
               UPDATE fhir_subscription s SET events = s.events + c.n FROM counted c WHERE s.id = c.subscription
               RETURNING s.id, s.events - c.n AS before)
           INSERT INTO fhir_subscription_event (subscription, number, focus, version, method, updated)
           SELECT new.subscription, moved.before + new.nth, new.focus, new.version, new.method, new.updated
           FROM new JOIN moved ON moved.id = new.subscription""",
        [id_ for id_, _ in found],
        [focus.key for _, focus in found],
        [focus.version for _, focus in found],
        [focus.method.encode() for _, focus in found],
        [focus.updated for _, focus in found],
    )


async def after(
    db: Connection | Pool, numbers: Numbers, subscription: str, number: int, limit: int, *, until: int | None = None
) -> list[Event]:
    """The next events behind ``number``, in order."""
    rows = await db.fetch(
        """SELECT e.number, r.type, r.id, e.version, e.method, e.updated, v.body
           FROM fhir_subscription_event e
           LEFT JOIN fhir_resource r ON r.key = e.focus
           LEFT JOIN fhir_version v ON v.key = e.focus AND v.version = e.version
           WHERE e.subscription = $1 AND e.number > $2 AND ($4::bigint IS NULL OR e.number <= $4)
           ORDER BY e.number LIMIT $3""",
        subscription,
        number,
        limit,
        until,
    )
    return [
        Event(row[0], numbers.names.get(row[1], ""), row[2] or "", row[3], row[4].decode(), row[5], row[6])
        for row in rows
    ]


async def retain(conn: Connection, before: int) -> list[str]:
    """Forget events older than ``before`` (µs); the ids of subscriptions that had not been told of some of them."""
    rows = await conn.fetch(
        """WITH gone AS (DELETE FROM fhir_subscription_event WHERE updated < $1 RETURNING subscription, number),
           last AS (SELECT subscription, max(number) AS number FROM gone GROUP BY subscription)
           SELECT s.id FROM fhir_subscription s JOIN last ON last.subscription = s.id AND last.number > s.delivered""",
        before,
    )
    return [row[0] for row in rows]
