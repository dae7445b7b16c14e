-- A hash and its text say the same: without this the planner multiplies their frequencies and takes a frequent code for
-- a rare one. (Replaces those of 0002, which knew parameter and hash only.)
DROP STATISTICS fhir_token_parameter_hash;
CREATE STATISTICS fhir_token_value (dependencies, mcv) ON parameter, hash, code, system FROM fhir_token;
ALTER STATISTICS fhir_token_value SET STATISTICS 200;
DROP STATISTICS fhir_composite_parameter_hash;
CREATE STATISTICS fhir_composite_value (dependencies, mcv) ON parameter, hash, code, system FROM fhir_composite;
ALTER STATISTICS fhir_composite_value SET STATISTICS 200;
DROP STATISTICS fhir_reference_parameter_hash;
CREATE STATISTICS fhir_reference_value (ndistinct, dependencies) ON parameter, hash, target, value FROM fhir_reference;

-- From a reference to what it names by one number: see store/where.py.
CREATE INDEX fhir_resource_hash ON fhir_resource (hash);
