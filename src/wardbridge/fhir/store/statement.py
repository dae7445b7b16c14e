"""The one statement of a write, put together from the tables that it touches (few shapes, each prepared once)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from wardbridge.fhir.search.hash import INDEX_VERSION
from wardbridge.security.store import audit_arguments, audit_insert

INPUT = (
    ("n", "int"),
    ("key", "bigint"),
    ("type", "smallint"),
    ("id", "text"),
    ("version", "int"),
    ("expected", "int"),
    ("updated", "bigint"),
    ("fingerprint", "bigint"),
    ("deleted", "boolean"),
    ("method", '"char"'),
    ("body", "bytea"),
    ("reindex", "boolean"),
    ("hash", "bigint"),
    ("narrative", "text"),
    ("content", "text"),
)
"""``hash``: of the name ``type/id``. ``content`` NULL: full text is not kept."""

SEARCH: dict[str, tuple[tuple[str, str], ...]] = {
    "token": (("parameter", "smallint"), ("hash", "bigint"), ("code", "text"), ("system", "text")),
    "string": (("parameter", "smallint"), ("value", "text"), ("exact", "text")),
    "date": (("parameter", "smallint"), ("low", "bigint"), ("high", "bigint")),
    "number": (("parameter", "smallint"), ("low", "numeric"), ("high", "numeric")),
    "quantity": (
        ("parameter", "smallint"),
        ("low", "numeric"),
        ("high", "numeric"),
        ("system", "text"),
        ("code", "text"),
        ("unit", "text"),
        ("base_unit", "text"),
        ("base_low", "numeric"),
        ("base_high", "numeric"),
    ),
    "reference": (
        ("parameter", "smallint"),
        ("hash", "bigint"),
        ("target", "smallint"),
        ("value", "text"),
        ("version", "text"),
        ("display", "text"),
    ),
    "uri": (("parameter", "smallint"), ("value", "text")),
    "composite": (
        ("parameter", "smallint"),
        ("hash", "bigint"),
        ("code", "text"),
        ("system", "text"),
        ("hash2", "bigint"),
        ("code2", "text"),
        ("system2", "text"),
        ("low", "numeric"),
        ("high", "numeric"),
        ("low2", "numeric"),
        ("high2", "numeric"),
        ("unit", "text"),
        ("base_unit", "text"),
        ("base_low", "numeric"),
        ("base_high", "numeric"),
    ),
    "position": (("parameter", "smallint"), ("latitude", "float8"), ("longitude", "float8")),
}
"""Columns of the search tables in the order of the tuples of :class:`wardbridge.fhir.search.rows.Rows`."""

_REINDEX = 11
"""Where a change says that its search rows are to be replaced."""


class Columns:
    """Rows on their way to ``unnest``: those of resources, and those of each search table with their owner."""

    def __init__(self) -> None:
        self.changes: list[tuple[Any, ...]] = []
        self.search: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self.proof: list[tuple[Any, ...]] = []
        self.replaces = False
        self.text = False

    def change(self, *row: Any) -> None:
        self.changes.append(row)
        self.replaces = self.replaces or row[_REINDEX]
        self.text = self.text or row[-1] is not None

    def rows(self, table: str, owner: int, rows: Sequence[tuple[Any, ...]], types: Mapping[str, int]) -> None:
        if table == "reference":
            self.search[table].extend(
                (owner, parameter, hash_, types.get(target), value, version, display)
                for parameter, hash_, target, value, version, display in rows
            )
        else:
            self.search[table].extend((owner, *row) for row in rows)

    def prove(self, owner: int, row: tuple[Any, ...]) -> None:
        """An audit row (in the order of ``AUDIT_COLUMNS``) that stands or falls with the change ``owner``."""
        self.proof.append((owner, *row))


def statement(columns: Columns) -> tuple[str, list[Any]]:
    """The text and its arguments (arrays). It gives back ``n`` and the key of each change that was written."""
    tables = tuple(name for name in SEARCH if name in columns.search)
    arguments: list[Any] = [list(column) for column in zip(*columns.changes, strict=True)]
    for name in tables:
        arguments.extend(list(column) for column in zip(*columns.search[name], strict=True))
    if columns.proof:
        arguments.extend(audit_arguments([row[1:] for row in columns.proof]))
        arguments.append([row[0] for row in columns.proof])
    return _text(tables, columns.replaces, columns.text, bool(columns.proof)), arguments


def _unnest(columns: Sequence[tuple[str, str]], first: int) -> str:
    return ", ".join(f"${first + at}::{kind}[]" for at, (_, kind) in enumerate(columns))


@lru_cache(maxsize=512)
def _text(tables: tuple[str, ...], replaces: bool, text: bool, proof: bool) -> str:
    names = ", ".join(name for name, _ in INPUT)
    parts = [
        f"input AS MATERIALIZED (SELECT * FROM unnest({_unnest(INPUT, 1)}) AS i({names}))",
        f"""made AS (
    INSERT INTO fhir_resource (type, id, hash, index_version, version, updated, fingerprint, deleted)
    SELECT type, id, hash, {INDEX_VERSION}, version, updated, fingerprint, deleted FROM input WHERE expected = 0
    ORDER BY n
    ON CONFLICT (type, id) DO NOTHING RETURNING key, type, id)""",
        f"""changed AS (
    UPDATE fhir_resource r SET version = i.version, updated = i.updated, fingerprint = i.fingerprint,
           index_version = {INDEX_VERSION}, deleted = i.deleted, hash = i.hash
    FROM input i WHERE i.expected > 0 AND r.key = i.key AND r.version = i.expected RETURNING i.n, r.key)""",
        """done AS MATERIALIZED (
    SELECT i.n, m.key FROM made m JOIN input i ON i.type = m.type AND i.id = m.id AND i.expected = 0
    UNION ALL SELECT n, key FROM changed)""",
        """versions AS (
    INSERT INTO fhir_version (key, version, type, method, updated, body)
    SELECT d.key, i.version, i.type, i.method, i.updated, i.body FROM done d JOIN input i USING (n) ORDER BY i.n)""",
    ]
    if replaces:
        parts.extend(
            f"""gone_{table} AS (
    DELETE FROM fhir_{table} WHERE key = ANY (ARRAY (
        SELECT d.key FROM done d JOIN input i USING (n) WHERE i.reindex)))"""
            for table in SEARCH
        )
        parts.append("""gone_text AS (
    DELETE FROM fhir_text WHERE key = ANY (ARRAY (SELECT d.key FROM done d JOIN input i USING (n) WHERE i.deleted)))""")
    if text:
        parts.append("""new_text AS (
    INSERT INTO fhir_text AS t (key, words)
    SELECT d.key, setweight(to_tsvector('simple', i.narrative), 'A') || to_tsvector('simple', i.content)
    FROM input i JOIN done d USING (n) WHERE i.content IS NOT NULL
    ON CONFLICT (key) DO UPDATE SET words = excluded.words WHERE t.words IS DISTINCT FROM excluded.words)""")
    first = len(INPUT) + 1
    for table in tables:
        columns = (("n", "int"), *SEARCH[table])
        listed = ", ".join(name for name, _ in SEARCH[table])
        parts.append(f"""new_{table} AS (
    INSERT INTO fhir_{table} (key, {listed}) SELECT d.key, {", ".join("x." + name for name, _ in SEARCH[table])}
    FROM unnest({_unnest(columns, first)}) AS x({", ".join(name for name, _ in columns)}) JOIN done d USING (n))""")
        first += len(columns)
    if proof:
        parts.append(f"proof AS ({audit_insert(first, 'n IN (SELECT n FROM done)')})")
    return "WITH " + ",\n".join(parts) + "\nSELECT n, key FROM done"
