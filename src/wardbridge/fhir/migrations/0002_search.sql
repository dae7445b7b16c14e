-- Search, complete. hash: the resource's name as fhir_reference.hash has it, so that a chain can be followed from either
-- end. Where it is not known yet (a resource of version 1 of the index that nothing referred to) the reindex fills it in.
ALTER TABLE fhir_resource ADD COLUMN hash bigint;
UPDATE fhir_resource r SET hash = x.hash
FROM (SELECT DISTINCT target, value, hash FROM fhir_reference WHERE target IS NOT NULL) x
WHERE r.type = x.target AND r.id = x.value;

-- display: Reference.display without case and accents, for the modifier :text.
ALTER TABLE fhir_reference ADD COLUMN display text COLLATE "C";

-- The words of a resource: its narrative with weight A (_text), all its other strings with weight D (_content).
CREATE TABLE fhir_text (
    key   bigint PRIMARY KEY,
    words tsvector NOT NULL
);
CREATE INDEX fhir_text_words ON fhir_text USING gin (words);

-- Points on the earth in degrees (WGS 84), for near.
CREATE TABLE fhir_position (
    key       bigint NOT NULL,
    parameter smallint NOT NULL,
    latitude  double precision NOT NULL,
    longitude double precision NOT NULL
);
CREATE INDEX fhir_position_place ON fhir_position (parameter, latitude, longitude, key);
CREATE INDEX fhir_position_key ON fhir_position (key);

-- A value is as frequent as it is under its parameter: without this the planner multiplies two fractions.
CREATE STATISTICS fhir_token_parameter_hash (ndistinct, dependencies, mcv) ON parameter, hash FROM fhir_token;
ALTER STATISTICS fhir_token_parameter_hash SET STATISTICS 1000;
CREATE STATISTICS fhir_reference_parameter_hash (ndistinct, dependencies) ON parameter, hash FROM fhir_reference;
CREATE STATISTICS fhir_composite_parameter_hash (ndistinct, dependencies, mcv) ON parameter, hash FROM fhir_composite;
