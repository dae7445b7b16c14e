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

ONE = (Validation, LastN, Stats, Document, Expunge, FhirPath)
SEVERAL = (Everything, Diff, MetaOperations)


def operations(services: Services) -> tuple[Operation, ...]:
    """Every operation, at each of its levels."""
    alone = (Convert().operation, *(kind(services).operation for kind in ONE))
    return (*alone, *(one for kind in SEVERAL for one in kind(services).operations()))
