"""The FHIR REST API (R4 http.html): routing and semantics over a small Repository."""
