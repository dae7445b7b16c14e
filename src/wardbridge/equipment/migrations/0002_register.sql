-- The register: one row a machine, on the FHIR Device of the same id; one row a model, on its DeviceDefinition.
-- Times are µs since 1970-01-01T00:00:00Z. Every table here is under account (security 0002_changes.sql).

CREATE TABLE model (
    model_id     text PRIMARY KEY,
    manufacturer text NOT NULL,
    name         text NOT NULL,
    catalogue    text NOT NULL DEFAULT '',
    kind         text NOT NULL DEFAULT '',
    class        text NOT NULL DEFAULT 'other',
    di           text[] NOT NULL DEFAULT '{}',
    mdc          bigint NOT NULL DEFAULT 0,
    gmdn         text NOT NULL DEFAULT '',
    umdns        text NOT NULL DEFAULT '',
    product_code text NOT NULL DEFAULT '',
    storage      text NOT NULL DEFAULT 'unknown' CHECK (storage IN ('yes', 'no', 'unknown')),
    support_ends bigint,
    security_ends bigint,
    expected_years int,
    note         text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX model_name ON model (lower(manufacturer), lower(name), lower(catalogue));
CREATE INDEX model_di ON model USING gin (di);
SELECT account_for('model', 'model_id');

CREATE TABLE asset (
    device_id    text PRIMARY KEY,
    parent_id    text REFERENCES asset,
    model_id     text NOT NULL REFERENCES model,
    tag          text NOT NULL DEFAULT '',
    serial       text NOT NULL DEFAULT '',
    lot          text NOT NULL DEFAULT '',
    udi          text NOT NULL DEFAULT '',
    di           text NOT NULL DEFAULT '',
    label        text NOT NULL DEFAULT '',
    state        text NOT NULL,
    state_since  bigint NOT NULL,
    owner        text NOT NULL DEFAULT '',
    department   text NOT NULL DEFAULT '',
    criticality  text NOT NULL DEFAULT 'medium' CHECK (criticality IN ('life-support', 'high', 'medium', 'low')),
    place_id     text REFERENCES place,
    firmware     text NOT NULL DEFAULT '',
    hardware     text NOT NULL DEFAULT '',
    os           text NOT NULL DEFAULT '',
    manufactured bigint,
    expires      bigint,
    bought       bigint,
    installed    bigint,
    warranty_ends bigint,
    price        numeric,
    currency     text NOT NULL DEFAULT '',
    vendor       text NOT NULL DEFAULT '',
    note         text NOT NULL DEFAULT '',
    merged_into  text REFERENCES asset,
    created      bigint NOT NULL,
    version      int NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX asset_tag ON asset (tag) WHERE tag <> '' AND merged_into IS NULL;
CREATE INDEX asset_serial ON asset (serial) WHERE serial <> '';
CREATE INDEX asset_model ON asset (model_id);
CREATE INDEX asset_place ON asset (place_id);
CREATE INDEX asset_state ON asset (state);
CREATE INDEX asset_di ON asset (di) WHERE di <> '';
CREATE INDEX asset_parent ON asset (parent_id) WHERE parent_id IS NOT NULL;
SELECT account_for('asset', 'device_id');

CREATE TABLE interface (
    interface_id text PRIMARY KEY,
    device_id   text NOT NULL REFERENCES asset,
    name        text NOT NULL DEFAULT '',
    mac         text NOT NULL DEFAULT '',
    ip          text NOT NULL DEFAULT '',
    hostname    text NOT NULL DEFAULT '',
    vlan        int,
    switch      text NOT NULL DEFAULT '',
    port        text NOT NULL DEFAULT '',
    zone        text NOT NULL DEFAULT '',
    source      text NOT NULL DEFAULT 'hand'
);
CREATE INDEX interface_device ON interface (device_id);
CREATE INDEX interface_mac ON interface (mac) WHERE mac <> '';
CREATE INDEX interface_ip ON interface (ip) WHERE ip <> '';
CREATE INDEX interface_switch ON interface (switch, port) WHERE switch <> '';
CREATE INDEX interface_zone ON interface (zone);
SELECT account_for('interface', 'interface_id');

-- Which version of what ran from when on; the newest row of a component is what runs now.
CREATE TABLE software (
    device_id   text NOT NULL REFERENCES asset,
    component   text NOT NULL,
    since       bigint NOT NULL,
    version     text NOT NULL,
    source      text NOT NULL,
    PRIMARY KEY (device_id, component, since)
);
CREATE INDEX software_version ON software (component, version);
SELECT account_for('software', 'device_id', 'component', 'since');

-- A person's word on something, over the digest of exactly what they saw. Never changed; a new version needs new ones.
CREATE TABLE signature (
    signature_id text PRIMARY KEY,
    subject     text NOT NULL,
    subject_id  text NOT NULL,
    digest      text NOT NULL,
    meaning     text NOT NULL,
    side        text NOT NULL,
    person_id   text NOT NULL,
    display     text NOT NULL,
    at          bigint NOT NULL,
    note        text NOT NULL DEFAULT '',
    UNIQUE (subject, subject_id, digest, side, meaning)
);
SELECT account_for('signature', 'signature_id');

-- What joined questions start from: a machine, what it is, where it is and whom it is on at this moment.
CREATE VIEW asset_now AS
SELECT a.*, m.manufacturer, m.name AS model, m.catalogue, m.kind, m.class, m.gmdn, m.umdns, m.product_code, m.storage,
       m.support_ends, m.security_ends,
       d.state AS admission, d.key AS wire_key,
       s.last_seen, s.battery, s.connected, s.standby, s.clock_offset_us,
       coalesce(b.place_id, a.place_id) AS now_place_id, p.ward, p.room, p.bed, p.label AS place_label,
       b.patient_id, CASE WHEN b.patient_id IS NULL THEN NULL ELSE b.start END AS bound_since,
       coalesce(b.conflict, '') AS conflict,
       (b.patient_id IS NOT NULL OR coalesce(b.conflict, '') <> '') AS in_use
FROM asset a
JOIN model m USING (model_id)
LEFT JOIN device d ON d.device_id = a.device_id
LEFT JOIN device_state s ON s.device_id = a.device_id
LEFT JOIN binding b ON b.device_id = a.device_id AND b.stop IS NULL
LEFT JOIN place p ON p.place_id = coalesce(b.place_id, a.place_id)
WHERE a.merged_into IS NULL;
