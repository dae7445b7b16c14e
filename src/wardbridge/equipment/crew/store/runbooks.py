"""SQL of runbooks and their runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.crew.steps import Step, Task

Source = Connection | Pool
_STEPS = msgspec.json.Decoder(tuple[Step, ...])


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a runbook; never changed. ``at`` in µs."""

    version: int
    title: str
    about: str
    steps: tuple[Step, ...]
    author: str
    display: str
    at: int


class Runbook(msgspec.Struct, frozen=True, kw_only=True):
    """A procedure that departments share: the newest version, and the one in force (``agreed``)."""

    runbook_id: str
    slug: str
    kind: str
    state: str
    latest: int
    published: int
    example: bool
    changed: int
    newest: Version
    agreed: Version | None

    @property
    def shown(self) -> Version:
        """The one in force, the newest where there is none."""
        return self.agreed or self.newest


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One use of a runbook. Times in µs, 0 for none; ``device_id`` '' where it is not about a machine."""

    run_id: str
    runbook_id: str
    version: int
    slug: str
    kind: str
    title: str
    scope: str
    target: str
    device_id: str
    reason: str
    state: str
    started: int
    started_by: str
    display: str
    ended: int = 0
    ended_by: str = ""
    ended_why: str = ""
    lesson_slug: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a run's log: started, begun, done, skipped, aborted, remark."""

    at: int
    person_id: str
    display: str
    key: str
    kind: str
    text: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A run in a list."""

    run: Run
    total: int
    ended: int
    doing: int


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """A ward that a run touches: how many machines, how many of them are with patients."""

    ward: str
    devices: int
    in_use: int
    beds: tuple[str, ...]


async def add(conn: Connection, runbook_id: str, slug: str, kind: str, example: bool, now: int) -> bool:
    """A new runbook without a version; False where the slug is taken."""
    done = await conn.fetchval(
        """INSERT INTO runbook (runbook_id, slug, kind, state, latest, example, changed)
           VALUES ($1, $2, $3, 'draft', 0, $4, $5) ON CONFLICT (slug) DO NOTHING RETURNING true""",
        runbook_id, slug, kind, example, now,
    )  # fmt: skip
    return bool(done)


async def write(conn: Connection, runbook_id: str, kind: str, one: Version) -> None:
    """A version as the newest one, a draft."""
    await conn.execute(
        """WITH head AS (UPDATE runbook SET latest = $2, state = 'draft', kind = $9, changed = $8 WHERE runbook_id = $1)
           INSERT INTO runbook_version (runbook_id, version, title, about, steps, author, display, at)
           VALUES ($1, $2, $3, $4, $5::text::jsonb, $6, $7, $8)""",
        runbook_id, one.version, one.title, one.about, msgspec.json.encode(one.steps).decode(), one.author,
        one.display, one.at, kind,
    )  # fmt: skip


async def move(conn: Connection, runbook_id: str, state: str, published: int | None, now: int) -> None:
    """A new state; ``published`` None leaves what is in force."""
    await conn.execute(
        """UPDATE runbook SET state = $2, published = coalesce($3, published), changed = $4 WHERE runbook_id = $1""",
        runbook_id, state, published, now,
    )  # fmt: skip


def _version(row: Any) -> Version:
    return Version(version=row["version"], title=row["title"], about=row["about"], steps=_STEPS.decode(row["steps"]),
                   author=row["author"], display=row["display"], at=row["at"])  # fmt: skip


async def runbooks(source: Source, *, slug: str = "", retired: bool = False, lock: bool = False) -> list[Runbook]:
    """Runbooks by kind and title, or the one of this slug."""
    heads = await source.fetch(
        f"""SELECT * FROM runbook WHERE ($1 = '' OR slug = $1) AND ($2 OR $1 <> '' OR state <> 'retired')
            {"FOR UPDATE" if lock else ""}""",
        slug, retired,
    )  # fmt: skip
    rows = await source.fetch(
        """SELECT v.runbook_id, v.version, v.title, v.about, v.steps::text AS steps, v.author, v.display, v.at
           FROM runbook_version v JOIN runbook r USING (runbook_id)
           WHERE r.runbook_id = ANY($1) AND v.version IN (r.latest, r.published)""",
        [head["runbook_id"] for head in heads],
    )  # fmt: skip
    versions = {(row["runbook_id"], row["version"]): _version(row) for row in rows}
    found = [
        Runbook(runbook_id=head["runbook_id"], slug=head["slug"], kind=head["kind"], state=head["state"],
                latest=head["latest"], published=head["published"] or 0, example=head["example"],
                changed=head["changed"], newest=versions[head["runbook_id"], head["latest"]],
                agreed=versions.get((head["runbook_id"], head["published"])))
        for head in heads
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.kind, one.shown.title.lower(), one.slug))


_RUN = """r.run_id, r.runbook_id, r.version, r.slug, r.kind, r.title, r.scope, r.target,
          coalesce(r.device_id, '') AS device_id, r.reason, r.state, r.started, r.started_by, r.display,
          coalesce(r.ended, 0) AS ended, r.ended_by, r.ended_why, r.lesson_slug"""


def _run(row: Any) -> Run:
    return Run(**{name: row[name] for name in Run.__struct_fields__})


async def put_run(conn: Connection, one: Run) -> None:
    """Insert a run, or change its end."""
    await conn.execute(
        """INSERT INTO runbook_run (run_id, runbook_id, version, slug, kind, title, scope, target, device_id, reason,
                                    state, started, started_by, display, ended, ended_by, ended_why, lesson_slug)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, ''), $10, $11, $12, $13, $14, nullif($15::bigint, 0),
                   $16, $17, $18)
           ON CONFLICT (run_id) DO UPDATE SET state = excluded.state, ended = excluded.ended,
               ended_by = excluded.ended_by, ended_why = excluded.ended_why, lesson_slug = excluded.lesson_slug""",
        *[getattr(one, name) for name in Run.__struct_fields__],
    )  # fmt: skip


async def put_tasks(conn: Connection, run_id: str, tasks: Sequence[Task]) -> None:
    """Insert steps, or change how far they are, in one statement."""
    rows = [
        {**msgspec.to_builtins(one), "run_id": run_id, "started": one.started or None, "ended": one.ended or None}
        for one in tasks
    ]
    await conn.execute(
        """INSERT INTO runbook_task SELECT * FROM jsonb_populate_recordset(NULL::runbook_task, $1::text::jsonb)
           ON CONFLICT (run_id, key) DO UPDATE SET state = excluded.state, person_id = excluded.person_id,
               display = excluded.display, started = excluded.started, ended = excluded.ended, proof = excluded.proof,
               reason = excluded.reason, order_id = excluded.order_id,
               request_id = excluded.request_id""",
        msgspec.json.encode(rows).decode(),
    )  # fmt: skip


async def run(source: Source, run_id: str, *, lock: bool = False) -> tuple[Run, tuple[Task, ...]] | None:
    """A run with its steps in order."""
    row = await source.fetchrow(
        f"SELECT {_RUN} FROM runbook_run r WHERE run_id = $1 {'FOR UPDATE' if lock else ''}", run_id
    )
    if row is None:
        return None
    rows = await source.fetch("SELECT * FROM runbook_task WHERE run_id = $1 ORDER BY position", run_id)
    tasks = tuple(
        Task(**{name: one[name] for name in Task.__struct_fields__ if name not in ("after", "started", "ended")},
             after=tuple(one["after"]), started=one["started"] or 0, ended=one["ended"] or 0)
        for one in rows
    )  # fmt: skip
    return _run(row), tasks


async def runs(source: Source, *, state: str = "", device_id: str = "", limit: int = 100) -> list[Line]:
    """Runs, running ones first, then the newest."""
    rows = await source.fetch(
        f"""SELECT {_RUN}, count(t.*) AS total, count(t.ended) AS over,
                   count(*) FILTER (WHERE t.state = 'doing') AS doing
            FROM runbook_run r LEFT JOIN runbook_task t USING (run_id)
            WHERE ($1 = '' OR r.state = $1) AND ($2 = '' OR r.device_id = $2)
            GROUP BY r.run_id ORDER BY r.state <> 'running', r.started DESC, r.run_id LIMIT $3""",
        state, device_id, limit,
    )  # fmt: skip
    return [Line(run=_run(row), total=row["total"], ended=row["over"], doing=row["doing"]) for row in rows]


async def runs_here(source: Source, slug: str, scope: str, target: str, device_id: str) -> bool:
    """Whether this runbook is under way on this target."""
    return bool(await source.fetchval(
        """SELECT EXISTS (SELECT FROM runbook_run WHERE state = 'running' AND slug = $1 AND scope = $2
           AND CASE WHEN $4 = '' THEN target = $3 ELSE device_id = $4 END)""", slug, scope, target, device_id,
    ))  # fmt: skip


async def say(conn: Connection, run_id: str, entry: Entry) -> None:
    """Append to a run's log."""
    await conn.execute(
        """INSERT INTO runbook_log (run_id, at, person_id, display, key, kind, text)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        run_id, entry.at, entry.person_id, entry.display, entry.key, entry.kind, entry.text,
    )  # fmt: skip


async def log(source: Source, run_id: str) -> list[Entry]:
    """The log of a run, oldest first."""
    rows = await source.fetch(
        """SELECT at, person_id, display, key, kind, text FROM runbook_log WHERE run_id = $1
           ORDER BY entry_id LIMIT 2000""", run_id,
    )  # fmt: skip
    return [Entry(**dict(row)) for row in rows]


async def affected(source: Source, scope: str, target: str) -> list[Affected]:
    """The wards that a run touches, those with most machines in use first: one statement."""
    rows = await source.fetch(
        """SELECT coalesce(n.ward, '') AS ward, count(*) AS devices, count(*) FILTER (WHERE n.in_use) AS in_use,
                  coalesce(array_agg(DISTINCT n.place_label ORDER BY n.place_label)
                           FILTER (WHERE n.in_use AND n.place_label <> ''), '{}') AS beds
           FROM asset_now n
           WHERE n.state IN ('in-service', 'maintenance-due', 'on-loan', 'recalled') AND n.parent_id IS NULL
             AND CASE $1 WHEN 'device' THEN n.device_id = $2 WHEN 'ward' THEN n.ward = $2 WHEN 'system' THEN true
                 ELSE EXISTS (SELECT FROM interface i WHERE i.device_id = n.device_id
                              AND CASE $1 WHEN 'switch' THEN i.switch = $2 ELSE i.zone = $2 END) END
           GROUP BY coalesce(n.ward, '') ORDER BY in_use DESC, devices DESC, ward""",
        scope, target,
    )  # fmt: skip
    return [Affected(ward=row["ward"], devices=row["devices"], in_use=row["in_use"], beds=tuple(row["beds"]))
            for row in rows]  # fmt: skip


async def targets(source: Source) -> dict[str, list[str]]:
    """Wards, switches and zones that a run may be about."""
    row = await source.fetchrow(
        """SELECT ARRAY(SELECT DISTINCT ward FROM place WHERE ward <> '' ORDER BY 1) AS ward,
                  ARRAY(SELECT DISTINCT switch FROM interface WHERE switch <> '' ORDER BY 1 LIMIT 500) AS switch,
                  ARRAY(SELECT DISTINCT zone FROM interface WHERE zone <> '' ORDER BY 1 LIMIT 500) AS zone"""
    )
    return {name: list(row[name]) for name in ("ward", "switch", "zone")}


async def device(source: Source, text: str) -> tuple[str, str] | None:
    """(device_id, name) of a machine by its id, asset number or serial number."""
    row = await source.fetchrow(
        """SELECT device_id, coalesce(nullif(label, ''), model || ' ' || coalesce(nullif(tag, ''), serial)) AS name
           FROM asset_now WHERE device_id = $1 OR tag = $1 OR serial = $1
           ORDER BY (device_id = $1) DESC, (tag = $1) DESC LIMIT 1""", text,
    )  # fmt: skip
    return (row["device_id"], row["name"]) if row and text else None
