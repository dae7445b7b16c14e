-- Vendors, contracts with what they promise, calls that measure it, remote access, offers, costs and replacement.
-- Times are µs since 1970-01-01T00:00:00Z.

CREATE TABLE vendor (
    vendor_id  text PRIMARY KEY,
    name       text NOT NULL,
    kind       text[] NOT NULL DEFAULT '{}',
    address    text NOT NULL DEFAULT '',
    website    text NOT NULL DEFAULT '',
    lines      text[] NOT NULL DEFAULT '{}',
    note       text NOT NULL DEFAULT '',
    active     boolean NOT NULL DEFAULT true,
    created    bigint NOT NULL
);
CREATE UNIQUE INDEX vendor_name ON vendor (lower(name));
SELECT account_for('vendor', 'vendor_id');

CREATE TABLE vendor_contact (
    contact_id text PRIMARY KEY,
    vendor_id  text NOT NULL REFERENCES vendor,
    name       text NOT NULL,
    role       text NOT NULL CHECK (role IN ('sales', 'service', 'emergency', 'security', 'accounts')),
    phone      text NOT NULL DEFAULT '',
    email      text NOT NULL DEFAULT '',
    note       text NOT NULL DEFAULT '',
    gone       boolean NOT NULL DEFAULT false
);
CREATE INDEX vendor_contact_vendor ON vendor_contact (vendor_id);
SELECT account_for('vendor_contact', 'contact_id');

CREATE TABLE contract (
    contract_id   text PRIMARY KEY,
    vendor_id     text NOT NULL REFERENCES vendor,
    number        text NOT NULL,
    title         text NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('purchase', 'full-service', 'partial-service', 'time-and-material',
                                                'loan', 'software')),
    starts        bigint NOT NULL,
    ends          bigint CHECK (ends > starts),
    notice_days   int NOT NULL DEFAULT 0 CHECK (notice_days >= 0),
    renews_months int NOT NULL DEFAULT 0 CHECK (renews_months >= 0),
    price_year    numeric CHECK (price_year >= 0),
    currency      text NOT NULL DEFAULT '',
    response_hours double precision CHECK (response_hours > 0),
    repair_hours  double precision CHECK (repair_hours > 0),
    uptime        double precision CHECK (uptime > 0 AND uptime <= 100),
    hours         text NOT NULL DEFAULT '',
    zone          text NOT NULL DEFAULT 'UTC',
    holidays      text[] NOT NULL DEFAULT '{}',
    note          text NOT NULL DEFAULT '',
    cancelled     bigint
);
CREATE UNIQUE INDEX contract_number ON contract (vendor_id, number);
SELECT account_for('contract', 'contract_id');

-- What a contract covers: machines one by one, or whole models.
CREATE TABLE contract_cover (
    contract_id text NOT NULL REFERENCES contract,
    device_id   text NOT NULL DEFAULT '',
    model_id    text NOT NULL DEFAULT '',
    PRIMARY KEY (contract_id, device_id, model_id),
    CHECK ((device_id = '') <> (model_id = ''))
);
CREATE INDEX contract_cover_device ON contract_cover (device_id) WHERE device_id <> '';
CREATE INDEX contract_cover_model ON contract_cover (model_id) WHERE model_id <> '';
SELECT account_for('contract_cover', 'contract_id', 'device_id', 'model_id');

CREATE TABLE service_call (
    call_id     text PRIMARY KEY,
    vendor_id   text NOT NULL REFERENCES vendor,
    contract_id text REFERENCES contract,
    device_id   text NOT NULL REFERENCES asset,
    work_id     text NOT NULL DEFAULT '',
    reference   text NOT NULL DEFAULT '',
    text        text NOT NULL,
    opened      bigint NOT NULL,
    answered    bigint CHECK (answered >= opened),
    on_site     bigint CHECK (on_site >= opened),
    resolved    bigint CHECK (resolved >= opened),
    resolution  text NOT NULL DEFAULT '',
    by_id       text NOT NULL,
    by_name     text NOT NULL
);
CREATE INDEX service_call_contract ON service_call (contract_id, opened);
CREATE INDEX service_call_device ON service_call (device_id, opened);
SELECT account_for('service_call', 'call_id');

-- A remote access session. Whether it may be used now follows from these moments and the clock, never from a job.
CREATE TABLE access_session (
    access_id    text PRIMARY KEY,
    vendor_id    text NOT NULL REFERENCES vendor,
    person       text NOT NULL,
    purpose      text NOT NULL,
    starts       bigint NOT NULL,
    stops        bigint NOT NULL CHECK (stops > starts),
    requested_by text NOT NULL,
    requested_name text NOT NULL,
    requested_at bigint NOT NULL,
    emergency    text NOT NULL DEFAULT '',
    decision     text NOT NULL DEFAULT '' CHECK (decision IN ('', 'approved', 'refused')),
    decided_by   text NOT NULL DEFAULT '',
    decided_name text NOT NULL DEFAULT '',
    decided_at   bigint,
    reason       text NOT NULL DEFAULT '',
    informed_by  text NOT NULL DEFAULT '',
    informed_name text NOT NULL DEFAULT '',
    informed_at  bigint,
    started_at   bigint,
    ended_at     bigint,
    ended_by     text NOT NULL DEFAULT '',
    ended_name   text NOT NULL DEFAULT '',
    summary      text NOT NULL DEFAULT '',
    reviewed_by  text NOT NULL DEFAULT '',
    reviewed_name text NOT NULL DEFAULT '',
    reviewed_at  bigint,
    review       text NOT NULL DEFAULT '',
    CHECK (decision <> 'approved' OR emergency <> '' OR decided_by <> requested_by),
    CHECK (reviewed_by = '' OR reviewed_by <> requested_by)
);
CREATE INDEX access_session_stops ON access_session (stops);
SELECT account_for('access_session', 'access_id');

-- One machine of a session; confirmed_*: a clinician or biomed agreed although it is on a patient.
CREATE TABLE access_device (
    access_id  text NOT NULL REFERENCES access_session,
    device_id  text NOT NULL REFERENCES asset,
    confirmed_by text NOT NULL DEFAULT '',
    confirmed_name text NOT NULL DEFAULT '',
    confirmed_at bigint,
    confirmed_note text NOT NULL DEFAULT '',
    PRIMARY KEY (access_id, device_id)
);
CREATE INDEX access_device_device ON access_device (device_id);
SELECT account_for('access_device', 'access_id', 'device_id');

-- What was done in a session; a log or recording is named by its SHA-256.
CREATE TABLE access_entry (
    entry_id   text PRIMARY KEY,
    access_id  text NOT NULL REFERENCES access_session,
    at         bigint NOT NULL,
    text       text NOT NULL,
    file       text NOT NULL DEFAULT '',
    digest     text NOT NULL DEFAULT '',
    by_id      text NOT NULL,
    by_name    text NOT NULL
);
CREATE INDEX access_entry_access ON access_entry (access_id, at);
SELECT account_for('access_entry', 'entry_id');
CREATE TRIGGER access_entry_append_only BEFORE UPDATE OR DELETE ON access_entry
    FOR EACH ROW EXECUTE FUNCTION audit_event_is_append_only();

-- What a vendor offers for a need, and its answers to our requirements.
CREATE TABLE offer (
    need_id    text NOT NULL REFERENCES need,
    vendor_id  text NOT NULL REFERENCES vendor,
    product    text NOT NULL,
    price      numeric CHECK (price >= 0),
    currency   text NOT NULL DEFAULT '',
    note       text NOT NULL DEFAULT '',
    created    bigint NOT NULL,
    PRIMARY KEY (need_id, vendor_id)
);
SELECT account_for('offer', 'need_id', 'vendor_id');

CREATE TABLE offer_answer (
    need_id    text NOT NULL,
    vendor_id  text NOT NULL,
    question   text NOT NULL,
    points     int CHECK (points BETWEEN 0 AND 4),
    note       text NOT NULL DEFAULT '',
    exception  text NOT NULL DEFAULT '',
    by_id      text NOT NULL,
    by_name    text NOT NULL,
    at         bigint NOT NULL,
    PRIMARY KEY (need_id, vendor_id, question),
    FOREIGN KEY (need_id, vendor_id) REFERENCES offer
);
SELECT account_for('offer_answer', 'need_id', 'vendor_id', 'question');

-- What a machine costs beyond price, contracts and work: energy, consumables and so on, for a time.
CREATE TABLE cost_entry (
    entry_id   text PRIMARY KEY,
    device_id  text NOT NULL REFERENCES asset,
    kind       text NOT NULL CHECK (kind IN ('energy', 'consumables', 'training', 'network', 'disposal', 'other')),
    amount     numeric NOT NULL CHECK (amount >= 0),
    currency   text NOT NULL,
    since      bigint NOT NULL,
    until      bigint NOT NULL CHECK (until > since),
    note       text NOT NULL DEFAULT '',
    by_id      text NOT NULL,
    by_name    text NOT NULL
);
CREATE INDEX cost_entry_device ON cost_entry (device_id);
SELECT account_for('cost_entry', 'entry_id');

-- What the manufacturer says about support: "open" is supported without a known end, which is not "unknown".
CREATE TABLE model_support (
    model_id   text PRIMARY KEY REFERENCES model,
    support    text NOT NULL CHECK (support IN ('unknown', 'open', 'dated')),
    security   text NOT NULL CHECK (security IN ('unknown', 'open', 'dated')),
    source     text NOT NULL,
    checked_at bigint NOT NULL,
    checked_by text NOT NULL
);
SELECT account_for('model_support', 'model_id');

CREATE TABLE replacement (
    device_id  text PRIMARY KEY REFERENCES asset,
    year       int NOT NULL CHECK (year BETWEEN 2000 AND 2100),
    budget     numeric CHECK (budget >= 0),
    currency   text NOT NULL DEFAULT '',
    note       text NOT NULL DEFAULT '',
    by_id      text NOT NULL,
    by_name    text NOT NULL,
    at         bigint NOT NULL
);
SELECT account_for('replacement', 'device_id');
