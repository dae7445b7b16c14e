"""Forward-only migrations: numbered SQL in each room's ``migrations`` folder, rooms from the bottom up.

A file ``0003_name.sql`` runs once, in its own transaction, under one advisory lock; its digest is kept,
so a changed file is an error and not a surprise. A newer database refuses older code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import structlog

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import SettingsError

log = structlog.get_logger(__name__)

ROOMS = (
    "core",
    "security",
    "fhir",
    "terminology",
    "telemetry",
    "exchange",
    "devices",
    "alarms",
    "equipment",
    "care",
    "analytics",
    "web",
)
_LOCK = 0x57415244


@dataclass(frozen=True)
class Migration:
    """One numbered file of one room."""

    room: str
    number: int
    name: str
    sql: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations(rooms: Sequence[str] = ROOMS) -> list[Migration]:
    """Every migration in the order in which it runs."""
    found: list[Migration] = []
    for room in rooms:
        folder = resources.files("wardbridge").joinpath(room, "migrations")
        if not folder.is_dir():
            continue
        for file in sorted(folder.iterdir(), key=lambda item: item.name):
            if file.name.endswith(".sql"):
                number, _, name = file.name[:-4].partition("_")
                found.append(Migration(room, int(number), name, file.read_text("utf-8")))
    return found


async def migrate(pool: Pool, *, rooms: Sequence[str] = ROOMS, upto: dict[str, int] | None = None) -> list[Migration]:
    """Apply what is missing; returns what was applied. ``upto`` stops a room at a number (tests).

    Raises SettingsError when an applied file has changed, or the database is newer than this code.
    """
    known = {(m.room, m.number): m for m in migrations(rooms)}
    applied: list[Migration] = []
    async with pool.acquire() as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        try:
            done = await _done(connection)
            for (room, number), digest in done.items():
                migration = known.get((room, number))
                if migration is None and room in rooms:
                    raise SettingsError(
                        f"the database has {room} migration {number}, which this version of "
                        "Wardbridge does not know: it is newer than the program",
                        room,
                    )
                if migration is not None and migration.digest != digest:
                    raise SettingsError(f"{room} migration {number} has changed since it was applied", room)
            for migration in known.values():
                if (migration.room, migration.number) in done:
                    continue
                if upto is not None and migration.number > upto.get(migration.room, 1 << 30):
                    continue
                async with connection.transaction():
                    await connection.execute("SET LOCAL lock_timeout = '15s'")
                    await connection.execute("SET LOCAL statement_timeout = 0")
                    await connection.execute(migration.sql)
                    await connection.execute(
                        "INSERT INTO schema_migration (room, number, name, digest) VALUES ($1, $2, $3, $4)",
                        migration.room,
                        migration.number,
                        migration.name,
                        migration.digest,
                    )
                log.info("migration.applied", room=migration.room, number=migration.number, name=migration.name)
                applied.append(migration)
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    return applied


async def _done(connection: Connection) -> dict[tuple[str, int], str]:
    await connection.execute("""
        CREATE TABLE IF NOT EXISTS schema_migration (
            room text, number int, name text NOT NULL, digest text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (room, number))""")
    rows = await connection.fetch("SELECT room, number, digest FROM schema_migration")
    return {(row["room"], row["number"]): row["digest"] for row in rows}
