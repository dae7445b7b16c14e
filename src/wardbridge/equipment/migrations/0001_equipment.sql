-- Work on machines. Each row stands for one ServiceRequest and its Task on the FHIR Device, written in the
-- same transaction; the table answers lists and "what was its state then" without reading bodies.

CREATE TABLE work (
    work_id     text PRIMARY KEY,
    device_id   text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('maintenance', 'fault')),
    name        text NOT NULL,
    text        text NOT NULL,
    code        text NOT NULL DEFAULT '',
    state       text NOT NULL CHECK (state IN ('open', 'taken', 'resolved')),
    priority    text NOT NULL DEFAULT 'routine',
    interval_days int,
    due         bigint,
    reported_by text NOT NULL,
    reported_at bigint NOT NULL,
    taken_by    text NOT NULL DEFAULT '',
    taken_at    bigint,
    done_by     text NOT NULL DEFAULT '',
    done_at     bigint,
    resolution  text NOT NULL DEFAULT '',
    request_id  text NOT NULL,
    task_id     text NOT NULL
);
CREATE INDEX work_device ON work (device_id, kind, state);
CREATE INDEX work_due ON work (due) WHERE kind = 'maintenance' AND state <> 'resolved';
CREATE UNIQUE INDEX work_one_machine_fault ON work (device_id, code) WHERE kind = 'fault' AND state <> 'resolved' AND code <> '';
CREATE UNIQUE INDEX work_one_plan ON work (device_id, name) WHERE kind = 'maintenance' AND state <> 'resolved';
