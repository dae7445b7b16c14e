-- The record: current state of each resource, every version with its body, and search rows derived from the bodies.
-- Times are µs since the epoch (UTC). Text that is compared is COLLATE "C": order of code points, the same everywhere.

-- Numbers of resource types and search parameters. A number is never given twice, not even after a parameter is retired.
CREATE TABLE fhir_type (
    number smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name   text COLLATE "C" NOT NULL UNIQUE
);
CREATE TABLE fhir_parameter (
    number smallint GENERATED ALWAYS AS IDENTITY (MINVALUE -32768 START -32768) PRIMARY KEY,
    type   text COLLATE "C" NOT NULL,
    code   text COLLATE "C" NOT NULL,
    url    text COLLATE "C" NOT NULL,
    UNIQUE (type, code, url)
);

-- One row a resource, without its body: small, hot. fingerprint: digest of the search rows; index_version: the rules
-- that made them. An update that changes neither writes no search row.
CREATE TABLE fhir_resource (
    key           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type          smallint NOT NULL,
    index_version smallint NOT NULL,
    version       integer NOT NULL,
    updated       bigint NOT NULL,
    fingerprint   bigint NOT NULL,
    deleted       boolean NOT NULL DEFAULT false,
    id            text COLLATE "C" NOT NULL
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX fhir_resource_id ON fhir_resource (type, id);
CREATE INDEX fhir_resource_key ON fhir_resource (type, key) WHERE NOT deleted;
CREATE INDEX fhir_resource_updated ON fhir_resource (type, updated, key);

-- Every version with its body as it was written (JSON bytes; NULL: a deletion). sequence orders all changes; transaction
-- bounds the tail: rows of transactions that may still be open are not read yet, so a late commit is never skipped.
CREATE TABLE fhir_version (
    key         bigint NOT NULL,
    version     integer NOT NULL,
    type        smallint NOT NULL,
    method      "char" NOT NULL,
    updated     bigint NOT NULL,
    sequence    bigint GENERATED ALWAYS AS IDENTITY,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    body        bytea,
    PRIMARY KEY (key, version)
);
CREATE UNIQUE INDEX fhir_version_sequence ON fhir_version (sequence);
CREATE INDEX fhir_version_type ON fhir_version (type, sequence);
CREATE INDEX fhir_version_transaction ON fhir_version (transaction, sequence);

-- Search rows, one table a search type. The second index of each serves "all rows of this resource".
-- hash: first 64 bits of BLAKE2b of the normalised value; it selects, the text beside it decides.
CREATE TABLE fhir_token (
    key       bigint NOT NULL,
    hash      bigint NOT NULL,
    parameter smallint NOT NULL,
    code      text COLLATE "C",
    system    text COLLATE "C"
);
CREATE INDEX fhir_token_hash ON fhir_token (parameter, hash, key);
CREATE INDEX fhir_token_key ON fhir_token (key);

CREATE TABLE fhir_string (
    key       bigint NOT NULL,
    parameter smallint NOT NULL,
    value     text COLLATE "C" NOT NULL,
    exact     text COLLATE "C" NOT NULL
);
CREATE INDEX fhir_string_value ON fhir_string (parameter, value, key);
CREATE INDEX fhir_string_key ON fhir_string (key);

CREATE TABLE fhir_date (
    key       bigint NOT NULL,
    low       bigint NOT NULL,
    high      bigint NOT NULL,
    parameter smallint NOT NULL
);
CREATE INDEX fhir_date_low ON fhir_date (parameter, low, high, key);
CREATE INDEX fhir_date_high ON fhir_date (parameter, high, key);
CREATE INDEX fhir_date_key ON fhir_date (key);

CREATE TABLE fhir_number (
    key       bigint NOT NULL,
    parameter smallint NOT NULL,
    low       numeric,
    high      numeric
);
CREATE INDEX fhir_number_low ON fhir_number (parameter, low, high, key);
CREATE INDEX fhir_number_key ON fhir_number (key);

-- base_*: the same value in the canonical UCUM unit of its dimension, where the factor is known.
CREATE TABLE fhir_quantity (
    key       bigint NOT NULL,
    parameter smallint NOT NULL,
    low       numeric,
    high      numeric,
    system    text COLLATE "C",
    code      text COLLATE "C",
    unit      text COLLATE "C",
    base_unit text COLLATE "C",
    base_low  numeric,
    base_high numeric
);
CREATE INDEX fhir_quantity_low ON fhir_quantity (parameter, low, high, key);
CREATE INDEX fhir_quantity_base ON fhir_quantity (parameter, base_unit, base_low, key) WHERE base_unit IS NOT NULL;
CREATE INDEX fhir_quantity_key ON fhir_quantity (key);

-- target: the type of a reference into this record; value is then its id. Otherwise value is the URL as written.
CREATE TABLE fhir_reference (
    key       bigint NOT NULL,
    hash      bigint NOT NULL,
    parameter smallint NOT NULL,
    target    smallint,
    value     text COLLATE "C" NOT NULL,
    version   text COLLATE "C"
);
CREATE INDEX fhir_reference_hash ON fhir_reference (parameter, hash, key);
CREATE INDEX fhir_reference_target ON fhir_reference (hash, key);
CREATE INDEX fhir_reference_key ON fhir_reference (key);

CREATE TABLE fhir_uri (
    key       bigint NOT NULL,
    parameter smallint NOT NULL,
    value     text COLLATE "C" NOT NULL
);
CREATE INDEX fhir_uri_value ON fhir_uri (parameter, value, key);
CREATE INDEX fhir_uri_key ON fhir_uri (key);

-- One row a combination of values that stand in the same element. hash, code, system: the first component (a token, or
-- a reference); part: the other components as ranges (number, quantity, date in µs) or text (token, string, reference).
CREATE TABLE fhir_composite (
    key       bigint NOT NULL,
    hash      bigint NOT NULL,
    hash2     bigint,
    parameter smallint NOT NULL,
    low       numeric,
    high      numeric,
    low2      numeric,
    high2     numeric,
    base_low  numeric,
    base_high numeric,
    code      text COLLATE "C",
    system    text COLLATE "C",
    code2     text COLLATE "C",
    system2   text COLLATE "C",
    unit      text COLLATE "C",
    base_unit text COLLATE "C"
);
CREATE INDEX fhir_composite_hash ON fhir_composite (parameter, hash, low, key);
CREATE INDEX fhir_composite_key ON fhir_composite (key);
