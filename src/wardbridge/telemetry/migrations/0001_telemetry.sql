-- Samples by device channel and device time, never by patient (DESIGN section 2, rule 1).

CREATE TABLE channel (
    channel_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device_id  text   NOT NULL,
    key        text   NOT NULL,                     -- stable name within the device: vmd/channel/metric
    kind       text   NOT NULL CHECK (kind IN ('numeric', 'wave', 'text')),
    code       bigint NOT NULL,
    refid      text   NOT NULL,
    system     text   NOT NULL,
    unit       text   NOT NULL,
    ucum       text   NOT NULL,
    label      text   NOT NULL,
    -- A device that changes its unit starts a channel of its own: numbers of two units never mix.
    UNIQUE (device_id, key, kind, code, unit, ucum)
);

-- What came last, one row a device and call; compacted into blocks after some minutes.
CREATE SEQUENCE telemetry_sequence;
CREATE TABLE telemetry_hot (
    sequence  bigint NOT NULL DEFAULT nextval('telemetry_sequence') PRIMARY KEY,
    xid       xid8   NOT NULL DEFAULT pg_current_xact_id(),
    device_id text   NOT NULL,
    received  bigint NOT NULL,
    start     bigint NOT NULL,                      -- device time of the first sample, µs
    stop      bigint NOT NULL,                      -- behind the last
    body      bytea  NOT NULL
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE telemetry_hot ALTER body SET STORAGE EXTERNAL;
CREATE INDEX telemetry_hot_tail ON telemetry_hot (xid, sequence);
CREATE INDEX telemetry_hot_device ON telemetry_hot (device_id, received);

-- Long blocks. A block spans at most a minute (waves) or an hour (numerics) of device time; late data
-- make blocks of their own. Partitioned by the day in which the newest of it was received.
CREATE TABLE telemetry_numeric (
    channel_id int    NOT NULL,
    start      bigint NOT NULL,
    stop       bigint NOT NULL,
    received   bigint NOT NULL,
    count      int    NOT NULL,
    body       bytea  NOT NULL,
    level      bytea  NOT NULL                      -- lowest and highest of each minute
) PARTITION BY RANGE (received);
ALTER TABLE telemetry_numeric ALTER body SET STORAGE EXTERNAL, ALTER level SET STORAGE EXTERNAL;
CREATE INDEX telemetry_numeric_at ON telemetry_numeric (channel_id, start);

CREATE TABLE telemetry_wave (LIKE telemetry_numeric INCLUDING STORAGE) PARTITION BY RANGE (received);
CREATE INDEX telemetry_wave_at ON telemetry_wave (channel_id, start);

CREATE TABLE last_value (
    channel_id int    PRIMARY KEY,
    text       text   NOT NULL,
    number     float8,
    time       bigint NOT NULL,
    end_time   bigint NOT NULL,
    received   bigint NOT NULL,
    quality    int    NOT NULL
) WITH (fillfactor = 50);
