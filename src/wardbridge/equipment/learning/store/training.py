"""SQL of training sessions, of who taught and helped, and of thanks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool

Source = Connection | Pool


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """A session. ``at`` in µs; ``code`` the competence that attending proves, '' for none."""

    training_id: str
    topic: str
    department: str
    audiences: tuple[str, ...]
    at: int
    minutes: int
    seats: int
    state: str
    created_by: str
    about: str = ""
    place: str = ""
    code: str = ""
    page: str = ""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A session in a list: who teaches, how many seats are taken, whether the reader has one; the mean rating."""

    training: Training
    teachers: tuple[str, ...]
    taken: int
    mine: bool
    rating: float
    ratings: int


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who signed up; ``attended`` None until the session was held."""

    person_id: str
    display: str
    attended: bool | None
    rating: int
    feedback: str


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody gave to others within a time."""

    person_id: str
    display: str
    taught: int
    wrote: int
    reviewed: int
    answered: int
    mentored: int
    helped: int
    thanks: int


_FIELDS = """t.training_id, t.topic, t.about, t.department, t.audiences, t.at, t.minutes, t.place, t.seats, t.state,
             coalesce(t.code, '') AS code, t.page, t.created_by"""


def _training(row: Any) -> Training:
    return Training(**{name: row[name] for name in Training.__struct_fields__ if name != "audiences"},
                    audiences=tuple(row["audiences"]))  # fmt: skip


async def put(conn: Connection, one: Training, teachers: Sequence[tuple[str, str]]) -> None:
    """Insert or replace a session and who teaches it."""
    await conn.execute(
        """INSERT INTO training (training_id, topic, about, department, audiences, at, minutes, place, seats, state,
                                 code, page, created_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, nullif($11, ''), $12, $13)
           ON CONFLICT (training_id) DO UPDATE SET topic = excluded.topic, about = excluded.about,
               department = excluded.department, audiences = excluded.audiences, at = excluded.at,
               minutes = excluded.minutes, place = excluded.place, seats = excluded.seats, state = excluded.state,
               code = excluded.code, page = excluded.page""",
        one.training_id, one.topic, one.about, one.department, list(one.audiences), one.at, one.minutes, one.place,
        one.seats, one.state, one.code, one.page, one.created_by,
    )  # fmt: skip
    await conn.execute(
        """INSERT INTO training_teacher SELECT $1, * FROM unnest($2::text[], $3::text[])
           ON CONFLICT DO NOTHING""",
        one.training_id, [person for person, _ in teachers], [display for _, display in teachers],
    )  # fmt: skip


async def training(source: Source, training_id: str, *, lock: bool = False) -> Training | None:
    """One session."""
    row = await source.fetchrow(
        f"SELECT {_FIELDS} FROM training t WHERE training_id = $1 {'FOR UPDATE' if lock else ''}", training_id
    )
    return _training(row) if row else None


async def teachers(source: Source, training_id: str) -> list[tuple[str, str]]:
    """(person, display) of who teaches."""
    rows = await source.fetch(
        "SELECT person_id, display FROM training_teacher WHERE training_id = $1 ORDER BY lower(display)", training_id
    )
    return [(row["person_id"], row["display"]) for row in rows]


async def listed(source: Source, person_id: str, since: int, until: int, limit: int = 200) -> list[Listed]:
    """Sessions within a time, soonest first."""
    rows = await source.fetch(
        f"""SELECT {_FIELDS},
                   ARRAY(SELECT display FROM training_teacher x
                         WHERE x.training_id = t.training_id ORDER BY 1) AS teachers,
                   count(s.person_id) AS taken, coalesce(bool_or(s.person_id = $1), false) AS mine,
                   coalesce(avg(s.rating), 0)::float8 AS rating, count(s.rating) AS ratings
            FROM training t LEFT JOIN training_seat s USING (training_id) WHERE t.at >= $2 AND t.at < $3
            GROUP BY t.training_id ORDER BY t.at, t.training_id LIMIT $4""",
        person_id, since, until, limit,
    )  # fmt: skip
    return [
        Listed(training=_training(row), teachers=tuple(row["teachers"]), taken=row["taken"], mine=row["mine"],
               rating=round(row["rating"], 1), ratings=row["ratings"])
        for row in rows
    ]  # fmt: skip


async def seats(source: Source, training_id: str) -> list[Seat]:
    """Who signed up, in that order."""
    rows = await source.fetch(
        """SELECT person_id, display, attended, coalesce(rating, 0) AS rating, feedback FROM training_seat
           WHERE training_id = $1 ORDER BY signed_up, person_id""", training_id,
    )  # fmt: skip
    return [Seat(**dict(row)) for row in rows]


async def sign_up(conn: Connection, training_id: str, person: tuple[str, str], now: int) -> bool:
    """Take a seat; False where there is one already."""
    done = await conn.fetchval(
        """INSERT INTO training_seat (training_id, person_id, display, signed_up) VALUES ($1, $2, $3, $4)
           ON CONFLICT DO NOTHING RETURNING true""", training_id, *person, now,
    )  # fmt: skip
    return bool(done)


async def leave(conn: Connection, training_id: str, person_id: str) -> bool:
    """Give a seat back; False where there is none."""
    return bool(await conn.fetchval(
        "DELETE FROM training_seat WHERE training_id = $1 AND person_id = $2 RETURNING true", training_id, person_id
    ))  # fmt: skip


async def attend(conn: Connection, training_id: str, present: Sequence[str]) -> None:
    """Who of those who signed up came."""
    await conn.execute(
        "UPDATE training_seat SET attended = person_id = ANY($2) WHERE training_id = $1", training_id, list(present)
    )


async def rate(conn: Connection, training_id: str, person_id: str, rating: int, feedback: str) -> bool:
    """What somebody who came thinks of it; False where they did not."""
    done = await conn.fetchval(
        """UPDATE training_seat SET rating = $3, feedback = $4 WHERE training_id = $1 AND person_id = $2 AND attended
           RETURNING true""", training_id, person_id, rating, feedback,
    )  # fmt: skip
    return bool(done)


async def thank(conn: Connection, thanks_id: str, person: tuple[str, str], by: tuple[str, str], now: int,
                text: str) -> None:  # fmt: skip
    """Append a note of thanks."""
    await conn.execute(
        """INSERT INTO thanks (thanks_id, person_id, display, by_id, by_display, at, text)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""", thanks_id, *person, *by, now, text,
    )  # fmt: skip


async def thanked(source: Source, since: int, until: int, limit: int = 50) -> list[tuple[str, str, int, str]]:
    """(to, from, at, text), newest first."""
    rows = await source.fetch(
        """SELECT display, by_display, at, text FROM thanks WHERE at >= $1 AND at < $2
           ORDER BY at DESC, thanks_id LIMIT $3""", since, until, limit,
    )  # fmt: skip
    return [tuple(row) for row in rows]


async def given(source: Source, since: int, until: int, system: str) -> list[Given]:
    """What people gave to others within a time, by name; nobody who gave nothing."""
    rows = await source.fetch(
        """WITH done AS (
               SELECT x.person_id, 'taught' AS what FROM training_teacher x JOIN training t USING (training_id)
                WHERE t.state = 'held' AND t.at >= $1 AND t.at < $2
               UNION ALL SELECT person_id, CASE step WHEN 'written' THEN 'wrote' ELSE 'reviewed' END
                FROM knowledge_step WHERE at >= $1 AND at < $2
                 AND step IN ('written', 'published', 'returned', 'confirmed')
               UNION ALL SELECT answered_by, 'answered' FROM knowledge_question
                WHERE answered_at >= $1 AND answered_at < $2 AND answered_by <> person_id
               UNION ALL SELECT i.done_by, 'mentored' FROM learning_item i JOIN learning_start s USING (start_id)
                WHERE i.done_at >= $1 AND i.done_at < $2 AND i.done_by <> s.person_id
               UNION ALL SELECT person_id, 'helped' FROM joint_help WHERE at >= $1 AND at < $2
               UNION ALL SELECT person_id, 'thanks' FROM thanks WHERE at >= $1 AND at < $2)
           SELECT d.person_id, coalesce(p.display, d.person_id) AS display,
                  count(*) FILTER (WHERE what = 'taught') AS taught, count(*) FILTER (WHERE what = 'wrote') AS wrote,
                  count(*) FILTER (WHERE what = 'reviewed') AS reviewed,
                  count(*) FILTER (WHERE what = 'answered') AS answered,
                  count(*) FILTER (WHERE what = 'mentored') AS mentored,
                  count(*) FILTER (WHERE what = 'helped') AS helped, count(*) FILTER (WHERE what = 'thanks') AS thanks
           FROM done d LEFT JOIN person p USING (person_id) WHERE d.person_id <> $3 AND d.person_id <> ''
           GROUP BY d.person_id, p.display ORDER BY lower(coalesce(p.display, d.person_id)), d.person_id""",
        since, until, system,
    )  # fmt: skip
    return [Given(**dict(row)) for row in rows]
