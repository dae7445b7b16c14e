-- Recalls, hazard notices, CSAF documents, KEV entries and letters; what they say of which products; which machines
-- they may concern; campaigns in which every such machine comes to an end. Times are µs since 1970-01-01T00:00:00Z.

CREATE TABLE advisory (
    advisory_id text PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('recall', 'hazard', 'csaf', 'kev', 'letter')),
    number      text NOT NULL,
    publisher   text NOT NULL,
    title       text NOT NULL,
    summary     text NOT NULL DEFAULT '',
    remedy      text NOT NULL DEFAULT '',
    published   bigint,
    updated     bigint,
    version     text NOT NULL DEFAULT '',
    severity    text NOT NULL DEFAULT '',
    class       text NOT NULL DEFAULT '',
    cvss        double precision,
    url         text NOT NULL DEFAULT '',
    state       text NOT NULL DEFAULT 'current' CHECK (state IN ('current', 'ended', 'withdrawn')),
    digest      text NOT NULL,
    loaded_at   bigint NOT NULL,
    broad       int NOT NULL DEFAULT 0
);
CREATE INDEX advisory_kind ON advisory (kind, updated DESC);
SELECT account_for('advisory', 'advisory_id');

-- Every version of every document, as it came (gzip). The current ones make the advisory: a recall may have two
-- (openFDA device/recall and device/enforcement tell of the same number).
CREATE TABLE advisory_document (
    advisory_id text NOT NULL REFERENCES advisory,
    source      text NOT NULL,
    digest      text NOT NULL,
    version     text NOT NULL,
    updated     bigint,
    loaded_at   bigint NOT NULL,
    current     boolean NOT NULL,
    raw         bytea NOT NULL,
    PRIMARY KEY (advisory_id, source, digest)
);
SELECT account_for('advisory_document', 'advisory_id', 'source', 'digest');

-- What a document says of one product. "range" is the parsed version text, "codes" the lots, serials and catalogue
-- numbers found in free text; "host" is the product that this one must be installed on (CSAF relationships);
-- "status" is {cve: affected|fixed|not_affected|under_investigation}, under '' where there is no CVE.
CREATE TABLE advisory_product (
    advisory_id text NOT NULL REFERENCES advisory,
    product_id  text NOT NULL,
    vendor      text NOT NULL,
    product     text NOT NULL,
    name        text NOT NULL DEFAULT '',
    version     text NOT NULL DEFAULT '',
    range       jsonb NOT NULL DEFAULT '{}',
    codes       jsonb NOT NULL DEFAULT '{}',
    di          text[] NOT NULL DEFAULT '{}',
    models      text[] NOT NULL DEFAULT '{}',
    product_code text NOT NULL DEFAULT '',
    cpe         text NOT NULL DEFAULT '',
    purl        text NOT NULL DEFAULT '',
    host        jsonb,
    prose       boolean NOT NULL DEFAULT false,
    status      jsonb NOT NULL DEFAULT '{}',
    remedy      text NOT NULL DEFAULT '',
    PRIMARY KEY (advisory_id, product_id)
);
CREATE INDEX advisory_product_di ON advisory_product USING gin (di);
SELECT account_for('advisory_product', 'advisory_id', 'product_id');

-- "kev", "due" and "ransomware" follow the loaded KEV catalogue, "epss" what the cyber part is told.
CREATE TABLE advisory_cve (
    advisory_id text NOT NULL REFERENCES advisory,
    cve         text NOT NULL,
    title       text NOT NULL DEFAULT '',
    cvss        double precision,
    vector      text NOT NULL DEFAULT '',
    cwe         text NOT NULL DEFAULT '',
    kev         boolean NOT NULL DEFAULT false,
    due         bigint,
    ransomware  boolean NOT NULL DEFAULT false,
    epss        double precision,
    PRIMARY KEY (advisory_id, cve)
);
CREATE INDEX advisory_cve_cve ON advisory_cve (cve);
SELECT account_for('advisory_cve', 'advisory_id', 'cve');

-- What could not be read, kept as it came (at most 1 MiB of it).
CREATE TABLE advisory_refused (
    digest      text PRIMARY KEY,
    file        text NOT NULL,
    place       text NOT NULL,
    reason      text NOT NULL,
    raw         bytea NOT NULL,
    at          bigint NOT NULL
);
SELECT account_for('advisory_refused', 'digest');

-- The site's own names of manufacturers, beside the table that comes with the program.
CREATE TABLE maker_alias (
    alias       text PRIMARY KEY,
    maker       text NOT NULL
);
SELECT account_for('maker_alias', 'alias');

-- A machine that a document may concern. "verdict" is the matcher's: candidate, excluded (the machine is of a named
-- model, but its version, lot or serial is not among the stated ones) or gone (no longer matches). "decision" is a
-- person's; it stands while the facts it was made on ("decided_facts") stay as they were.
CREATE TABLE advisory_candidate (
    advisory_id text NOT NULL REFERENCES advisory,
    device_id   text NOT NULL REFERENCES asset,
    verdict     text NOT NULL CHECK (verdict IN ('candidate', 'excluded', 'gone')),
    certainty   text NOT NULL CHECK (certainty IN ('certain', 'likely', 'possible')),
    products    text[] NOT NULL DEFAULT '{}',
    why         text[] NOT NULL DEFAULT '{}',
    unknown     text[] NOT NULL DEFAULT '{}',
    reason      text NOT NULL DEFAULT '',
    facts       jsonb NOT NULL DEFAULT '{}',
    decision    text NOT NULL DEFAULT 'open' CHECK (decision IN ('open', 'affected', 'not-affected')),
    decided_why text NOT NULL DEFAULT '',
    decided_by  text NOT NULL DEFAULT '',
    decided_at  bigint,
    decided_facts jsonb,
    reopened    text NOT NULL DEFAULT '',
    since       bigint NOT NULL,
    PRIMARY KEY (advisory_id, device_id),
    CHECK (decision <> 'not-affected' OR decided_why <> '')
);
CREATE INDEX advisory_candidate_device ON advisory_candidate (device_id);
CREATE INDEX advisory_candidate_open ON advisory_candidate (advisory_id) WHERE verdict = 'candidate' AND decision = 'open';
SELECT account_for('advisory_candidate', 'advisory_id', 'device_id');

-- A campaign over many machines: for an advisory, a CVE, a patch, or by hand.
CREATE TABLE campaign (
    campaign_id text PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('recall', 'cve', 'patch', 'hand')),
    title       text NOT NULL,
    advisory_id text REFERENCES advisory,
    cve         text NOT NULL DEFAULT '',
    source_id   text NOT NULL DEFAULT '',
    security    boolean NOT NULL DEFAULT false,
    removal     boolean NOT NULL DEFAULT true,
    steps       text[] NOT NULL DEFAULT '{work,verify}',
    target      text NOT NULL DEFAULT '',
    remedy      text NOT NULL DEFAULT '',
    due         bigint,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    seen        text NOT NULL DEFAULT '',
    created_at  bigint NOT NULL,
    created_by  text NOT NULL,
    closed_at   bigint,
    closed_by   text NOT NULL DEFAULT '',
    proof       jsonb,
    digest      text NOT NULL DEFAULT '',
    CHECK (state = 'open' OR (closed_at IS NOT NULL AND closed_by <> '' AND proof IS NOT NULL AND digest <> ''))
);
CREATE UNIQUE INDEX campaign_one_advisory ON campaign (advisory_id) WHERE advisory_id IS NOT NULL AND state = 'open';
CREATE UNIQUE INDEX campaign_one_cve ON campaign (cve) WHERE cve <> '' AND kind = 'cve' AND state = 'open';
CREATE INDEX campaign_state ON campaign (state, due);
SELECT account_for('campaign', 'campaign_id');

CREATE TABLE campaign_item (
    campaign_id text NOT NULL REFERENCES campaign,
    device_id   text NOT NULL REFERENCES asset,
    state       text NOT NULL CHECK (state IN ('candidate', 'affected-open', 'affected-done', 'not-affected')),
    certainty   text NOT NULL DEFAULT '',
    why         text[] NOT NULL DEFAULT '{}',
    reason      text NOT NULL DEFAULT '',
    joined_at   bigint NOT NULL,
    decided_by  text NOT NULL DEFAULT '',
    decided_at  bigint,
    done_by     text NOT NULL DEFAULT '',
    done_at     bigint,
    work_id     text NOT NULL DEFAULT '',
    reopened    text NOT NULL DEFAULT '',
    PRIMARY KEY (campaign_id, device_id),
    CHECK (state <> 'not-affected' OR reason <> ''),
    CHECK (state NOT IN ('affected-done', 'not-affected') OR decided_by <> '')
);
CREATE INDEX campaign_item_device ON campaign_item (device_id);
CREATE INDEX campaign_item_open ON campaign_item (campaign_id) WHERE state IN ('candidate', 'affected-open');
SELECT account_for('campaign_item', 'campaign_id', 'device_id');

-- What was done about one machine: ask (the ward is asked for it), free (taken off the patient), quarantine, work,
-- verify. The last word on a step counts; a reopened item starts its steps anew (they stay here, "void").
CREATE TABLE campaign_step (
    step_id     text PRIMARY KEY,
    campaign_id text NOT NULL,
    device_id   text NOT NULL,
    step        text NOT NULL CHECK (step IN ('ask', 'free', 'quarantine', 'work', 'verify', 'evidence')),
    at          bigint NOT NULL,
    person_id   text NOT NULL,
    display     text NOT NULL,
    note        text NOT NULL DEFAULT '',
    detail      jsonb NOT NULL DEFAULT '{}',
    void        boolean NOT NULL DEFAULT false,
    FOREIGN KEY (campaign_id, device_id) REFERENCES campaign_item
);
CREATE INDEX campaign_step_item ON campaign_step (campaign_id, device_id, step);
SELECT account_for('campaign_step', 'step_id');

-- The course of a campaign in words: opened, machines joined, document changed, reopened, closed.
CREATE TABLE campaign_event (
    event_id    text PRIMARY KEY,
    campaign_id text NOT NULL REFERENCES campaign,
    at          bigint NOT NULL,
    kind        text NOT NULL,
    text        text NOT NULL,
    display     text NOT NULL
);
CREATE INDEX campaign_event_of ON campaign_event (campaign_id, at);
SELECT account_for('campaign_event', 'event_id');

-- No campaign closes with an open machine, and none gets one while it is closed. The row lock on the campaign makes
-- this hold for transactions side by side: whoever adds or changes a machine shares it, whoever closes owns it.
CREATE FUNCTION campaign_closes_complete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'closed' AND EXISTS (SELECT 1 FROM campaign_item WHERE campaign_id = NEW.campaign_id
                                        AND state IN ('candidate', 'affected-open')) THEN
        RAISE EXCEPTION 'campaign % has open machines', NEW.campaign_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_complete BEFORE INSERT OR UPDATE ON campaign
    FOR EACH ROW EXECUTE FUNCTION campaign_closes_complete();

CREATE FUNCTION campaign_item_of_open() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ident text := CASE TG_OP WHEN 'DELETE' THEN OLD.campaign_id ELSE NEW.campaign_id END;
    how   text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a machine never leaves a campaign' USING ERRCODE = 'check_violation';
    END IF;
    SELECT state INTO how FROM campaign WHERE campaign_id = ident FOR SHARE;
    IF how = 'closed' THEN
        RAISE EXCEPTION 'campaign % is closed', ident USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.campaign_id, NEW.device_id) IS DISTINCT FROM (OLD.campaign_id, OLD.device_id) THEN
        RAISE EXCEPTION 'a machine never leaves a campaign' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_item_open BEFORE INSERT OR UPDATE OR DELETE ON campaign_item
    FOR EACH ROW EXECUTE FUNCTION campaign_item_of_open();
