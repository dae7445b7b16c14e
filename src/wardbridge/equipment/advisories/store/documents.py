"""Documents in the database: what is current, every version that came, what was refused."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.advisories.values import Advisory, Document, Product, Refused

Source = Connection | Pool
_JSON = msgspec.json.Encoder()
_ADVISORY = ("advisory_id", "kind", "number", "publisher", "title", "summary", "remedy", "published", "updated",
             "version",             "severity", "class", "cvss", "url", "state")  # fmt: skip
_PRODUCT = ("product_id", "vendor", "product", "name", "version", "range", "codes", "di", "models", "product_code",
            "cpe",            "purl", "host", "prose", "status", "remedy")  # fmt: skip


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a document as it came."""

    advisory_id: str
    source: str
    digest: str
    version: str
    updated: int | None
    loaded_at: int
    current: bool
    raw: bytes = b""


async def kept(source: Source, ids: Sequence[str], *, current: bool = True) -> list[Kept]:
    """The documents behind these advisories, with their content; all versions where not only the current ones."""
    rows = await source.fetch(
        """SELECT * FROM advisory_document WHERE advisory_id = ANY($1) AND (current OR NOT $2)
           ORDER BY advisory_id, source, loaded_at DESC, digest""",
        list(ids), current,
    )  # fmt: skip
    return [Kept(**{**dict(row), "raw": gzip.decompress(row["raw"])}) for row in rows]


async def digests(source: Source, ids: Sequence[str]) -> dict[tuple[str, str], tuple[str, int, str]]:
    """(advisory, source) -> digest, time and version of the current document."""
    rows = await source.fetch(
        """SELECT advisory_id, source, digest, updated, version FROM advisory_document
           WHERE advisory_id = ANY($1) AND current""",
        list(ids),
    )
    return {(row["advisory_id"], row["source"]): (row["digest"], row["updated"] or 0, row["version"]) for row in rows}


async def seen(source: Source, marks: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Which (advisory, digest) were loaded before, as current or as older version."""
    rows = await source.fetch(
        """SELECT DISTINCT d.advisory_id, d.digest FROM advisory_document d
           JOIN unnest($1::text[], $2::text[]) AS m (advisory_id, digest) USING (advisory_id, digest)""",
        [one for one, _ in marks], [digest for _, digest in marks],
    )  # fmt: skip
    return {(row["advisory_id"], row["digest"]) for row in rows}


async def put(conn: Connection, documents: Sequence[tuple[Document, str]], at: int) -> None:
    """Write what these documents say; whatever an earlier version said of them is replaced. ``(document, digest)``."""
    if not documents:
        return
    rows = [{**{name: getattr(one, "class_" if name == "class" else name) for name in _ADVISORY}, "digest": digest,
             "loaded_at": at} for one, digest in documents]  # fmt: skip
    names = (*_ADVISORY, "digest", "loaded_at")
    sets = ", ".join(f"{name} = excluded.{name}" for name in names if name != "advisory_id")
    await conn.execute(
        f"""INSERT INTO advisory ({", ".join(names)})
            SELECT {", ".join(names)} FROM jsonb_populate_recordset(NULL::advisory, $1::jsonb)
            ON CONFLICT (advisory_id) DO UPDATE SET {sets}""",
        _text(rows),
    )
    products = [{"advisory_id": one.advisory_id, **{name: getattr(product, name) for name in _PRODUCT}}
                for one, _ in documents for product in one.products]  # fmt: skip
    await _replace(
        conn, "advisory_product", "product_id", _PRODUCT, products, [one.advisory_id for one, _ in documents]
    )
    cves = [{"advisory_id": one.advisory_id, "cve": cve.cve, "title": cve.title, "cvss": cve.cvss, "vector": cve.vector,
             "cwe": cve.cwe, "kev": one.kind == "kev", "due": cve.due, "ransomware": cve.ransomware}
            for one, _ in documents for cve in one.cves]  # fmt: skip
    told = ("cve", "title", "cvss", "vector", "cwe", "kev", "due", "ransomware")
    await _replace(conn, "advisory_cve", "cve", told, cves,
                   [one.advisory_id for one, _ in documents])  # fmt: skip


def _text(rows: Any) -> str:
    """JSON for PostgreSQL, whose text has no zero byte."""
    return _JSON.encode(rows).decode().replace("\\u0000", "")


async def _replace(
    conn: Connection, table: str, key: str, names: Sequence[str], rows: Sequence[Mapping[str, Any]], ids: Sequence[str]
) -> None:
    """Bring the rows of these advisories to exactly ``rows``, touching only those that differ."""
    sets = ", ".join(f"{name} = excluded.{name}" for name in names if name != key)
    old = ", ".join(f"{table}.{name}" for name in names)
    new = ", ".join(f"excluded.{name}" for name in names)
    columns = ", ".join(("advisory_id", *names))
    await conn.execute(
        f"""DELETE FROM {table} t WHERE advisory_id = ANY($1) AND NOT EXISTS (
              SELECT 1 FROM jsonb_to_recordset($2::jsonb) AS n (advisory_id text, {key} text)
              WHERE n.advisory_id = t.advisory_id AND n.{key} = t.{key})""",
        list(ids), _text([{"advisory_id": row["advisory_id"], key: row[key]} for row in rows]),
    )  # fmt: skip
    await conn.execute(
        f"""INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb)
            ON CONFLICT (advisory_id, {key}) DO UPDATE SET {sets} WHERE ({old}) IS DISTINCT FROM ({new})""",
        _text(rows),
    )


async def keep(conn: Connection, documents: Sequence[tuple[Document, str]], at: int, *, current: bool = True) -> None:
    """Keep documents as they came, as the current ones of their sources or as older ones. ``(document, digest)``."""
    if not documents:
        return
    ids, sources = [one.advisory_id for one, _ in documents], [one.source for one, _ in documents]
    if current:
        await conn.execute(
            """UPDATE advisory_document d SET current = false
               FROM unnest($1::text[], $2::text[]) AS n (advisory_id, source)
               WHERE d.advisory_id = n.advisory_id AND d.source = n.source AND d.current""",
            ids, sources,
        )  # fmt: skip
    await conn.execute(
        """INSERT INTO advisory_document (advisory_id, source, digest, version, updated, loaded_at, current, raw)
           SELECT n.advisory_id, n.source, n.digest, n.version, n.updated, $7, $8, r.raw
           FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) WITH ORDINALITY
                AS n (advisory_id, source, digest, version, updated, place)
           JOIN unnest($6::bytea[]) WITH ORDINALITY AS r (raw, place) USING (place)
           ON CONFLICT (advisory_id, source, digest) DO UPDATE SET current = excluded.current""",
        ids, sources, [digest for _, digest in documents], [one.version for one, _ in documents],
        [one.updated for one, _ in documents], [gzip.compress(one.raw, 6, mtime=0) for one, _ in documents], at,
        current,
    )  # fmt: skip


async def refuse(conn: Connection, refused: Sequence[tuple[str, Refused]], at: int) -> int:
    """Keep what could not be read, once; gives how many are new. ``(digest, refused)``."""
    rows = await conn.fetch(
        """INSERT INTO advisory_refused (digest, file, place, reason, raw, at)
           SELECT d, f, p, r, b, $6 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])
                AS n (d, f, p, r, b)
           ON CONFLICT (digest) DO NOTHING RETURNING 1""",
        [digest for digest, _ in refused], [one.file for _, one in refused], [one.place for _, one in refused],
        [one.reason.replace("\x00", "") for _, one in refused], [one.raw for _, one in refused], at,
    )  # fmt: skip
    return len(rows)


async def mark_exploited(conn: Connection) -> list[str]:
    """Carry KEV's marks to every advisory that tells of the same CVE; gives the advisories that changed."""
    rows = await conn.fetch(
        """WITH k AS (SELECT c.cve, c.due, c.ransomware FROM advisory_cve c JOIN advisory a USING (advisory_id)
                      WHERE a.kind = 'kev' AND a.state = 'current'),
           now AS (SELECT c.advisory_id, c.cve, k.cve IS NOT NULL AS kev, k.due,
                          coalesce(k.ransomware, false) AS ransomware
                   FROM advisory_cve c JOIN advisory a USING (advisory_id) LEFT JOIN k USING (cve)
                   WHERE a.kind <> 'kev')
           UPDATE advisory_cve c SET kev = now.kev, due = now.due, ransomware = now.ransomware FROM now
           WHERE c.advisory_id = now.advisory_id AND c.cve = now.cve
             AND (c.kev, c.due, c.ransomware) IS DISTINCT FROM (now.kev, now.due, now.ransomware)
           RETURNING c.advisory_id"""
    )
    return sorted({row["advisory_id"] for row in rows})


async def set_epss(conn: Connection, scores: Mapping[str, float]) -> None:
    """Write EPSS probabilities (0 to 1) to the CVEs of all advisories."""
    await conn.execute(
        """UPDATE advisory_cve c SET epss = n.epss FROM unnest($1::text[], $2::float8[]) AS n (cve, epss)
           WHERE c.cve = n.cve AND c.epss IS DISTINCT FROM n.epss""",
        list(scores), list(scores.values()),
    )  # fmt: skip


_LIST = """SELECT a.*, coalesce(c.cves, '{}') AS cves, coalesce(c.kev, false) AS kev, c.due,
    coalesce(c.ransomware, false) AS ransomware, coalesce(n.open, 0) AS open, coalesce(n.decided, 0) AS decided,
    coalesce(n.excluded, 0) AS excluded
    FROM advisory a
    LEFT JOIN LATERAL (SELECT array_agg(cve ORDER BY cve) AS cves, bool_or(kev) AS kev, min(due) AS due,
        bool_or(ransomware) AS ransomware FROM advisory_cve WHERE advisory_id = a.advisory_id) c ON true
    LEFT JOIN (SELECT advisory_id, count(*) FILTER (WHERE verdict = 'candidate' AND decision = 'open') AS open,
        count(*) FILTER (WHERE verdict = 'candidate' AND decision <> 'open') AS decided,
        count(*) FILTER (WHERE verdict <> 'candidate') AS excluded FROM advisory_candidate GROUP BY advisory_id) n
        USING (advisory_id)"""


async def listed(
    source: Source, *, text: str = "", kind: str = "", only: str = "", cve: str = "", limit: int = 50, skip: int = 0
) -> list[Advisory]:
    """Advisories: exploited ones first, then by what is open and newest. ``only``: open, matched,
    kev, or concerns (a machine of the house, be it only by a program it runs)."""
    rows = await source.fetch(
        f"""{_LIST} WHERE ($1 = '' OR a.kind = $1)
            AND ($2 = '' OR a.title ILIKE $2 OR a.number ILIKE $2 OR EXISTS (SELECT 1 FROM advisory_product p
                 WHERE p.advisory_id = a.advisory_id AND (p.vendor ILIKE $2 OR p.product ILIKE $2))
                 OR EXISTS (SELECT 1 FROM advisory_cve v WHERE v.advisory_id = a.advisory_id AND v.cve ILIKE $2))
            AND ($3 = '' OR ($3 = 'open' AND n.open > 0) OR ($3 = 'matched' AND n.open + n.decided + n.excluded > 0)
                 OR ($3 = 'kev' AND c.kev) OR ($3 = 'concerns' AND (n.open + n.decided > 0 OR a.broad > 0)))
            AND ($4 = '' OR EXISTS (SELECT 1 FROM advisory_cve v WHERE v.advisory_id = a.advisory_id AND v.cve = $4))
            ORDER BY coalesce(n.open, 0) = 0, NOT coalesce(c.kev, false), c.due NULLS LAST, a.updated DESC NULLS LAST,
                     a.advisory_id LIMIT $5 OFFSET $6""",
        kind, f"%{_like(text)}%" if text else "", only, cve, limit, skip,
    )  # fmt: skip
    return [_advisory(row) for row in rows]


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def one(source: Source, advisory_id: str) -> Advisory | None:
    """An advisory by its id."""
    row = await source.fetchrow(f"{_LIST} WHERE a.advisory_id = $1", advisory_id)
    return None if row is None else _advisory(row)


async def some(source: Source, ids: Sequence[str]) -> list[Advisory]:
    """Advisories by id."""
    return [_advisory(row) for row in await source.fetch(f"{_LIST} WHERE a.advisory_id = ANY($1)", list(ids))]


def _advisory(row: Any) -> Advisory:
    return msgspec.convert(dict(row), Advisory)


async def products(source: Source, ids: Sequence[str] | None = None) -> dict[str, list[Product]]:
    """What the advisories say of products, by advisory; of all that are not withdrawn where None."""
    rows = await source.fetch(
        """SELECT p.*, range::text AS range, codes::text AS codes, host::text AS host, status::text AS status
           FROM advisory_product p JOIN advisory a USING (advisory_id)
           WHERE ($1::text[] IS NULL AND a.state <> 'withdrawn') OR advisory_id = ANY($1)
           ORDER BY advisory_id, product_id""",
        None if ids is None else list(ids),
    )
    found: dict[str, list[Product]] = {}
    for row in rows:
        value = dict(row)
        for name in ("range", "codes", "host", "status"):
            value[name] = None if value[name] is None else msgspec.json.decode(value[name])
        found.setdefault(value.pop("advisory_id"), []).append(msgspec.convert(value, Product))
    return found


async def cves(source: Source, advisory_id: str) -> list[Any]:
    """The vulnerabilities that an advisory tells of, worst first, with KEV's marks and EPSS."""
    return list(
        await source.fetch(
            "SELECT * FROM advisory_cve WHERE advisory_id = $1 ORDER BY kev DESC, cvss DESC NULLS LAST, cve",
            advisory_id,
        )
    )


async def refused(source: Source, limit: int = 100) -> list[Any]:
    """What could not be read, newest first, without its content."""
    return list(
        await source.fetch(
            "SELECT digest, file, place, reason, at FROM advisory_refused ORDER BY at DESC, digest LIMIT $1", limit
        )
    )


async def aliases(source: Source) -> dict[str, str]:
    """The site's own names of manufacturers."""
    return {
        row["alias"]: row["maker"] for row in await source.fetch("SELECT alias, maker FROM maker_alias ORDER BY alias")
    }


async def put_alias(conn: Connection, alias: str, maker: str) -> None:
    """Say that a name stands for a maker; an empty maker takes the name out."""
    if maker:
        await conn.execute(
            """INSERT INTO maker_alias (alias, maker) VALUES ($1, $2)
               ON CONFLICT (alias) DO UPDATE SET maker = excluded.maker""",
            alias, maker,
        )  # fmt: skip
    else:
        await conn.execute("DELETE FROM maker_alias WHERE alias = $1", alias)


async def counts(source: Source) -> dict[str, int]:
    """How many advisories there are of each kind."""
    return {
        row["kind"]: row["n"] for row in await source.fetch("SELECT kind, count(*) AS n FROM advisory GROUP BY kind")
    }
