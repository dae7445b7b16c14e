-- The technician's bench: operations of tablets that were offline, parts and stock, labour, vendor calls, downtime.
-- Times are µs since 1970-01-01T00:00:00Z, quantities in the part's unit, money in the currency beside it.

-- Every operation that a tablet ever sent, with what became of it: the same id is never applied twice, and what
-- could not be merged waits here for a person. "at" is the tablet's clock, "happened" our best knowledge of the moment.
CREATE TABLE bench_operation (
    operation_id text PRIMARY KEY,
    tablet      text NOT NULL,
    counter     bigint NOT NULL,
    person_id   text NOT NULL,
    display     text NOT NULL,
    kind        text NOT NULL,
    work_id     text NOT NULL DEFAULT '',
    device_id   text NOT NULL DEFAULT '',
    body        jsonb NOT NULL,
    at          bigint NOT NULL,
    happened    bigint NOT NULL,
    received    bigint NOT NULL,
    offset_us   bigint NOT NULL,
    jumped      boolean NOT NULL DEFAULT false,
    state       text NOT NULL CHECK (state IN ('done', 'conflict', 'refused')),
    text        text NOT NULL DEFAULT '',
    there       jsonb NOT NULL DEFAULT '{}',
    settled_at  bigint,
    settled_by  text NOT NULL DEFAULT '',
    settlement  text NOT NULL DEFAULT ''
);
CREATE INDEX bench_operation_open ON bench_operation (received) WHERE state <> 'done' AND settled_at IS NULL;
CREATE INDEX bench_operation_work ON bench_operation (work_id) WHERE work_id <> '';
CREATE INDEX bench_operation_tablet ON bench_operation (tablet, counter);
SELECT account_for('bench_operation', 'operation_id');

CREATE TABLE part (
    part_id     text PRIMARY KEY,
    number      text NOT NULL,
    name        text NOT NULL,
    manufacturer text NOT NULL DEFAULT '',
    fits        text[] NOT NULL DEFAULT '{}',
    unit        text NOT NULL DEFAULT 'piece',
    price       numeric CHECK (price >= 0),
    currency    text NOT NULL DEFAULT '',
    supplier    text NOT NULL DEFAULT '',
    serialised  boolean NOT NULL DEFAULT false,
    kind        text NOT NULL DEFAULT 'part' CHECK (kind IN ('part', 'accessory', 'consumable')),
    note        text NOT NULL DEFAULT '',
    retired     boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX part_number ON part (lower(manufacturer), lower(number));
CREATE INDEX part_fits ON part USING gin (fits);
SELECT account_for('part', 'part_id');

CREATE TABLE stock_store (
    store_id    text PRIMARY KEY,
    name        text NOT NULL,
    place_id    text REFERENCES place
);
CREATE UNIQUE INDEX stock_store_name ON stock_store (lower(name));
SELECT account_for('stock_store', 'store_id');

-- How much of a part a store wants to hold: below "minimum" it is ordered up to "target".
CREATE TABLE stock_level (
    part_id     text NOT NULL REFERENCES part,
    store_id    text NOT NULL REFERENCES stock_store,
    minimum     numeric NOT NULL CHECK (minimum >= 0),
    target      numeric NOT NULL CHECK (target >= minimum),
    shelf       text NOT NULL DEFAULT '',
    PRIMARY KEY (part_id, store_id)
);
SELECT account_for('stock_level', 'part_id', 'store_id');

-- The ledger: a balance is the sum of its movements and nothing else. No row is ever changed.
CREATE TABLE stock_movement (
    movement_id text PRIMARY KEY,
    part_id     text NOT NULL REFERENCES part,
    store_id    text NOT NULL REFERENCES stock_store,
    kind        text NOT NULL CHECK (kind IN ('receive', 'issue', 'return', 'count', 'move', 'scrap')),
    quantity    numeric NOT NULL CHECK (quantity <> 0 OR kind = 'count'),
    lot         text NOT NULL DEFAULT '',
    expires     bigint,
    serial      text NOT NULL DEFAULT '',
    price       numeric,
    currency    text NOT NULL DEFAULT '',
    work_id     text REFERENCES work,
    device_id   text NOT NULL DEFAULT '',
    origin_id   text NOT NULL DEFAULT '',
    operation_id text NOT NULL DEFAULT '',
    reason      text NOT NULL DEFAULT '',
    at          bigint NOT NULL,
    by_id       text NOT NULL,
    by          text NOT NULL
);
CREATE INDEX stock_movement_part ON stock_movement (part_id, store_id, lot) INCLUDE (quantity);
CREATE INDEX stock_movement_work ON stock_movement (work_id) WHERE work_id IS NOT NULL;
CREATE INDEX stock_movement_device ON stock_movement (device_id, at) WHERE device_id <> '';
CREATE INDEX stock_movement_origin ON stock_movement (origin_id) WHERE origin_id <> '';
CREATE INDEX stock_movement_at ON stock_movement (at);
CREATE FUNCTION stock_movement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'stock_movement is append-only: correct it with another movement';
END $$;
CREATE TRIGGER stock_movement_stays BEFORE UPDATE OR DELETE ON stock_movement
    FOR EACH ROW EXECUTE FUNCTION stock_movement_stays();
SELECT account_for('stock_movement', 'movement_id');

CREATE TABLE reservation (
    reservation_id text PRIMARY KEY,
    part_id     text NOT NULL REFERENCES part,
    store_id    text NOT NULL REFERENCES stock_store,
    work_id     text NOT NULL REFERENCES work,
    quantity    numeric NOT NULL CHECK (quantity > 0),
    used        numeric NOT NULL DEFAULT 0 CHECK (used >= 0 AND used <= quantity),
    state       text NOT NULL CHECK (state IN ('open', 'used', 'released')),
    at          bigint NOT NULL,
    by          text NOT NULL
);
CREATE INDEX reservation_open ON reservation (part_id, store_id) WHERE state = 'open';
CREATE INDEX reservation_work ON reservation (work_id);
SELECT account_for('reservation', 'reservation_id');

CREATE TABLE stock_order (
    order_id    text PRIMARY KEY,
    part_id     text NOT NULL REFERENCES part,
    store_id    text NOT NULL REFERENCES stock_store,
    quantity    numeric NOT NULL CHECK (quantity > 0),
    received    numeric NOT NULL DEFAULT 0 CHECK (received >= 0),
    state       text NOT NULL CHECK (state IN ('open', 'received', 'cancelled')),
    reference   text NOT NULL DEFAULT '',
    at          bigint NOT NULL,
    by          text NOT NULL
);
CREATE INDEX stock_order_open ON stock_order (part_id, store_id) WHERE state = 'open';
SELECT account_for('stock_order', 'order_id');

-- What an hour of work costs from "since" on; person_id '' is everybody who has no rate of their own.
CREATE TABLE labour_rate (
    person_id   text NOT NULL DEFAULT '',
    since       bigint NOT NULL,
    rate        numeric NOT NULL CHECK (rate >= 0),
    currency    text NOT NULL,
    PRIMARY KEY (person_id, since)
);
SELECT account_for('labour_rate', 'person_id', 'since');

-- "rate" is that of the moment of the work: a later rate changes no old cost.
CREATE TABLE labour (
    labour_id   text PRIMARY KEY,
    work_id     text NOT NULL REFERENCES work,
    device_id   text NOT NULL,
    person_id   text NOT NULL,
    display     text NOT NULL,
    minutes     int NOT NULL CHECK (minutes BETWEEN 0 AND 1440),
    travel      int NOT NULL DEFAULT 0 CHECK (travel BETWEEN 0 AND 1440),
    rate        numeric,
    currency    text NOT NULL DEFAULT '',
    started     bigint NOT NULL,
    note        text NOT NULL DEFAULT '',
    operation_id text NOT NULL DEFAULT '',
    at          bigint NOT NULL,
    CHECK (minutes + travel > 0)
);
CREATE INDEX labour_work ON labour (work_id);
CREATE INDEX labour_device ON labour (device_id, started);
CREATE INDEX labour_person ON labour (person_id, started);
CREATE INDEX labour_started ON labour (started);
SELECT account_for('labour', 'labour_id');

CREATE TABLE vendor_call (
    call_id     text PRIMARY KEY,
    work_id     text NOT NULL REFERENCES work,
    device_id   text NOT NULL,
    vendor      text NOT NULL,
    contract_id text NOT NULL DEFAULT '',
    reference   text NOT NULL DEFAULT '',
    opened      bigint NOT NULL,
    promised    bigint,
    arrived     bigint CHECK (arrived >= opened),
    done        bigint CHECK (done >= opened),
    invoice     numeric CHECK (invoice >= 0),
    currency    text NOT NULL DEFAULT '',
    invoice_no  text NOT NULL DEFAULT '',
    note        text NOT NULL DEFAULT '',
    by          text NOT NULL
);
CREATE INDEX vendor_call_work ON vendor_call (work_id);
CREATE INDEX vendor_call_device ON vendor_call (device_id, opened);
CREATE INDEX vendor_call_opened ON vendor_call (opened);
CREATE INDEX vendor_call_contract ON vendor_call (contract_id) WHERE contract_id <> '';
SELECT account_for('vendor_call', 'call_id');

-- A machine out of use. Where work is named and "stop" is not known, it ends when that work is done: asked for in
-- the query, so that it cannot be forgotten.
CREATE TABLE downtime (
    downtime_id text PRIMARY KEY,
    device_id   text NOT NULL,
    work_id     text REFERENCES work,
    start       bigint NOT NULL,
    stop        bigint CHECK (stop >= start),
    planned     boolean NOT NULL DEFAULT false,
    source      text NOT NULL CHECK (source IN ('fault', 'bench', 'hand')),
    note        text NOT NULL DEFAULT '',
    by          text NOT NULL
);
CREATE INDEX downtime_device ON downtime (device_id, start);
CREATE INDEX downtime_work ON downtime (work_id) WHERE work_id IS NOT NULL;
SELECT account_for('downtime', 'downtime_id');
