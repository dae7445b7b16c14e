"""The intake log's statements: one per batch, one per read."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import asyncpg
import msgspec
import zstandard

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import NotFound, Unavailable
from wardbridge.exchange.intake.entry import Accepted, Entry, Key, Row

GENERATION = 7 * DAY
"""Keys of repeated messages are kept for this long at least, twice as long at most."""

CHANNEL = "wb_intake"
_SEPARATOR = "\x1f"
_LIMIT = 256 * 1024 * 1024
_local = threading.local()

_INSERT = """
WITH input AS MATERIALIZED (
    SELECT * FROM unnest($2::bigint[], $3::bytea[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bytea[], $15::bytea[])
    WITH ORDINALITY AS i (name, digest, received, kind, link, sender, control,
        message_type, profile, status, patients, problems, raw, payload, place)),
fresh AS (
    INSERT INTO intake_key (generation, name, digest, sequence)
    SELECT $1, n.name, n.digest, nextval('intake_sequence')
    FROM (SELECT i.name, i.digest FROM input i
          WHERE NOT EXISTS (SELECT FROM intake_key k
              WHERE k.generation = $1 - 1 AND k.name = i.name AND k.digest = i.digest)
          ORDER BY i.place) n
    ON CONFLICT DO NOTHING
    RETURNING name, digest, sequence),
judged AS MATERIALIZED (
    SELECT f.*, EXISTS (SELECT FROM intake_key k WHERE k.generation IN ($1, $1 - 1)
                        AND k.name = f.name AND k.digest <> f.digest) AS clash
    FROM fresh f),
stored AS (
    INSERT INTO intake (sequence, received, kind, link, sender, control, message_type, profile, status, clash,
                        patient_ids, problems, raw, payload)
    SELECT j.sequence, i.received, i.kind, i.link, i.sender, i.control, i.message_type, i.profile, i.status,
           j.clash, CASE WHEN i.patients = '' THEN '{}' ELSE string_to_array(i.patients, chr(31)) END,
           i.problems, i.raw, i.payload
    FROM judged j JOIN input i USING (name, digest))
SELECT digest, sequence, clash FROM judged
"""

_COLUMNS = (
    "sequence, kind, link, sender, control, received, message_type, profile, status, clash, patient_ids, problems"
)


class Packed(msgspec.Struct, frozen=True, gc=False):
    """An entry ready to be stored: compressed, keyed, its texts cleaned."""

    key: Key
    received: int
    kind: str
    link: str
    sender: str
    control: str
    message_type: str
    profile: str
    status: str
    patients: str
    problems: str
    raw: bytes
    payload: bytes

    @property
    def size(self) -> int:
        return len(self.raw) + len(self.payload) + 200


def pack(entry: Entry, key: Key) -> Packed:
    """Compress the bytes; characters that PostgreSQL cannot hold (NUL, lone surrogates) become U+FFFD."""
    return Packed(
        key,
        entry.received,
        _text(entry.kind),
        _text(entry.link),
        _text(entry.sender),
        _text(entry.control),
        _text(entry.message_type),
        _text(entry.profile),
        _text(entry.status),
        _SEPARATOR.join(_text(one.replace(_SEPARATOR, "�")) for one in entry.patient_ids if one),
        _text(entry.problems),
        _compress(entry.raw),
        _compress(entry.payload),
    )


def _text(text: str) -> str:
    if text.isascii():
        return text.replace("\0", "�") if "\0" in text else text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "�")


def _compress(data: bytes) -> bytes:
    if not data:
        return b""
    compressor: zstandard.ZstdCompressor | None = getattr(_local, "compressor", None)
    if compressor is None:
        compressor = _local.compressor = zstandard.ZstdCompressor(level=1, write_checksum=False)
    return compressor.compress(data)


def _expand(data: bytes) -> bytes:
    if not data:
        return b""
    decompressor: zstandard.ZstdDecompressor | None = getattr(_local, "decompressor", None)
    if decompressor is None:
        # Kept, since making one costs more than a small message.
        decompressor = _local.decompressor = zstandard.ZstdDecompressor()
    return decompressor.decompress(data, max_output_size=_LIMIT)


@dataclass(frozen=True)
class Partitions:
    """The partitions that a batch needs: days of receive time and the generation of keys."""

    days: frozenset[int]
    generation: int


async def ensure_partitions(connection: Connection, wanted: Partitions) -> None:
    """Make what is missing, without stopping readers or writers of the rest."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('intake_partitions'))")
        for day in sorted(wanted.days):
            await _attach(
                connection,
                "intake",
                f"intake_{_suffix(day)}",
                f"FROM ({day * DAY}) TO ({(day + 1) * DAY})",
                " WITH (toast_tuple_target = 8160)",
            )
        for generation in (wanted.generation, wanted.generation - 1):
            await _attach(connection, "intake_key", f"intake_key_{_suffix(generation)}", f"IN ({generation})", "")


def _suffix(number: int) -> str:
    return str(number) if number >= 0 else f"m{-number}"


async def _attach(connection: Connection, parent: str, name: str, bound: str, options: str) -> None:
    # Not to_regclass: behind the advisory lock it may answer from a cache filled before.
    if await connection.fetchval(
        "SELECT EXISTS (SELECT FROM pg_class WHERE relname = $1 AND relnamespace = current_schema()::regnamespace)",
        name,
    ):
        return
    # ATTACH locks less than CREATE ... PARTITION OF: writers of other partitions go on.
    await connection.execute(f"CREATE TABLE {name} (LIKE {parent} INCLUDING DEFAULTS INCLUDING STORAGE){options}")
    await connection.execute(f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES {bound}")


async def insert(connection: Connection, generation: int, batch: Sequence[Packed]) -> dict[bytes, Accepted]:
    """Store ``batch`` (no two with the same digest) in one statement; answers by digest."""
    rows = await connection.fetch(
        _INSERT,
        generation,
        [p.key.name for p in batch],
        [p.key.digest for p in batch],
        [p.received for p in batch],
        [p.kind for p in batch],
        [p.link for p in batch],
        [p.sender for p in batch],
        [p.control for p in batch],
        [p.message_type for p in batch],
        [p.profile for p in batch],
        [p.status for p in batch],
        [p.patients for p in batch],
        [p.problems for p in batch],
        [p.raw for p in batch],
        [p.payload for p in batch],
    )
    answers = {row["digest"]: Accepted(row["sequence"], False, row["clash"]) for row in rows}
    missing = [p.key for p in batch if p.key.digest not in answers]
    if missing:
        known = await connection.fetch(
            """SELECT digest, sequence FROM intake_key WHERE generation IN ($1, $1 - 1)
               AND (name, digest) IN (SELECT * FROM unnest($2::bigint[], $3::bytea[]))""",
            generation,
            [k.name for k in missing],
            [k.digest for k in missing],
        )
        answers.update({row["digest"]: Accepted(row["sequence"], True) for row in known})
        if len(answers) < len(batch):
            raise Unavailable("keys of repeated messages went while they were looked up", "intake_key")
    return answers


async def ring(connection: Connection) -> None:
    """Wake the readers. Apart from the insert, since NOTIFY serialises commits."""
    await connection.execute(f"NOTIFY {CHANNEL}")


async def read(conn: Connection, name: str, limit: int) -> list[Row]:
    """The next entries for consumer ``name``, oldest first, each transaction's in sequence order.

    Locks the consumer's cursor until the transaction ends, so two readers of one name take turns.
    Entries of transactions that may still commit are left for later: none is ever skipped.
    """
    # Locking the cursor costs an fsync at commit: look first whether there is anything.
    if not await conn.fetchval(
        """SELECT EXISTS (SELECT FROM intake WHERE (xid, sequence) > (
                   coalesce((SELECT xid FROM intake_cursor WHERE name = $1), '0'),
                   coalesce((SELECT sequence FROM intake_cursor WHERE name = $1), 0))
               AND xid < pg_snapshot_xmin(pg_current_snapshot()))""",
        name,
    ):
        return []
    await conn.execute("INSERT INTO intake_cursor (name) VALUES ($1) ON CONFLICT DO NOTHING", name)
    cursor = await conn.fetchrow("SELECT xid, sequence FROM intake_cursor WHERE name = $1 FOR UPDATE", name)
    rows = await conn.fetch(
        f"""SELECT {_COLUMNS}, payload FROM intake
            WHERE (xid, sequence) > ($1, $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
            ORDER BY xid, sequence LIMIT $3""",
        cursor["xid"],
        cursor["sequence"],
        limit,
    )
    return [_row(row) for row in rows]


async def advance(conn: Connection, name: str, sequence: int) -> None:
    """Move consumer ``name`` behind the entry ``sequence``, the last one it has dealt with.

    Raises NotFound when there is no such entry.
    """
    done = await conn.execute(
        """UPDATE intake_cursor c SET xid = i.xid, sequence = i.sequence
           FROM intake i WHERE c.name = $1 AND i.sequence = $2""",
        name,
        sequence,
    )
    if done == "UPDATE 0":
        raise NotFound(f"intake has no entry {sequence} or no reader of that name", f"intake_cursor/{name}")


async def rebase(conn: Connection) -> None:
    """After a logical restore: transaction numbers of another cluster mean nothing here, order by sequence
    remains. Rewrites the log. What some reader had not read, though it had read higher numbers, comes
    behind the rest, so that it is not skipped (readers that had read it see it again).
    """
    await conn.execute("LOCK TABLE intake, intake_cursor IN ACCESS EXCLUSIVE MODE")
    await conn.execute(
        """UPDATE intake i SET xid = CASE WHEN EXISTS (
               SELECT FROM intake_cursor c WHERE i.sequence <= c.sequence AND i.xid > c.xid)
           THEN '1'::xid8 ELSE '0'::xid8 END"""
    )
    await conn.execute("UPDATE intake_cursor SET xid = '0'")


async def backlog(pool: Pool, name: str) -> int:
    """How many entries consumer ``name`` has not dealt with yet."""
    count: int = await pool.fetchval(
        """SELECT count(*) FROM intake i WHERE (i.xid, i.sequence) > (
               coalesce((SELECT xid FROM intake_cursor WHERE name = $1), '0'::xid8),
               coalesce((SELECT sequence FROM intake_cursor WHERE name = $1), 0))""",
        name,
    )
    return count


async def message(pool: Pool, sequence: int) -> Row:
    """One entry with its raw bytes. Raises NotFound when it is not there (any more)."""
    row = await pool.fetchrow(f"SELECT {_COLUMNS}, payload, raw FROM intake WHERE sequence = $1", sequence)
    if row is None:
        raise NotFound(f"no message {sequence}", f"intake/{sequence}")
    return _row(row)


def _row(row: asyncpg.Record) -> Row:
    return Row(
        row["sequence"],
        row["kind"],
        row["link"],
        row["sender"],
        row["control"],
        row["received"],
        row["message_type"],
        row["profile"],
        row["status"],
        row["clash"],
        tuple(row["patient_ids"]),
        row["problems"],
        _expand(row["payload"]),
        _expand(row["raw"]) if "raw" in row else b"",
    )


async def retain(pool: Pool, raw_days: int, now: int) -> list[str]:
    """Drop whole days older than ``raw_days`` and keys of repeated messages older than a week.

    Days that a consumer has not read to the end stay. Returns the names of the dropped partitions.
    """
    dropped: list[str] = []
    async with pool.acquire() as connection:
        for name, low in await _partitions(connection, "intake"):
            if low + DAY + raw_days * DAY > now or await _unread(connection, name):
                continue
            await _drop(connection, name)
            dropped.append(name)
        for name, generation in await _partitions(connection, "intake_key"):
            if generation < now // GENERATION - 1:
                await _drop(connection, name)
                dropped.append(name)
    return dropped


async def _partitions(connection: Connection, parent: str) -> list[tuple[str, int]]:
    rows: Iterable[asyncpg.Record] = await connection.fetch(
        """SELECT c.relname AS name,
                  (regexp_match(pg_get_expr(c.relpartbound, c.oid), '\\(''?(-?[0-9]+)'))[1]::bigint AS low
           FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
           WHERE i.inhparent = to_regclass($1) ORDER BY 2""",
        parent,
    )
    return [(row["name"], row["low"]) for row in rows]


async def _unread(connection: Connection, name: str) -> bool:
    found: bool = await connection.fetchval(
        f"""SELECT EXISTS (SELECT FROM intake_cursor c WHERE EXISTS (
                SELECT FROM {name} i WHERE (i.xid, i.sequence) > (c.xid, c.sequence)))"""
    )
    return found


async def _drop(connection: Connection, name: str) -> None:
    async with connection.transaction():
        # DROP locks the parent for a moment: rather later than behind a long reader.
        await connection.execute("SET LOCAL lock_timeout = '2s'")
        await connection.execute(f"DROP TABLE {name}")
