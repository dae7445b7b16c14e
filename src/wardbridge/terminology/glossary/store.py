"""The glossary in PostgreSQL: heads, versions, steps, codes. The rules are in `book.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.terminology.glossary.values import Code, Entry, Line, Step, Text

_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Text).decode
WORDS = """setweight(to_tsvector('simple', $1), 'A') || setweight(to_tsvector('simple', $2), 'B')
           || to_tsvector('simple', $3)"""


def _words(text: Text) -> tuple[str, str, str]:
    """Title, other names and codes, running text."""
    names = [*text.synonyms, *(part for code in text.codes for part in (code.code, code.display))]
    plain = re.sub(r"[\W_]+", " ", " ".join(names))  # 8867-4 would be read as 8867 and -4
    return (
        re.sub(r"\W+", " ", text.title),
        f"{plain} {' '.join(text.synonyms)}",
        f"{text.clinical} {text.biomed} {text.it}",
    )


async def add(conn: Connection, slug: str, owner: str, text: Text, now: int) -> int | None:
    """A new entry's number; None where the slug is taken."""
    found: int | None = await conn.fetchval(
        f"""INSERT INTO glossary_entry (slug, latest, state, owner, title, changed, words)
            VALUES ($4, 0, 'draft', $5, $1, $6, {WORDS}) ON CONFLICT (slug) DO NOTHING RETURNING entry_id""",
        *_words(text), slug, owner, now,
    )  # fmt: skip
    return found


async def slugs(conn: Connection) -> frozenset[str]:
    """Of all entries there are, retired ones too."""
    return frozenset(row["slug"] for row in await conn.fetch("SELECT slug FROM glossary_entry"))


async def head(conn: Connection | Pool, slug: str, *, lock: bool = False) -> dict[str, Any] | None:
    """entry_id, latest, approved, state, owner, author of the latest version."""
    row = await conn.fetchrow(
        f"""SELECT e.*, v.author FROM glossary_entry e
            LEFT JOIN glossary_version v ON v.entry_id = e.entry_id AND v.version = e.latest
            WHERE e.slug = $1 {"FOR UPDATE OF e" if lock else ""}""",
        slug,
    )
    return dict(row) if row else None


async def write(
    conn: Connection, entry_id: int, version: int, owner: str, text: Text, author: str, display: str, now: int
) -> None:
    """A version as the latest one, a draft."""
    await conn.execute(
        f"""WITH head AS (
                UPDATE glossary_entry SET latest = $5, state = 'draft', owner = $6, title = $1, changed = $7,
                       words = {WORDS} WHERE entry_id = $4),
            gone AS (DELETE FROM glossary_code WHERE entry_id = $4)
            INSERT INTO glossary_version (entry_id, version, body, author, display, at)
            VALUES ($4, $5, $8::text::jsonb, $9, $10, $7)""",
        *_words(text), entry_id, version, owner, now, _encode(text).decode(), author, display,
    )  # fmt: skip
    await conn.executemany(
        "INSERT INTO glossary_code (entry_id, system, code) VALUES ($1, $2, $3)",
        [(entry_id, code.system, code.code) for code in text.codes],
    )


async def move(conn: Connection, entry_id: int, state: str, approved: int | None, now: int) -> None:
    """A new state; ``approved`` None leaves the agreed version as it is."""
    await conn.execute(
        "UPDATE glossary_entry SET state = $2, approved = coalesce($3, approved), changed = $4 WHERE entry_id = $1",
        entry_id, state, approved, now,
    )  # fmt: skip


async def step(
    conn: Connection, entry_id: int, version: int, name: str, who: tuple[str, str], now: int, note: str
) -> None:
    await conn.execute(
        """INSERT INTO glossary_step (entry_id, version, step, person, display, at, note)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        entry_id, version, name, *who, now, note,
    )  # fmt: skip


async def entry(pool: Pool | Connection, slug: str) -> Entry | None:
    """The whole entry with its life."""
    found = await head(pool, slug)
    if found is None:
        return None
    rows = await pool.fetch(
        "SELECT version, body::text FROM glossary_version WHERE entry_id = $1 AND version = ANY($2::int[])",
        found["entry_id"], [found["latest"], found["approved"] or 0],
    )  # fmt: skip
    bodies = {row["version"]: _decode(row["body"]) for row in rows}
    steps = await pool.fetch(
        "SELECT version, step, display, at, note FROM glossary_step WHERE entry_id = $1 ORDER BY step_id DESC",
        found["entry_id"],
    )
    return Entry(
        slug=slug, owner=found["owner"], state=found["state"], latest=found["latest"], approved=found["approved"] or 0,
        author=found["author"] or "", text=bodies[found["latest"]], agreed=bodies.get(found["approved"]),
        steps=tuple(Step(*row) for row in steps),
    )  # fmt: skip


async def find(pool: Pool, words: Sequence[str], owner: str, state: str, limit: int, skip: int) -> list[Line]:
    """Entries in which every word begins some word, best first; the whole list by title where there are none."""
    query = " & ".join(f"{word}:*" for word in words)
    rows = await pool.fetch(
        """SELECT e.slug, e.title, e.owner, e.state, e.changed, v.body::text
           FROM glossary_entry e JOIN glossary_version v ON v.entry_id = e.entry_id AND v.version = e.latest
           WHERE ($1 = '' OR e.words @@ to_tsquery('simple', $1)) AND ($2 = '' OR e.owner = $2)
             AND (CASE WHEN $3 = '' THEN e.state <> 'retired' ELSE e.state = $3 END)
           ORDER BY CASE WHEN $1 = '' THEN 0 ELSE -ts_rank(e.words, to_tsquery('simple', $1)) END,
                    lower(e.title), e.slug
           LIMIT $4 OFFSET $5""",
        query, owner, state, limit, skip,
    )  # fmt: skip
    out = []
    for row in rows:
        text = _decode(row["body"])
        out.append(
            Line(row["slug"], row["title"], row["owner"], row["state"], row["changed"], text.codes, text.synonyms)
        )
    return out


async def agreed(conn: Connection | Pool) -> list[tuple[str, Text]]:
    """(slug, text) of everything that is agreed upon and not retired, by slug."""
    rows = await conn.fetch(
        """SELECT e.slug, v.body::text FROM glossary_entry e
           JOIN glossary_version v ON v.entry_id = e.entry_id AND v.version = e.approved
           WHERE e.state <> 'retired' ORDER BY e.slug"""
    )
    return [(row["slug"], _decode(row["body"])) for row in rows]


async def by_code(pool: Pool, system: str, code: str) -> list[tuple[str, tuple[Code, ...]]]:
    """(slug, codes) of the entries that hold a code."""
    rows = await pool.fetch(
        """SELECT e.slug, v.body::text FROM glossary_code c JOIN glossary_entry e USING (entry_id)
           JOIN glossary_version v ON v.entry_id = e.entry_id AND v.version = e.latest
           WHERE c.code = $2 AND c.system = $1 AND e.state <> 'retired' ORDER BY e.slug""",
        system, code,
    )  # fmt: skip
    return [(row["slug"], _decode(row["body"]).codes) for row in rows]
