"""Bringing older resources to the rules of now, online: in small batches, beside readers and writers, provably.

A batch is read without locks, extracted here, and written by one statement that takes each row only where it has not
changed meanwhile and nobody holds it; who was passed over is met again in the next pass. How far it has come is in
the database with each batch, so a killed reindex goes on where it was. A type is complete when, after every statement
that may have seen the old rules has ended, not one resource is labelled with other rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from wardbridge.core.clock import Clock
from wardbridge.core.db import AWAY, Connection, Pool, transaction
from wardbridge.core.errors import Unavailable
from wardbridge.fhir.json import loads
from wardbridge.fhir.search.custom import Unfit, parameter_of, types_of_base
from wardbridge.fhir.search.hash import INDEX_VERSION, reference_hash
from wardbridge.fhir.search.rows import TABLES
from wardbridge.fhir.store import rules
from wardbridge.fhir.store.numbers import LEASE_SECONDS, Numbers
from wardbridge.fhir.store.statement import SEARCH, Columns, values_of

log = structlog.get_logger(__name__)

BATCH = 200
BATCH_BYTES = 4 * 1024 * 1024
LOOK_SECONDS = 0.5
STATEMENT_SECONDS = 65.0
"""Longer than any statement of ours may run: who has written nothing for so long in one only reads."""


@dataclass
class Reindexer:
    """One at a time in the whole database. ``room`` raises Unavailable when the disk is nearly full."""

    pool: Pool
    numbers: Numbers
    clock: Clock
    room: Callable[[], None] = lambda: None
    batch: int = BATCH
    refused: dict[str, str] = field(default_factory=dict)
    """Why a SearchParameter of the record is not in force, by id."""
    _seen: tuple[int, int] = (-1, -1)
    _first: dict[str, tuple[int, float, float]] = field(default_factory=dict)
    """By type: the rules, and when we first saw them (clock of the database in s, our monotonic clock in s)."""

    async def run(self) -> None:
        """Until cancelled. A database that is away, or a full disk, is waited for."""
        while True:
            try:
                await self.once()
            except (Unavailable, *AWAY) as error:
                log.info("reindex.waiting", reason=type(error).__name__)
            await self.clock.sleep(LOOK_SECONDS)

    async def once(self) -> bool:
        """All that there is to do now; False where another process has the reindex in hand."""
        async with self.pool.acquire() as conn:
            if not await conn.fetchval("SELECT pg_try_advisory_lock(hashtext('fhir_reindex'))"):
                return False
            try:
                await self.sync()
                await self.numbers.refresh(self.pool)
                for name in sorted(self.numbers.progress):
                    if not self.numbers.progress[name].ready:
                        await self._bring(name, conn)
            finally:
                if not conn.is_closed():
                    await conn.execute("SELECT pg_advisory_unlock(hashtext('fhir_reindex'))")
        return True

    # --- which parameters are in force ---------------------------------------------------------------------------

    async def sync(self) -> None:
        """Take the SearchParameters of the record as they are now; each set that changes gets a new number."""
        number = self.numbers.types["SearchParameter"]
        state = await rules.state_of_resources(self.pool, number)
        if state == self._seen:
            return
        async with transaction(self.pool) as conn:
            await rules.lock(conn)
            known = {(one.type, one.parameter.url): one for one in await rules.customs(conn)}
            wanted, self.refused = _in_force(await rules.resources(conn, number))
            for key, (resource, parameter) in wanted.items():
                before = known.get(key)
                if before is None or before.retired or before.parameter != parameter:
                    await rules.keep(conn, key[0], resource, parameter)
            gone = [one.number for key, one in known.items() if not one.retired and _replaced(one, wanted.get(key))]
            if gone:
                await rules.retire(conn, gone)
            changed = await rules.settle(conn, self.numbers.types)
        self._seen = state
        if changed:
            log.info("reindex.rules", types=len(changed))

    async def anew(self, types: Sequence[str] = ()) -> None:
        """Make the rows of these types (none named: of all) again, whatever they are like. Raises KeyError."""
        number_of = self.numbers.types
        async with transaction(self.pool) as conn:
            await rules.lock(conn)
            await rules.settle(conn, number_of, anew=[*types] or list(number_of))
        await self.numbers.refresh(self.pool)

    # --- resources -----------------------------------------------------------------------------------------------

    async def _bring(self, name: str, holder: Connection) -> None:
        number, wanted = self.numbers.types[name], self.numbers.rules[name]
        await self._lease(name, wanted)
        at = self.numbers.progress[name]
        cursor = at.cursor
        if cursor == 0:
            await _begin(self.pool, number, wanted)
        while self.numbers.rules[name] == wanted:
            if holder.is_closed():
                raise Unavailable("the connection that holds the reindex is lost", "database")
            self.room()
            some = await _stale(self.pool, number, wanted, cursor, self.batch)
            if some:
                await self._write(name, wanted, some)
                cursor = some[-1][0]
                await self.numbers.refresh(self.pool)
                continue
            if await self._settled(name, wanted) and not await _left(self.pool, number, wanted):
                await _complete(self.pool, number, wanted)
                await self.numbers.refresh(self.pool)
                log.info("reindex.complete", type=name, rules=wanted)
                return
            # Some were passed over, or a writer of the old rules is not done yet.
            if cursor == 0:
                await self.clock.sleep(0.05)
                await self.numbers.refresh(self.pool)
            cursor = 0

    async def _lease(self, name: str, wanted: int) -> None:
        """Before rows of a retired or changed parameter go: until no process can still rely on it."""
        if self._first.get(name, (0, 0.0, 0.0))[0] != wanted:
            self._first[name] = wanted, await _now(self.pool), self.clock.monotonic()
        numbers = self.numbers
        complete = numbers.progress[name].complete
        touched = [
            one
            for one in await rules.customs(self.pool)
            if one.type == name and one.rules > complete and (one.retired or one.searched)
        ]
        if not touched:
            return
        while (left := self._first[name][2] + 2 * LEASE_SECONDS - self.clock.monotonic()) > 0:
            await self.clock.sleep(min(left, LOOK_SECONDS))

    async def _settled(self, name: str, wanted: int) -> bool:
        """Whether every statement that may have seen the rules of before has ended."""
        first = self._first[name]
        return first[0] == wanted and not await _older(self.pool, first[1])

    async def _write(self, name: str, wanted: int, some: Sequence[tuple[int, str, int, int]]) -> None:
        for chunk in _chunks(some):
            bodies = await _bodies(self.pool, chunk)
            extract = self.numbers.extractor(name)
            if self.numbers.rules[name] != wanted:
                return
            columns = Columns()
            changes: list[list[Any]] = []
            for key, id_, version, _ in chunk:
                body = bodies.get(key)
                if body is None:
                    continue
                rows = extract(loads(body))
                narrative, content = rows.text or (None, None)
                changes.append([key, version, rows.fingerprint(), reference_hash(name, id_), narrative, content])
                for table in TABLES:
                    if found := getattr(rows, table):
                        columns.rows(table, len(changes), found, self.numbers.types)
                await asyncio.sleep(0)
            await _put(self.pool, self.numbers.types[name], wanted, changes, columns, chunk[-1][0])


def _in_force(
    resources: Iterable[tuple[str, bytes]],
) -> tuple[dict[tuple[str, str], tuple[str, Any]], dict[str, str]]:
    """((type, url) -> (id, parameter), id -> why it is not): the first of a url, and of a type and code, holds."""
    wanted: dict[tuple[str, str], tuple[str, Any]] = {}
    refused: dict[str, str] = {}
    codes: dict[tuple[str, str], str] = {}
    for id_, body in resources:
        resource = loads(body)
        try:
            parameter = parameter_of(resource)
        except Unfit as error:
            refused[id_] = f"{error.where}: {error}"
            continue
        if parameter is None:
            continue  # not active, or the standard's own
        types = types_of_base(parameter)
        taken = [f"{codes[name, parameter.code]} on {name}" for name in types if (name, parameter.code) in codes]
        if taken or any((name, parameter.url) in wanted for name in types):
            refused[id_] = f"the code {parameter.code} is taken by {taken[0]}" if taken else "its url is taken"
            continue
        for name in types:
            codes[name, parameter.code] = parameter.url
            wanted[name, parameter.url] = id_, parameter
    return wanted, refused


def _replaced(one: rules.Custom, wanted: tuple[str, Any] | None) -> bool:
    """Whether the number is no longer that of its parameter: retired, or its code is another."""
    return wanted is None or wanted[1].code != one.parameter.code


def _chunks(some: Sequence[tuple[int, str, int, int]]) -> Iterable[list[tuple[int, str, int, int]]]:
    chunk: list[tuple[int, str, int, int]] = []
    size = 0
    for one in some:
        if chunk and size + one[3] > BATCH_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += one[3]
    if chunk:
        yield chunk


# --- SQL ---------------------------------------------------------------------------------------------------------


async def _now(pool: Pool) -> float:
    return float(await pool.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8"))


async def _older(pool: Pool, moment: float) -> bool:
    """Whether a transaction that began before ``moment`` (s, clock of the database) may still write."""
    return bool(
        await pool.fetchval(
            """SELECT EXISTS (SELECT 1 FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                 AND state <> 'idle' AND xact_start <= to_timestamp($1::float8)
                 AND (backend_xid IS NOT NULL
                      OR clock_timestamp() - query_start < make_interval(secs => $2::float8)))""",
            moment,
            STATEMENT_SECONDS,
        )
    )


async def _begin(pool: Pool, number: int, wanted: int) -> None:
    await pool.execute(
        """UPDATE fhir_rules SET done = 0, total = (
               SELECT count(*) FROM fhir_resource r WHERE r.type = $1 AND NOT r.deleted AND r.rules <> $2)
           WHERE type = $1 AND rules = $2 AND total = 0""",
        number,
        wanted,
    )


async def _stale(pool: Pool, number: int, wanted: int, after: int, most: int) -> list[tuple[int, str, int, int]]:
    """(key, id, version, bytes) of the next resources of other rules, by key."""
    rows = await pool.fetch(
        """SELECT r.key, r.id, r.version, octet_length(v.body) FROM fhir_resource r
           JOIN fhir_version v ON v.key = r.key AND v.version = r.version
           WHERE r.type = $1 AND NOT r.deleted AND r.key > $3 AND r.rules <> $2 ORDER BY r.key LIMIT $4""",
        number,
        wanted,
        after,
        most,
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def _left(pool: Pool, number: int, wanted: int) -> bool:
    return bool(
        await pool.fetchval(
            "SELECT EXISTS (SELECT 1 FROM fhir_resource WHERE type = $1 AND NOT deleted AND rules <> $2)",
            number,
            wanted,
        )
    )


async def _complete(pool: Pool, number: int, wanted: int) -> None:
    await pool.execute(
        """UPDATE fhir_rules SET complete = rules, complete_version = index_version, cursor = 0, anew = false
           WHERE type = $1 AND rules = $2""",
        number,
        wanted,
    )


async def _bodies(pool: Pool, some: Sequence[tuple[int, str, int, int]]) -> dict[int, bytes]:
    rows = await pool.fetch(
        """SELECT v.key, v.body FROM unnest($1::bigint[], $2::int[]) AS u(key, version)
           JOIN fhir_version v USING (key, version) WHERE v.body IS NOT NULL""",
        [one[0] for one in some],
        [one[2] for one in some],
    )
    return {row[0]: row[1] for row in rows}


_INPUT = (
    ("key", "bigint"),
    ("version", "int"),
    ("fingerprint", "bigint"),
    ("hash", "bigint"),
    ("narrative", "text"),
    ("content", "text"),
)


async def _put(pool: Pool, number: int, wanted: int, changes: list[list[Any]], columns: Columns, cursor: int) -> None:
    """One batch in one statement. Rows that changed meanwhile, or that somebody is changing, are passed over."""
    tables = [name for name in SEARCH if name in columns.search]
    names = ", ".join(name for name, _ in _INPUT)
    keys = "ARRAY (SELECT key FROM taken WHERE rewritten)"
    parts = [
        f"""input AS MATERIALIZED (
    SELECT n, {names} FROM (
        SELECT n, {values_of(_INPUT, 0)} FROM jsonb_array_elements($1::text::jsonb) WITH ORDINALITY AS i(e, n)
    ) AS i(n, {names}))""",
        f"""taken AS MATERIALIZED (
    SELECT r.key, i.n, r.fingerprint <> i.fingerprint OR r.index_version <> {INDEX_VERSION} OR g.anew AS rewritten
    FROM fhir_resource r JOIN input i ON r.key = i.key JOIN fhir_rules g ON g.type = $2 AND g.rules = $3
    WHERE r.version = i.version AND NOT r.deleted AND r.rules <> $3
    ORDER BY r.key FOR UPDATE OF r SKIP LOCKED)""",
        f"""changed AS (
    UPDATE fhir_resource r SET rules = $3, index_version = {INDEX_VERSION}, fingerprint = i.fingerprint, hash = i.hash
    FROM taken t JOIN input i USING (n) WHERE r.key = t.key)""",
        """progress AS (
    UPDATE fhir_rules SET cursor = $4, done = done + (SELECT count(*) FROM taken) WHERE type = $2 AND rules = $3)""",
        *(f"gone_{table} AS (DELETE FROM fhir_{table} WHERE key = ANY ({keys}))" for table in SEARCH),
        """new_text AS (
    INSERT INTO fhir_text AS t (key, words)
    SELECT i.key, setweight(to_tsvector('simple', i.narrative), 'A') || to_tsvector('simple', i.content)
    FROM input i JOIN taken USING (n) WHERE i.content IS NOT NULL
    ON CONFLICT (key) DO UPDATE SET words = excluded.words WHERE t.words IS DISTINCT FROM excluded.words)""",
    ]
    for argument, table in enumerate(tables, 5):
        listed = ", ".join(name for name, _ in SEARCH[table])
        parts.append(f"""new_{table} AS (
    INSERT INTO fhir_{table} (key, {listed})
    SELECT t.key, {values_of(SEARCH[table], 1)} FROM jsonb_array_elements(${argument}::text::jsonb) e
    JOIN taken t ON t.n = (e->>0)::int WHERE t.rewritten)""")
    listed_rows = [changes, *(columns.search[name] for name in tables)]
    arguments = [orjson.dumps(rows, default=str).decode() for rows in listed_rows]
    await pool.execute("WITH " + ",\n".join(parts) + "\nSELECT 1", arguments[0], number, wanted, cursor, *arguments[1:])
