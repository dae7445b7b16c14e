-- Terminology: heads of the CodeSystem, ValueSet and ConceptMap resources of the record, and the concepts of code
-- systems that are too large to be held in memory. All of it is derived: heads from the record, concepts from the record
-- or from a release file. Text is COLLATE "C": code points, the same everywhere.

-- One row a resource; version is that of the record. facts: JSON of what finding and choosing a version needs.
CREATE TABLE term_resource (
    key      bigint PRIMARY KEY,
    version  integer NOT NULL,
    type     text COLLATE "C" NOT NULL,
    id       text COLLATE "C" NOT NULL,
    url      text COLLATE "C" NOT NULL,
    facts    text NOT NULL
);

-- A version of a code system whose concepts are in term_concept. resource and resource_version: the record's, or NULL for
-- one loaded from a release file. ready: its load has ended.
CREATE TABLE term_system (
    key              integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url              text COLLATE "C" NOT NULL,
    version          text COLLATE "C" NOT NULL,
    head             text NOT NULL,
    resource         bigint,
    resource_version integer,
    concepts         integer NOT NULL DEFAULT 0,
    hierarchical     boolean NOT NULL DEFAULT false,
    loaded           bigint NOT NULL,
    ready            boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX term_system_loaded ON term_system (url, version) WHERE resource IS NULL AND ready;
CREATE INDEX term_system_resource ON term_system (resource) WHERE resource IS NOT NULL;

-- number: the place of the concept in its system. folded: the code in lower case where case does not matter.
-- more: JSON of definition, designations, properties, extensions. words: what a text filter compares.
CREATE TABLE term_concept (
    system   integer NOT NULL,
    number   integer NOT NULL,
    abstract boolean NOT NULL,
    inactive boolean NOT NULL,
    leaf     boolean NOT NULL DEFAULT true,
    status   text COLLATE "C" NOT NULL,
    code     text COLLATE "C" NOT NULL,
    folded   text COLLATE "C",
    display  text COLLATE "C" NOT NULL,
    more     text,
    words    tsvector,
    PRIMARY KEY (system, code)
);
CREATE UNIQUE INDEX term_concept_number ON term_concept (system, number);
CREATE INDEX term_concept_folded ON term_concept (system, folded) WHERE folded IS NOT NULL;
CREATE INDEX term_concept_words ON term_concept USING gin (words);

-- Who subsumes whom, by number; steps is the shortest way, 1 for a parent. Any number of parents.
CREATE TABLE term_closure (
    system     integer NOT NULL,
    ancestor   integer NOT NULL,
    descendant integer NOT NULL,
    steps      smallint NOT NULL,
    PRIMARY KEY (system, descendant, ancestor)
);
CREATE INDEX term_closure_down ON term_closure (system, ancestor, descendant) INCLUDE (steps);

CREATE TABLE term_property (
    system integer NOT NULL,
    number integer NOT NULL,
    code   text COLLATE "C" NOT NULL,
    value  text COLLATE "C" NOT NULL
);
CREATE INDEX term_property_value ON term_property (system, code, md5(value), number);
CREATE INDEX term_property_number ON term_property (system, number);

-- Closure tables of clients (R4 conceptmap-operation-closure.html): the concepts a client named, in the order of versions.
CREATE TABLE term_client_closure (
    name    text COLLATE "C" PRIMARY KEY,
    version integer NOT NULL
);
CREATE TABLE term_client_concept (
    name    text COLLATE "C" NOT NULL REFERENCES term_client_closure ON DELETE CASCADE,
    added   integer NOT NULL,
    system  text COLLATE "C" NOT NULL,
    release text COLLATE "C" NOT NULL,
    code    text COLLATE "C" NOT NULL,
    display text COLLATE "C" NOT NULL,
    PRIMARY KEY (name, system, code)
);
