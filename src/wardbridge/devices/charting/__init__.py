"""From device values to FHIR Observations: policy picks points, bindings say whose they are."""
