"""The FHIR record in a browser: what the API answers, as pages that people can read."""
