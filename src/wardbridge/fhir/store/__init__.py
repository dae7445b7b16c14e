"""The record in PostgreSQL: bodies, versions and search rows. All SQL of the fhir room is in this package."""
