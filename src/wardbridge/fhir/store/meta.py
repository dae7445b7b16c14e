"""Tags, security labels and profiles, changed in place: no new version (R4 resource-operation-meta-add.html).

The standard has it so because these labels say nothing of the content, and apply to versions that exist already. Id,
versionId and lastUpdated stay; of the current version the search rows are made again in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from wardbridge.core.db import Connection
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.search.hash import INDEX_VERSION
from wardbridge.fhir.search.rows import TABLES
from wardbridge.fhir.store.numbers import Numbers
from wardbridge.fhir.store.statement import SEARCH, Columns, values_of
from wardbridge.fhir.store.values import Stored

Edit = Callable[[dict[str, Any]], dict[str, Any]]
"""The Meta as it is to be, from the Meta as it is."""


async def change_meta(
    conn: Connection, numbers: Numbers, type_name: str, id_: str, version: int | None, edit: Edit
) -> Stored | None:
    """Change the Meta of one version (None: the current one); None where there is no such version or it is a deletion.

    The row is held to the end of the transaction.
    """
    row = await conn.fetchrow(
        "SELECT key, version FROM fhir_resource WHERE type = $1 AND id = $2 FOR UPDATE", numbers.types[type_name], id_
    )
    if row is None:
        return None
    key, wanted = row["key"], row["version"] if version is None else version
    found = await conn.fetchrow(
        "SELECT updated, body FROM fhir_version WHERE key = $1 AND version = $2 AND body IS NOT NULL", key, wanted
    )
    if found is None:
        return None
    resource = loads(found["body"])
    before = resource["meta"]
    resource["meta"] = {**edit(before), **{name: before[name] for name in ("versionId", "lastUpdated")}}
    body = dumps(resource)
    changed = body != found["body"]
    if changed:
        await conn.execute("UPDATE fhir_version SET body = $3 WHERE key = $1 AND version = $2", key, wanted, body)
        if wanted == row["version"]:
            await _index(conn, numbers, key, type_name, resource)
    return Stored(type_name, id_, wanted, found["updated"], body, False, changed)


async def _index(conn: Connection, numbers: Numbers, key: int, type_name: str, resource: dict[str, Any]) -> None:
    rows = numbers.extractor(type_name)(resource)
    columns = Columns()
    for table in TABLES:
        columns.rows(table, 1, getattr(rows, table), numbers.types)
    for table, listed in SEARCH.items():
        await conn.execute(f"DELETE FROM fhir_{table} WHERE key = $1", key)
        if columns.search[table]:
            await conn.execute(
                f"""INSERT INTO fhir_{table} (key, {", ".join(name for name, _ in listed)})
                    SELECT $1, {values_of(listed, 1)} FROM jsonb_array_elements($2::text::jsonb) e""",
                key,
                orjson.dumps(columns.search[table], default=str).decode(),
            )
    narrative, content = rows.text or (None, None)
    if content is not None:
        await conn.execute(
            """INSERT INTO fhir_text (key, words)
               VALUES ($1, setweight(to_tsvector('simple', $2), 'A') || to_tsvector('simple', $3))
               ON CONFLICT (key) DO UPDATE SET words = excluded.words""",
            key,
            narrative,
            content,
        )
    await conn.execute(
        f"UPDATE fhir_resource SET fingerprint = $2, rules = $3, index_version = {INDEX_VERSION} WHERE key = $1",
        key,
        rows.fingerprint(),
        numbers.rules[type_name],
    )


async def labels(conn: Connection, numbers: Numbers, types: tuple[str, ...], most: int) -> dict[str, Any]:
    """The Meta of all current resources of these types together: every profile, tag and security label in use."""
    out: dict[str, Any] = {}
    for name, code in (("profile", "_profile"), ("security", "_security"), ("tag", "_tag")):
        wanted = numbers.parameters(types, code)
        if name == "profile":
            rows = await conn.fetch(
                "SELECT DISTINCT value FROM fhir_uri WHERE parameter = ANY($1::smallint[]) ORDER BY 1 LIMIT $2",
                wanted,
                most,
            )
            found: list[Any] = [row[0] for row in rows]
        else:
            rows = await conn.fetch(
                """SELECT DISTINCT system, code FROM fhir_token WHERE parameter = ANY($1::smallint[])
                   AND code IS NOT NULL ORDER BY 1, 2 LIMIT $2""",
                wanted,
                most,
            )
            found = [{"system": row[0], "code": row[1]} if row[0] else {"code": row[1]} for row in rows]
        if found:
            out[name] = found
    return out
