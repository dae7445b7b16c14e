-- What each running process says of itself every few seconds; read by /readyz, /metrics and the integration page.

CREATE UNLOGGED TABLE process_state (
    process text PRIMARY KEY,
    at      bigint NOT NULL,
    pid     int NOT NULL,
    data    jsonb NOT NULL
);
