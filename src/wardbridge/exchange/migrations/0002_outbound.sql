-- One durable queue for each destination, and how far each feed has read the record.

CREATE TABLE outbound_message (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid          xid8     NOT NULL DEFAULT pg_current_xact_id(),   -- order of sending, see intake
    destination  text     NOT NULL,
    key          text     NOT NULL,                 -- the same content is never queued twice
    control      text     NOT NULL,                 -- MSH-10; stays over all attempts
    message_type text     NOT NULL,
    patient_ids  text[]   NOT NULL,
    state        text     NOT NULL CHECK (state IN ('queued', 'sent', 'dead')),
    created      bigint   NOT NULL,                 -- µs since the epoch
    finished     bigint   NOT NULL DEFAULT 0,
    attempts     int      NOT NULL DEFAULT 0,
    reason       text     NOT NULL DEFAULT '',
    body         bytea    NOT NULL,
    answer       bytea    NOT NULL DEFAULT '',
    UNIQUE (destination, key)
);
CREATE INDEX outbound_queue ON outbound_message (destination, xid, id) WHERE state = 'queued';
CREATE INDEX outbound_dead ON outbound_message (destination, id) WHERE state = 'dead';
CREATE INDEX outbound_control ON outbound_message (control);
CREATE INDEX outbound_patient ON outbound_message USING gin (patient_ids) WHERE patient_ids <> '{}';
CREATE INDEX outbound_finished ON outbound_message (finished) WHERE state <> 'queued';

CREATE TABLE outbound_destination (
    name       text PRIMARY KEY,
    state      text   NOT NULL DEFAULT 'idle' CHECK (state IN ('idle', 'up', 'down')),
    since      bigint NOT NULL DEFAULT 0,
    sent       bigint NOT NULL DEFAULT 0,
    last_sent  bigint NOT NULL DEFAULT 0,
    failures   int    NOT NULL DEFAULT 0,           -- in a row
    last_error text   NOT NULL DEFAULT ''
);

CREATE TABLE feed_cursor (
    name text PRIMARY KEY,
    mark text NOT NULL
);
