"""SQL of competences: what there is, who needs it, who has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool

Source = Connection | Pool


class Competence(msgspec.Struct, frozen=True, kw_only=True):
    """What one can be signed off for; ``months`` None: it never expires."""

    code: str
    title: str
    months: int | None = None
    note: str = ""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """People of ``roles`` need ``code`` for machines of the kind or class ``target``, or for all that they do."""

    rule_id: str
    code: str
    roles: tuple[str, ...]
    scope: str
    target: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An assessment. ``expires`` and ``revoked`` 0 for never; µs since the epoch."""

    record_id: str
    person_id: str
    display: str
    code: str
    assessed_by: str
    assessor: str
    at: int
    expires: int = 0
    evidence: str = ""
    revoked: int = 0
    revoked_why: str = ""


class Needed(msgspec.Struct, frozen=True, kw_only=True):
    """A person, a competence that some rule asks of them, and the record that holds longest."""

    person_id: str
    display: str
    code: str
    title: str
    record: Record | None


_RECORD = """r.record_id, r.person_id, r.display, r.code, r.assessed_by, r.assessor, r.at,
             coalesce(r.expires, 0) AS expires, r.evidence, coalesce(r.revoked, 0) AS revoked, r.revoked_why"""


def _record(row: Any) -> Record:
    return Record(**{name: row[name] for name in Record.__struct_fields__})


async def competences(source: Source) -> list[Competence]:
    """All, by title."""
    return [Competence(**dict(row)) for row in await source.fetch("SELECT * FROM competence ORDER BY lower(title)")]


async def rules(source: Source) -> list[Rule]:
    """All, by competence."""
    rows = await source.fetch("SELECT * FROM competence_rule ORDER BY code, scope, target, rule_id")
    return [Rule(**{**dict(row), "roles": tuple(row["roles"])}) for row in rows]


async def put(conn: Connection, one: Competence) -> None:
    """Insert or replace."""
    await conn.execute(
        """INSERT INTO competence (code, title, months, note) VALUES ($1, $2, $3, $4)
           ON CONFLICT (code) DO UPDATE SET title = excluded.title, months = excluded.months, note = excluded.note""",
        one.code, one.title, one.months, one.note,
    )  # fmt: skip


async def put_rule(conn: Connection, one: Rule) -> None:
    """Insert or replace."""
    await conn.execute(
        """INSERT INTO competence_rule (rule_id, code, roles, scope, target) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (rule_id) DO UPDATE SET code = excluded.code, roles = excluded.roles, scope = excluded.scope,
                  target = excluded.target""",
        one.rule_id, one.code, list(one.roles), one.scope, one.target,
    )  # fmt: skip


async def drop_rule(conn: Connection, rule_id: str) -> bool:
    """False where there is none."""
    return bool(await conn.fetchval("DELETE FROM competence_rule WHERE rule_id = $1 RETURNING true", rule_id))


async def seed(conn: Connection, some: Sequence[Competence], asked: Sequence[Rule]) -> int:
    """Competences and rules for a house that has none yet; how many came in."""
    if await conn.fetchval("SELECT EXISTS (SELECT 1 FROM competence)"):
        return 0
    for one in some:
        await put(conn, one)
    for rule in asked:
        await put_rule(conn, rule)
    return len(some) + len(asked)


async def of_person(source: Source, person_id: str) -> tuple[frozenset[str], list[Record]]:
    """Somebody's roles (empty when not known or closed) and all their records, newest first."""
    roles = await source.fetchval("SELECT roles FROM person WHERE person_id = $1 AND enabled", person_id)
    rows = await source.fetch(
        f"SELECT {_RECORD} FROM competence_record r WHERE person_id = $1 ORDER BY at DESC, record_id", person_id
    )
    return frozenset(roles or ()), [_record(row) for row in rows]


async def display(source: Source, person_id: str) -> str:
    """What somebody is called, '' when there is no such person."""
    return str(await source.fetchval("SELECT display FROM person WHERE person_id = $1", person_id) or "")


async def needs(source: Source, at: int, person_id: str = "") -> list[Needed]:
    """Every person and competence that some rule asks of their roles, with the record that holds longest."""
    rows = await source.fetch(
        f"""SELECT n.person_id AS who, n.display AS called, n.code AS asked, c.title, {_RECORD}
            FROM (SELECT DISTINCT p.person_id, p.display, q.code
                  FROM person p JOIN competence_rule q ON q.roles && p.roles
                  WHERE p.enabled AND ($2 = '' OR p.person_id = $2)) n
            JOIN competence c ON c.code = n.code
            LEFT JOIN LATERAL (
                SELECT * FROM competence_record r WHERE r.code = n.code AND r.person_id = n.person_id AND r.at <= $1
                ORDER BY least(r.expires, r.revoked) DESC NULLS FIRST, r.at DESC LIMIT 1) r ON true""",
        at, person_id,
    )  # fmt: skip
    return [
        Needed(person_id=row["who"], display=row["called"], code=row["asked"], title=row["title"],
               record=_record(row) if row["record_id"] else None)
        for row in rows
    ]  # fmt: skip


async def record(source: Source, record_id: str) -> Record | None:
    """One record."""
    row = await source.fetchrow(f"SELECT {_RECORD} FROM competence_record r WHERE record_id = $1", record_id)
    return _record(row) if row else None


async def records(source: Source, limit: int = 100_000) -> list[Record]:
    """All records, by person, competence and date."""
    rows = await source.fetch(
        f"SELECT {_RECORD} FROM competence_record r ORDER BY display, person_id, code, at LIMIT $1", limit
    )
    return [_record(row) for row in rows]


async def add(conn: Connection, some: Sequence[Record]) -> set[str]:
    """Append records in one statement; the ids of those that were not there already."""
    rows = await conn.fetch(
        """INSERT INTO competence_record (record_id, person_id, display, code, assessed_by, assessor, at, expires,
                                          evidence)
           SELECT r, p, d, c, b, a, t, nullif(e, 0), w
           FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                       $8::bigint[], $9::text[]) AS x (r, p, d, c, b, a, t, e, w)
           ON CONFLICT DO NOTHING RETURNING record_id""",
        *[[getattr(one, name) for one in some] for name in
          ("record_id", "person_id", "display", "code", "assessed_by", "assessor", "at", "expires", "evidence")],
    )  # fmt: skip
    return {row["record_id"] for row in rows}


async def revoke(conn: Connection, record_id: str, now: int, why: str) -> None:
    """Mark a record as taken back."""
    await conn.execute(
        "UPDATE competence_record SET revoked = $2, revoked_why = $3 WHERE record_id = $1", record_id, now, why
    )


async def people(source: Source) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """(person_id, login, display, roles) of everybody who may sign in, by name."""
    rows = await source.fetch(
        "SELECT person_id, login, display, roles FROM person WHERE enabled ORDER BY lower(display), person_id"
    )
    return [(row["person_id"], row["login"], row["display"], tuple(row["roles"])) for row in rows]
