"""Compiled validation against FHIR R4: `validate`, `operation_outcome`."""

from wardbridge.fhir.validate.api import operation_outcome, validate, validate_base
from wardbridge.fhir.validate.issues import Issue

__all__ = ["Issue", "operation_outcome", "validate", "validate_base"]
