-- People, services, sessions and the append-only record of every access.

CREATE TABLE person (
    person_id    text PRIMARY KEY,
    login        text NOT NULL,
    display      text NOT NULL,
    roles        text[] NOT NULL,
    password     text NOT NULL,
    practitioner text NOT NULL DEFAULT '',
    enabled      boolean NOT NULL DEFAULT true,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX person_login ON person (lower(login));

CREATE TABLE service_client (
    client_id  text PRIMARY KEY,
    display    text NOT NULL,
    secret     bytea NOT NULL,
    scopes     text[] NOT NULL,
    enabled    boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Only digests of the cookie value are kept: reading this table opens no session.
CREATE TABLE session (
    digest    bytea PRIMARY KEY,
    person_id text NOT NULL REFERENCES person,
    csrf      text NOT NULL,
    address   text NOT NULL,
    created   bigint NOT NULL,
    seen      bigint NOT NULL,
    expires   bigint NOT NULL
);
CREATE INDEX session_person ON session (person_id);
CREATE INDEX session_expires ON session (expires);

CREATE TABLE login_failure (
    key text NOT NULL,
    at  bigint NOT NULL
);
CREATE INDEX login_failure_key ON login_failure (key, at);

CREATE TABLE audit_event (
    sequence    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    audit_id    uuid NOT NULL,
    at          bigint NOT NULL,
    actor       text NOT NULL,
    actor_kind  text NOT NULL,
    display     text NOT NULL,
    roles       text[] NOT NULL,
    action      "char" NOT NULL,
    event       text NOT NULL,
    target_type text NOT NULL,
    target_id   text NOT NULL,
    patients    text[] NOT NULL,
    outcome     smallint NOT NULL,
    reason      text NOT NULL,
    query       text NOT NULL,
    address     text NOT NULL
);
CREATE INDEX audit_event_at ON audit_event USING brin (at) WITH (pages_per_range = 32);
CREATE INDEX audit_event_id ON audit_event (audit_id);
CREATE INDEX audit_event_actor ON audit_event (actor, at);
CREATE INDEX audit_event_target ON audit_event (target_type, target_id, at) WHERE target_id <> '';
CREATE INDEX audit_event_patients ON audit_event USING gin (patients) WITH (fastupdate = on) WHERE patients <> '{}';

CREATE FUNCTION audit_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('wardbridge.audit_retention', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit_event is append-only';
END $$;
CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_is_append_only();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_event_is_append_only();
