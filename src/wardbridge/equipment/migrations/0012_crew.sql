-- Shared runbooks, on-call rota, hand-over, load per person. Times are µs since 1970-01-01T00:00:00Z.

CREATE TABLE runbook (
    runbook_id  text PRIMARY KEY,
    slug        text COLLATE "C" NOT NULL UNIQUE,
    kind        text NOT NULL CHECK (kind IN ('install', 'service', 'decommission', 'downtime', 'other')),
    state       text NOT NULL CHECK (state IN ('draft', 'published', 'retired')),
    latest      int NOT NULL,
    published   int,
    example     boolean NOT NULL DEFAULT false,
    changed     bigint NOT NULL
);
SELECT account_for('runbook', 'runbook_id');

-- Never changed. steps: [{key, side, what, minutes, after: [key…], evidence, abort, order_kind}].
CREATE TABLE runbook_version (
    runbook_id  text NOT NULL REFERENCES runbook,
    version     int NOT NULL,
    title       text NOT NULL,
    about       text NOT NULL DEFAULT '',
    steps       jsonb NOT NULL,
    author      text NOT NULL,
    display     text NOT NULL,
    at          bigint NOT NULL,
    PRIMARY KEY (runbook_id, version)
);
SELECT account_for('runbook_version', 'runbook_id', 'version');

-- One use of a runbook, on a machine, a ward, a switch, a zone or the whole system.
CREATE TABLE runbook_run (
    run_id      text PRIMARY KEY,
    runbook_id  text NOT NULL REFERENCES runbook,
    version     int NOT NULL,
    slug        text NOT NULL,
    kind        text NOT NULL,
    title       text NOT NULL,
    scope       text NOT NULL CHECK (scope IN ('device', 'ward', 'switch', 'zone', 'system')),
    target      text NOT NULL DEFAULT '',
    device_id   text REFERENCES asset,
    reason      text NOT NULL DEFAULT '',
    state       text NOT NULL CHECK (state IN ('running', 'done', 'aborted')),
    started     bigint NOT NULL,
    started_by  text NOT NULL,
    display     text NOT NULL,
    ended       bigint,
    ended_by    text NOT NULL DEFAULT '',
    ended_why   text NOT NULL DEFAULT '',
    lesson_slug text NOT NULL DEFAULT '',
    CHECK ((scope = 'device') = (device_id IS NOT NULL)),
    CHECK ((state = 'running') = (ended IS NULL))
);
CREATE INDEX runbook_run_state ON runbook_run (state, started);
CREATE INDEX runbook_run_device ON runbook_run (device_id) WHERE device_id IS NOT NULL;
SELECT account_for('runbook_run', 'run_id');

CREATE TABLE runbook_task (
    run_id      text NOT NULL REFERENCES runbook_run,
    key         text NOT NULL,
    position    int NOT NULL,
    side        text NOT NULL CHECK (side IN ('biomed', 'it', 'clinical')),
    what        text NOT NULL,
    minutes     int NOT NULL DEFAULT 0,
    after       text[] NOT NULL DEFAULT '{}',
    evidence    text NOT NULL DEFAULT '',
    abort       text NOT NULL DEFAULT '',
    order_kind  text NOT NULL DEFAULT '',
    order_id    text NOT NULL DEFAULT '',
    request_id  text NOT NULL DEFAULT '',
    state       text NOT NULL CHECK (state IN ('open', 'doing', 'done', 'skipped', 'aborted')),
    person_id   text NOT NULL DEFAULT '',
    display     text NOT NULL DEFAULT '',
    started     bigint,
    ended       bigint,
    proof       text NOT NULL DEFAULT '',
    reason      text NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, key)
);
CREATE INDEX runbook_task_person ON runbook_task (person_id) WHERE state = 'doing';
SELECT account_for('runbook_task', 'run_id', 'key');

CREATE TABLE runbook_log (
    entry_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id      text NOT NULL REFERENCES runbook_run,
    at          bigint NOT NULL,
    person_id   text NOT NULL,
    display     text NOT NULL,
    key         text NOT NULL DEFAULT '',
    kind        text NOT NULL,
    text        text NOT NULL DEFAULT ''
);
CREATE INDEX runbook_log_run ON runbook_log (run_id, entry_id);
SELECT account_for('runbook_log', 'entry_id');

-- Who is called: people in turn, "turn_days" each, from the local date "first" on. A duty starts on each weekday of
-- "days" (1 Monday … 7 Sunday) at "from_time" and lasts to "to_time" (the next day's where that is not later).
CREATE TABLE rota (
    rota_id     text PRIMARY KEY,
    side        text NOT NULL CHECK (side IN ('biomed', 'it', 'clinical')),
    level       int NOT NULL CHECK (level BETWEEN 1 AND 5),
    title       text NOT NULL,
    zone        text NOT NULL,
    first       date NOT NULL,
    last        date,
    from_time   text NOT NULL,
    to_time     text NOT NULL,
    days        int[] NOT NULL,
    turn_days   int NOT NULL CHECK (turn_days BETWEEN 1 AND 28),
    people      text[] NOT NULL CHECK (cardinality(people) > 0),
    rank        int NOT NULL DEFAULT 0,
    created     bigint NOT NULL
);
SELECT account_for('rota', 'rota_id');

-- Somebody else than the rota's, from "start" to "stop"; '' nobody. The newest one counts.
CREATE TABLE rota_exception (
    exception_id text PRIMARY KEY,
    rota_id     text NOT NULL REFERENCES rota,
    start       bigint NOT NULL,
    stop        bigint NOT NULL CHECK (stop > start),
    person_id   text NOT NULL,
    reason      text NOT NULL DEFAULT '',
    created     bigint NOT NULL
);
CREATE INDEX rota_exception_rota ON rota_exception (rota_id, stop);
SELECT account_for('rota_exception', 'exception_id');

-- A asks B to take over, and may offer to take one of B's in return. Nothing changes before B agrees.
CREATE TABLE rota_swap (
    swap_id     text PRIMARY KEY,
    rota_id     text NOT NULL REFERENCES rota,
    asked_by    text NOT NULL,
    asked_of    text NOT NULL CHECK (asked_of <> asked_by),
    start       bigint NOT NULL,
    stop        bigint NOT NULL CHECK (stop > start),
    back_start  bigint,
    back_stop   bigint,
    state       text NOT NULL CHECK (state IN ('asked', 'agreed', 'refused', 'withdrawn')),
    asked_at    bigint NOT NULL,
    answered_at bigint,
    note        text NOT NULL DEFAULT '',
    CHECK ((back_start IS NULL) = (back_stop IS NULL))
);
CREATE INDEX rota_swap_open ON rota_swap (asked_of) WHERE state = 'asked';
SELECT account_for('rota_swap', 'swap_id');

-- Duties as they stand in the record (FHIR Slot), so that what no longer holds can be taken back.
CREATE TABLE rota_slot (
    slot_id     text PRIMARY KEY,
    rota_id     text NOT NULL,
    person_id   text NOT NULL,
    start       bigint NOT NULL,
    stop        bigint NOT NULL
);
SELECT account_for('rota_slot', 'slot_id');

-- The secret of a person's calendar address; only its digest is kept.
CREATE TABLE calendar_token (
    person_id   text PRIMARY KEY,
    digest      text NOT NULL UNIQUE,
    created     bigint NOT NULL
);
SELECT account_for('calendar_token', 'person_id');

CREATE TABLE handover (
    handover_id text PRIMARY KEY,
    side        text NOT NULL CHECK (side IN ('biomed', 'it', 'clinical')),
    from_id     text NOT NULL,
    from_display text NOT NULL,
    to_id       text NOT NULL DEFAULT '',
    to_display  text NOT NULL DEFAULT '',
    at          bigint NOT NULL,
    remarks     text NOT NULL DEFAULT '',
    content     jsonb NOT NULL,
    accepted_by text NOT NULL DEFAULT '',
    accepted_display text NOT NULL DEFAULT '',
    accepted_at bigint,
    answer      text NOT NULL DEFAULT '',
    CHECK (accepted_by <> from_id)
);
CREATE INDEX handover_side ON handover (side, at);
CREATE INDEX handover_open ON handover (side) WHERE accepted_at IS NULL;
SELECT account_for('handover', 'handover_id');

-- What interrupted somebody: entered by themselves. Personal: see crew.load for who may read it.
CREATE TABLE interrupt (
    interrupt_id text PRIMARY KEY,
    person_id   text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('call', 'page', 'urgent')),
    at          bigint NOT NULL,
    minutes     int NOT NULL CHECK (minutes BETWEEN 0 AND 1440)
);
CREATE INDEX interrupt_person ON interrupt (person_id, at);
SELECT account_for('interrupt', 'interrupt_id');

-- Hours of a person on a local day, as planned and as worked.
CREATE TABLE work_day (
    person_id   text NOT NULL,
    day         date NOT NULL,
    planned     int NOT NULL CHECK (planned BETWEEN 0 AND 1440),
    worked      int NOT NULL CHECK (worked BETWEEN 0 AND 1440),
    night       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (person_id, day)
);
SELECT account_for('work_day', 'person_id', 'day');

-- From which value on a term of the load is a warning, and from which it is too much. Data of the site.
CREATE TABLE load_limit (
    term        text PRIMARY KEY,
    warn        int NOT NULL,
    high        int NOT NULL,
    weight      int NOT NULL DEFAULT 1 CHECK (weight BETWEEN 0 AND 10),
    CHECK (0 < warn AND warn <= high)
);
SELECT account_for('load_limit', 'term');

-- Who helped on work of two departments: changed a joint order that is resolved, or did a step of a run of several sides.
CREATE VIEW joint_help AS
SELECT DISTINCT c.actor AS person_id, w.done_at AS at, 'work/' || w.work_id AS what
FROM work w JOIN change c ON c.table_name = 'work' AND c.key = w.work_id AND c.action = 'U'
WHERE w.side = 'both' AND w.state = 'resolved'
UNION ALL
SELECT t.person_id, max(t.ended), 'run/' || t.run_id
FROM runbook_task t WHERE t.state = 'done'
 AND EXISTS (SELECT FROM runbook_task o WHERE o.run_id = t.run_id AND o.state = 'done' AND o.side <> t.side)
GROUP BY t.run_id, t.person_id;
