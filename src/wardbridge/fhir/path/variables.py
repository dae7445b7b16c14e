"""`%name`: what the standard names and what the caller gives (https://hl7.org/fhir/R4/fhirpath.html#variables)."""

from __future__ import annotations

from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.path.nodes import typed
from wardbridge.fhir.path.scope import Fn, Items, Scope

CONSTANTS = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}
RESERVED = frozenset(CONSTANTS) | {"resource", "rootResource", "context"}
_PREFIXES = {
    "vs-": "http://hl7.org/fhir/ValueSet/",
    "ext-": "http://hl7.org/fhir/StructureDefinition/",
}


def variable(name: str, position: int) -> Fn:
    if name in CONSTANTS:
        constant = CONSTANTS[name]
        return lambda s: [constant]
    for prefix, base in _PREFIXES.items():
        if name.startswith(prefix):
            url = base + name.removeprefix(prefix)
            return lambda s: [url]
    match name:
        case "resource":
            return lambda s: s.resource
        case "rootResource":
            return lambda s: s.root
        case "context":
            return lambda s: s.context

    def given(s: Scope) -> Items:
        if name in s.variables:
            return s.variables[name]
        if name not in s.env.variables:
            raise PathError(f"unknown variable %{name}", "semantic", position)
        value = s.env.variables[name]
        values = value if isinstance(value, list) else [] if value is None else [value]
        return [typed(v, None) if isinstance(v, dict) else v for v in values]

    return given
