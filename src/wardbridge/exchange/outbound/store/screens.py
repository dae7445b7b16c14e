"""What screens ask: queues, dead letters, and every message in and out by patient, time and control id."""

from __future__ import annotations

import msgspec

from wardbridge.core.clock import DAY
from wardbridge.core.db import Pool
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.exchange.intake import store as intake
from wardbridge.exchange.outbound.message import DeadLetter, Found, Message, Queue
from wardbridge.exchange.outbound.store.queue import expand

_ALL = 1 << 62


async def queues(pool: Pool) -> list[Queue]:
    """Every destination with its counts and ages."""
    rows = await pool.fetch(
        """SELECT d.*, q.waiting, q.oldest,
                  (SELECT count(*) FROM outbound_message m WHERE m.destination = d.name AND m.state = 'dead') AS dead
           FROM outbound_destination d LEFT JOIN LATERAL (
               SELECT count(*) AS waiting, min(created) AS oldest FROM outbound_message m
               WHERE m.destination = d.name AND m.state = 'queued') q ON true ORDER BY d.name"""
    )
    return [
        Queue(
            row["name"],
            row["state"],
            row["since"],
            row["waiting"],
            row["oldest"] or 0,
            row["dead"],
            row["sent"],
            row["last_sent"],
            row["failures"],
            row["last_error"],
        )
        for row in rows
    ]


async def dead_letters(pool: Pool, destination: str | None = None, limit: int = 200) -> list[DeadLetter]:
    """Dead letters, newest first."""
    rows = await pool.fetch(
        """SELECT id, destination, control, message_type, patient_ids, created, finished, attempts, reason
           FROM outbound_message WHERE state = 'dead' AND ($1::text IS NULL OR destination = $1)
           ORDER BY id DESC LIMIT $2""",
        destination,
        limit,
    )
    return [DeadLetter(**{**dict(row), "patient_ids": tuple(row["patient_ids"])}) for row in rows]


async def find(
    pool: Pool,
    *,
    patient: str | None = None,
    control: str | None = None,
    since: int | None = None,
    until: int | None = None,
    direction: str | None = None,
    type: str | None = None,
    kinds: tuple[str, ...] | None = None,
    limit: int = 50,
    before: str = "",
) -> Found:
    """Messages in and out, newest first. ``patient`` is one of the ids of the message; ``type`` the
    beginning of MSH-9 (``ADT``, ``ORU^R01``); ``since`` and ``until`` are µs; ``direction`` is ``in`` or
    ``out``; ``kinds`` narrows what came in (``device``, ``adt``, ``other``); ``before`` is of the last page.

    Raises Invalid for another ``before`` or ``direction``.
    """
    if direction not in (None, "", "in", "out"):
        raise Invalid(f"direction {direction!r} is neither in nor out", "direction")
    place = _place(before)
    asked = _Asked(patient or None, control or None, since, until, type or None, kinds, limit + 1)
    messages = []
    if direction != "out":
        messages += await _inbound(pool, asked, place if place[1] == "in" else (place[0] + 1, "in", 0))
    if direction != "in":
        messages += await _outbound(pool, asked, place if place[1] == "out" else (place[0], "out", 0))
    messages.sort(key=_key, reverse=True)
    page = messages[:limit]
    return Found(page, "{}.{}.{}".format(*_key(page[-1])) if len(messages) > limit else "")


_Key = tuple[int, str, int]
"""The order of a search, newest first: time, ``out`` before ``in``, number."""


def _key(message: Message) -> _Key:
    return message.time, message.direction, int(message.ref.partition("-")[2])


def _place(before: str) -> _Key:
    if not before:
        return _ALL, "out", _ALL
    time, _, rest = before.partition(".")
    way, _, number = rest.partition(".")
    try:
        place = int(time), way, int(number)
    except ValueError as error:
        raise Invalid("'before' is no place that a search has given", "before") from error
    if way not in ("in", "out") or not 0 <= place[0] <= _ALL or not 0 <= place[2] <= _ALL:
        raise Invalid("'before' is no place that a search has given", "before")
    return place


class _Asked(msgspec.Struct, frozen=True):
    """The conditions of a search; only those that are asked go into the statement, so that their
    index is used."""

    patient: str | None
    control: str | None
    since: int | None
    until: int | None
    type: str | None
    kinds: tuple[str, ...] | None
    limit: int

    def where(self, time: str, number: str, below: _Key) -> tuple[str, list[object]]:
        """The conditions as SQL with their values, over the columns ``time`` and ``number``."""
        clauses = [f"({time}, {number}) < ($1::bigint, $2::bigint)"]
        values: list[object] = [below[0], below[2]]
        for clause, value in (
            ("patient_ids @> ARRAY[{}::text] AND patient_ids <> '{{}}'", self.patient),
            ("control = {}::text AND control <> ''", self.control),
            (time + " >= {}::bigint", self.since),
            (time + " < {}::bigint", self.until),
            ("starts_with(message_type, {}::text)", self.type),
            ("kind = ANY ({}::text[])", None if self.kinds is None or number == "id" else list(self.kinds)),
        ):
            if value is not None:
                values.append(value)
                clauses.append(clause.format(f"${len(values)}"))
        return f"{' AND '.join(clauses)} ORDER BY {time} DESC, {number} DESC LIMIT {self.limit:d}", values


async def _inbound(pool: Pool, asked: _Asked, below: _Key) -> list[Message]:
    where, values = asked.where("received", "sequence", below)
    rows = await pool.fetch(
        f"""SELECT sequence, received, kind, link, sender, control, message_type, patient_ids, status, problems
            FROM intake WHERE {where}""",
        *values,
    )
    return [
        Message(
            f"in-{row['sequence']}",
            "in",
            row["received"],
            row["kind"],
            row["link"],
            row["sender"],
            row["control"],
            row["message_type"],
            tuple(row["patient_ids"]),
            row["status"],
            row["problems"],
        )
        for row in rows
    ]


async def _outbound(pool: Pool, asked: _Asked, below: _Key) -> list[Message]:
    where, values = asked.where("created", "id", below)
    rows = await pool.fetch(
        f"""SELECT id, created, destination, control, message_type, patient_ids, state, reason
            FROM outbound_message WHERE {where}""",
        *values,
    )
    return [
        Message(
            f"out-{row['id']}",
            "out",
            row["created"],
            "out",
            row["destination"],
            "",
            row["control"],
            row["message_type"],
            tuple(row["patient_ids"]),
            row["state"],
            row["reason"],
        )
        for row in rows
    ]


async def raw(pool: Pool, ref: str) -> bytes:
    """The bytes of a message as they came or went. Raises NotFound."""
    way, _, number = ref.partition("-")
    if way == "in" and number.isdecimal():
        return (await intake.message(pool, int(number))).raw
    body = None
    if way == "out" and number.isdecimal():
        body = await pool.fetchval("SELECT body FROM outbound_message WHERE id = $1", int(number))
    if body is None:
        raise NotFound(f"no message {ref}", ref)
    return expand(body)


async def retain(pool: Pool, raw_days: int, now: int, limit: int = 5000) -> int:
    """Delete messages that were sent more than ``raw_days`` ago, dead letters too, in bounded steps."""
    total = 0
    while True:
        done = await pool.execute(
            """DELETE FROM outbound_message WHERE id IN (
                   SELECT id FROM outbound_message WHERE state <> 'queued' AND finished < $1
                   ORDER BY finished LIMIT $2)""",
            now - raw_days * DAY,
            limit,
        )
        count = int(done.split()[-1])
        total += count
        if count < limit:
            return total
