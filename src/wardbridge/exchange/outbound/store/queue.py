"""The queues: in, the head, out."""

from __future__ import annotations

from collections.abc import Sequence

import zstandard

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import NotFound
from wardbridge.exchange.outbound.message import Outbound, Queued

CHANNEL = "wb_outbound"
_LIMIT = 256 * 1024 * 1024


async def enqueue(conn: Connection, messages: Sequence[Outbound], now: int) -> int:
    """Queue ``messages`` in their order, in the caller's transaction; how many were new.

    Ring ``wb_outbound`` after the commit (:func:`ring`), not in it: NOTIFY serialises commits.
    """
    if not messages:
        return 0
    rows = await conn.fetch(
        """INSERT INTO outbound_message (destination, key, control, message_type, patient_ids, state, created, body)
           SELECT i.destination, i.key, i.control, i.type,
                  CASE WHEN i.patients = '' THEN '{}' ELSE string_to_array(i.patients, chr(31)) END,
                  'queued', $1, i.body
           FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[])
                WITH ORDINALITY AS i (destination, key, control, type, patients, body, place)
           ORDER BY i.place
           ON CONFLICT (destination, key) DO NOTHING RETURNING id""",
        now,
        [m.destination for m in messages],
        [m.key for m in messages],
        [m.control for m in messages],
        [m.message_type for m in messages],
        ["\x1f".join(filter(None, m.patient_ids)) for m in messages],
        [zstandard.compress(m.body, 1) for m in messages],
    )
    await conn.execute(
        "INSERT INTO outbound_destination (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
        sorted({m.destination for m in messages}),
    )
    return len(rows)


async def ring(pool: Pool | Connection) -> None:
    """Wake the workers."""
    await pool.execute(f"NOTIFY {CHANNEL}")


async def head(pool: Pool, destination: str) -> Queued | None:
    """The next message of a destination, None when nothing waits.

    Messages of transactions that may still commit ahead of it hold it back, so the order is kept.
    """
    row = await pool.fetchrow(
        """SELECT id, control, body, attempts, created FROM outbound_message
           WHERE destination = $1 AND state = 'queued' AND xid < pg_snapshot_xmin(pg_current_snapshot())
           ORDER BY xid, id LIMIT 1""",
        destination,
    )
    return row and Queued(row["id"], row["control"], expand(row["body"]), row["attempts"], row["created"])


async def sent(pool: Pool, destination: str, message_id: int, answer: bytes, now: int) -> None:
    """The destination has it."""
    await pool.execute(
        """WITH done AS (UPDATE outbound_message SET state = 'sent', finished = $3, attempts = attempts + 1,
                         answer = $4, reason = '' WHERE id = $2 AND state = 'queued')
           INSERT INTO outbound_destination AS d (name, state, since, sent, last_sent) VALUES ($1, 'up', $3, 1, $3)
           ON CONFLICT (name) DO UPDATE SET sent = d.sent + 1, last_sent = $3, failures = 0, last_error = '',
               state = 'up', since = CASE WHEN d.state = 'up' THEN d.since ELSE $3 END""",
        destination,
        message_id,
        now,
        answer,
    )


async def refused(
    pool: Pool, destination: str, message_id: int, answer: bytes, reason: str, dead: bool, now: int
) -> None:
    """The destination answered no. ``dead``: it is not tried again until somebody replays it."""
    await pool.execute(
        """WITH done AS (UPDATE outbound_message SET attempts = attempts + 1, answer = $4, reason = $5,
                             state = CASE WHEN $6 THEN 'dead' ELSE state END,
                             finished = CASE WHEN $6 THEN $3 ELSE finished END
                         WHERE id = $2 AND state = 'queued')
           INSERT INTO outbound_destination AS d (name, state, since, last_error) VALUES ($1, 'up', $3, $5)
           ON CONFLICT (name) DO UPDATE SET state = 'up', failures = 0, last_error = $5,
               since = CASE WHEN d.state = 'up' THEN d.since ELSE $3 END""",
        destination,
        message_id,
        now,
        answer,
        clean(reason),
        dead,
    )


async def unanswered(pool: Pool, destination: str, message_id: int, reason: str, now: int) -> None:
    """Nobody answered: the message stays where it is."""
    await pool.execute(
        """WITH done AS (UPDATE outbound_message SET attempts = attempts + 1, reason = $4
                         WHERE id = $2 AND state = 'queued')
           INSERT INTO outbound_destination AS d (name, state, since, failures, last_error)
           VALUES ($1, 'down', $3, 1, $4)
           ON CONFLICT (name) DO UPDATE SET state = 'down', failures = d.failures + 1, last_error = $4,
               since = CASE WHEN d.state = 'down' THEN d.since ELSE $3 END""",
        destination,
        message_id,
        now,
        clean(reason),
    )


async def replay(conn: Connection, message_id: int) -> str:
    """Put a dead letter at the end of its queue, with the same control id; returns its destination.

    Raises NotFound when there is no such dead letter.
    """
    destination: str | None = await conn.fetchval(
        """UPDATE outbound_message SET state = 'queued', xid = pg_current_xact_id(), attempts = 0, finished = 0
           WHERE id = $1 AND state = 'dead' RETURNING destination""",
        message_id,
    )
    if destination is None:
        raise NotFound(f"no dead letter {message_id}", f"outbound/{message_id}")
    return destination


async def ensure(pool: Pool, destination: str) -> None:
    """Show the destination on the screens, even before its first message."""
    await pool.execute("INSERT INTO outbound_destination (name) VALUES ($1) ON CONFLICT DO NOTHING", destination)


async def rebase(conn: Connection) -> None:
    """After a logical restore: transaction numbers of another cluster mean nothing here."""
    await conn.execute("UPDATE outbound_message SET xid = '0' WHERE state = 'queued'")


def expand(body: bytes) -> bytes:
    """A stored body as it is sent."""
    return zstandard.ZstdDecompressor().decompress(body, max_output_size=_LIMIT) if body else b""


def clean(text: str) -> str:
    """``text`` as PostgreSQL can hold it, at most 500 characters."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode("utf-8")[:500]
