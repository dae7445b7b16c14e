"""Bringing the concepts of a large code system into tables: streamed in, the closure made where they are.

A load is invisible until it has ended, and replaces what was loaded before under the same url and version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

import asyncpg

from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid
from wardbridge.fhir.json import dumps
from wardbridge.terminology.values import Concept, Designation, Head, Property, words

BATCH = 5_000
MOST_STEPS = 60


@dataclass(frozen=True)
class Row:
    """A concept of a release file. ``parents`` are codes; they may come later in the file."""

    code: str
    display: str
    parents: tuple[str, ...] = ()
    definition: str = ""
    inactive: bool = False
    abstract: bool = False
    status: str = ""
    designations: tuple[Designation, ...] = ()
    properties: tuple[Property, ...] = field(default=())


def row_of(concept: Concept) -> Row:
    return Row(
        concept.code,
        concept.display,
        concept.parents,
        concept.definition,
        concept.inactive,
        concept.abstract,
        concept.status,
        concept.designations,
        concept.properties,
    )


async def load_concepts(
    conn: Connection,
    head: Head,
    rows: Iterable[Row],
    *,
    now: int,
    resource: tuple[int, int] | None = None,
) -> int:
    """Load a version of a code system; returns its number of concepts. ``now`` in µs.

    Runs in the caller's transaction, with constant memory however long ``rows`` is. ``resource``: (key, version) of the
    CodeSystem in the record that it is made from. Raises Invalid for a code that comes twice or an unknown parent.
    """
    key = await conn.fetchval(
        """INSERT INTO term_system (url, version, head, resource, resource_version, loaded)
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING key""",
        head.url,
        head.version,
        dumps(asdict(head)).decode(),
        *(resource or (None, None)),
        now,
    )
    await conn.execute('CREATE TEMP TABLE term_loading (child int, parent text COLLATE "C") ON COMMIT DROP')
    total = 0
    source = iter(rows)
    while batch := list(islice(source, BATCH)):
        await _copy(conn, key, head, batch, total)
        total += len(batch)
    await _check(conn, key, head)
    hierarchical = await _close(conn, key)
    await conn.execute("DROP TABLE term_loading")
    if resource is None:
        old = await conn.fetch(
            "SELECT key FROM term_system WHERE url = $1 AND version = $2 AND resource IS NULL AND ready",
            head.url,
            head.version,
        )
    else:
        old = await conn.fetch("SELECT key FROM term_system WHERE resource = $1 AND key <> $2", resource[0], key)
    for row in old:
        await drop_system(conn, row[0])
    await conn.execute(
        "UPDATE term_system SET ready = true, concepts = $2, hierarchical = $3 WHERE key = $1", key, total, hierarchical
    )
    return total


async def _copy(conn: Connection, key: int, head: Head, batch: list[Row], start: int) -> None:
    concepts: list[tuple[Any, ...]] = []
    parents: list[tuple[int, str]] = []
    properties: list[tuple[Any, ...]] = []
    for number, row in enumerate(batch, start):
        texts = [row.display, *(d.value for d in row.designations)]
        folded = None if head.case_sensitive else row.code.casefold()
        concepts.append(
            (key, number, row.abstract, row.inactive, row.status, row.code, folded, row.display, more(row),
             list(dict.fromkeys(word[:200] for word in words(row.code, *texts))))
        )  # fmt: skip
        parents.extend((number, parent) for parent in row.parents)
        properties.extend((key, number, p.code, p.text) for p in row.properties)
    try:
        await conn.executemany(
            """INSERT INTO term_concept (system, number, abstract, inactive, status, code, folded, display, more, words)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, array_to_tsvector($10::text[]))""",
            concepts,
        )
    except asyncpg.UniqueViolationError as error:
        raise Invalid(f"the code system {head.url} has a code twice: {error.detail}") from error
    if parents:
        await conn.copy_records_to_table("term_loading", records=parents, columns=["child", "parent"])
    if properties:
        await conn.copy_records_to_table(
            "term_property", records=properties, columns=["system", "number", "code", "value"]
        )


def more(row: Row) -> str | None:
    """What a look-up gives out beside code and display, as JSON; None for nothing."""
    out: dict[str, Any] = {}
    if row.definition:
        out["definition"] = row.definition
    if row.designations:
        out["designations"] = [{k: v for k, v in asdict(d).items() if v} for d in row.designations]
    if row.properties:
        out["properties"] = [[p.code, p.element, p.value] for p in row.properties]
    return dumps(out).decode() if out else None


async def _check(conn: Connection, key: int, head: Head) -> None:
    orphan = await conn.fetchrow(
        """SELECT l.parent FROM term_loading l
           LEFT JOIN term_concept c ON c.system = $1 AND c.code = l.parent WHERE c.code IS NULL LIMIT 1""",
        key,
    )
    if orphan is not None and head.content == "complete":
        raise Invalid(f"the code system {head.url} names a parent that it does not have: {orphan[0][:100]!r}")


async def _close(conn: Connection, key: int) -> bool:
    """The transitive closure, one step longer each round, each concept above itself with none; True for a hierarchy."""
    await conn.execute("ANALYZE term_loading")
    await conn.execute(
        "INSERT INTO term_closure SELECT system, number, number, 0 FROM term_concept WHERE system = $1", key
    )
    status = await conn.execute(
        """INSERT INTO term_closure SELECT DISTINCT $1::int, p.number, l.child, 1 FROM term_loading l
           JOIN term_concept p ON p.system = $1 AND p.code = l.parent WHERE p.number <> l.child""",
        key,
    )
    if status.endswith(" 0"):
        return False
    await conn.execute(
        """UPDATE term_concept c SET leaf = false WHERE c.system = $1
           AND EXISTS (SELECT 1 FROM term_closure x WHERE x.system = $1 AND x.ancestor = c.number
                       AND x.steps > 0)""",
        key,
    )
    await conn.execute("ANALYZE term_closure")
    for steps in range(2, MOST_STEPS):
        status = await conn.execute(
            """INSERT INTO term_closure
               SELECT DISTINCT $1::int, e.ancestor, x.descendant, $2::smallint FROM term_closure x
               JOIN term_closure e ON e.system = $1 AND e.descendant = x.ancestor AND e.steps = 1
               WHERE x.system = $1 AND x.steps = $2 - 1 AND e.ancestor <> x.descendant
               ON CONFLICT DO NOTHING""",
            key,
            steps,
        )
        if status.endswith(" 0"):
            break
    return True


async def drop_system(conn: Connection, key: int) -> None:
    for table in ("term_property", "term_closure", "term_concept"):
        await conn.execute(f"DELETE FROM {table} WHERE system = $1", key)
    await conn.execute("DELETE FROM term_system WHERE key = $1", key)
