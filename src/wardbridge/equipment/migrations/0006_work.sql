-- Work on machines in full: orders of every kind, procedures and what was measured, schedules by calendar and meter,
-- risk scores, AEM cases, requests of people without a login. Times are µs since 1970-01-01T00:00:00Z.

ALTER TABLE work DROP CONSTRAINT work_kind_check, DROP CONSTRAINT work_state_check;
ALTER TABLE work
    ADD COLUMN number       bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN place_id     text REFERENCES place,
    ADD COLUMN parent_id    text REFERENCES work,
    ADD COLUMN side         text NOT NULL DEFAULT 'biomed' CHECK (side IN ('biomed', 'it', 'both')),
    ADD COLUMN waiting_for  text NOT NULL DEFAULT '' CHECK (waiting_for IN ('', 'parts', 'vendor', 'patient')),
    ADD COLUMN team         text NOT NULL DEFAULT '',
    ADD COLUMN person_id    text NOT NULL DEFAULT '',
    ADD COLUMN person       text NOT NULL DEFAULT '',
    ADD COLUMN planned      bigint,
    ADD COLUMN minutes      int CHECK (minutes BETWEEN 1 AND 10000),
    ADD COLUMN source       text NOT NULL DEFAULT 'hand',
    ADD COLUMN source_id    text NOT NULL DEFAULT '',
    ADD COLUMN schedule_id  text NOT NULL DEFAULT '',
    ADD COLUMN procedure_id text NOT NULL DEFAULT '',
    ADD COLUMN procedure_version int NOT NULL DEFAULT 0,
    ADD COLUMN due_first    bigint,
    ADD COLUMN late_reason  text NOT NULL DEFAULT ''
        CHECK (late_reason IN ('', 'deferred', 'could-not-locate', 'in-use', 'no-parts')),
    ADD COLUMN tries        int NOT NULL DEFAULT 0,
    ADD CONSTRAINT work_kind_check CHECK (kind IN ('fault', 'maintenance', 'inspection', 'calibration', 'recall',
        'security', 'installation', 'decommission')),
    ADD CONSTRAINT work_state_check CHECK (state IN ('open', 'taken', 'waiting', 'resolved', 'cancelled')),
    ADD CONSTRAINT work_source_check CHECK (source IN ('hand', 'schedule', 'request', 'alarm', 'recall', 'cve',
        'machine', 'behaviour', 'runbook')),
    ADD CONSTRAINT work_subject_check CHECK (device_id <> '' OR place_id IS NOT NULL),
    ADD CONSTRAINT work_waiting_check CHECK ((state = 'waiting') = (waiting_for <> ''));
ALTER TABLE work ALTER device_id SET DEFAULT '';

DROP INDEX work_device, work_due, work_one_machine_fault, work_one_plan;
CREATE INDEX work_device ON work (device_id, reported_at DESC);
CREATE INDEX work_open_due ON work (due) WHERE state NOT IN ('resolved', 'cancelled');
CREATE INDEX work_open_device ON work (device_id, kind) WHERE state NOT IN ('resolved', 'cancelled');
CREATE INDEX work_reported ON work (reported_at DESC, work_id);
CREATE INDEX work_done ON work (done_at) WHERE done_at IS NOT NULL;
CREATE INDEX work_person ON work (person_id, planned) WHERE state NOT IN ('resolved', 'cancelled');
CREATE INDEX work_faults ON work (device_id, reported_at) WHERE kind = 'fault';
CREATE INDEX work_kpi ON work (due) WHERE kind IN ('maintenance', 'inspection', 'calibration') AND due IS NOT NULL;
CREATE INDEX work_schedule ON work (schedule_id, device_id) WHERE schedule_id <> '';
CREATE INDEX work_parent ON work (parent_id) WHERE parent_id IS NOT NULL;
CREATE UNIQUE INDEX work_number ON work (number);
CREATE UNIQUE INDEX work_source ON work (source, source_id, device_id) WHERE source_id <> '';
CREATE UNIQUE INDEX work_one_machine_fault ON work (device_id, code)
    WHERE kind = 'fault' AND code <> '' AND state NOT IN ('resolved', 'cancelled');
CREATE UNIQUE INDEX work_one_plan ON work (device_id, name)
    WHERE kind = 'maintenance' AND source_id = '' AND state NOT IN ('resolved', 'cancelled');
SELECT account_for('work', 'work_id');

-- What happened to an order beside its states: deferrals, tries to find the machine, notes.
CREATE TABLE work_note (
    note_id   text PRIMARY KEY,
    work_id   text NOT NULL REFERENCES work,
    device_id text NOT NULL,
    kind      text NOT NULL CHECK (kind IN ('note', 'deferred', 'not-found', 'late')),
    text      text NOT NULL,
    due_before bigint,
    due_after bigint,
    by_id     text NOT NULL,
    by        text NOT NULL,
    at        bigint NOT NULL
);
CREATE INDEX work_note_work ON work_note (work_id, at);
SELECT account_for('work_note', 'note_id');

-- Procedures: versions are never changed. "model_id" '' is for every model of "class", '' in both for any machine.
CREATE TABLE procedure (
    procedure_id text NOT NULL,
    version   int NOT NULL,
    name      text NOT NULL,
    kind      text NOT NULL,
    model_id  text NOT NULL DEFAULT '',
    class     text NOT NULL DEFAULT '',
    minutes   int NOT NULL CHECK (minutes BETWEEN 1 AND 10000),
    tools     text[] NOT NULL DEFAULT '{}',
    steps     jsonb NOT NULL,
    retired   boolean NOT NULL DEFAULT false,
    by_id     text NOT NULL,
    by        text NOT NULL,
    at        bigint NOT NULL,
    PRIMARY KEY (procedure_id, version)
);
CREATE INDEX procedure_model ON procedure (model_id, class);
SELECT account_for('procedure', 'procedure_id', 'version');

-- Test equipment: a machine of the register that measures others, and until when its calibration holds.
CREATE TABLE instrument (
    device_id   text PRIMARY KEY REFERENCES asset,
    measures    text NOT NULL,
    calibrated  bigint,
    due         bigint,
    certificate text NOT NULL DEFAULT ''
);
SELECT account_for('instrument', 'device_id');

-- One result of one step. A step that is done again has a newer row, which counts. "due" is the calibration due
-- date of the instrument as it was; "override" says why it was used all the same.
CREATE TABLE measurement (
    measurement_id text PRIMARY KEY,
    work_id     text NOT NULL REFERENCES work,
    device_id   text NOT NULL,
    step        text NOT NULL,
    name        text NOT NULL,
    code        text NOT NULL DEFAULT '',
    kind        text NOT NULL CHECK (kind IN ('check', 'value', 'text')),
    text        text NOT NULL,
    number      numeric,
    unit        text NOT NULL DEFAULT '',
    low         numeric,
    high        numeric,
    verdict     text NOT NULL CHECK (verdict IN ('pass', 'fail', 'none')),
    instrument_id text REFERENCES instrument,
    due         bigint,
    override    text NOT NULL DEFAULT '',
    observation_id text NOT NULL,
    by_id       text NOT NULL,
    by          text NOT NULL,
    at          bigint NOT NULL
);
CREATE INDEX measurement_work ON measurement (work_id, at);
CREATE INDEX measurement_trend ON measurement (device_id, code, at) WHERE code <> '';
SELECT account_for('measurement', 'measurement_id');

-- How a model protects against electric shock, and a site's own limits where they differ from the shipped table.
CREATE TABLE protection (
    model_id text PRIMARY KEY REFERENCES model,
    class    text NOT NULL CHECK (class IN ('I', 'II')),
    part     text NOT NULL CHECK (part IN ('none', 'B', 'BF', 'CF')),
    cord     text NOT NULL DEFAULT 'fixed' CHECK (cord IN ('fixed', 'detachable'))
);
SELECT account_for('protection', 'model_id');

CREATE TABLE safety_limit (
    test  text NOT NULL,
    class text NOT NULL,
    part  text NOT NULL,
    low   numeric,
    high  numeric,
    unit  text NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (test, class, part)
);
SELECT account_for('safety_limit', 'test', 'class', 'part');

-- An assessment for an alternate equipment maintenance programme: 42 CFR 482.41(d)(2), CMS S&C 14-07.
CREATE TABLE aem_case (
    case_id       text PRIMARY KEY,
    model_id      text NOT NULL REFERENCES model,
    state         text NOT NULL CHECK (state IN ('new', 'open', 'review', 'model-setup', 'closed-complete',
                                                 'closed-incomplete', 'cancelled')),
    requester_id  text NOT NULL,
    requester     text NOT NULL,
    assessor_id   text NOT NULL DEFAULT '',
    assessor      text NOT NULL DEFAULT '',
    qualification text NOT NULL DEFAULT '',
    rationale     text NOT NULL DEFAULT '',
    documents     text[] NOT NULL DEFAULT '{}',
    activity      text NOT NULL DEFAULT '',
    months        int CHECK (months BETWEEN 1 AND 240),
    evaluate_due  bigint,
    evaluated     bigint,
    reason        text NOT NULL DEFAULT '',
    opened        bigint NOT NULL,
    since         bigint NOT NULL
);
CREATE UNIQUE INDEX aem_case_one ON aem_case (model_id) WHERE state NOT IN ('closed-incomplete', 'cancelled');
SELECT account_for('aem_case', 'case_id');

-- What counts as sufficient maintenance history at this site (one row; without it: 5 completed over 12 months).
CREATE TABLE aem_rule (
    sole      boolean PRIMARY KEY DEFAULT true CHECK (sole),
    completed int NOT NULL CHECK (completed >= 1),
    months    int NOT NULL CHECK (months >= 1)
);
SELECT account_for('aem_rule', 'sole');

-- Why a model may not be in the programme at "moment", '' where it may: one rule for trigger, pages and generator.
CREATE FUNCTION aem_forbidden(model text, moment bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN m.class IN ('imaging', 'radiologic') THEN 'imaging and radiologic equipment follows its manufacturer'
        WHEN m.class = 'laser' THEN 'medical lasers follow their manufacturer'
        WHEN h.done < coalesce(r.completed, 5) OR h.first IS NULL
             OR h.first > moment - coalesce(r.months, 12) * 2629800000000 THEN 'the maintenance history is too short'
        ELSE '' END
    FROM model m LEFT JOIN aem_rule r ON true,
         LATERAL (SELECT count(*) AS done, min(w.done_at) AS first FROM work w JOIN asset a USING (device_id)
                  WHERE a.model_id = m.model_id AND w.kind = 'maintenance' AND w.state = 'resolved'
                    AND w.done_at <= moment) h
    WHERE m.model_id = model
$$;

CREATE FUNCTION aem_case_is_sound() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    why text;
BEGIN
    IF NEW.state IN ('closed-incomplete', 'cancelled') THEN RETURN NEW; END IF;
    why := aem_forbidden(NEW.model_id, NEW.since);
    IF why <> '' THEN RAISE EXCEPTION 'no AEM: %', why USING ERRCODE = 'check_violation'; END IF;
    IF NEW.state IN ('model-setup', 'closed-complete') AND (NEW.assessor_id = '' OR NEW.assessor_id = NEW.requester_id
        OR NEW.qualification = '' OR NEW.rationale = '' OR cardinality(NEW.documents) = 0 OR NEW.evaluate_due IS NULL
        OR NEW.evaluate_due <= NEW.since OR NEW.months IS NULL) THEN
        RAISE EXCEPTION 'no AEM: it needs a qualified assessor who is not the requester, a rationale, documents, an '
            'interval and the date of its next evaluation' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER aem_case_sound BEFORE INSERT OR UPDATE ON aem_case FOR EACH ROW EXECUTE FUNCTION aem_case_is_sound();

-- When work falls due: by months, by a meter, whichever comes first. A row is for one machine or for a model's.
-- "every" in the meter's unit (hours for 'use'); "aem" names the closed case that permits to differ from the maker.
CREATE TABLE schedule (
    schedule_id  text PRIMARY KEY,
    name         text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('maintenance', 'inspection', 'calibration')),
    device_id    text REFERENCES asset,
    model_id     text REFERENCES model,
    procedure_id text NOT NULL DEFAULT '',
    months       int CHECK (months BETWEEN 1 AND 240),
    fixed        boolean NOT NULL DEFAULT false,
    anchor       bigint,
    meter        text NOT NULL DEFAULT '',
    every        double precision CHECK (every > 0),
    ahead_days   int NOT NULL DEFAULT 30 CHECK (ahead_days BETWEEN 0 AND 365),
    minutes      int CHECK (minutes BETWEEN 1 AND 10000),
    side         text NOT NULL DEFAULT 'biomed' CHECK (side IN ('biomed', 'it', 'both')),
    team         text NOT NULL DEFAULT '',
    priority     text NOT NULL DEFAULT 'routine',
    aem          text REFERENCES aem_case,
    active       boolean NOT NULL DEFAULT true,
    created      bigint NOT NULL,
    CHECK ((device_id IS NULL) <> (model_id IS NULL)),
    CHECK (months IS NOT NULL OR every IS NOT NULL),
    CHECK ((meter <> '') = (every IS NOT NULL)),
    CHECK (NOT fixed OR (months IS NOT NULL AND anchor IS NOT NULL))
);
CREATE INDEX schedule_model ON schedule (model_id) WHERE active;
CREATE INDEX schedule_device ON schedule (device_id) WHERE active;
SELECT account_for('schedule', 'schedule_id');

CREATE FUNCTION schedule_aem_is_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.aem IS NOT NULL AND NEW.active AND NOT EXISTS (
        SELECT FROM aem_case c WHERE c.case_id = NEW.aem AND c.state = 'closed-complete'
           AND c.model_id = coalesce(NEW.model_id, (SELECT a.model_id FROM asset a WHERE a.device_id = NEW.device_id))
           AND aem_forbidden(c.model_id, c.since) = '') THEN
        RAISE EXCEPTION 'no AEM: this schedule has no complete case for its model' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER schedule_aem BEFORE INSERT OR UPDATE ON schedule
    FOR EACH ROW EXECUTE FUNCTION schedule_aem_is_closed();

-- A case that ends takes its schedules out of use; a model whose class becomes forbidden ends its case.
CREATE FUNCTION aem_case_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE schedule SET active = false WHERE aem = NEW.case_id AND active;
    RETURN NULL;
END $$;
CREATE TRIGGER aem_case_ended AFTER UPDATE ON aem_case FOR EACH ROW
    WHEN (NEW.state IN ('closed-incomplete', 'cancelled')) EXECUTE FUNCTION aem_case_ends();
CREATE FUNCTION model_leaves_aem() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE aem_case SET state = 'cancelled', reason = 'the class of the model became ' || NEW.class
     WHERE model_id = NEW.model_id AND state NOT IN ('closed-incomplete', 'cancelled');
    RETURN NULL;
END $$;
CREATE TRIGGER model_left_aem AFTER UPDATE OF class ON model FOR EACH ROW
    WHEN (NEW.class IN ('imaging', 'radiologic', 'laser')) EXECUTE FUNCTION model_leaves_aem();

-- The running period of a schedule on a machine. "due" is the calendar's answer, NULL where only a meter counts;
-- "meter" its reading when the period began. One order a period: work (source, source_id = schedule/period).
CREATE TABLE schedule_period (
    schedule_id text NOT NULL REFERENCES schedule,
    device_id   text NOT NULL REFERENCES asset,
    period      int NOT NULL,
    since       bigint NOT NULL,
    meter       double precision NOT NULL DEFAULT 0,
    due         bigint,
    ordered     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (schedule_id, device_id)
);
CREATE INDEX schedule_period_due ON schedule_period (due) WHERE NOT ordered;
CREATE INDEX schedule_period_device ON schedule_period (device_id);
SELECT account_for('schedule_period', 'schedule_id', 'device_id');

-- Meters that people read (cycles, pages, litres); the last one counts.
CREATE TABLE meter_reading (
    reading_id text PRIMARY KEY,
    device_id  text NOT NULL REFERENCES asset,
    meter      text NOT NULL,
    value      double precision NOT NULL CHECK (value >= 0),
    at         bigint NOT NULL,
    by_id      text NOT NULL,
    by         text NOT NULL
);
CREATE INDEX meter_reading_last ON meter_reading (device_id, meter, at DESC);
SELECT account_for('meter_reading', 'reading_id');

-- Use hours from the wire. Like device_state this follows from the intake log by itself and is nobody's decision, so
-- it is not under account: an entry a machine and ten seconds would bury what people did.
CREATE TABLE use_time (
    device_id text PRIMARY KEY,
    use_us    bigint NOT NULL CHECK (use_us >= 0),
    until     bigint NOT NULL
) WITH (fillfactor = 50);
-- How far the telemetry is counted, and up to when schedules were looked at.
CREATE TABLE use_cursor (sole boolean PRIMARY KEY DEFAULT true CHECK (sole), xid xid8 NOT NULL, sequence bigint NOT NULL,
    ticked bigint NOT NULL DEFAULT 0);
INSERT INTO use_cursor VALUES (true, '0', 0);
-- When a machine said that it rests; NULL: still.
CREATE TABLE use_rest (
    device_id text NOT NULL,
    start     bigint NOT NULL,
    stop      bigint,
    PRIMARY KEY (device_id, start)
);

-- Every meter of every machine as it stands.
CREATE VIEW meter_now AS
    SELECT device_id, 'use'::text AS meter, use_us / 3600e6::double precision AS value, until AS at FROM use_time
    UNION ALL
    (SELECT DISTINCT ON (device_id, meter) device_id, meter, value, at FROM meter_reading
     WHERE meter <> 'use' ORDER BY device_id, meter, at DESC, reading_id DESC);

-- A model's risk scores; versions stay.
CREATE TABLE risk_score (
    score_id text PRIMARY KEY,
    model_id text NOT NULL REFERENCES model,
    scheme   text NOT NULL,
    scheme_version text NOT NULL,
    terms    jsonb NOT NULL,
    total    numeric NOT NULL,
    months   int,
    included boolean NOT NULL,
    at       bigint NOT NULL,
    by_id    text NOT NULL,
    by       text NOT NULL
);
CREATE INDEX risk_score_model ON risk_score (model_id, scheme, at DESC);
SELECT account_for('risk_score', 'score_id');

-- A site's own scoring schemes; a version is never changed.
CREATE TABLE risk_scheme (
    scheme  text NOT NULL,
    version text NOT NULL,
    body    jsonb NOT NULL,
    at      bigint NOT NULL,
    PRIMARY KEY (scheme, version)
);
SELECT account_for('risk_scheme', 'scheme', 'version');

-- A word from somebody without a login. "reference" cannot be guessed; "sender" is a keyed digest of the address.
CREATE TABLE work_request (
    request_id text PRIMARY KEY,
    reference  text NOT NULL UNIQUE,
    device_id  text NOT NULL REFERENCES asset,
    work_id    text NOT NULL REFERENCES work,
    text       text NOT NULL,
    name       text NOT NULL DEFAULT '',
    contact    text NOT NULL DEFAULT '',
    urgent     boolean NOT NULL DEFAULT false,
    joined     boolean NOT NULL,
    sender     text NOT NULL,
    at         bigint NOT NULL
);
CREATE INDEX work_request_sender ON work_request (sender, at);
CREATE INDEX work_request_device ON work_request (device_id, at);
CREATE INDEX work_request_work ON work_request (work_id);
SELECT account_for('work_request', 'request_id');
