"""The operations of this room for the API, with the tables of their parameters."""

from __future__ import annotations

from wardbridge.fhir.bulk.kickoff import Kickoff
from wardbridge.fhir.bulk.request import FORMATS
from wardbridge.fhir.rest.operations import MANY, Operation, Parameter

_GUIDE = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"
_EXPORT = (
    Parameter("_outputFormat", "string", about="application/fhir+ndjson"),
    Parameter("_since", "instant", about="only what changed after this moment; deletions are told too"),
    Parameter("_until", "instant", about="the record as it was before this moment"),
    Parameter("_type", "string", most=MANY, about="resource types, with commas between"),
    Parameter("_elements", "string", most=MANY, about="elements to give, as id or Patient.birthDate"),
    Parameter("_typeFilter", "string", most=MANY, about="searches such as Observation?code=8867-4"),
)
_PATIENT = Parameter("patient", "Reference", most=MANY, targets=("Patient",), about="only these patients")
_IMPORT = (
    Parameter("inputFormat", "code", about="application/fhir+ndjson"),
    Parameter("inputSource", "uri"),
    Parameter(
        "input",
        least=1,
        most=MANY,
        parts=(
            Parameter("type", "code", about="the type of every line"),
            Parameter("url", "uri", least=1, about="a file of an export of yours, or of the folder to import from"),
        ),
    ),
)


def operations(kickoff: Kickoff) -> tuple[Operation, ...]:
    """`$export` of everything, of all patients, of a group; `$import`."""
    about = "Begins a bulk export; the answer says where to ask for its files."
    return (
        Operation(
            "export",
            f"{_GUIDE}/export",
            kickoff.export,
            system=True,
            inputs=_EXPORT,
            about=about,
            decides=True,
        ),
        Operation(
            "export",
            f"{_GUIDE}/patient-export",
            kickoff.export,
            types=("Patient",),
            type=True,
            inputs=(*_EXPORT, _PATIENT),
            about=about,
            decides=True,
        ),
        Operation(
            "export",
            f"{_GUIDE}/group-export",
            kickoff.export,
            types=("Group",),
            type=True,
            instance=True,
            inputs=(*_EXPORT, _PATIENT),
            about=about,
            decides=True,
        ),
        Operation(
            "import",
            "",
            kickoff.load,
            system=True,
            affects_state=True,
            inputs=_IMPORT,
            accepts=tuple(sorted(FORMATS)),
            about="Begins a bulk import of NDJSON; the answer says where to ask how it goes.",
            decides=True,
        ),
    )
