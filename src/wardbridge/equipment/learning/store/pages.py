"""SQL of pages: heads, versions, life, links, questions, votes, searches that found nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.learning.text import START, STOP, marked
from wardbridge.equipment.learning.values import Asked, Content, Hit, Link, Page, Question, Step, Version

Source = Connection | Pool
_QUESTIONS = msgspec.json.Decoder(tuple[Question, ...])
_HEADLINE = f'StartSel={START}, StopSel={STOP}, MaxFragments=2, MaxWords=20, MinWords=8, FragmentDelimiter=" … "'


async def add(conn: Connection, page_id: str, slug: str, kind: str, months: int, example: bool, now: int) -> bool:
    """A new page without a version; False where the slug is taken."""
    done = await conn.fetchval(
        """INSERT INTO knowledge_page (page_id, slug, kind, state, latest, review_months, example, created, changed)
           VALUES ($1, $2, $3, 'draft', 0, $4, $5, $6, $6) ON CONFLICT (slug) DO NOTHING RETURNING true""",
        page_id, slug, kind, months, example, now,
    )  # fmt: skip
    return bool(done)


async def write(conn: Connection, page_id: str, kind: str, months: int, version: Version, plain: str,
                links: Sequence[Link]) -> None:  # fmt: skip
    """A version as the newest one, a draft, with what the page is about."""
    content = version.content
    await conn.execute(
        """WITH head AS (
               UPDATE knowledge_page SET latest = $2, state = 'draft', kind = $16, review_months = $17, changed = $13
               WHERE page_id = $1),
           wanted AS (SELECT * FROM unnest($18::text[], $19::text[]) AS w (kind, target)),
           gone AS (
               DELETE FROM knowledge_link l WHERE page_id = $1
               AND NOT EXISTS (SELECT 1 FROM wanted w WHERE w.kind = l.kind AND w.target = l.target)),
           come AS (INSERT INTO knowledge_link SELECT $1, kind, target FROM wanted ON CONFLICT DO NOTHING)
           INSERT INTO knowledge_version (page_id, version, title, summary, keywords, audiences, body, plain, questions,
                                          pass_percent, author, display, at, side, note)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10, $11, $12, $13, $14, $15)""",
        page_id, version.version, content.title, content.summary, content.keywords, list(content.audiences),
        content.body, plain, msgspec.json.encode(content.questions).decode(), content.pass_percent, version.author,
        version.display, version.at, version.side, version.note, kind, months,
        [link.kind for link in links], [link.target for link in links],
    )  # fmt: skip


async def move(conn: Connection, page_id: str, state: str, now: int, *, published: int | None = None,
               review_due: int | None = None) -> None:  # fmt: skip
    """A new state; what is None stays as it is."""
    await conn.execute(
        """UPDATE knowledge_page SET state = $2, changed = $3, published = coalesce($4, published),
                  review_due = coalesce($5, review_due) WHERE page_id = $1""",
        page_id, state, now, published, review_due,
    )  # fmt: skip


async def step(conn: Connection, page_id: str, one: Step) -> None:
    """Append to a page's life."""
    await conn.execute(
        """INSERT INTO knowledge_step (page_id, version, step, person_id, display, side, at, note)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        page_id, one.version, one.step, one.person_id, one.display, one.side, one.at, one.note,
    )  # fmt: skip


def _version(row: Any) -> Version:
    return Version(
        version=row["version"], author=row["author"], display=row["display"], side=row["side"], at=row["at"],
        note=row["note"],
        content=Content(title=row["title"], summary=row["summary"], keywords=row["keywords"],
                        audiences=tuple(row["audiences"]), body=row["body"],
                        questions=_QUESTIONS.decode(row["questions"]), pass_percent=row["pass_percent"]),
    )  # fmt: skip


_VERSION = """page_id, version, title, summary, keywords, audiences, body, questions::text AS questions, pass_percent,
              author, display, side, at, note"""


async def page(source: Source, slug: str, *, lock: bool = False) -> Page | None:
    """A page with its newest version, the one in force, links and life."""
    head = await source.fetchrow(f"SELECT * FROM knowledge_page WHERE slug = $1 {'FOR UPDATE' if lock else ''}", slug)
    if head is None:
        return None
    ident = head["page_id"]
    rows = await source.fetch(
        f"SELECT {_VERSION} FROM knowledge_version WHERE page_id = $1 AND version = ANY($2::int[])",
        ident, [head["latest"], head["published"] or 0],
    )  # fmt: skip
    versions = {row["version"]: _version(row) for row in rows}
    links = await source.fetch(
        "SELECT kind, target FROM knowledge_link WHERE page_id = $1 ORDER BY kind, lower(target)", ident
    )
    steps = await source.fetch(
        """SELECT version, step, person_id, display, side, at, note FROM knowledge_step WHERE page_id = $1
           ORDER BY step_id DESC""", ident,
    )  # fmt: skip
    return Page(
        page_id=ident, slug=slug, kind=head["kind"], state=head["state"], latest=head["latest"],
        published=head["published"] or 0, review_months=head["review_months"], review_due=head["review_due"] or 0,
        example=head["example"], created=head["created"], changed=head["changed"], newest=versions[head["latest"]],
        agreed=versions.get(head["published"]), links=tuple(Link(*row) for row in links),
        steps=tuple(Step(**dict(row)) for row in steps),
    )  # fmt: skip


async def version(source: Source, page_id: str, number: int) -> Version | None:
    """An older version."""
    row = await source.fetchrow(
        f"SELECT {_VERSION} FROM knowledge_version WHERE page_id = $1 AND version = $2", page_id, number
    )
    return _version(row) if row else None


async def slugs(source: Source) -> frozenset[str]:
    """Of every page, retired ones too."""
    return frozenset(row["slug"] for row in await source.fetch("SELECT slug FROM knowledge_page"))


async def titles(source: Source, names: Sequence[str]) -> dict[str, str]:
    """Slug -> title of what readers see."""
    rows = await source.fetch(
        """SELECT p.slug, v.title FROM knowledge_page p
           JOIN knowledge_version v ON v.page_id = p.page_id AND v.version = coalesce(p.published, p.latest)
           WHERE p.slug = ANY($1)""", list(names),
    )  # fmt: skip
    return {row["slug"]: row["title"] for row in rows}


def _hit(row: Any) -> Hit:
    return Hit(
        slug=row["slug"], kind=row["kind"], state=row["state"], title=row["title"], summary=row["summary"],
        audiences=tuple(row["audiences"]), review_due=row["review_due"] or 0, example=row["example"],
        changed=row["changed"], marked=marked(row["headline"] or ""), why=row["why"],
    )  # fmt: skip


async def search(source: Source, words: Sequence[str], kind: str, audience: str, state: str, now: int, limit: int,
                 skip: int) -> list[Hit]:  # fmt: skip
    """Pages in which every word begins some word, best first; all by title where there are none.

    ``state`` '' means what is in force; ``draft`` and ``review`` look at the newest version, ``due`` at pages in
    force whose review is due.
    """
    rows = await source.fetch(
        """WITH hits AS (
               SELECT p.slug, p.kind, p.state, p.review_due, p.example, p.changed, v.title, v.summary, v.audiences,
                      v.plain,
                      CASE WHEN $1 = '' THEN 0 ELSE ts_rank(v.words, to_tsquery('simple', $1)) END AS rank
               FROM knowledge_page p
               JOIN knowledge_version v ON v.page_id = p.page_id
                AND v.version = CASE WHEN $4 IN ('draft', 'review') THEN p.latest
                                     ELSE coalesce(p.published, p.latest) END
               WHERE ($1 = '' OR v.words @@ to_tsquery('simple', $1)) AND ($2 = '' OR p.kind = $2)
                 AND ($3 = '' OR $3 = ANY(v.audiences))
                 AND CASE $4 WHEN '' THEN p.published IS NOT NULL AND p.state <> 'retired'
                             WHEN 'due' THEN p.published IS NOT NULL AND p.state <> 'retired' AND p.review_due <= $5
                             ELSE p.state = $4 END
               ORDER BY rank DESC, lower(v.title), p.slug LIMIT $6 OFFSET $7)
           SELECT *, '' AS why, CASE WHEN $1 = '' THEN ''
                  ELSE ts_headline('simple', plain, to_tsquery('simple', $1), $8) END AS headline
           FROM hits ORDER BY rank DESC, lower(title), slug""",
        " & ".join(f"{word}:*" for word in words), kind, audience, state, now, limit, skip, _HEADLINE,
    )  # fmt: skip
    return [_hit(row) for row in rows]


async def helps(source: Source, wanted: Sequence[tuple[str, str, int]], limit: int) -> list[Hit]:
    """Pages in force that are linked to (kind, target), by the sum of the points that come with each."""
    rows = await source.fetch(
        """SELECT p.slug, p.kind, p.state, p.review_due, p.example, p.changed, v.title, v.summary, v.audiences,
                  '' AS headline, (array_agg(l.target ORDER BY w.points DESC))[1] AS why
           FROM unnest($1::text[], $2::text[], $3::int[]) AS w (kind, target, points)
           JOIN knowledge_link l ON l.kind = w.kind AND lower(l.target) = lower(w.target)
           JOIN knowledge_page p ON p.page_id = l.page_id AND p.published IS NOT NULL AND p.state <> 'retired'
           JOIN knowledge_version v ON v.page_id = p.page_id AND v.version = p.published
           GROUP BY p.page_id, v.page_id, v.version ORDER BY sum(w.points) DESC, lower(v.title), p.slug LIMIT $4""",
        [kind for kind, _, _ in wanted], [target for _, target, _ in wanted], [points for _, _, points in wanted],
        limit,
    )  # fmt: skip
    return [_hit(row) for row in rows]


async def counts(source: Source, now: int) -> dict[str, int]:
    """How many pages are in force, in draft, in review, due for review, and how many questions wait."""
    row = await source.fetchrow(
        """SELECT count(*) FILTER (WHERE published IS NOT NULL AND state <> 'retired') AS published,
                  count(*) FILTER (WHERE state = 'draft') AS draft, count(*) FILTER (WHERE state = 'review') AS review,
                  count(*) FILTER (WHERE published IS NOT NULL AND state <> 'retired' AND review_due <= $1) AS due,
                  (SELECT count(*) FROM knowledge_question WHERE answered_at IS NULL) AS questions
           FROM knowledge_page""", now,
    )  # fmt: skip
    return dict(row)


async def ask(conn: Connection, question_id: str, page_id: str, person_id: str, display: str, now: int,
              text: str) -> None:  # fmt: skip
    """Append a question."""
    await conn.execute(
        """INSERT INTO knowledge_question (question_id, page_id, person_id, display, at, text)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        question_id, page_id, person_id, display, now, text,
    )  # fmt: skip


async def answer(conn: Connection, question_id: str, page_id: str, person_id: str, display: str, now: int,
                 text: str) -> bool:  # fmt: skip
    """Answer a question of this page that has none; False where there is no such one."""
    done = await conn.fetchval(
        """UPDATE knowledge_question SET answer = $3, answered_by = $4, answered_display = $5, answered_at = $6
           WHERE question_id = $1 AND page_id = $2 AND answered_at IS NULL RETURNING true""",
        question_id, page_id, text, person_id, display, now,
    )  # fmt: skip
    return bool(done)


_ASKED = """q.question_id, q.display, q.at, q.text, q.answer, q.answered_display,
            coalesce(q.answered_at, 0) AS answered_at"""


async def questions(source: Source, page_id: str) -> list[Asked]:
    """Of one page, newest first."""
    rows = await source.fetch(
        f"SELECT {_ASKED} FROM knowledge_question q WHERE page_id = $1 ORDER BY at DESC, question_id LIMIT 200", page_id
    )
    return [Asked(**dict(row)) for row in rows]


async def waiting(source: Source, limit: int) -> list[tuple[str, Asked]]:
    """(slug, question) of what nobody has answered, oldest first."""
    rows = await source.fetch(
        f"""SELECT p.slug, {_ASKED} FROM knowledge_question q JOIN knowledge_page p USING (page_id)
            WHERE q.answered_at IS NULL ORDER BY q.at, q.question_id LIMIT $1""", limit,
    )  # fmt: skip
    return [(row["slug"], Asked(**{k: v for k, v in row.items() if k != "slug"})) for row in rows]


async def vote(conn: Connection, page_id: str, person_id: str, helpful: bool, now: int) -> None:
    """One vote a person; the last one counts."""
    await conn.execute(
        """INSERT INTO knowledge_vote (page_id, person_id, helpful, at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (page_id, person_id) DO UPDATE SET helpful = excluded.helpful, at = excluded.at""",
        page_id, person_id, helpful, now,
    )  # fmt: skip


async def votes(source: Source, page_id: str) -> tuple[int, int]:
    """How many found it helpful, and how many did not."""
    row = await source.fetchrow(
        """SELECT count(*) FILTER (WHERE helpful), count(*) FILTER (WHERE NOT helpful)
           FROM knowledge_vote WHERE page_id = $1""", page_id,
    )  # fmt: skip
    return int(row[0]), int(row[1])


async def missed(conn: Connection, words: str, now: int) -> None:
    """Count a search that found nothing."""
    await conn.execute(
        """INSERT INTO knowledge_miss (words, asked, last) VALUES ($1, 1, $2)
           ON CONFLICT (words) DO UPDATE SET asked = knowledge_miss.asked + 1, last = excluded.last""",
        words, now,
    )  # fmt: skip


async def misses(source: Source, since: int, least: int, limit: int) -> list[tuple[str, int, int]]:
    """(words, how often, last) of what was looked for in vain at least ``least`` times, most first."""
    rows = await source.fetch(
        """SELECT words, asked, last FROM knowledge_miss WHERE last >= $1 AND asked >= $2
           ORDER BY asked DESC, words LIMIT $3""",
        since, least, limit,
    )  # fmt: skip
    return [(row["words"], row["asked"], row["last"]) for row in rows]


async def attempt(conn: Connection, attempt_id: str, page_id: str, number: int, person_id: str, now: int, right: int,
                  asked: int, passed: bool) -> None:  # fmt: skip
    """Append an attempt at a page's quiz."""
    await conn.execute(
        """INSERT INTO quiz_attempt (attempt_id, page_id, version, person_id, at, correct, asked, passed)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        attempt_id, page_id, number, person_id, now, right, asked, passed,
    )  # fmt: skip


async def subject(source: Source, device_id: str) -> tuple[str, str, str, list[str]]:
    """(kind, class, model, codes of open faults) of a machine; empty where the register does not know it."""
    row = await source.fetchrow(
        """SELECT m.kind, m.class, m.model_id,
                  ARRAY(SELECT DISTINCT w.code FROM work w WHERE w.device_id = a.device_id AND w.kind = 'fault'
                        AND w.code <> '' AND w.state NOT IN ('resolved', 'cancelled')) AS codes
           FROM asset a JOIN model m USING (model_id) WHERE a.device_id = $1""",
        device_id,
    )
    return (row["kind"], row["class"], row["model_id"], list(row["codes"])) if row else ("", "", "", [])
