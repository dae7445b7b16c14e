-- Packages of definitions that were loaded. Their resources are in the record like any other; this is the list of what
-- came, for people and for dependencies. loaded: µs since the epoch (UTC).
CREATE TABLE fhir_package (
    name         text COLLATE "C" NOT NULL,
    version      text COLLATE "C" NOT NULL,
    loaded       bigint NOT NULL,
    resources    integer NOT NULL,
    dependencies jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (name, version)
);
