-- The common language of clinicians, biomed and IT. Every version is kept; latest is what people work on, approved what
-- the house agreed upon (NULL: nothing yet). words: title, synonyms, texts and codes of the latest version.
CREATE TABLE glossary_entry (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug     text COLLATE "C" NOT NULL UNIQUE,
    latest   integer NOT NULL,
    approved integer,
    state    text COLLATE "C" NOT NULL CHECK (state IN ('draft', 'proposed', 'approved', 'retired')),
    owner    text COLLATE "C" NOT NULL,
    title    text NOT NULL,
    changed  bigint NOT NULL,
    words    tsvector NOT NULL
);
CREATE INDEX glossary_entry_words ON glossary_entry USING gin (words);

-- Append-only: who wrote, proposed, approved, sent back or retired what, when (µs) and why.
CREATE TABLE glossary_version (
    entry_id bigint NOT NULL REFERENCES glossary_entry,
    version  integer NOT NULL,
    body     jsonb NOT NULL,
    author   text NOT NULL,
    display  text NOT NULL,
    at       bigint NOT NULL,
    PRIMARY KEY (entry_id, version)
);
CREATE TABLE glossary_step (
    step_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id bigint NOT NULL REFERENCES glossary_entry,
    version  integer NOT NULL,
    step     text COLLATE "C" NOT NULL,
    person   text NOT NULL,
    display  text NOT NULL,
    at       bigint NOT NULL,
    note     text NOT NULL DEFAULT ''
);
CREATE INDEX glossary_step_entry ON glossary_step (entry_id, step_id);

-- The codes of the latest version, so that a code finds its entry.
CREATE TABLE glossary_code (
    entry_id bigint NOT NULL REFERENCES glossary_entry,
    system   text COLLATE "C" NOT NULL,
    code     text COLLATE "C" NOT NULL
);
CREATE INDEX glossary_code_code ON glossary_code (code, system);
CREATE INDEX glossary_code_entry ON glossary_code (entry_id);
