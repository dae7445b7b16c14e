-- Changes with one joint risk file, patches on machines, who talks to whom, unexpected behaviour, the risk register.
-- Times are µs since 1970-01-01T00:00:00Z. Every table here is under account (security 0002_changes.sql).

-- Which residual risk is acceptable on this site; the newest is in force, a risk file keeps the one that it was judged by.
CREATE TABLE risk_matrix (
    matrix_id   text PRIMARY KEY,
    since       bigint NOT NULL,
    content     jsonb NOT NULL,
    by          text NOT NULL
);
SELECT account_for('risk_matrix', 'matrix_id');

-- "file" is what is signed, whole; the other columns are derived from it, or say how far the change has come.
CREATE TABLE joint_change (
    change_id   text PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('new-device', 'patch', 'network-move', 'configuration', 'decommission')),
    state       text NOT NULL CHECK (state IN ('draft', 'assessed', 'signed', 'scheduled', 'running', 'verified', 'closed',
                                               'rolled-back', 'rejected', 'cancelled')),
    state_at    bigint NOT NULL,
    version     int NOT NULL,
    title       text NOT NULL,
    file        jsonb NOT NULL,
    start       bigint,
    stop        bigint,
    author      text NOT NULL,
    author_name text NOT NULL,
    created     bigint NOT NULL
);
CREATE INDEX joint_change_state ON joint_change (state, start);
CREATE INDEX joint_change_window ON joint_change (start, stop) WHERE start IS NOT NULL;
SELECT account_for('joint_change', 'change_id');

CREATE TABLE change_device (
    change_id   text NOT NULL REFERENCES joint_change,
    device_id   text NOT NULL REFERENCES asset,
    PRIMARY KEY (change_id, device_id)
);
CREATE INDEX change_device_device ON change_device (device_id);
SELECT account_for('change_device', 'change_id', 'device_id');

CREATE TABLE change_step (
    change_id   text NOT NULL REFERENCES joint_change,
    number      int NOT NULL,
    at          bigint NOT NULL,
    step        text NOT NULL,
    state       text NOT NULL,
    version     int NOT NULL,
    person_id   text NOT NULL,
    display     text NOT NULL,
    note        text NOT NULL DEFAULT '',
    PRIMARY KEY (change_id, number)
);
SELECT account_for('change_step', 'change_id', 'number');

-- Times in which nothing is changed (holidays, a go-live, a surveyor's visit).
CREATE TABLE change_freeze (
    freeze_id   text PRIMARY KEY,
    start       bigint NOT NULL,
    stop        bigint NOT NULL CHECK (stop > start),
    ward        text NOT NULL DEFAULT '',
    zone        text NOT NULL DEFAULT '',
    reason      text NOT NULL
);
SELECT account_for('change_freeze', 'freeze_id');

-- What a patch brings; part of the signed file of its change, here for questions.
CREATE TABLE patch (
    change_id   text PRIMARY KEY REFERENCES joint_change,
    model_id    text NOT NULL REFERENCES model,
    component   text NOT NULL,
    version     text NOT NULL,
    fixes       text[] NOT NULL DEFAULT '{}',
    campaign_id text NOT NULL DEFAULT ''
);
CREATE INDEX patch_model ON patch (model_id, component);
CREATE INDEX patch_campaign ON patch (campaign_id) WHERE campaign_id <> '';
SELECT account_for('patch', 'change_id');

CREATE TABLE patch_item (
    change_id   text NOT NULL REFERENCES patch,
    device_id   text NOT NULL REFERENCES asset,
    state       text NOT NULL CHECK (state IN ('waiting', 'ready', 'running', 'verified', 'failed', 'rolled-back', 'excepted')),
    state_at    bigint NOT NULL,
    before      text NOT NULL DEFAULT '',
    observed    text NOT NULL DEFAULT '',
    evidence    text NOT NULL DEFAULT '',
    evidence_at bigint,
    started_at  bigint,
    admission   text NOT NULL DEFAULT '',
    ward        text NOT NULL DEFAULT '',
    window_id   text NOT NULL DEFAULT '',
    work_id     text NOT NULL DEFAULT '',
    reason      text NOT NULL DEFAULT '',
    by          text NOT NULL DEFAULT '',
    told        boolean NOT NULL DEFAULT false,
    PRIMARY KEY (change_id, device_id)
);
CREATE INDEX patch_item_open ON patch_item (device_id) WHERE state IN ('waiting', 'ready', 'running');
CREATE INDEX patch_item_untold ON patch_item (state_at) WHERE state = 'verified' AND NOT told;
CREATE UNIQUE INDEX patch_item_one_at_a_time ON patch_item (device_id) WHERE state = 'running';
SELECT account_for('patch_item', 'change_id', 'device_id');

-- When machines may be patched. '' and {} stand for any. "parallel": at most so many of a kind at once in a ward;
-- "spares": so many free ones of the kind must be left in the ward.
CREATE TABLE patch_window (
    window_id   text PRIMARY KEY,
    change_id   text NOT NULL DEFAULT '',
    start       bigint NOT NULL,
    stop        bigint NOT NULL CHECK (stop > start),
    ward        text NOT NULL DEFAULT '',
    zone        text NOT NULL DEFAULT '',
    models      text[] NOT NULL DEFAULT '{}',
    parallel    int NOT NULL DEFAULT 1 CHECK (parallel > 0),
    spares      int NOT NULL DEFAULT 1 CHECK (spares >= 0),
    note        text NOT NULL DEFAULT ''
);
CREATE INDEX patch_window_stop ON patch_window (stop);
SELECT account_for('patch_window', 'window_id');

-- A machine that is being patched is nobody's: whoever accepts it meanwhile is refused, and one that is heard for the
-- first time while it is patched arrives in the workshop.
CREATE FUNCTION patch_keeps_in_workshop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'accepted' OR NOT EXISTS (
            SELECT 1 FROM patch_item i WHERE i.state = 'running'
            AND (i.device_id = NEW.device_id
                 OR i.device_id IN (SELECT a.parent_id FROM asset a WHERE a.device_id = NEW.device_id)
                 OR i.device_id IN (SELECT a.device_id FROM asset a WHERE a.parent_id = NEW.device_id))) THEN
        RETURN NEW;
    END IF;
    IF TG_TABLE_NAME = 'device' AND TG_OP = 'UPDATE' AND OLD.state <> 'accepted' THEN
        RAISE EXCEPTION 'the machine % is being patched: it stays in the workshop until the patch is verified', NEW.device_id
            USING ERRCODE = 'WB409';
    END IF;
    NEW.state := 'workshop';
    RETURN NEW;
END $$;
CREATE TRIGGER device_while_patched BEFORE INSERT OR UPDATE OF state ON device
    FOR EACH ROW WHEN (NEW.state = 'accepted') EXECUTE FUNCTION patch_keeps_in_workshop();
CREATE TRIGGER device_mode_while_patched BEFORE INSERT OR UPDATE ON device_mode
    FOR EACH ROW WHEN (NEW.state = 'accepted') EXECUTE FUNCTION patch_keeps_in_workshop();

-- Who talks to whom. "port" is the service's; direction "out": the machine opened the connection. "count" and
-- "last_seen" of what our own gateway sees are brought up to date once an hour.
CREATE TABLE link_seen (
    device_id   text NOT NULL REFERENCES asset,
    peer        text NOT NULL,
    port        int NOT NULL,
    protocol    text NOT NULL,
    direction   text NOT NULL CHECK (direction IN ('in', 'out')),
    first_seen  bigint NOT NULL,
    last_seen   bigint NOT NULL,
    count       bigint NOT NULL,
    source      text NOT NULL,
    judged      boolean NOT NULL DEFAULT false,
    PRIMARY KEY (device_id, peer, port, protocol, direction)
);
CREATE INDEX link_seen_peer ON link_seen (peer);
CREATE INDEX link_seen_new ON link_seen (first_seen) WHERE NOT judged;
SELECT account_for('link_seen', 'device_id', 'peer', 'port', 'protocol', 'direction');

-- Flow records that were read. "kept": lines that could not be understood, with number, reason and text; "strangers":
-- addresses of no machine in the register, with how often they occurred.
CREATE TABLE flow_import (
    import_id   text PRIMARY KEY,
    at          bigint NOT NULL,
    name        text NOT NULL,
    format      text NOT NULL,
    lines       int NOT NULL,
    used        int NOT NULL,
    bad         int NOT NULL,
    strange     int NOT NULL,
    kept        jsonb NOT NULL DEFAULT '[]',
    strangers   jsonb NOT NULL DEFAULT '{}',
    digest      text NOT NULL UNIQUE,
    by          text NOT NULL
);
SELECT account_for('flow_import', 'import_id');

-- What machines of a model in a zone may do on the network. Approved by both sides over its rules.
CREATE TABLE network_policy (
    policy_id   text PRIMARY KEY,
    model_id    text NOT NULL REFERENCES model,
    zone        text NOT NULL,
    state       text NOT NULL CHECK (state IN ('suggested', 'approved', 'replaced', 'withdrawn')),
    rules       jsonb NOT NULL,
    learned_from bigint NOT NULL,
    learned_to  bigint NOT NULL,
    created     bigint NOT NULL,
    approved_at bigint,
    by          text NOT NULL
);
CREATE UNIQUE INDEX network_policy_in_force ON network_policy (model_id, zone) WHERE state = 'approved';
CREATE UNIQUE INDEX network_policy_suggested ON network_policy (model_id, zone) WHERE state = 'suggested';
SELECT account_for('network_policy', 'policy_id');

-- Until when what is seen is taken as usual, for machines of a model in a zone.
CREATE TABLE learning (
    model_id    text NOT NULL REFERENCES model,
    zone        text NOT NULL,
    start       bigint NOT NULL,
    stop        bigint NOT NULL,
    PRIMARY KEY (model_id, zone)
);
SELECT account_for('learning', 'model_id', 'zone');

-- "Expected because …": what people taught after a finding. '*' as peer, -1 as port: any.
CREATE TABLE expected_link (
    expected_id text PRIMARY KEY,
    model_id    text NOT NULL REFERENCES model,
    zone        text NOT NULL,
    peer        text NOT NULL,
    port        int NOT NULL,
    protocol    text NOT NULL,
    direction   text NOT NULL,
    reason      text NOT NULL,
    at          bigint NOT NULL,
    by          text NOT NULL,
    UNIQUE (model_id, zone, peer, port, protocol, direction)
);
SELECT account_for('expected_link', 'expected_id');

-- A machine did what nobody expected. One open row a machine and kind, with a counter, on one joint ticket.
CREATE TABLE unexpected (
    unexpected_id text PRIMARY KEY,
    device_id   text NOT NULL REFERENCES asset,
    kind        text NOT NULL CHECK (kind IN ('peer', 'port', 'firmware', 'address', 'hardware-address', 'place')),
    state       text NOT NULL CHECK (state IN ('open', 'expected', 'acted')),
    details     jsonb NOT NULL,
    count       int NOT NULL,
    first_at    bigint NOT NULL,
    last_at     bigint NOT NULL,
    work_id     text NOT NULL DEFAULT '',
    reason      text NOT NULL DEFAULT '',
    settled_at  bigint,
    settled_by  text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX unexpected_open ON unexpected (device_id, kind) WHERE state = 'open';
CREATE INDEX unexpected_device ON unexpected (device_id, first_at);
SELECT account_for('unexpected', 'unexpected_id');

-- What was last known of a machine's address and place, so that a change is seen once.
CREATE TABLE behaviour_mark (
    device_id   text NOT NULL REFERENCES asset,
    kind        text NOT NULL,
    value       text NOT NULL,
    at          bigint NOT NULL,
    PRIMARY KEY (device_id, kind)
);
SELECT account_for('behaviour_mark', 'device_id', 'kind');

-- The risk register of the organisation.
CREATE TABLE risk (
    risk_id     text PRIMARY KEY,
    title       text NOT NULL,
    property    text NOT NULL CHECK (property IN ('safety', 'effectiveness', 'security')),
    state       text NOT NULL CHECK (state IN ('open', 'mitigating', 'accepted', 'closed')),
    content     jsonb NOT NULL,
    review_due  bigint NOT NULL,
    reviewed_at bigint,
    version     int NOT NULL,
    author      text NOT NULL,
    created     bigint NOT NULL
);
CREATE INDEX risk_review ON risk (review_due) WHERE state <> 'closed';
SELECT account_for('risk', 'risk_id');

-- What a risk is about or comes from: device, model, zone, change, advisory, vulnerability, unexpected.
CREATE TABLE risk_link (
    risk_id     text NOT NULL REFERENCES risk,
    kind        text NOT NULL,
    target      text NOT NULL,
    PRIMARY KEY (risk_id, kind, target)
);
CREATE INDEX risk_link_target ON risk_link (kind, target);
SELECT account_for('risk_link', 'risk_id', 'kind', 'target');
