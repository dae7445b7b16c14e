"""The record: FHIR R4 definitions, path, validation, search, store and REST."""
