"""The one statement of a write, put together from the tables that it touches (few shapes, each prepared once).

Rows travel as JSON, one argument a table: the driver takes a third of the time that an array a column takes, and
PostgreSQL no more. Their first member is the place of their owner among the changes, from 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from wardbridge.fhir.search.hash import INDEX_VERSION
from wardbridge.security.store import audit_insert

INPUT = (
    ("key", "bigint"),
    ("type", "smallint"),
    ("id", "text"),
    ("version", "int"),
    ("expected", "int"),
    ("updated", "bigint"),
    ("fingerprint", "bigint"),
    ("deleted", "boolean"),
    ("method", '"char"'),
    ("reindex", "boolean"),
    ("hash", "bigint"),
    ("narrative", "text"),
    ("content", "text"),
    ("rules", "int"),
    ("known", "bigint"),
)
"""A change without its body. ``expected``: the version it replaces, 0 for none; ``hash``: of the name ``type/id``;
``content`` NULL: full text is not kept. ``rules``: by which the search rows were made; where those are not the
current ones any more (another process has changed them), nothing is written. ``known``: the fingerprint that the
writer believes to be there; it is another one where the metadata were changed in place (``store/meta.py``)."""

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


class Change(NamedTuple):
    """What INPUT lists, and the body."""

    key: int
    type: int
    id: str
    version: int
    expected: int
    updated: int
    fingerprint: int
    deleted: bool
    method: str
    reindex: bool
    hash: int
    narrative: str | None
    content: str | None
    rules: int
    known: int


class Columns:
    """What one statement writes: changes with their bodies, search rows and audit rows by the change they belong to."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.bodies: list[bytes | None] = []
        self.search: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self.proof: list[tuple[Any, ...]] = []

    def change(self, change: Change, body: bytes | None) -> int:
        """The place of this change, from 1."""
        self.changes.append(change)
        self.bodies.append(body)
        return len(self.changes)

    def rows(self, table: str, owner: int, rows: Sequence[tuple[Any, ...]], types: Mapping[str, int]) -> None:
        if table == "reference":
            self.search[table].extend(
                (owner, parameter, hash_, types.get(target), value, version, display)
                for parameter, hash_, target, value, version, display in rows
            )
        else:
            self.search[table].extend((owner, *row) for row in rows)

    def prove(self, owner: int, row: tuple[Any, ...]) -> None:
        """An audit row (:meth:`wardbridge.security.audit.Audit.row`) that stands or falls with its change."""
        self.proof.append((owner, *row))


def statement(columns: Columns) -> tuple[str, list[Any]]:
    """The text and its arguments. It gives back one array: the key of each change, NULL for one that was not written.

    Raises TypeError for text that is not Unicode (lone surrogates).
    """
    tables = tuple(name for name in SEARCH if name in columns.search)
    listed = [
        [tuple(change) for change in columns.changes],
        *(columns.search[name] for name in tables),
        *([columns.proof] if columns.proof else []),
    ]
    changes = columns.changes
    text = _text(
        tables,
        any(change.expected == 0 for change in changes),
        any(change.expected != 0 for change in changes),
        any(change.reindex for change in changes),
        any(change.content is not None for change in changes),
        bool(columns.proof),
    )
    return text, [columns.bodies, *(orjson.dumps(rows, default=str).decode() for rows in listed)]


def values_of(columns: Sequence[tuple[str, str]], first: int) -> str:
    """The members of a JSON array, from ``first`` on, as columns."""
    return ", ".join(
        f"e->>{at}" if kind == "text" else f"(e->>{at})::{kind}" for at, (_, kind) in enumerate(columns, first)
    )


@lru_cache(maxsize=512)
def _text(tables: tuple[str, ...], makes: bool, changes: bool, replaces: bool, words: bool, proof: bool) -> str:
    names = ", ".join(name for name, _ in INPUT)
    parts = [
        f"""input AS MATERIALIZED (
    SELECT n, body, CASE WHEN expected = 0 THEN nextval('fhir_resource_key_seq') ELSE key END AS key,
           {", ".join(name for name, _ in INPUT if name != "key")}
    FROM (SELECT n, body, {values_of(INPUT, 0)}
          FROM ROWS FROM (unnest($1::bytea[]), jsonb_array_elements($2::text::jsonb)) WITH ORDINALITY AS i(body, e, n)
         ) AS i(n, body, {names}))"""
    ]
    if makes:
        parts.append(f"""made AS (
    INSERT INTO fhir_resource (key, type, id, hash, index_version, rules, version, updated, fingerprint, deleted)
    OVERRIDING SYSTEM VALUE
    SELECT key, type, id, hash, {INDEX_VERSION}, rules, version, updated, fingerprint, deleted
    FROM input JOIN fhir_rules USING (type, rules) WHERE expected = 0
    ON CONFLICT (type, id) DO NOTHING RETURNING key)""")
    if changes:
        parts.append(f"""changed AS (
    UPDATE fhir_resource r SET version = i.version, updated = i.updated, fingerprint = i.fingerprint,
           index_version = {INDEX_VERSION}, rules = i.rules, deleted = i.deleted, hash = i.hash
    FROM input i JOIN fhir_rules USING (type, rules)
    WHERE i.expected > 0 AND r.key = i.key AND r.version = i.expected
      AND r.fingerprint = i.known RETURNING r.key)""")
    written = " UNION ALL ".join(
        f"SELECT key FROM {name}" for name, there in (("made", makes), ("changed", changes)) if there
    )
    parts.append(f"""done AS MATERIALIZED (
    SELECT array_agg(d.key ORDER BY i.n) AS keys FROM input i LEFT JOIN ({written}) d USING (key))""")
    parts.append("""versions AS (
    INSERT INTO fhir_version (key, version, type, method, updated, body)
    SELECT i.key, i.version, i.type, i.method, i.updated, i.body FROM input i, done WHERE keys[i.n] IS NOT NULL)""")
    if replaces:
        gone = "ARRAY (SELECT keys[i.n] FROM input i, done WHERE {})"
        parts.extend(
            f"gone_{table} AS (DELETE FROM fhir_{table} WHERE key = ANY ({gone.format('i.reindex')}))"
            for table in SEARCH
        )
        parts.append(f"gone_text AS (DELETE FROM fhir_text WHERE key = ANY ({gone.format('i.deleted')}))")
    if words:
        parts.append("""new_text AS (
    INSERT INTO fhir_text AS t (key, words)
    SELECT i.key, setweight(to_tsvector('simple', i.narrative), 'A') || to_tsvector('simple', i.content)
    FROM input i, done WHERE i.content IS NOT NULL AND keys[i.n] IS NOT NULL
    ON CONFLICT (key) DO UPDATE SET words = excluded.words WHERE t.words IS DISTINCT FROM excluded.words)""")
    for argument, table in enumerate(tables, 3):
        parts.append(f"""new_{table} AS (
    INSERT INTO fhir_{table} (key, {", ".join(name for name, _ in SEARCH[table])})
    SELECT keys[(e->>0)::int], {values_of(SEARCH[table], 1)}
    FROM jsonb_array_elements(${argument}::text::jsonb) e, done WHERE keys[(e->>0)::int] IS NOT NULL)""")
    if proof:
        source = f"jsonb_array_elements(${3 + len(tables)}::text::jsonb) e, done WHERE keys[(e->>0)::int] IS NOT NULL"
        parts.append(f"proof AS ({audit_insert(source, 1)})")
    return "WITH " + ",\n".join(parts) + "\nSELECT keys FROM done"
