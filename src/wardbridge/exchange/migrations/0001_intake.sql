-- The intake log: everything that arrived, durable before it is acknowledged.
--
-- xid orders late commits: a reader that goes by (xid, sequence) and stays below pg_snapshot_xmin
-- never skips a transaction that commits after one with higher numbers.

CREATE SEQUENCE intake_sequence CACHE 1;

CREATE TABLE intake (
    sequence     bigint   NOT NULL,
    xid          xid8     NOT NULL DEFAULT pg_current_xact_id(),
    received     bigint   NOT NULL,                 -- µs since the epoch
    kind         text     NOT NULL,                 -- device, adt, other
    link         text     NOT NULL,
    sender       text     NOT NULL,
    control      text     NOT NULL,
    message_type text     NOT NULL,
    profile      text     NOT NULL,
    status       text     NOT NULL,                 -- ok, quarantined, uninterpreted
    clash        boolean  NOT NULL,                 -- the control id had come before with other content
    patient_ids  text[]   NOT NULL,
    problems     text     NOT NULL,
    raw          bytea    NOT NULL,                 -- zstd, or empty
    payload      bytea    NOT NULL                  -- zstd, or empty
) PARTITION BY RANGE (received);

-- Already compressed: no second attempt; and kept in the row up to 8 kB, since TOAST costs a table more.
ALTER TABLE intake ALTER raw SET STORAGE EXTERNAL, ALTER payload SET STORAGE EXTERNAL;

CREATE INDEX intake_read ON intake (xid, sequence);
CREATE INDEX intake_sequence_at ON intake (sequence);
CREATE INDEX intake_control ON intake (control, received) WHERE control <> '';
CREATE INDEX intake_patient ON intake USING gin (patient_ids) WHERE patient_ids <> '{}';

-- Recognises repeated messages. name: hash of (sender, control); digest: of (sender, control, content).
-- One generation is a week; the present and the one before are kept.
CREATE TABLE intake_key (
    generation int    NOT NULL,
    name       bigint NOT NULL,
    digest     bytea  NOT NULL,
    sequence   bigint NOT NULL,
    PRIMARY KEY (generation, name, digest)
) PARTITION BY LIST (generation);

CREATE TABLE intake_cursor (
    name     text PRIMARY KEY,
    xid      xid8   NOT NULL DEFAULT '0',
    sequence bigint NOT NULL DEFAULT 0
);
