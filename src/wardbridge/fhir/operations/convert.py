"""`$convert`: a resource in the format that is asked for, from the one that was sent (R4 resource-operation-convert).

Reading and writing the formats is the API's own work: Content-Type says what comes, Accept or ``_format`` what goes.
"""

from __future__ import annotations

from dataclasses import dataclass

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.table import resource_types
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.operations import Operation, Parameter
from wardbridge.fhir.rest.parameters import answered, given

INPUTS = (Parameter("input", "Resource", 1, 1, "The resource to convert; also as the body itself"),)
OUTPUTS = (Parameter("output", "Resource", 1, 1, "The same resource in the format of Accept"),)


@dataclass(frozen=True)
class Convert:
    """Nothing of the record is touched, so that only the caller's own data is given back."""

    @property
    def operation(self) -> Operation:
        return Operation(
            "convert",
            "http://hl7.org/fhir/OperationDefinition/Resource-convert",
            self.perform,
            system=True,
            inputs=INPUTS,
            outputs=OUTPUTS,
            about="A resource in another format",
            decides=True,
        )

    async def perform(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Invalid."""
        resource = given(call, self.operation).one("input")
        if resource.get("resourceType") not in resource_types():
            raise Invalid(f"{str(resource.get('resourceType'))[:60]!r} is not a resource type of R4", "resourceType")
        return answered(resource)
