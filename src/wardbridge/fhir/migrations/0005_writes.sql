-- Answers to requests with an Idempotency-Key, written in the transaction that they report, deleted after a day.
-- at and updated in µs since the epoch; digest: BLAKE2b of the request; body: the JSON that was answered.
CREATE TABLE fhir_answer (
    principal text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL,
    at        bigint NOT NULL,
    digest    bytea NOT NULL,
    status    smallint NOT NULL,
    updated   bigint NOT NULL,
    etag      text COLLATE "C" NOT NULL,
    location  text COLLATE "C" NOT NULL,
    patients  text[] NOT NULL,
    body      bytea,
    PRIMARY KEY (principal, key)
);
CREATE INDEX fhir_answer_at ON fhir_answer (at);
