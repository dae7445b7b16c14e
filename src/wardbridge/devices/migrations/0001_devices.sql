-- The device side of a ward: machines, places, who lay where, and what was charted of it.
-- All times are µs since 1970-01-01T00:00:00Z. Facts are kept as they came; "binding" is derived
-- from them and may be derived again at any time.

CREATE TABLE device (
    device_id   text PRIMARY KEY,
    key         text NOT NULL UNIQUE,
    parent_id   text REFERENCES device,
    link        text NOT NULL DEFAULT '',
    state       text NOT NULL CHECK (state IN ('unknown', 'accepted', 'quarantined', 'workshop', 'retired')),
    identity    jsonb NOT NULL DEFAULT '{}',
    label       text NOT NULL DEFAULT '',
    said        jsonb NOT NULL DEFAULT '[]',
    first_seen  bigint NOT NULL,
    fhir_version text NOT NULL DEFAULT '',
    epoch       bigint NOT NULL DEFAULT 0
);
CREATE INDEX device_parent ON device (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX device_by_epoch ON device (epoch);
CREATE INDEX device_queue ON device (first_seen) WHERE state = 'unknown';

CREATE SEQUENCE device_epoch_seq;
CREATE TABLE device_epoch (sole boolean PRIMARY KEY DEFAULT true CHECK (sole), epoch bigint NOT NULL);
INSERT INTO device_epoch VALUES (true, 0);

-- What changes every second: never a version of a FHIR Device.
CREATE TABLE device_state (
    device_id       text PRIMARY KEY REFERENCES device,
    link            text NOT NULL DEFAULT '',
    last_seen       bigint NOT NULL DEFAULT 0,
    last_device_time bigint NOT NULL DEFAULT 0,
    clock_offset_us bigint,
    battery         int,
    connected       boolean NOT NULL DEFAULT true,
    standby         boolean NOT NULL DEFAULT false,
    place_said      text NOT NULL DEFAULT '',
    messages        bigint NOT NULL DEFAULT 0,
    unmapped        bigint NOT NULL DEFAULT 0,
    problems        bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- Admission over time; data of a time in which a device was not accepted is never a patient's.
CREATE TABLE device_mode (
    device_id text NOT NULL REFERENCES device,
    start     bigint NOT NULL,
    state     text NOT NULL,
    by        text NOT NULL,
    at        bigint NOT NULL,
    PRIMARY KEY (device_id, start)
);

CREATE TABLE device_expected (
    expected_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          text NOT NULL DEFAULT '',
    manufacturer text NOT NULL DEFAULT '',
    model        text NOT NULL DEFAULT '',
    serial       text NOT NULL DEFAULT '',
    label        text NOT NULL DEFAULT '',
    place_id     text NOT NULL DEFAULT '',
    by           text NOT NULL,
    at           bigint NOT NULL,
    device_id    text REFERENCES device
);
CREATE UNIQUE INDEX device_expected_key ON device_expected (key) WHERE key <> '';
CREATE INDEX device_expected_serial ON device_expected (serial) WHERE serial <> '';

CREATE TABLE place (
    place_id    text PRIMARY KEY,
    ward        text NOT NULL,
    room        text NOT NULL DEFAULT '',
    bed         text NOT NULL DEFAULT '',
    label       text NOT NULL,
    location_id text NOT NULL,
    UNIQUE (ward, room, bed)
);

CREATE TABLE device_place (
    device_id text NOT NULL REFERENCES device,
    start     bigint NOT NULL,
    place_id  text REFERENCES place,
    source    text NOT NULL CHECK (source IN ('hand', 'list', 'wire')),
    by        text NOT NULL DEFAULT '',
    at        bigint NOT NULL,
    PRIMARY KEY (device_id, start)
);
CREATE INDEX device_place_place ON device_place (place_id);

-- What a board needs of a patient at a glance; the record (FHIR Patient) stays the owner.
CREATE TABLE bound_patient (
    patient_id text PRIMARY KEY,
    family     text NOT NULL DEFAULT '',
    given      text NOT NULL DEFAULT '',
    birth_date text NOT NULL DEFAULT '',
    sex        text NOT NULL DEFAULT '',
    mrn        text NOT NULL DEFAULT '',
    recorded   bigint NOT NULL DEFAULT 0,
    replaced_by text NOT NULL DEFAULT ''
);
CREATE TABLE patient_key (
    key        text PRIMARY KEY,
    value      text NOT NULL,
    patient_id text NOT NULL REFERENCES bound_patient
);
CREATE INDEX patient_key_value ON patient_key (value);
CREATE INDEX patient_key_patient ON patient_key (patient_id);

CREATE TABLE adt_event (
    event_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sequence   bigint NOT NULL,
    kind       text NOT NULL,
    patient_id text NOT NULL REFERENCES bound_patient,
    visit      text NOT NULL DEFAULT '',
    occurred   bigint NOT NULL,
    recorded   bigint NOT NULL,
    place_id   text REFERENCES place,
    UNIQUE NULLS NOT DISTINCT (patient_id, kind, visit, occurred, recorded, place_id)
);

CREATE TABLE visit (
    patient_id   text NOT NULL REFERENCES bound_patient,
    visit        text NOT NULL,
    encounter_id text NOT NULL,
    digest       text NOT NULL DEFAULT '',
    PRIMARY KEY (patient_id, visit)
);

-- Derived from adt_event by wardbridge.devices.stays.
CREATE TABLE patient_place (
    patient_id text NOT NULL REFERENCES bound_patient,
    start      bigint NOT NULL,
    stop       bigint,
    place_id   text REFERENCES place,
    visit      text NOT NULL DEFAULT '',
    PRIMARY KEY (patient_id, start)
);
CREATE INDEX patient_place_place ON patient_place (place_id, start);

-- The patient that a device itself named, from "start" until it says something else.
CREATE TABLE device_subject (
    device_id text NOT NULL REFERENCES device,
    start     bigint NOT NULL,
    ids       text[] NOT NULL,
    PRIMARY KEY (device_id, start)
);
CREATE INDEX device_subject_ids ON device_subject USING gin (ids);

-- What a person decided. A later row wins where two overlap; "release" gives back to the rules. An open
-- decision ends by itself when the patient "ends_with" leaves.
CREATE TABLE hand (
    hand_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id  text NOT NULL REFERENCES device,
    start      bigint NOT NULL,
    stop       bigint,
    patient_id text REFERENCES bound_patient,
    release    boolean NOT NULL DEFAULT false,
    ends_with  text REFERENCES bound_patient,
    by         text NOT NULL,
    reason     text NOT NULL DEFAULT '',
    at         bigint NOT NULL,
    CHECK (stop IS NULL OR stop > start)
);
CREATE INDEX hand_device ON hand (device_id, hand_id);
CREATE INDEX hand_patient ON hand (patient_id) WHERE patient_id IS NOT NULL;
CREATE INDEX hand_ends ON hand (ends_with) WHERE ends_with IS NOT NULL;

-- Derived by wardbridge.devices.intervals: gapless from first sight; patient_id NULL is unbound.
CREATE TABLE binding (
    binding_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id  text NOT NULL REFERENCES device,
    start      bigint NOT NULL,
    stop       bigint,
    patient_id text REFERENCES bound_patient,
    visit      text NOT NULL DEFAULT '',
    place_id   text REFERENCES place,
    source     text NOT NULL DEFAULT '',
    by         text NOT NULL DEFAULT '',
    reason     text NOT NULL DEFAULT '',
    conflict   text NOT NULL DEFAULT '',
    others     text[] NOT NULL DEFAULT '{}',
    UNIQUE (device_id, start)
);
CREATE INDEX binding_patient ON binding (patient_id, start) WHERE patient_id IS NOT NULL;
CREATE INDEX binding_open ON binding (device_id) WHERE stop IS NULL;
CREATE INDEX binding_conflict ON binding (start) WHERE conflict <> '';

-- A value that policy picked for the chart, whoever it belongs to (patients follow from "binding").
CREATE TABLE chart_point (
    point_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id      text NOT NULL REFERENCES device,
    channel        text NOT NULL,
    slot           bigint NOT NULL,
    time           bigint NOT NULL,
    reason         text NOT NULL,
    content        jsonb NOT NULL,
    observation_id text,
    patient_id     text,
    visit          text NOT NULL DEFAULT '',
    verified_by    text NOT NULL DEFAULT '',
    verified_at    bigint NOT NULL DEFAULT 0,
    withdrawn      boolean NOT NULL DEFAULT false,
    UNIQUE (device_id, channel, reason, slot)
);
CREATE INDEX chart_point_time ON chart_point (device_id, time);
CREATE INDEX chart_point_observation ON chart_point (observation_id) WHERE observation_id IS NOT NULL;
CREATE INDEX chart_point_patient ON chart_point (patient_id, time) WHERE patient_id IS NOT NULL;

-- Every Observation that was ever issued for a point; "voided" ones are entered-in-error in the record.
CREATE TABLE charted (
    observation_id text PRIMARY KEY,
    point_id       bigint NOT NULL REFERENCES chart_point,
    patient_id     text NOT NULL,
    issued         bigint NOT NULL,
    voided         bigint
);
CREATE INDEX charted_point ON charted (point_id);

-- What the pipeline could not use: kept in the intake log, named here with the reason.
CREATE TABLE refused (
    sequence bigint NOT NULL,
    kind     text NOT NULL,
    link     text NOT NULL,
    stage    text NOT NULL,
    reason   text NOT NULL,
    at       bigint NOT NULL,
    PRIMARY KEY (sequence, stage)
);
CREATE INDEX refused_at ON refused (at);

CREATE TABLE pipeline_count (name text PRIMARY KEY, count bigint NOT NULL DEFAULT 0);
