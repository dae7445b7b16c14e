"""SQL of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.register.catalogue.values import Entry, Package
from wardbridge.equipment.store.rows import put as put_rows
from wardbridge.equipment.store.rows import value

Source = Connection | Pool


async def put(conn: Connection, entries: Sequence[Entry], packages: Sequence[Package]) -> None:
    """Insert or replace entries and their identifiers."""
    await put_rows(conn, "catalogue", ("entry_id",), entries)
    await put_rows(conn, "package", ("di", "entry_id"), packages)


async def analyze(conn: Connection) -> None:
    """Let the planner know of what was loaded."""
    await conn.execute("ANALYZE catalogue, package")


async def by_di(source: Source, dis: Sequence[str]) -> list[tuple[Entry, Package]]:
    """The entries to which one of these identifiers leads, each with the package that it names."""
    rows = await source.fetch(
        """SELECT c.*, p.di, p.agency, p.level, p.contains, p.quantity, p.warnings
           FROM package p JOIN catalogue c USING (entry_id) WHERE p.di = ANY($1)
           ORDER BY p.level <> 'Primary', c.ended <> '', c.entry_id""",
        list(dis),
    )
    return [(value(row, Entry), value(row, Package)) for row in rows]


async def by_name(source: Source, brand: str, number: str) -> list[Entry]:
    """Entries of this brand and catalogue number, whatever their case."""
    rows = await source.fetch(
        "SELECT * FROM catalogue WHERE lower(brand) = lower($1) AND lower(number) = lower($2) ORDER BY entry_id",
        brand,
        number,
    )
    return [value(row, Entry) for row in rows]
