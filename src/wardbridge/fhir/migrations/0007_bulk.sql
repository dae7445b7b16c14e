-- Bulk Data jobs ($export, $import) and their files. Times are µs since the epoch (UTC). The files themselves lie in the
-- data folder under bulk/<job>; what is recorded here is how much of each is finished: a worker that takes over cuts a
-- file to these bytes and goes on.
CREATE TABLE fhir_bulk_job (
    job       text COLLATE "C" PRIMARY KEY,
    kind      text COLLATE "C" NOT NULL CHECK (kind IN ('export', 'import')),
    state     text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    owner     text COLLATE "C" NOT NULL,
    principal jsonb NOT NULL,
    request   text NOT NULL,
    plan      jsonb NOT NULL,
    progress  jsonb NOT NULL,
    snapshot  text,
    reason    text NOT NULL DEFAULT '',
    created   bigint NOT NULL,
    ended     bigint,
    expires   bigint
);
CREATE INDEX fhir_bulk_job_open ON fhir_bulk_job (created) WHERE state IN ('waiting', 'running');

CREATE TABLE fhir_bulk_file (
    job   text COLLATE "C" NOT NULL REFERENCES fhir_bulk_job ON DELETE CASCADE,
    name  text COLLATE "C" NOT NULL,
    kind  text COLLATE "C" NOT NULL CHECK (kind IN ('output', 'deleted', 'error')),
    type  text COLLATE "C" NOT NULL,
    lines bigint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (job, name)
);
