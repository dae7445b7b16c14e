"""SQL of vulnerabilities, EPSS scores and what was loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.cyber import names
from wardbridge.equipment.cyber.store.rows import encoded, put
from wardbridge.equipment.cyber.values import Vulnerability

Source = Connection | Pool


async def put_flaws(conn: Connection, flaws: Sequence[Vulnerability]) -> list[str]:
    """Add or change vulnerabilities; those that are as they were write nothing. Returns the CVEs that changed.

    An older version of a record never replaces a newer one.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for flaw in flaws:
        row: dict[str, Any] = msgspec.to_builtins(flaw)
        row["keys"] = names.keys(flaw.body)
        row["digest"] = hashlib.sha256(msgspec.json.encode(flaw, order="deterministic")).hexdigest()
        old = rows.get((flaw.cve, flaw.source))
        if old is None or (old["modified"] or 0) <= (flaw.modified or 0):
            rows[flaw.cve, flaw.source] = row
    found = await conn.fetch(
        """INSERT INTO vulnerability AS v (cve, source, aliases, state, title, text, published, modified, cvss, vector,
                                           ssvc, kev, body, keys, digest)
           SELECT cve, source, aliases, state, title, text, published, modified, cvss, vector, ssvc, kev, body, keys,
                  digest
           FROM jsonb_populate_recordset(NULL::vulnerability, $1::jsonb)
           ON CONFLICT (cve, source) DO UPDATE SET
               aliases = excluded.aliases, state = excluded.state, title = excluded.title, text = excluded.text,
               published = excluded.published, modified = excluded.modified, cvss = excluded.cvss,
               vector = excluded.vector, ssvc = excluded.ssvc, kev = excluded.kev, body = excluded.body,
               keys = excluded.keys, digest = excluded.digest
           WHERE v.digest <> excluded.digest AND coalesce(excluded.modified, 0) >= coalesce(v.modified, 0)
           RETURNING cve""",
        encoded(list(rows.values())),
    )
    return [row["cve"] for row in found]


async def put_scores(conn: Connection, scores: Sequence[tuple[str, float, float]], scored: date) -> int:
    """Take over a day's EPSS scores; an older day never replaces a newer one. Returns how many changed."""
    done = await conn.execute(
        """INSERT INTO epss AS e (cve, epss, percentile, scored)
           SELECT cve, epss, percentile, $4 FROM unnest($1::text[], $2::real[], $3::real[]) AS n (cve, epss, percentile)
           ON CONFLICT (cve) DO UPDATE SET epss = excluded.epss, percentile = excluded.percentile,
                                           scored = excluded.scored
           WHERE e.scored <= excluded.scored AND (e.epss, e.percentile, e.scored) IS DISTINCT FROM
                 (excluded.epss, excluded.percentile, excluded.scored)""",
        [row[0] for row in scores],
        [row[1] for row in scores],
        [row[2] for row in scores],
        scored,
    )
    return int(done.rpartition(" ")[2])


async def put_load(conn: Connection, row: dict[str, Any]) -> None:
    """That a file was loaded."""
    await put(conn, "feed_load", ("load_id",), [row])


async def loads(source: Source, limit: int = 20) -> list[dict[str, Any]]:
    """The last files."""
    rows = await source.fetch("SELECT * FROM feed_load ORDER BY loaded_at DESC, load_id DESC LIMIT $1", limit)
    return [dict(row) for row in rows]


async def of_cve(source: Source, cve: str) -> list[dict[str, Any]]:
    """What each source says of a vulnerability, found by its id or an alias."""
    rows = await source.fetch(
        """SELECT cve, source, aliases, state, title, text, published, modified, cvss, vector, ssvc, kev
           FROM vulnerability WHERE cve = $1 OR aliases @> ARRAY[$1] ORDER BY source, cve""",
        cve,
    )
    return [dict(row) | {"ssvc": msgspec.json.decode(row["ssvc"])} for row in rows]
