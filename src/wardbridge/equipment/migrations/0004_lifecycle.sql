-- The life cycle: needs and their assessment, every move of a machine with its evidence, incoming inspections,
-- storage media and their sanitisation. Times are µs since 1970-01-01T00:00:00Z.

CREATE TABLE need (
    need_id     text PRIMARY KEY,
    title       text NOT NULL,
    kind        text NOT NULL DEFAULT '',
    department  text NOT NULL,
    count       int NOT NULL CHECK (count BETWEEN 1 AND 10000),
    reason      text NOT NULL,
    networked   boolean NOT NULL DEFAULT true,
    budget      numeric CHECK (budget >= 0),
    currency    text NOT NULL DEFAULT '',
    wanted      bigint,
    replaces    text[] NOT NULL DEFAULT '{}',
    model_id    text REFERENCES model,
    vendor      text NOT NULL DEFAULT '',
    order_number text NOT NULL DEFAULT '',
    state       text NOT NULL CHECK (state IN ('need', 'assessed', 'ordered', 'received', 'withdrawn')),
    state_since bigint NOT NULL,
    asked_by    text NOT NULL,
    asked_name  text NOT NULL,
    created     bigint NOT NULL,
    version     int NOT NULL DEFAULT 1
);
CREATE INDEX need_state ON need (state, created);
SELECT account_for('need', 'need_id');

-- One answer of the technology assessment; "points" NULL: does not apply. "exception" is why a blocking answer is
-- accepted all the same, and what is done instead: it is part of what both departments sign.
CREATE TABLE need_answer (
    need_id    text NOT NULL REFERENCES need,
    question   text NOT NULL,
    points     int CHECK (points BETWEEN 0 AND 4),
    note       text NOT NULL DEFAULT '',
    exception  text NOT NULL DEFAULT '',
    by_id      text NOT NULL,
    by_name    text NOT NULL,
    at         bigint NOT NULL,
    PRIMARY KEY (need_id, question)
);
SELECT account_for('need_answer', 'need_id', 'question');

CREATE TABLE need_asset (
    need_id    text NOT NULL REFERENCES need,
    device_id  text PRIMARY KEY REFERENCES asset
);
CREATE INDEX need_asset_need ON need_asset (need_id);
SELECT account_for('need_asset', 'device_id');

-- Every move of the life cycle; "number" is the order in which they happened.
CREATE TABLE move (
    move_id    text PRIMARY KEY,
    number     bigint GENERATED ALWAYS AS IDENTITY,
    device_id  text REFERENCES asset,
    need_id    text REFERENCES need,
    from_state text NOT NULL,
    to_state   text NOT NULL,
    at         bigint NOT NULL,
    person_id  text NOT NULL,
    display    text NOT NULL,
    evidence   jsonb NOT NULL,
    wire       text NOT NULL DEFAULT '',
    CHECK ((device_id IS NULL) <> (need_id IS NULL))
);
CREATE INDEX move_device ON move (device_id, number) WHERE device_id IS NOT NULL;
CREATE INDEX move_need ON move (need_id, number) WHERE need_id IS NOT NULL;
SELECT account_for('move', 'move_id');
CREATE TRIGGER move_append_only BEFORE UPDATE OR DELETE ON move
    FOR EACH ROW EXECUTE FUNCTION audit_event_is_append_only();

-- No code path changes a machine's state past the table of moves: the row of the move comes first.
CREATE FUNCTION asset_state_has_its_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM move WHERE device_id = NEW.device_id AND from_state = OLD.state
                   AND to_state = NEW.state AND at = NEW.state_since) THEN
        RAISE EXCEPTION 'the state of % goes from % to % without a move', NEW.device_id, OLD.state, NEW.state;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER asset_state_moves AFTER UPDATE OF state ON asset FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION asset_state_has_its_move();

CREATE TABLE inspection (
    inspection_id text PRIMARY KEY,
    device_id   text NOT NULL REFERENCES asset,
    checklist   text NOT NULL,
    networked   boolean NOT NULL,
    state       text NOT NULL CHECK (state IN ('open', 'passed', 'failed')),
    opened_by   text NOT NULL,
    opened_name text NOT NULL,
    opened_at   bigint NOT NULL,
    closed_by   text NOT NULL DEFAULT '',
    closed_name text NOT NULL DEFAULT '',
    closed_at   bigint,
    note        text NOT NULL DEFAULT ''
);
CREATE INDEX inspection_device ON inspection (device_id, opened_at);
CREATE UNIQUE INDEX inspection_one_open ON inspection (device_id) WHERE state = 'open';
SELECT account_for('inspection', 'inspection_id');

CREATE TABLE inspection_item (
    inspection_id text NOT NULL REFERENCES inspection,
    item        text NOT NULL,
    device_id   text NOT NULL,
    result      text NOT NULL CHECK (result IN ('pass', 'fail', 'na')),
    value       numeric,
    note        text NOT NULL DEFAULT '',
    by_id       text NOT NULL,
    by_name     text NOT NULL,
    at          bigint NOT NULL,
    deviation   text NOT NULL DEFAULT '',
    deviation_by text NOT NULL DEFAULT '',
    deviation_name text NOT NULL DEFAULT '',
    deviation_at bigint,
    PRIMARY KEY (inspection_id, item),
    CHECK (deviation_by = '' OR deviation_by <> by_id)
);
SELECT account_for('inspection_item', 'inspection_id', 'item');

CREATE TABLE medium (
    medium_id  text PRIMARY KEY,
    device_id  text NOT NULL REFERENCES asset,
    kind       text NOT NULL,
    serial     text NOT NULL DEFAULT '',
    place      text NOT NULL DEFAULT '',
    removed    text NOT NULL DEFAULT ''
);
CREATE INDEX medium_device ON medium (device_id);
SELECT account_for('medium', 'medium_id');

-- A certificate of sanitisation (NIST SP 800-88 Rev. 2); never changed but for its verification.
CREATE TABLE sanitisation (
    certificate_id text PRIMARY KEY,
    device_id    text NOT NULL REFERENCES asset,
    manufacturer text NOT NULL,
    model        text NOT NULL,
    serial       text NOT NULL,
    tag          text NOT NULL DEFAULT '',
    media        jsonb NOT NULL,
    source       text NOT NULL,
    before       text NOT NULL,
    after        text NOT NULL,
    method       text NOT NULL CHECK (method IN ('clear', 'purge', 'destroy')),
    technique    text NOT NULL,
    tool         text NOT NULL DEFAULT '',
    tool_version text NOT NULL DEFAULT '',
    destination  text NOT NULL,
    place        text NOT NULL,
    note         text NOT NULL DEFAULT '',
    done_by      text NOT NULL,
    done_name    text NOT NULL,
    done_at      bigint NOT NULL,
    verification text NOT NULL DEFAULT '',
    sampled      numeric CHECK (sampled > 0 AND sampled <= 100),
    result       text NOT NULL DEFAULT '' CHECK (result IN ('', 'passed', 'failed')),
    verified_by  text NOT NULL DEFAULT '',
    verified_name text NOT NULL DEFAULT '',
    verified_at  bigint,
    signature_id text NOT NULL DEFAULT '',
    CHECK (verified_by <> done_by),
    CHECK ((result = '') = (verified_by = ''))
);
CREATE INDEX sanitisation_device ON sanitisation (device_id, done_at);
SELECT account_for('sanitisation', 'certificate_id');
