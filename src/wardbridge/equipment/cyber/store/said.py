"""SQL of statements (VEX documents, CSAF advisories) and of triage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.cyber.store.rows import encoded, put
from wardbridge.equipment.cyber.triage import Triage
from wardbridge.equipment.cyber.values import Statement
from wardbridge.equipment.cyber.vex.judge import Told

Source = Connection | Pool

STATEMENTS = """(
    SELECT jsonb_build_object(
               'statement', to_jsonb(s) - 'vex_id' - 'n', 'document', v.serial, 'revision', v.revision,
               'author', v.author, 'vex_id', v.vex_id) AS told
    FROM statement s JOIN vex v USING (vex_id) WHERE {0}
    UNION ALL
    SELECT jsonb_build_object(
               'statement', jsonb_build_object(
                   'cve', st.cve, 'status', st.status, 'at', coalesce(a.updated, a.published, a.loaded_at),
                   'said', st.status, 'action', p.remedy,
                   'product', jsonb_strip_nulls(jsonb_build_object(
                       'purl', nullif(p.purl, ''), 'cpe', nullif(p.cpe, ''), 'name', nullif(p.product, ''),
                       'vendor', nullif(p.vendor, ''))),
                   'versions', coalesce((
                       SELECT jsonb_agg(jsonb_build_object('range', 'vers:generic/' || concat_ws('|',
                           CASE WHEN i ->> 'low' <> '' THEN
                               CASE WHEN i ->> 'low_in' = 'false' THEN '>' ELSE '>=' END || (i ->> 'low') END,
                           CASE WHEN i ->> 'high' <> '' THEN
                               CASE WHEN i ->> 'high_in' = 'false' THEN '<' ELSE '<=' END || (i ->> 'high') END)))
                       FROM jsonb_array_elements(p.range -> 'intervals') i), '[]')),
               'document', '', 'revision', 1, 'author', a.publisher || ' ' || a.number, 'vex_id', a.advisory_id) AS told
    FROM advisory a JOIN advisory_product p USING (advisory_id), jsonb_each_text(p.status) AS st (cve, status)
    WHERE a.kind = 'csaf' AND a.state = 'current' AND {1}
      AND st.status IN ('not_affected', 'affected', 'fixed', 'under_investigation')
      AND NOT p.prose AND p.host IS NULL AND NOT p.range ?| ARRAY['problem', 'condition', 'unlike']
      AND NOT EXISTS (SELECT FROM jsonb_array_elements(p.range -> 'intervals') i WHERE i ->> 'family' = 'true'))"""
"""What makers say; the places take a condition on ``s`` (statement) and on ``st`` and ``a`` (advisory). Of CSAF
products those count whose versions are plain ranges: words and conditions are for people, with the advisory."""

TRIAGES = """(
    SELECT to_jsonb(t) || jsonb_build_object('sides', ARRAY(
        SELECT DISTINCT g.side FROM signature g
        WHERE g.subject = 'triage' AND g.subject_id = t.triage_id AND g.digest = t.digest)) AS row
    FROM triage t WHERE {0})"""


async def add(conn: Connection, row: dict[str, Any], statements: Sequence[Statement]) -> None:
    """A new document with its statements."""
    await put(conn, "vex", ("vex_id",), [row])
    await conn.execute(
        """INSERT INTO statement (vex_id, n, cve, aliases, product, component, versions, status, justification, impact,
                                  action, said, at, more)
           SELECT $1, n, cve, aliases, product, nullif(component, 'null'::jsonb), versions, status, justification,
                  impact, action, said, at, more
           FROM jsonb_populate_recordset(NULL::statement, $2::jsonb)""",
        row["vex_id"],
        encoded([msgspec.to_builtins(one) | {"n": at} for at, one in enumerate(statements)]),
    )


async def known(source: Source, digest: str) -> str | None:
    """The document with exactly these bytes."""
    found: str | None = await source.fetchval("SELECT vex_id FROM vex WHERE digest = $1", digest)
    return found


async def told(source: Source, cves: Sequence[str] | None = None) -> list[Told]:
    """Every statement on these vulnerabilities, all where None."""
    query = STATEMENTS.format(
        "$1::text[] IS NULL OR s.cve = ANY($1) OR s.aliases && $1", "($1::text[] IS NULL OR st.cve = ANY($1))"
    )
    rows = await source.fetch(f"SELECT told FROM {query} x", None if cves is None else list(cves))
    return [msgspec.json.decode(row["told"], type=Told) for row in rows]


async def put_triage(conn: Connection, one: Triage) -> None:
    """A new judgement; older ones stay."""
    row = msgspec.to_builtins(one)
    del row["sides"]
    await put(conn, "triage", ("triage_id",), [row])


async def triages(source: Source, *, cve: str = "", model_id: str = "", triage_id: str = "") -> list[Triage]:
    """Judgements of a vulnerability, a model, or one alone; oldest first."""
    rows = await source.fetch(
        f"""SELECT row FROM {
            TRIAGES.format("($1 = '' OR t.cve = $1) AND ($2 = '' OR t.model_id = $2) AND ($3 = '' OR t.triage_id = $3)")
        } x
            ORDER BY row ->> 'at', row ->> 'triage_id'""",
        cve,
        model_id,
        triage_id,
    )
    return [msgspec.json.decode(row["row"], type=Triage) for row in rows]


async def found_in(source: Source, model_id: str) -> list[str]:
    """The vulnerabilities that were found in a model."""
    rows = await source.fetch("SELECT DISTINCT cve FROM finding WHERE model_id = $1 ORDER BY cve", model_id)
    return [row["cve"] for row in rows]
