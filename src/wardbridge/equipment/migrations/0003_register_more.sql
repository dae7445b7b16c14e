-- What belongs to the register beside machines and models: parts, labels, suggestions, files under preview, metrics.
-- Times are µs since 1970-01-01T00:00:00Z.

-- What hangs on a machine or is built into it and is not a machine of its own.
CREATE TABLE accessory (
    accessory_id text PRIMARY KEY,
    device_id   text NOT NULL REFERENCES asset,
    kind        text NOT NULL CHECK (kind IN ('accessory', 'part', 'battery', 'consumable')),
    name        text NOT NULL,
    part_number text NOT NULL DEFAULT '',
    serial      text NOT NULL DEFAULT '',
    lot         text NOT NULL DEFAULT '',
    expires     bigint,
    fitted      bigint NOT NULL,
    removed     bigint,
    replaces    text REFERENCES accessory,
    note        text NOT NULL DEFAULT ''
);
CREATE INDEX accessory_device ON accessory (device_id);
CREATE INDEX accessory_lot ON accessory (lot) WHERE lot <> '';
CREATE INDEX accessory_serial ON accessory (serial) WHERE serial <> '';
SELECT account_for('accessory', 'accessory_id');

-- Devices as their makers published them (GUDID): what a scanned identifier is, before any machine of it is here.
CREATE TABLE catalogue (
    entry_id     text PRIMARY KEY,
    manufacturer text NOT NULL,
    brand        text NOT NULL,
    model        text NOT NULL DEFAULT '',
    number       text NOT NULL DEFAULT '',
    kind         text NOT NULL DEFAULT '',
    gmdn         text NOT NULL DEFAULT '',
    product_code text NOT NULL DEFAULT '',
    description  text NOT NULL DEFAULT '',
    mri          text NOT NULL DEFAULT '',
    label        text[] NOT NULL DEFAULT '{}',
    ended        text NOT NULL DEFAULT '',
    source       text NOT NULL DEFAULT ''
);
CREATE INDEX catalogue_name ON catalogue (lower(brand), lower(number));
SELECT account_for('catalogue', 'entry_id');

-- Every identifier that leads to an entry, of each package level, without check characters of HIBCC.
CREATE TABLE package (
    di          text NOT NULL,
    entry_id    text NOT NULL REFERENCES catalogue,
    agency      text NOT NULL DEFAULT '',
    level       text NOT NULL DEFAULT '',
    contains    text NOT NULL DEFAULT '',
    quantity    text NOT NULL DEFAULT '',
    warnings    text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (di, entry_id)
);
CREATE INDEX package_entry ON package (entry_id);
SELECT account_for('package', 'di', 'entry_id');

-- The code on a machine's label leads to its request form; it says nothing about the machine and cannot be guessed.
CREATE TABLE label (
    device_id   text PRIMARY KEY REFERENCES asset,
    token       text NOT NULL UNIQUE,
    made        bigint NOT NULL
);
SELECT account_for('label', 'device_id');

-- What was seen somewhere and may belong into the register: a person decides. "seen" is what the source said of it.
CREATE TABLE suggestion (
    suggestion_id text PRIMARY KEY,
    key         text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('machine', 'module', 'interface', 'identity')),
    source      text NOT NULL,
    device_id   text NOT NULL DEFAULT '',
    seen        jsonb NOT NULL,
    first_seen  bigint NOT NULL,
    last_seen   bigint NOT NULL,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'ignored')),
    by          text NOT NULL DEFAULT '',
    decided     bigint,
    reason      text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX suggestion_key ON suggestion (source, kind, key);
CREATE INDEX suggestion_open ON suggestion (last_seen) WHERE state = 'open';
CREATE INDEX suggestion_device ON suggestion (device_id) WHERE device_id <> '';
SELECT account_for('suggestion', 'suggestion_id');

-- Two machines of which somebody said that they are two, however alike they look.
CREATE TABLE distinct_machines (
    one         text NOT NULL REFERENCES asset,
    other       text NOT NULL REFERENCES asset,
    reason      text NOT NULL,
    PRIMARY KEY (one, other),
    CHECK (one < other)
);
SELECT account_for('distinct_machines', 'one', 'other');

-- A file between its preview and the word of the person who sent it. Passing: no part of the account.
CREATE TABLE upload (
    upload_id   text PRIMARY KEY,
    purpose     text NOT NULL,
    name        text NOT NULL,
    digest      text NOT NULL,
    content     bytea NOT NULL,
    person_id   text NOT NULL,
    made        bigint NOT NULL
);
CREATE INDEX upload_made ON upload (made);

-- Channels of registered machines that have their DeviceMetric.
CREATE TABLE metric (
    channel_id  int PRIMARY KEY,
    device_id   text NOT NULL,
    metric_id   text NOT NULL
);
SELECT account_for('metric', 'channel_id');

CREATE INDEX asset_identity ON asset (lower(serial)) WHERE serial <> '';
CREATE INDEX device_identity ON device (lower(identity ->> 'serial'));
