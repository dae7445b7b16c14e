-- Concepts that value sets of the record enumerate by the thousand: asked for by code, never held in memory.
-- resource: the key of the value set; place: which include or exclude of it, counted through; number: the order there.
CREATE TABLE term_listed (
    resource bigint NOT NULL,
    place    integer NOT NULL,
    number   integer NOT NULL,
    code     text COLLATE "C" NOT NULL,
    display  text COLLATE "C" NOT NULL,
    more     text,
    PRIMARY KEY (resource, place, code)
);
CREATE INDEX term_listed_number ON term_listed (resource, place, number);

-- Heads are read again, so that the lists of value sets that are here already are found.
DELETE FROM term_resource WHERE type = 'ValueSet';
