-- Subscriptions: who is told what. Times are µs since the epoch (UTC).

-- What a subscription runs with and what never stands in the resource: whose rights, and the secrets of its channel
-- (sealed: encrypted with a key that is not in the database).
-- The resource carries the handle. The row is written before the resource; one that no resource names is swept away.
CREATE TABLE fhir_subscription_grant (
    handle   text COLLATE "C" PRIMARY KEY,
    owner    text NOT NULL,
    display  text NOT NULL,
    kind     text NOT NULL,
    roles    text[] NOT NULL,
    scopes   text[] NOT NULL,
    endpoint text NOT NULL,
    sealed   text NOT NULL,
    created  bigint NOT NULL
);

-- One row a Subscription that is served. version: of the resource, as the reader of the change log has met it.
-- events: number of the last event; delivered: number of the last one that was handed over. failing_since, failures,
-- error: of attempts since the last success, 0 and '' where all is well.
CREATE TABLE fhir_subscription (
    id            text COLLATE "C" PRIMARY KEY,
    version       integer NOT NULL,
    status        text NOT NULL,
    channel       text NOT NULL,
    events        bigint NOT NULL DEFAULT 0,
    delivered     bigint NOT NULL DEFAULT 0,
    last_sent     bigint NOT NULL DEFAULT 0,
    failing_since bigint NOT NULL DEFAULT 0,
    failures      integer NOT NULL DEFAULT 0,
    error         text NOT NULL DEFAULT ''
);

-- The events of a subscription, numbered from 1 without gaps, in the order of the change log. focus is the key of the
-- resource, version the one that was judged, method C, U or D; updated its lastUpdated.
CREATE TABLE fhir_subscription_event (
    subscription text COLLATE "C" NOT NULL,
    number       bigint NOT NULL,
    focus        bigint NOT NULL,
    version      integer NOT NULL,
    method       "char" NOT NULL,
    updated      bigint NOT NULL,
    PRIMARY KEY (subscription, number)
);
CREATE INDEX fhir_subscription_event_updated ON fhir_subscription_event USING brin (updated);

-- How far the change log is read (fhir/subscriptions/store/tail.py); moves in the same transaction as the events are
-- written. What was written before this table existed is no event.
CREATE TABLE fhir_subscription_mark (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    mark text NOT NULL
);
INSERT INTO fhir_subscription_mark (mark) SELECT pg_current_snapshot()::text || '||0';

-- What a client may bind a WebSocket with: the digest of a token, and the subscriptions it is for.
CREATE TABLE fhir_subscription_token (
    digest        bytea PRIMARY KEY,
    owner         text NOT NULL,
    subscriptions text[] NOT NULL,
    expires       bigint NOT NULL
);
