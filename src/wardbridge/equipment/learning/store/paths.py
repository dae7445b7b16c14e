"""SQL of onboarding: paths as data, people on them, items signed off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool

Source = Connection | Pool


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to learn: ``target`` is a page's or term's slug, a competence's code or a text; ``days`` from the
    start; ``sign`` mentor or quiz."""

    kind: str
    title: str
    target: str = ""
    days: int = 14
    sign: str = "mentor"


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """What newcomers of a role or department learn, in order."""

    path_id: str
    title: str
    items: tuple[Item, ...]
    role: str = ""
    department: str = ""
    note: str = ""
    version: int = 1
    retired: bool = False
    example: bool = False


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on a path, with how far they are. Times in µs, 0 for none."""

    start_id: str
    path_id: str
    title: str
    person_id: str
    display: str
    mentor_id: str
    mentor: str
    started: int
    ended: int
    total: int
    done: int
    overdue: int
    next_due: int


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """An item for one person. Times in µs, 0 for none."""

    position: int
    kind: str
    target: str
    title: str
    due: int
    sign: str
    done_at: int
    done_by: str
    done_display: str
    note: str


_ITEMS = msgspec.json.Decoder(tuple[Item, ...])


def _path(row: Any) -> Path:
    return Path(**{**dict(row), "items": _ITEMS.decode(row["items"])})


_PATH = "path_id, title, role, department, note, items::text AS items, version, retired, example"


async def every(source: Source, *, retired: bool = False) -> list[Path]:
    """Paths by title."""
    rows = await source.fetch(
        f"SELECT {_PATH} FROM learning_path WHERE $1 OR NOT retired ORDER BY lower(title), path_id", retired
    )
    return [_path(row) for row in rows]


async def path(source: Source, path_id: str, *, lock: bool = False) -> Path | None:
    """One path."""
    row = await source.fetchrow(
        f"SELECT {_PATH} FROM learning_path WHERE path_id = $1 {'FOR UPDATE' if lock else ''}", path_id
    )
    return _path(row) if row else None


async def put(conn: Connection, one: Path, *, replace: bool = True) -> bool:
    """Insert or replace; False where it is there and must not be replaced."""
    rule = """DO UPDATE SET title = excluded.title, role = excluded.role, department = excluded.department,
              note = excluded.note, items = excluded.items, version = excluded.version, retired = excluded.retired"""
    done = await conn.fetchval(
        f"""INSERT INTO learning_path (path_id, title, role, department, note, items, version, retired, example)
            VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8, $9)
            ON CONFLICT (path_id) {rule if replace else "DO NOTHING"} RETURNING true""",
        one.path_id, one.title, one.role, one.department, one.note, msgspec.json.encode(one.items).decode(),
        one.version, one.retired, one.example,
    )  # fmt: skip
    return bool(done)


async def start(
    conn: Connection, start_id: str, path: Path, person: tuple[str, str], mentor: tuple[str, str], now: int,
    dues: Sequence[int],
) -> None:  # fmt: skip
    """Put somebody on a path: its items become theirs."""
    await conn.execute(
        """INSERT INTO learning_start (start_id, path_id, title, person_id, display, mentor_id, mentor, started)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        start_id, path.path_id, path.title, *person, *mentor, now,
    )  # fmt: skip
    await conn.execute(
        """INSERT INTO learning_item (start_id, position, kind, target, title, due, sign)
           SELECT $1, n, kind, target, title, due, sign
           FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
                WITH ORDINALITY AS i (kind, target, title, due, sign, n)""",
        start_id, [one.kind for one in path.items], [one.target for one in path.items],
        [one.title for one in path.items], list(dues), [one.sign for one in path.items],
    )  # fmt: skip


async def starts(
    source: Source, now: int, *, person: str = "", start_id: str = "", running: bool = False
) -> list[Start]:
    """People on paths, those who are late first. ``person``: as the one who learns, or as the mentor."""
    rows = await source.fetch(
        """SELECT s.start_id, s.path_id, s.title, s.person_id, s.display, s.mentor_id, s.mentor, s.started,
                  coalesce(s.ended, 0) AS ended, count(i.*) AS total, count(i.done_at) AS done,
                  count(*) FILTER (WHERE i.done_at IS NULL AND i.due < $1) AS overdue,
                  coalesce(min(i.due) FILTER (WHERE i.done_at IS NULL), 0) AS next_due
           FROM learning_start s LEFT JOIN learning_item i USING (start_id)
           WHERE ($2 = '' OR s.person_id = $2 OR s.mentor_id = $2) AND ($3 = '' OR s.start_id = $3)
             AND (NOT $4 OR s.ended IS NULL)
           GROUP BY s.start_id ORDER BY overdue DESC, next_due, s.display, s.start_id LIMIT 500""",
        now, person, start_id, running,
    )  # fmt: skip
    return [Start(**dict(row)) for row in rows]


async def tasks(source: Source, start_id: str) -> list[Task]:
    """The items of one person's path, in order."""
    rows = await source.fetch(
        """SELECT position, kind, target, title, due, sign, coalesce(done_at, 0) AS done_at, done_by, done_display, note
           FROM learning_item WHERE start_id = $1 ORDER BY position""", start_id,
    )  # fmt: skip
    return [Task(**dict(row)) for row in rows]


async def sign(conn: Connection, start_id: str, position: int, by: tuple[str, str], now: int, note: str) -> bool:
    """Mark an item as done; the path ends with its last one. False where it is done already or not there."""
    done = await conn.fetchval(
        """UPDATE learning_item SET done_at = $5, done_by = $3, done_display = $4, note = $6
           WHERE start_id = $1 AND position = $2 AND done_at IS NULL RETURNING true""",
        start_id, position, *by, now, note,
    )  # fmt: skip
    await end(conn, [start_id], now)
    return bool(done)


async def fulfil(conn: Connection, person_id: str, kinds: Sequence[str], target: str, sign: str,
                 by: tuple[str, str], now: int, note: str) -> int:  # fmt: skip
    """Mark what somebody has open of these kinds and this target; how many items."""
    rows = await conn.fetch(
        """UPDATE learning_item i SET done_at = $7, done_by = $5, done_display = $6, note = $8 FROM learning_start s
           WHERE s.start_id = i.start_id AND s.person_id = $1 AND i.kind = ANY($2) AND i.target = $3 AND i.sign = $4
             AND i.done_at IS NULL RETURNING i.start_id""",
        person_id, list(kinds), target, sign, *by, now, note,
    )  # fmt: skip
    await end(conn, sorted({row["start_id"] for row in rows}), now)
    return len(rows)


async def end(conn: Connection, start_ids: Sequence[str], now: int) -> None:
    """End those of these paths that have nothing open any more."""
    await conn.execute(
        """UPDATE learning_start s SET ended = $2 WHERE start_id = ANY($1) AND ended IS NULL
           AND NOT EXISTS (SELECT 1 FROM learning_item i WHERE i.start_id = s.start_id AND i.done_at IS NULL)""",
        list(start_ids), now,
    )  # fmt: skip
