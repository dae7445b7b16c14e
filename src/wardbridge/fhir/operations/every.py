"""All operations of this package, for the one place that assembles the API."""

from __future__ import annotations

from wardbridge.fhir.operations.convert import Convert
from wardbridge.fhir.operations.diff import Diff
from wardbridge.fhir.operations.document import Document
from wardbridge.fhir.operations.everything import Everything
from wardbridge.fhir.operations.expunge import Expunge
from wardbridge.fhir.operations.fhirpath import FhirPath
from wardbridge.fhir.operations.lastn import LastN
from wardbridge.fhir.operations.meta import MetaOperations
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.operations.stats import Stats
from wardbridge.fhir.operations.validation import Validation
from wardbridge.fhir.rest.operations import Operation

KINDS = (Validation, Everything, LastN, Stats, Document, Diff, Expunge, FhirPath, MetaOperations)


def operations(services: Services) -> tuple[Operation, ...]:
    """Every operation, at each of its levels."""
    return (*Convert().operations(), *(one for kind in KINDS for one in kind(services).operations()))
