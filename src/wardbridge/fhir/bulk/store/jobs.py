"""Jobs and files in the database. A job that runs is held by an advisory lock, which ends with its connection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.fhir.bulk.job import Cancelled, File, Job, Progress
from wardbridge.security.principal import Principal

_COLUMNS = """job, kind, state, principal, request, plan, progress, snapshot, reason, created, ended, expires"""


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _job(row: Any) -> Job:
    return Job(
        row["job"],
        row["kind"],
        row["state"],
        msgspec.json.decode(row["principal"], type=Principal),
        row["request"],
        msgspec.json.decode(row["plan"]),
        msgspec.json.decode(row["progress"], type=Progress),
        row["created"],
        row["snapshot"] or "",
        row["reason"],
        row["ended"] or 0,
        row["expires"] or 0,
    )


async def add(db: Connection | Pool, job: Job) -> None:
    await db.execute(
        """INSERT INTO fhir_bulk_job (job, kind, state, owner, principal, request, plan, progress, created)
           VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7::text::jsonb, $8::text::jsonb, $9)""",
        job.id,
        job.kind,
        job.state,
        job.principal.id,
        _text(job.principal),
        job.request,
        _text(job.plan),
        _text(job.progress),
        job.created,
    )


async def get(db: Connection | Pool, id_: str) -> Job | None:
    row = await db.fetchrow(f"SELECT {_COLUMNS} FROM fhir_bulk_job WHERE job = $1", id_)
    return None if row is None else _job(row)


async def open_jobs(db: Connection | Pool) -> list[tuple[str, str]]:
    """(id, kind) of what waits or was interrupted, oldest first."""
    rows = await db.fetch(
        "SELECT job, kind FROM fhir_bulk_job WHERE state IN ('waiting', 'running') ORDER BY created, job"
    )
    return [(row[0], row[1]) for row in rows]


async def count_open(db: Connection | Pool, owner: str) -> int:
    return int(
        await db.fetchval(
            "SELECT count(*) FROM fhir_bulk_job WHERE owner = $1 AND state IN ('waiting', 'running')", owner
        )
    )


async def hold(conn: Connection, id_: str) -> bool:
    """Hold the job for as long as this connection lives or until :func:`release`; False where another does."""
    return bool(await conn.fetchval("SELECT pg_try_advisory_lock(hashtext('fhir_bulk_job'), hashtext($1))", id_))


async def release(conn: Connection, id_: str) -> None:
    await conn.execute("SELECT pg_advisory_unlock(hashtext('fhir_bulk_job'), hashtext($1))", id_)


async def begin(db: Connection | Pool, job: Job) -> None:
    """The job runs from here on, with its plan and snapshot as they are now. Raises Cancelled."""
    done = await db.fetchval(
        """UPDATE fhir_bulk_job SET state = 'running', plan = $2::text::jsonb, progress = $3::text::jsonb, snapshot = $4
           WHERE job = $1 AND state IN ('waiting', 'running') RETURNING true""",
        job.id,
        _text(job.plan),
        _text(job.progress),
        job.snapshot or None,
    )
    if not done:
        raise Cancelled("the job was cancelled")
    job.state = "running"


async def step(db: Connection | Pool, job: Job, files: Iterable[File]) -> None:
    """What is done so far, in one statement. Raises Cancelled."""
    listed = list(files)
    done = await db.fetchval(
        """WITH job AS (
               UPDATE fhir_bulk_job SET progress = $2::text::jsonb WHERE job = $1 AND state = 'running' RETURNING job),
           file AS (
               INSERT INTO fhir_bulk_file (job, name, kind, type, lines, bytes)
               SELECT job.job, f.* FROM job, unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
                   AS f(name, kind, type, lines, bytes)
               ON CONFLICT (job, name) DO UPDATE SET lines = excluded.lines, bytes = excluded.bytes)
           SELECT true FROM job""",
        job.id,
        _text(job.progress),
        [file.name for file in listed],
        [file.kind for file in listed],
        [file.type for file in listed],
        [file.lines for file in listed],
        [file.bytes for file in listed],
    )
    if not done:
        raise Cancelled("the job was cancelled")


async def finish(db: Connection | Pool, job: Job, state: str, now: int, expires: int, reason: str = "") -> bool:
    """End an open job; False where it has ended already."""
    return bool(
        await db.fetchval(
            """UPDATE fhir_bulk_job SET state = $2, ended = $3, expires = $4, reason = $5
               WHERE job = $1 AND state IN ('waiting', 'running') RETURNING true""",
            job.id,
            state,
            now,
            expires,
            reason,
        )
    )


async def files(db: Connection | Pool, id_: str) -> list[File]:
    """In the order of their types and numbers."""
    rows = await db.fetch(
        """SELECT name, kind, type, lines, bytes FROM fhir_bulk_file WHERE job = $1
           ORDER BY kind DESC, type, length(name), name""",
        id_,
    )
    return [File(*row) for row in rows]


async def forget_files(db: Connection | Pool, id_: str) -> None:
    await db.execute("DELETE FROM fhir_bulk_file WHERE job = $1", id_)


async def cancel(db: Connection | Pool, id_: str, now: int) -> None:
    """Whatever the state: nothing of the job is given out any more, and its files go with the next upkeep."""
    await db.execute(
        "UPDATE fhir_bulk_job SET state = 'cancelled', ended = coalesce(ended, $2), expires = $2 WHERE job = $1",
        id_,
        now,
    )


async def expired(db: Connection | Pool, now: int) -> list[str]:
    rows = await db.fetch("SELECT job FROM fhir_bulk_job WHERE expires <= $1 ORDER BY job", now)
    return [row[0] for row in rows]


async def remove(db: Connection | Pool, id_: str) -> None:
    await db.execute("DELETE FROM fhir_bulk_job WHERE job = $1", id_)


async def known(db: Connection | Pool) -> set[str]:
    return {row[0] for row in await db.fetch("SELECT job FROM fhir_bulk_job")}
