"""SQL of the joined questions: a vulnerability and the machines that have it, with everything it takes to judge it.

Each is one statement, which gives one JSON object.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.cyber.store.said import STATEMENTS, TRIAGES
from wardbridge.equipment.cyber.triage import Triage
from wardbridge.equipment.cyber.vex.judge import Told

Source = Connection | Pool


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a vulnerability: KEV (due in µs), EPSS, the highest CVSS, SSVC."""

    cve: str
    title: str = ""
    kev: bool = False
    due: int | None = None
    ransomware: bool = False
    epss: float | None = None
    percentile: float | None = None
    cvss: float | None = None
    ssvc: dict[str, str] = {}
    aliases: tuple[str, ...] = ()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with the product that its bill names."""

    build_id: str
    cve: str
    family: str
    model_id: str
    manufacturer: str
    model: str
    firmware: str = ""
    component: str
    version: str = ""
    purl: str = ""
    cpe: str = ""
    ref: str = ""
    supplier: str = ""
    via: str
    sure: bool
    fixed: str = ""
    why: list[dict[str, str]] = []
    since: int = 0
    serial: str = ""
    revision: int = 0
    root_name: str = ""
    root_version: str = ""
    root_purl: str = ""
    root_cpe: str = ""
    root_ref: str = ""
    cpes: tuple[str, ...] = ()


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that has it: what it is called, where it is, and whether it is in use. Nobody's name."""

    device_id: str
    build_id: str
    name: str
    tag: str = ""
    state: str = ""
    criticality: str = "medium"
    ward: str = ""
    room: str = ""
    bed: str = ""
    place: str = ""
    department: str = ""
    in_use: bool = False
    zone: str = ""
    exposure: str = ""


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``control``: a compensating control, in force from ``start`` until ``until`` (µs) or its early end."""

    control_id: str
    name: str
    effect: str
    cve: str = ""
    model_id: str = ""
    zone: str = ""
    owner: str
    evidence: str
    start: int
    until: int
    ended_at: int | None = None
    made_by: str = ""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Machines of a build that count alike: same criticality, zone and use."""

    build_id: str
    criticality: str
    zone: str
    exposure: str
    devices: int
    in_use: int


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """A vulnerability in the fleet: in which builds (numbers into ``Fleet.builds``), and whether anybody said
    anything of it; then its findings are judged one by one."""

    cve: str
    builds: tuple[int, ...]
    sure: bool
    since: int
    judged: bool


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """The vulnerabilities of many machines in few rows."""

    facts: tuple[Fact, ...] = ()
    briefs: tuple[Brief, ...] = ()
    builds: tuple[tuple[str, str], ...] = ()
    groups: tuple[Group, ...] = ()
    findings: tuple[Row, ...] = ()
    told: tuple[Told, ...] = ()
    triages: tuple[Triage, ...] = ()
    controls: tuple[Control, ...] = ()
    bills: tuple[str, ...] = ()


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What a line is called: title, models and components that have the vulnerability."""

    cve: str
    title: str
    models: tuple[str, ...]
    components: tuple[str, ...]


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a judgement takes, as one answer of the database."""

    facts: tuple[Fact, ...] = ()
    findings: tuple[Row, ...] = ()
    devices: tuple[Place, ...] = ()
    told: tuple[Told, ...] = ()
    triages: tuple[Triage, ...] = ()
    controls: tuple[Control, ...] = ()
    bills: tuple[str, ...] = ()


_WORST = "array_position(ARRAY['isolated', 'clinical', 'hospital', 'outside'], z.exposure)"
_ZONES = f"""SELECT DISTINCT ON (i.device_id) i.device_id, i.zone, coalesce(z.exposure, '') AS exposure
    FROM interface i LEFT JOIN zone z ON z.zone = i.zone WHERE i.zone <> '' AND {{0}}
    ORDER BY i.device_id, {_WORST} DESC NULLS LAST, i.zone"""
_ROWS = """SELECT f.*, m.manufacturer, m.name AS model, coalesce(b.firmware, '') AS firmware,
        coalesce(s.serial, '') AS serial, coalesce(s.revision, 0) AS revision, coalesce(r.name, '') AS root_name,
        coalesce(r.version, '') AS root_version, coalesce(r.purl, '') AS root_purl, coalesce(r.cpe, '') AS root_cpe,
        coalesce(r.ref, '') AS root_ref,
        ARRAY(SELECT c.cpe FROM model_cpe c WHERE c.model_id = f.model_id ORDER BY c.cpe) AS cpes
    FROM f JOIN model m USING (model_id)
    JOIN (SELECT DISTINCT build_id, firmware FROM builds) b USING (build_id)
    LEFT JOIN sbom s ON s.sbom_id = f.sbom_id
    LEFT JOIN component r ON r.sbom_id = f.sbom_id AND r.n = 0"""
_WORDS = """SELECT DISTINCT ON (c.device_id, v.cve) 'device:' || c.device_id AS build_id, v.cve, 'product' AS family,
        a.model_id, m.name AS component, a.firmware AS version, '' AS purl, '' AS cpe, '' AS sbom_id, '' AS ref,
        'advisory' AS via, c.certainty = 'certain' AS sure, '' AS fixed,
        jsonb_build_array(jsonb_build_object('advisory', d.number, 'words', array_to_string(c.why, '; '))) AS why,
        c.since
    FROM advisory_cve v JOIN advisory d USING (advisory_id) JOIN advisory_candidate c USING (advisory_id)
    JOIN asset a ON a.device_id = c.device_id JOIN model m ON m.model_id = a.model_id
    WHERE d.kind IN ('csaf', 'kev') AND d.state = 'current' AND c.verdict = 'candidate' AND c.decision <> 'not-affected'
      AND a.merged_into IS NULL AND {0}
      AND NOT EXISTS (SELECT FROM finding f WHERE f.cve = v.cve AND f.model_id = a.model_id)
    ORDER BY c.device_id, v.cve, array_position(ARRAY['certain', 'likely', 'possible'], c.certainty)"""
"""Machines that an advisory means by its product's words, where the matching by identity found nothing in the model:
each is a build of its own, since an advisory may mean single ones. The place takes a condition on ``v`` and ``a``."""
_FACTS = """SELECT n.cve, v.title, v.ssvc, greatest(v.cvss, a.cvss) AS cvss, v.aliases,
        coalesce(v.kev, false) OR coalesce(a.kev, false) AS kev,
        a.due, coalesce(a.ransomware, false) AS ransomware, e.epss, e.percentile
    FROM (SELECT DISTINCT cve FROM f) n
    LEFT JOIN (SELECT cve, coalesce(max(nullif(title, '')), left(max(text), 200), '') AS title,
                      coalesce(max(ssvc::text) FILTER (WHERE ssvc <> '{}'), '{}')::jsonb AS ssvc, max(cvss) AS cvss,
                      bool_or(kev) AS kev, min(aliases) AS aliases
               FROM vulnerability WHERE cve IN (SELECT cve FROM f) GROUP BY cve) v USING (cve)
    LEFT JOIN (SELECT cve, bool_or(kev) AS kev, min(due) AS due, bool_or(ransomware) AS ransomware,
                      max(cvss) AS cvss
               FROM advisory_cve WHERE cve IN (SELECT cve FROM f) GROUP BY cve) a USING (cve)
    LEFT JOIN epss e USING (cve)"""
_CONTROLS = "SELECT * FROM control WHERE ended_at IS NULL AND start <= $2 AND until > $2"
_SHARED = f"""'facts', (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(to_jsonb(x))), '[]') FROM ({_FACTS}) x),
    'findings', (SELECT coalesce(jsonb_agg(to_jsonb(x)), '[]') FROM ({_ROWS}) x),
    'controls', (SELECT coalesce(jsonb_agg(to_jsonb(x)), '[]') FROM ({_CONTROLS}) x),
    'bills', (SELECT coalesce(jsonb_agg(DISTINCT serial), '[]') FROM sbom WHERE serial <> '')"""


async def of_cve(source: Source, cve: str, now: int) -> Picture:
    """A vulnerability (its id or an alias), every finding of it and every machine, by place."""
    query = f"""
        WITH ids AS MATERIALIZED (
            SELECT $1::text AS cve UNION
            SELECT v.cve FROM vulnerability v WHERE v.aliases @> ARRAY[$1::text] UNION
            SELECT unnest(v.aliases) FROM vulnerability v WHERE v.cve = $1),
        f AS MATERIALIZED (
            SELECT * FROM finding WHERE cve IN (SELECT cve FROM ids)
            UNION ALL SELECT * FROM ({_WORDS.format("v.cve IN (SELECT cve FROM ids)")}) w),
        builds AS MATERIALIZED (
            SELECT device_id, build_id, firmware FROM device_build
            WHERE model_id IN (SELECT model_id FROM f) AND build_id IN (SELECT build_id FROM f)
            UNION ALL SELECT device_id, 'device:' || device_id, firmware FROM asset
            WHERE device_id IN (SELECT substr(build_id, 8) FROM f WHERE via = 'advisory')),
        zones AS ({_ZONES.format("i.device_id IN (SELECT device_id FROM builds)")}),
        d AS (SELECT n.device_id, b.build_id, coalesce(nullif(n.label, ''), concat_ws(' ', n.model,
                     coalesce(nullif(n.tag, ''), n.serial))) AS name, n.tag, n.state, n.criticality,
                     coalesce(n.ward, '') AS ward, coalesce(n.room, '') AS room, coalesce(n.bed, '') AS bed,
                     coalesce(n.place_label, '') AS place, n.department, n.in_use, coalesce(z.zone, '') AS zone,
                     coalesce(z.exposure, '') AS exposure
              FROM builds b JOIN asset_now n USING (device_id) LEFT JOIN zones z USING (device_id))
        SELECT jsonb_build_object({_SHARED},
            'devices', (SELECT coalesce(jsonb_agg(to_jsonb(x)), '[]')
                        FROM (SELECT * FROM d ORDER BY in_use DESC, ward, room, bed, name) x),
            'told', (SELECT coalesce(jsonb_agg(told), '[]') FROM {
        STATEMENTS.format(
            "s.cve IN (SELECT cve FROM ids) OR s.aliases && ARRAY(SELECT cve FROM ids)",
            "st.cve IN (SELECT cve FROM ids)",
        )
    } x),
            'triages', (SELECT coalesce(jsonb_agg(row), '[]')
                        FROM {TRIAGES.format("t.cve IN (SELECT cve FROM ids)")} x))"""
    return msgspec.json.decode(await source.fetchval(query, cve, now), type=Picture)


async def of_fleet(source: Source, now: int, *, model_id: str = "", device_id: str = "", text: str = "") -> Fleet:
    """Every vulnerability of the fleet (of one model, or one machine; whose CVE, title, component or model has
    ``text``), with machines counted by what they have in common."""
    query = f"""
        WITH words AS MATERIALIZED (
            {_WORDS.format("($1::text = '' OR a.model_id = $1) AND ($3::text = '' OR a.device_id = $3)")}),
        builds AS MATERIALIZED (
            SELECT device_id, build_id, model_id, firmware FROM device_build
            WHERE ($1::text = '' OR model_id = $1) AND ($3::text = '' OR device_id = $3)
            UNION ALL SELECT device_id, 'device:' || device_id, model_id, firmware FROM asset
            WHERE device_id IN (SELECT substr(build_id, 8) FROM words)),
        hit AS (SELECT * FROM finding UNION ALL SELECT * FROM words),
        b AS MATERIALIZED (
            SELECT build_id, model_id, row_number() OVER (ORDER BY build_id) - 1 AS n
            FROM (SELECT DISTINCT build_id, model_id FROM builds) x),
        every AS MATERIALIZED (
            SELECT f.cve, f.build_id, b.n, f.sure, f.since FROM hit f JOIN b USING (build_id, model_id)
            WHERE $4::text = '' OR strpos(lower(f.cve || ' ' || f.component || ' ' || f.family), $4) > 0
               OR f.model_id IN (SELECT m.model_id FROM model m
                                 WHERE strpos(lower(m.manufacturer || ' ' || m.name), $4) > 0)
               OR f.cve IN (SELECT v.cve FROM vulnerability v WHERE strpos(lower(v.title), $4) > 0)),
        said AS MATERIALIZED (
            SELECT cve FROM triage UNION SELECT cve FROM statement UNION SELECT unnest(aliases) FROM statement
            UNION SELECT jsonb_object_keys(status) FROM advisory_product),
        c AS MATERIALIZED (
            SELECT e.cve, array_agg(e.n) AS builds, bool_or(e.sure) AS sure, min(e.since) AS since,
                   e.cve IN (SELECT cve FROM said) AS judged FROM every e GROUP BY e.cve),
        f AS MATERIALIZED (SELECT * FROM hit WHERE cve IN (SELECT cve FROM c WHERE judged)
                           AND build_id IN (SELECT build_id FROM b)),
        v AS (SELECT cve, max(cvss) AS cvss, bool_or(kev) AS kev FROM vulnerability
              WHERE cve IN (SELECT cve FROM c) GROUP BY cve),
        a AS (SELECT cve, bool_or(kev) AS kev, min(due) AS due, bool_or(ransomware) AS ransomware,
                      max(cvss) AS cvss
              FROM advisory_cve GROUP BY cve),
        zones AS ({_ZONES.format("true")}),
        d AS (SELECT b.build_id, n.criticality, coalesce(z.zone, '') AS zone, coalesce(z.exposure, '') AS exposure,
                     count(*) AS devices, count(*) FILTER (WHERE n.in_use) AS in_use
              FROM builds b JOIN asset_now n USING (device_id) LEFT JOIN zones z USING (device_id)
              GROUP BY 1, 2, 3, 4)
        SELECT jsonb_build_object(
            'facts', (SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                          'cve', c.cve, 'cvss', greatest(v.cvss, a.cvss),
                          'kev', coalesce(v.kev, false) OR coalesce(a.kev, false),
                          'due', a.due, 'ransomware', coalesce(a.ransomware, false), 'epss', e.epss))), '[]')
                      FROM c LEFT JOIN v USING (cve) LEFT JOIN a USING (cve) LEFT JOIN epss e USING (cve)),
            'briefs', (SELECT coalesce(jsonb_agg(to_jsonb(c)), '[]') FROM c),
            'builds', (SELECT coalesce(jsonb_agg(jsonb_build_array(build_id, model_id) ORDER BY n), '[]') FROM b),
            'groups', (SELECT coalesce(jsonb_agg(to_jsonb(d)), '[]') FROM d),
            'findings', (SELECT coalesce(jsonb_agg(to_jsonb(x)), '[]') FROM ({_ROWS}) x),
            'controls', (SELECT coalesce(jsonb_agg(to_jsonb(x)), '[]') FROM ({_CONTROLS}) x),
            'bills', (SELECT coalesce(jsonb_agg(DISTINCT serial), '[]') FROM sbom WHERE serial <> ''),
            'told', (SELECT coalesce(jsonb_agg(told), '[]') FROM {
        STATEMENTS.format(
            "s.cve IN (SELECT cve FROM f) OR s.aliases && ARRAY(SELECT DISTINCT cve FROM f)",
            "st.cve IN (SELECT cve FROM f)",
        )
    } x),
            'triages', (SELECT coalesce(jsonb_agg(row), '[]')
                        FROM {TRIAGES.format("t.cve IN (SELECT cve FROM f)")} x))"""
    return msgspec.json.decode(await source.fetchval(query, model_id, now, device_id, text.lower()), type=Fleet)


async def named(source: Source, cves: Sequence[str], *, model_id: str = "") -> dict[str, Names]:
    """Titles of vulnerabilities, with the models and components (at most 20 of each) that they were found in."""
    rows = await source.fetch(
        f"""SELECT f.cve, coalesce((SELECT coalesce(max(nullif(v.title, '')), left(max(v.text), 200))
                                   FROM vulnerability v WHERE v.cve = f.cve), '') AS title,
                  (array_agg(DISTINCT m.manufacturer || ' ' || m.name))[:20] AS models,
                  (array_agg(DISTINCT concat_ws(' ', f.component, nullif(f.version, ''))))[:20] AS components
           FROM (SELECT cve, model_id, component, version FROM finding WHERE cve = ANY($1)
                 UNION ALL SELECT cve, model_id, component, version
                 FROM ({_WORDS.format("v.cve = ANY($1) AND ($2::text = '' OR a.model_id = $2)")}) w) f
           JOIN model m USING (model_id) WHERE $2::text = '' OR f.model_id = $2 GROUP BY f.cve""",
        list(cves),
        model_id,
    )
    return {row["cve"]: Names(**{**dict(row), "models": tuple(row["models"]), "components": tuple(row["components"])})
            for row in rows}  # fmt: skip
