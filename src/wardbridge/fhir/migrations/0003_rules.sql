-- By which rules the search rows of a resource were made: software (index version) and set of parameters. A set has a
-- number, given once and never again. 0: made before there were numbers.
ALTER TABLE fhir_resource ADD COLUMN rules integer NOT NULL DEFAULT 0;
CREATE SEQUENCE fhir_rules_number AS integer;

-- The rules of each type now, and how far its older resources have been brought to them. digest: of the set;
-- complete: the last set that all resources of the type have reached, complete_version the index version of that;
-- anew: rows are to be made again even where the fingerprint is right.
-- A write names the rules it was made by, and writes nothing where they are not these.
CREATE TABLE fhir_rules (
    type             smallint PRIMARY KEY,
    rules            integer NOT NULL,
    index_version    smallint NOT NULL,
    digest           bigint NOT NULL,
    complete         integer NOT NULL,
    complete_version smallint NOT NULL,
    cursor           bigint NOT NULL DEFAULT 0,
    done             bigint NOT NULL DEFAULT 0,
    total            bigint NOT NULL DEFAULT 0,
    anew             boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

-- Custom search parameters, by the number that they have in fhir_parameter. definition: what they were compiled from;
-- resource: the id of their SearchParameter; rules: the first set that they belong to, or, retired, do not. searched: it
-- was in force before with another definition. A retired one keeps its row, so that its number is never given again.
CREATE TABLE fhir_custom_parameter (
    number     smallint PRIMARY KEY REFERENCES fhir_parameter,
    resource   text COLLATE "C" NOT NULL,
    definition jsonb NOT NULL,
    retired    boolean NOT NULL DEFAULT false,
    searched   boolean NOT NULL DEFAULT false,
    rules      integer NOT NULL DEFAULT 0
);
