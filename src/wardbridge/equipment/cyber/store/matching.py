"""SQL of the matching: builds, what they are made of, candidates, and findings as the difference to what was there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.cyber import purl as purls
from wardbridge.equipment.cyber.builds import Bill, Described, Item, Versions
from wardbridge.equipment.cyber.match import Found
from wardbridge.equipment.cyber.store.rows import encoded
from wardbridge.equipment.cyber.values import Body, Vulnerability

Source = Connection | Pool
_BODY = msgspec.json.Decoder(Body)


async def builds(source: Source, models: Sequence[str] | None = None) -> list[Versions]:
    """Every build in use (of these models), once."""
    rows = await source.fetch(
        """SELECT DISTINCT ON (build_id) build_id, model_id, firmware, hardware, os, software
           FROM device_build WHERE $1::text[] IS NULL OR model_id = ANY($1) ORDER BY build_id""",
        None if models is None else list(models),
    )
    return [Versions(**dict(row) | {"software": msgspec.json.decode(row["software"])}) for row in rows]


async def unmatched(source: Source) -> list[str]:
    """Models with builds that were never matched."""
    rows = await source.fetch(
        """SELECT DISTINCT model_id FROM device_build b
           WHERE NOT EXISTS (SELECT FROM build_match m WHERE m.build_id = b.build_id) ORDER BY model_id"""
    )
    return [row["model_id"] for row in rows]


async def described(source: Source, models: Sequence[str]) -> dict[str, Described]:
    """Names of models."""
    rows = await source.fetch(
        """SELECT m.model_id, m.manufacturer, m.name,
                  coalesce(array_agg(c.cpe ORDER BY c.cpe) FILTER (WHERE c.cpe IS NOT NULL), '{}') AS cpes,
                  coalesce(array_agg(c.fills ORDER BY c.cpe) FILTER (WHERE c.cpe IS NOT NULL), '{}') AS fills
           FROM model m LEFT JOIN model_cpe c USING (model_id) WHERE m.model_id = ANY($1) GROUP BY m.model_id""",
        list(models),
    )
    return {
        row["model_id"]: Described(manufacturer=row["manufacturer"], model=row["name"],
                                   cpes=tuple(zip(row["cpes"], row["fills"], strict=True)))
        for row in rows
    }  # fmt: skip


async def bills(source: Source, models: Sequence[str]) -> dict[str, list[Bill]]:
    """The bills in force of models, each with its components as items."""
    rows = await source.fetch(
        """SELECT s.model_id, s.sbom_id, s.version AS of_version, s.loaded_at, c.n, c.family, c.name, c."group",
                  c.version, c.purl, c.cpe, c.supplier, c.ref
           FROM sbom s LEFT JOIN component c USING (sbom_id)
           WHERE s.model_id = ANY($1) AND s.superseded_by IS NULL ORDER BY s.model_id, s.sbom_id, c.n""",
        list(models),
    )
    items: dict[tuple[str, str, str, int], list[Item]] = {}
    for row in rows:
        found = items.setdefault((row["model_id"], row["sbom_id"], row["of_version"], row["loaded_at"]), [])
        if row["n"] is None:
            continue
        whole = purls.parse(row["purl"]) if row["purl"] else None
        found.append(
            Item(family=row["family"], name=row["name"], version=row["version"] or (whole.version if whole else ""),
                 purl=row["purl"], cpes=(row["cpe"],) if row["cpe"] else (), vendor=row["supplier"] or row["group"],
                 sbom_id=row["sbom_id"], ref=row["ref"], texts=not row["purl"] and not row["cpe"])
        )  # fmt: skip
    out: dict[str, list[Bill]] = {}
    for (model, sbom_id, version, loaded), found in items.items():
        out.setdefault(model, []).append(
            Bill(sbom_id=sbom_id, version=version, loaded_at=loaded, items=tuple(found))
        )  # fmt: skip
    return out


async def candidates(source: Source, keys: Sequence[str], cves: Sequence[str] | None = None) -> list[Vulnerability]:
    """Vulnerabilities that name one of these identities (and are among ``cves``)."""
    rows = await source.fetch(
        """SELECT cve, source, body FROM vulnerability
           WHERE state = 'published' AND keys && $1::text[] AND ($2::text[] IS NULL OR cve = ANY($2))""",
        list(keys),
        None if cves is None else list(cves),
    )
    return [Vulnerability(cve=row["cve"], source=row["source"], body=_BODY.decode(row["body"])) for row in rows]


async def put_findings(
    conn: Connection, found: Sequence[Found], looked: Sequence[Versions], cves: Sequence[str] | None, now: int
) -> tuple[int, int]:
    """Make the findings of the builds that were looked at (for ``cves``, or all) these. Returns (written, gone).

    ``since`` is when the vulnerability was first found in this component of the model, in whichever version.
    """
    written = await conn.execute(
        """INSERT INTO finding AS f (build_id, cve, family, model_id, component, version, purl, cpe, sbom_id, ref, via,
                                     sure, fixed, why, since)
           SELECT n.build_id, n.cve, n.family, n.model_id, n.component, n.version, n.purl, n.cpe, n.sbom_id, n.ref,
                  n.via, n.sure, n.fixed, n.why, coalesce(o.since, $2)
           FROM jsonb_populate_recordset(NULL::finding, $1::jsonb) n
           LEFT JOIN (SELECT model_id, cve, family, min(since) AS since FROM finding GROUP BY 1, 2, 3) o
               ON (o.model_id, o.cve, o.family) = (n.model_id, n.cve, n.family)
           ON CONFLICT (build_id, cve, family) DO UPDATE SET
               component = excluded.component, version = excluded.version, purl = excluded.purl, cpe = excluded.cpe,
               sbom_id = excluded.sbom_id, ref = excluded.ref, via = excluded.via, sure = excluded.sure,
               fixed = excluded.fixed, why = excluded.why
           WHERE (f.component, f.version, f.purl, f.cpe, f.sbom_id, f.ref, f.via, f.sure, f.fixed, f.why)
               IS DISTINCT FROM (excluded.component, excluded.version, excluded.purl, excluded.cpe, excluded.sbom_id,
                                 excluded.ref, excluded.via, excluded.sure, excluded.fixed, excluded.why)""",
        encoded(found),
        now,
    )
    ids = [one.build_id for one in looked]
    gone = await conn.execute(
        """DELETE FROM finding f
           WHERE (f.build_id = ANY($1) OR NOT EXISTS (SELECT FROM device_build b WHERE b.model_id = f.model_id
                                                      AND b.build_id = f.build_id))
             AND ($2::text[] IS NULL OR f.cve = ANY($2))
             AND NOT EXISTS (SELECT FROM unnest($3::text[], $4::text[], $5::text[]) AS n (build_id, cve, family)
                             WHERE (n.build_id, n.cve, n.family) = (f.build_id, f.cve, f.family))""",
        ids,
        None if cves is None else list(cves),
        [one.build_id for one in found],
        [one.cve for one in found],
        [one.family for one in found],
    )
    if cves is None:
        await conn.execute(
            """INSERT INTO build_match (build_id, model_id, at)
               SELECT build_id, model_id, $3 FROM unnest($1::text[], $2::text[]) AS n (build_id, model_id)
               ON CONFLICT (build_id) DO NOTHING""",
            ids,
            [one.model_id for one in looked],
            now,
        )
    return int(written.rpartition(" ")[2]), int(gone.rpartition(" ")[2])


async def first_seen(source: Source, device_id: str) -> list[dict[str, Any]]:
    """The findings of a machine's present build with the times they were first made."""
    rows = await source.fetch(
        """SELECT f.cve, f.component, f.version, f.since, f.sure FROM device_build b JOIN finding f USING (build_id)
           WHERE b.device_id = $1 ORDER BY f.since DESC, f.cve LIMIT 500""",
        device_id,
    )
    return [dict(row) for row in rows]
