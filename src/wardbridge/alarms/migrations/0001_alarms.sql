-- Alarms, their events, limits, scores and what they are computed from. Times are µs since the epoch (UTC).

CREATE TABLE alarm (
    alarm_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin       text NOT NULL CHECK (origin IN ('device', 'limit', 'score', 'link')),
    key          text NOT NULL,
    device_id    text NOT NULL DEFAULT '',
    patient_id   text NOT NULL DEFAULT '',
    place_id     text NOT NULL DEFAULT '',
    slot         text NOT NULL DEFAULT '',
    channel      text NOT NULL DEFAULT '',
    code         bigint NOT NULL DEFAULT 0,
    text         text NOT NULL,
    value        text NOT NULL DEFAULT '',
    limit_text   text NOT NULL DEFAULT '',
    priority     text NOT NULL CHECK (priority IN ('high', 'medium', 'low', 'info')),
    kind         text NOT NULL CHECK (kind IN ('physiological', 'technical', 'advisory')),
    state        text NOT NULL CHECK (state IN ('active', 'latched', 'inactive')),
    inactivation text[] NOT NULL DEFAULT '{}',
    since        bigint NOT NULL,
    last         bigint NOT NULL,
    heard        bigint NOT NULL DEFAULT 0,
    ended        bigint,
    acknowledged_by text NOT NULL DEFAULT '',
    acknowledged_at bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX alarm_open ON alarm (origin, key) WHERE ended IS NULL;
CREATE INDEX alarm_place ON alarm (place_id, since);
CREATE INDEX alarm_patient ON alarm (patient_id, since) WHERE patient_id <> '';
CREATE INDEX alarm_device ON alarm (device_id, since) WHERE device_id <> '';

CREATE TABLE alarm_event (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alarm_id bigint NOT NULL REFERENCES alarm,
    event_id text NOT NULL,
    at       bigint NOT NULL,
    phase    text NOT NULL,
    priority text NOT NULL,
    state    text NOT NULL,
    by       text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX alarm_event_once ON alarm_event (alarm_id, event_id) WHERE event_id <> '';
CREATE INDEX alarm_event_alarm ON alarm_event (alarm_id);

-- scope is site, ward/<ward> or patient/<id>; a NULL bound is no limit on that side.
CREATE TABLE alarm_limit (
    scope    text NOT NULL,
    slot     text NOT NULL,
    low      double precision,
    high     double precision,
    priority text NOT NULL CHECK (priority IN ('high', 'medium', 'low')),
    delay_seconds int NOT NULL CHECK (delay_seconds BETWEEN 0 AND 600),
    by       text NOT NULL,
    at       bigint NOT NULL,
    PRIMARY KEY (scope, slot)
);

CREATE TABLE bed_standby (
    place_id text PRIMARY KEY,
    since    bigint NOT NULL,
    by       text NOT NULL
);

-- What people charted and a score needs: the newest value of each name (from the record's change log).
CREATE TABLE score_input (
    patient_id     text NOT NULL,
    name           text NOT NULL,
    text           text NOT NULL,
    number         double precision,
    time           bigint NOT NULL,
    observation_id text NOT NULL,
    PRIMARY KEY (patient_id, name, observation_id)
);
CREATE INDEX score_input_time ON score_input (patient_id, name, time);
CREATE TABLE alarm_cursor (name text PRIMARY KEY, mark text NOT NULL);

CREATE TABLE score (
    patient_id text NOT NULL,
    name       text NOT NULL,
    time       bigint NOT NULL,
    total      int,
    band       text NOT NULL,
    parts      jsonb NOT NULL,
    missing    text[] NOT NULL,
    PRIMARY KEY (patient_id, name, time)
);

CREATE TABLE alarm_heartbeat (sole boolean PRIMARY KEY DEFAULT true CHECK (sole), at bigint NOT NULL);
INSERT INTO alarm_heartbeat VALUES (true, 0);
