"""Offers for a need, and vendors' answers to our requirements."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection
from wardbridge.equipment.lifecycle.values import Answer
from wardbridge.equipment.store.rows import Source, put, value
from wardbridge.equipment.vendors.values import Offer


async def save(conn: Connection, offer: Offer) -> None:
    """Insert or replace an offer."""
    await put(conn, "offer", ("need_id", "vendor_id"), [offer])


async def offers(source: Source, need_id: str) -> list[Offer]:
    """The offers for a need."""
    rows = await source.fetch("SELECT * FROM offer WHERE need_id = $1 ORDER BY created, vendor_id", need_id)
    return [value(row, Offer) for row in rows]


async def answers(source: Source, need_id: str) -> dict[str, list[Answer]]:
    """Answers of every vendor that offers for a need, by vendor."""
    found: dict[str, list[Answer]] = {}
    for row in await source.fetch("SELECT * FROM offer_answer WHERE need_id = $1 ORDER BY question", need_id):
        found.setdefault(row["vendor_id"], []).append(value(row, Answer))
    return found


async def answer(conn: Connection, need_id: str, vendor_id: str, given: Sequence[Answer]) -> None:
    """Insert or replace answers; one that says the same again stays whose it was."""
    await conn.execute(
        """INSERT INTO offer_answer (need_id, vendor_id, question, points, note, exception, by_id, by_name, at)
           SELECT $1, $2, question, points, note, exception, by_id, by_name, at
           FROM jsonb_populate_recordset(NULL::offer_answer, $3::jsonb)
           ON CONFLICT (need_id, vendor_id, question) DO UPDATE SET points = excluded.points, note = excluded.note,
               exception = excluded.exception, by_id = excluded.by_id, by_name = excluded.by_name, at = excluded.at
           WHERE (offer_answer.points, offer_answer.note, offer_answer.exception)
                 IS DISTINCT FROM (excluded.points, excluded.note, excluded.exception)""",
        need_id,
        vendor_id,
        msgspec.json.encode(given).decode(),
    )
