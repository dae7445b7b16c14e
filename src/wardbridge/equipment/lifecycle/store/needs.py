"""Needs, the answers of their assessment, and the machines that came of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection
from wardbridge.equipment.lifecycle.values import Answer, Need
from wardbridge.equipment.store.rows import Source, put, value


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A need in a list, with how many machines came of it and how many questions are answered."""

    need: Need
    machines: int
    answers: int


async def save(conn: Connection, need: Need) -> None:
    """Insert or replace a need."""
    await put(conn, "need", ("need_id",), [need])


async def get(source: Source, need_id: str, *, lock: bool = False) -> Need | None:
    """One need, locked until the transaction ends where asked."""
    row = await source.fetchrow(f"SELECT * FROM need WHERE need_id = $1 {'FOR UPDATE' if lock else ''}", need_id)
    return value(row, Need) if row else None


async def lines(source: Source, states: Sequence[str], limit: int, skip: int = 0) -> list[Line]:
    """Needs of these states (all where empty), the newest first."""
    rows = await source.fetch(
        """SELECT n.*, (SELECT count(*) FROM need_asset a WHERE a.need_id = n.need_id) AS machines,
                  (SELECT count(*) FROM need_answer q WHERE q.need_id = n.need_id) AS answers
           FROM need n WHERE cardinality($1::text[]) = 0 OR state = ANY($1)
           ORDER BY created DESC, need_id LIMIT $2 OFFSET $3""",
        list(states),
        limit,
        skip,
    )
    return [Line(need=value(row, Need), machines=row["machines"], answers=row["answers"]) for row in rows]


async def answers(source: Source, need_id: str) -> list[Answer]:
    """The answers of a need's assessment, by question."""
    rows = await source.fetch("SELECT * FROM need_answer WHERE need_id = $1 ORDER BY question", need_id)
    return [value(row, Answer) for row in rows]


async def answer(conn: Connection, need_id: str, given: Sequence[Answer]) -> None:
    """Insert or replace answers; one that says the same again stays whose it was."""
    await conn.execute(
        """INSERT INTO need_answer (need_id, question, points, note, exception, by_id, by_name, at)
           SELECT $1, question, points, note, exception, by_id, by_name, at
           FROM jsonb_populate_recordset(NULL::need_answer, $2::jsonb)
           ON CONFLICT (need_id, question) DO UPDATE SET points = excluded.points, note = excluded.note,
               exception = excluded.exception, by_id = excluded.by_id, by_name = excluded.by_name, at = excluded.at
           WHERE (need_answer.points, need_answer.note, need_answer.exception)
                 IS DISTINCT FROM (excluded.points, excluded.note, excluded.exception)""",
        need_id,
        msgspec.json.encode(given).decode(),
    )


async def link(conn: Connection, need_id: str, device_ids: Sequence[str]) -> None:
    """These machines came of this need."""
    await conn.execute(
        "INSERT INTO need_asset (need_id, device_id) SELECT $1, unnest($2::text[])", need_id, list(device_ids)
    )


async def machines(source: Source, need_id: str) -> list[str]:
    """The machines that came of a need."""
    rows = await source.fetch("SELECT device_id FROM need_asset WHERE need_id = $1 ORDER BY device_id", need_id)
    return [row["device_id"] for row in rows]


async def need_of(source: Source, device_id: str) -> Need | None:
    """The need that a machine came of."""
    row = await source.fetchrow("SELECT n.* FROM need n JOIN need_asset a USING (need_id) WHERE a.device_id = $1",
                                device_id)  # fmt: skip
    return value(row, Need) if row else None
