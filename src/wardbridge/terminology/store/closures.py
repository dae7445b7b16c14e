"""Closure tables that clients keep here: the concepts each named, and since which version of the table."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.core.db import Connection

Row = tuple[int, str, str, str, str]
"""(added, system, release, code, display)."""


async def start(conn: Connection, name: str) -> None:
    """Begin, or begin again, with an empty table."""
    await conn.execute("DELETE FROM term_client_closure WHERE name = $1", name)
    await conn.execute("INSERT INTO term_client_closure (name, version) VALUES ($1, 0)", name)


async def open_(conn: Connection, name: str) -> int | None:
    """The version of a table, which nobody else changes meanwhile; None where there is none."""
    version = await conn.fetchval("SELECT version FROM term_client_closure WHERE name = $1 FOR UPDATE", name)
    return None if version is None else int(version)


async def rows(conn: Connection, name: str) -> list[Row]:
    found = await conn.fetch(
        """SELECT added, system, release, code, display FROM term_client_concept WHERE name = $1
           ORDER BY added, system, code""",
        name,
    )
    return [(r[0], r[1], r[2], r[3], r[4]) for r in found]


async def add(conn: Connection, name: str, version: int, concepts: Sequence[tuple[str, str, str, str]]) -> None:
    """Concepts (system, release, code, display) that are new with ``version``."""
    await conn.execute(
        """INSERT INTO term_client_concept (name, added, system, release, code, display)
           SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) ON CONFLICT DO NOTHING""",
        name,
        version,
        *(list(column) for column in zip(*concepts, strict=True)),
    )
    await conn.execute("UPDATE term_client_closure SET version = $2 WHERE name = $1", name, version)
