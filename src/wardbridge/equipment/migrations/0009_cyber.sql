-- Cyber: what machines are made of, what is known to be wrong with it, who said what about it, and where it stands in
-- the network. Times are µs since 1970-01-01T00:00:00Z.

-- A bill of materials of a model, or of one version of its software (version '' is every one). Never changed but for
-- superseded_by; the document as it came is the Binary of document_id.
CREATE TABLE sbom (
    sbom_id      text PRIMARY KEY,
    model_id     text NOT NULL REFERENCES model,
    version      text NOT NULL DEFAULT '',
    format       text NOT NULL,
    spec         text NOT NULL,
    kind         text NOT NULL,
    serial       text NOT NULL DEFAULT '',
    revision     int NOT NULL DEFAULT 1,
    name         text NOT NULL DEFAULT '',
    author       text NOT NULL DEFAULT '',
    made_at      bigint,
    digest       text NOT NULL,
    size         bigint NOT NULL,
    document_id  text NOT NULL,
    components   int NOT NULL,
    services     int NOT NULL,
    refused      jsonb NOT NULL DEFAULT '[]',
    depends      jsonb NOT NULL DEFAULT '{}',
    loaded_at    bigint NOT NULL,
    loaded_by    text NOT NULL,
    superseded_by text
);
CREATE INDEX sbom_model ON sbom (model_id, version, loaded_at);
CREATE INDEX sbom_serial ON sbom (serial) WHERE serial <> '';
SELECT account_for('sbom', 'sbom_id');

-- n 0 is the product itself; "more" is what the document says beyond these columns.
CREATE TABLE component (
    sbom_id     text NOT NULL REFERENCES sbom,
    n           int NOT NULL,
    parent      int,
    ref         text NOT NULL DEFAULT '',
    type        text NOT NULL,
    family      text NOT NULL,
    name        text NOT NULL,
    "group"     text NOT NULL DEFAULT '',
    version     text NOT NULL DEFAULT '',
    purl        text NOT NULL DEFAULT '',
    cpe         text NOT NULL DEFAULT '',
    supplier    text NOT NULL DEFAULT '',
    support     text NOT NULL DEFAULT '',
    support_ends bigint,
    more        jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (sbom_id, n)
);
CREATE INDEX component_family ON component (family);
SELECT account_for('component', 'sbom_id', 'n');

-- What a model is in the words of CPE 2.3; "fills" says which of a machine's own versions stands in for "*".
CREATE TABLE model_cpe (
    model_id    text NOT NULL REFERENCES model,
    cpe         text NOT NULL,
    fills       text NOT NULL DEFAULT '',
    source      text NOT NULL DEFAULT 'hand',
    PRIMARY KEY (model_id, cpe)
);
SELECT account_for('model_cpe', 'model_id', 'cpe');

-- A vulnerability as one source describes it; "keys" are the identities that it names, for the search of candidates.
CREATE TABLE vulnerability (
    cve         text NOT NULL,
    source      text NOT NULL CHECK (source IN ('cve', 'nvd', 'osv')),
    aliases     text[] NOT NULL DEFAULT '{}',
    state       text NOT NULL DEFAULT 'published',
    title       text NOT NULL DEFAULT '',
    text        text NOT NULL DEFAULT '',
    published   bigint,
    modified    bigint,
    cvss        real,
    vector      text NOT NULL DEFAULT '',
    ssvc        jsonb NOT NULL DEFAULT '{}',
    kev         boolean NOT NULL DEFAULT false,
    body        jsonb NOT NULL,
    keys        text[] NOT NULL,
    digest      text NOT NULL,
    PRIMARY KEY (cve, source)
);
CREATE INDEX vulnerability_keys ON vulnerability USING gin (keys) WHERE state = 'published';
CREATE INDEX vulnerability_aliases ON vulnerability USING gin (aliases);
SELECT account_for('vulnerability', 'cve', 'source');

-- Probability of exploitation. A file of 300,000 scores comes every day and nearly every one moves a little: what is
-- accounted is the file (feed_load, by its digest), not each score; a change without an actor is refused here, too.
CREATE TABLE epss (
    cve         text PRIMARY KEY,
    epss        real NOT NULL,
    percentile  real NOT NULL,
    scored      date NOT NULL
);
CREATE FUNCTION epss_account() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who   jsonb;
    ident uuid := gen_random_uuid();
BEGIN
    IF coalesce(current_setting('wardbridge.actor', true), '') = '' THEN
        RAISE EXCEPTION 'a change of epss without an actor';
    END IF;
    who := current_setting('wardbridge.actor')::jsonb;
    INSERT INTO audit_event (audit_id, at, actor, actor_kind, display, roles, action, event, target_type, target_id,
                             patients, outcome, reason, query, address)
    VALUES (ident, (who ->> 'at')::bigint, who ->> 'id', who ->> 'kind', who ->> 'display',
            ARRAY(SELECT jsonb_array_elements_text(who -> 'roles')), 'U', 'update', 'table.epss', TG_OP, '{}', 0,
            left(coalesce(who ->> 'reason', ''), 500), '', coalesce(who ->> 'address', ''));
    RETURN NULL;
END $$;
CREATE TRIGGER epss_journal AFTER INSERT OR UPDATE OR DELETE ON epss
    FOR EACH STATEMENT EXECUTE FUNCTION epss_account();
CREATE TRIGGER epss_no_truncate BEFORE TRUNCATE ON epss
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_is_append_only();

CREATE TABLE feed_load (
    load_id     text PRIMARY KEY,
    kind        text NOT NULL,
    name        text NOT NULL,
    digest      text NOT NULL,
    made_at     bigint,
    read        int NOT NULL,
    changed     int NOT NULL,
    refused     jsonb NOT NULL DEFAULT '[]',
    loaded_at   bigint NOT NULL,
    loaded_by   text NOT NULL
);
SELECT account_for('feed_load', 'load_id');

-- What is alike in machines: the same model with the same versions of everything is matched once.
CREATE VIEW device_build AS
SELECT a.device_id, a.model_id, a.firmware, a.hardware, a.os, coalesce(s.software, '{}') AS software,
       md5(jsonb_build_array(a.model_id, a.firmware, a.hardware, a.os, coalesce(s.software, '{}'))::text) AS build_id
FROM asset a
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(component, version) AS software
    FROM (SELECT DISTINCT ON (component) component, version FROM software w
          WHERE w.device_id = a.device_id ORDER BY component, since DESC) newest
    WHERE version <> ''
) s ON true
WHERE a.merged_into IS NULL AND a.state NOT IN ('need', 'assessed', 'retired', 'sanitised', 'disposed');

-- A vulnerability that the matching found in a build; why: which component, range and node. Judgements on it
-- (statements, triage, controls) are not stored here: they are evaluated when it is read.
CREATE TABLE finding (
    build_id    text NOT NULL,
    cve         text NOT NULL,
    family      text NOT NULL,
    model_id    text NOT NULL REFERENCES model,
    component   text NOT NULL,
    version     text NOT NULL DEFAULT '',
    purl        text NOT NULL DEFAULT '',
    cpe         text NOT NULL DEFAULT '',
    sbom_id     text NOT NULL DEFAULT '',
    ref         text NOT NULL DEFAULT '',
    via         text NOT NULL,
    sure        boolean NOT NULL,
    fixed       text NOT NULL DEFAULT '',
    why         jsonb NOT NULL,
    since       bigint NOT NULL,
    PRIMARY KEY (build_id, cve, family)
);
CREATE INDEX finding_cve ON finding (cve);
CREATE INDEX finding_model ON finding (model_id);
SELECT account_for('finding', 'build_id', 'cve', 'family');

-- Which builds were matched against what, so that one without findings differs from one not looked at.
CREATE TABLE build_match (
    build_id    text PRIMARY KEY,
    model_id    text NOT NULL REFERENCES model,
    at          bigint NOT NULL
);
SELECT account_for('build_match', 'build_id');

-- Statements of makers (VEX): the document, and each statement on one vulnerability of one product.
CREATE TABLE vex (
    vex_id      text PRIMARY KEY,
    format      text NOT NULL,
    serial      text NOT NULL,
    revision    int NOT NULL,
    author      text NOT NULL DEFAULT '',
    made_at     bigint,
    digest      text NOT NULL UNIQUE,
    document_id text NOT NULL,
    model_id    text REFERENCES model,
    statements  int NOT NULL,
    refused     jsonb NOT NULL DEFAULT '[]',
    loaded_at   bigint NOT NULL,
    loaded_by   text NOT NULL
);
SELECT account_for('vex', 'vex_id');

CREATE TABLE statement (
    vex_id      text NOT NULL REFERENCES vex,
    n           int NOT NULL,
    cve         text NOT NULL,
    aliases     text[] NOT NULL DEFAULT '{}',
    product     jsonb NOT NULL,
    component   jsonb,
    versions    jsonb NOT NULL DEFAULT '[]',
    status      text NOT NULL CHECK (status IN ('not_affected', 'affected', 'fixed', 'under_investigation')),
    justification text NOT NULL DEFAULT '',
    impact      text NOT NULL DEFAULT '',
    action      text NOT NULL DEFAULT '',
    said        text NOT NULL DEFAULT '',
    at          bigint NOT NULL,
    more        jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (vex_id, n)
);
CREATE INDEX statement_cve ON statement (cve);
SELECT account_for('statement', 'vex_id', 'n');

-- A person's judgement on (CVE, model, component): the newest of the three counts, older ones are the history.
CREATE TABLE triage (
    triage_id   text PRIMARY KEY,
    cve         text NOT NULL,
    model_id    text NOT NULL REFERENCES model,
    family      text NOT NULL,
    state       text NOT NULL CHECK (state IN ('in_triage', 'exploitable', 'not_affected', 'resolved', 'accepted')),
    justification text NOT NULL DEFAULT '',
    note        text NOT NULL DEFAULT '',
    versions    text NOT NULL DEFAULT '',
    until       bigint,
    kev         boolean NOT NULL,
    digest      text NOT NULL,
    by          text NOT NULL,
    display     text NOT NULL,
    at          bigint NOT NULL
);
CREATE INDEX triage_cve ON triage (cve, model_id, family, at);
SELECT account_for('triage', 'triage_id');

-- The maker's disclosure statement (ANSI/NEMA HN 1-2019); answers: question -> [answer, note].
CREATE TABLE mds2 (
    mds2_id     text PRIMARY KEY,
    model_id    text NOT NULL REFERENCES model,
    version     text NOT NULL DEFAULT '',
    made_at     bigint,
    answers     jsonb NOT NULL,
    refused     jsonb NOT NULL DEFAULT '[]',
    digest      text NOT NULL,
    document_id text NOT NULL,
    loaded_at   bigint NOT NULL,
    loaded_by   text NOT NULL,
    superseded_by text
);
CREATE INDEX mds2_model ON mds2 (model_id) WHERE superseded_by IS NULL;
SELECT account_for('mds2', 'mds2_id');

-- Zones and conduits (IEC 62443-3-2); interface.zone names the zone.
CREATE TABLE zone (
    zone        text PRIMARY KEY,
    level       int NOT NULL CHECK (level BETWEEN 0 AND 4),
    exposure    text NOT NULL CHECK (exposure IN ('isolated', 'clinical', 'hospital', 'outside')),
    purpose     text NOT NULL DEFAULT ''
);
SELECT account_for('zone', 'zone');

CREATE TABLE conduit (
    conduit_id  text PRIMARY KEY,
    source      text NOT NULL REFERENCES zone,
    target      text NOT NULL REFERENCES zone,
    service     text NOT NULL DEFAULT '',
    purpose     text NOT NULL,
    level       int NOT NULL CHECK (level BETWEEN 0 AND 4),
    UNIQUE (source, target, service)
);
SELECT account_for('conduit', 'conduit_id');

-- What stands in for a patch: '' in cve, model_id or zone is every one.
CREATE TABLE control (
    control_id  text PRIMARY KEY,
    name        text NOT NULL,
    effect      text NOT NULL CHECK (effect IN ('blocks', 'reduces', 'detects')),
    cve         text NOT NULL DEFAULT '',
    model_id    text NOT NULL DEFAULT '',
    zone        text NOT NULL DEFAULT '',
    owner       text NOT NULL,
    evidence    text NOT NULL,
    start       bigint NOT NULL,
    until       bigint NOT NULL,
    ended_at    bigint,
    made_by     text NOT NULL,
    CHECK (cve <> '' OR model_id <> '' OR zone <> ''),
    CHECK (until > start)
);
SELECT account_for('control', 'control_id');
