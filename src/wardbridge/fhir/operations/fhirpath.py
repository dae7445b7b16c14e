"""`$fhirpath`: expressions run on a resource, with the types of what they give (the shape that FHIRPath Lab reads).

Each expression gives one ``result`` for each item of ``context``; its parts are named by their types. An error is an
OperationOutcome in the place of the result, so that the other expressions are still answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wardbridge import __version__
from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.table import type_of
from wardbridge.fhir.json import dumps, loads
from wardbridge.fhir.operations.asking import MOST_ROUNDS, Asking
from wardbridge.fhir.operations.services import Services
from wardbridge.fhir.path import compile as compile_path
from wardbridge.fhir.path.env import Env
from wardbridge.fhir.path.errors import PathError
from wardbridge.fhir.rest.access import check, patients_of
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.operations import MANY, Operation, Parameter
from wardbridge.fhir.rest.outcome import issue, outcome
from wardbridge.fhir.rest.parameters import ANY, Given, answered, given, parameters, row

INPUTS = (
    Parameter("expression", "string", 1, MANY, "FHIRPath"),
    Parameter("context", "string", 0, 1, "FHIRPath of the items that the expressions run on; else the resource"),
    Parameter("resource", "Resource", 0, 1, "What they run on; left out for one that is stored"),
    Parameter("variables", "", 0, 1, "Values of %name", parts=(Parameter(ANY, ANY, 0, MANY),)),
    Parameter("validate", "boolean", 0, 1, "Elements that no type has are errors"),
)
OUTPUTS = (
    Parameter("parameters", "", 1, 1, "What was run", parts=(Parameter("evaluator", "string"),)),
    Parameter("result", "string", 0, MANY, "One for each expression and context; a part for each item, named by type"),
)
MOST = 20
LONGEST = 10_000
JSON_VALUE = "http://fhir.forms-lab.com/StructureDefinition/json-value"
"""The extension that FHIRPath Lab reads for an item that no value[x] can hold."""
_SYSTEM = {
    "Boolean": "boolean",
    "String": "string",
    "Integer": "integer",
    "Long": "integer",
    "Decimal": "decimal",
    "Date": "date",
    "DateTime": "dateTime",
    "Time": "time",
    "Quantity": "Quantity",
}


@dataclass(frozen=True)
class FhirPath:
    services: Services

    @property
    def operation(self) -> Operation:
        return Operation(
            "fhirpath",
            "http://fhirpath-lab.org/OperationDefinition/fhirpath",
            self.perform,
            system=True,
            type=True,
            instance=True,
            inputs=INPUTS,
            outputs=OUTPUTS,
            about="Run FHIRPath on a resource",
            decides=True,
        )

    async def perform(self, call: Call, type_name: str, id_: str) -> Answer:
        """Raises Invalid, and what reading the resource raises."""
        asked = given(call, self.operation)
        resource = asked.one("resource")
        patients: tuple[str, ...] = ()
        if id_:
            if resource is not None:
                raise Invalid("resource is given twice: by the URL and by the parameter", "resource")
            stored = await self.services.read(call, type_name, id_)
            resource, patients = loads(stored.body or b"{}"), patients_of(stored)
        elif type_name:
            check(self.services.decide, call, "operate", type_name)
        if resource is None:
            raise Invalid("the parameter resource is missing", "resource")
        if type_name and resource.get("resourceType") != type_name:
            raise Invalid(f"resource must be a {type_name}", "resource")
        expressions = asked.all("expression")
        if len(expressions) > MOST or any(len(text) > LONGEST for text in expressions):
            raise Invalid(f"at most {MOST} expressions of {LONGEST} characters", "expression")
        run = _Run(resource, asked, self.services.record.clock.now(), asking := Asking(self.services, call))
        about = [row("evaluator", "string", f"Wardbridge {__version__} (R4)")]
        about += [row("expression", "string", text) for text in expressions]
        found: list[dict[str, Any]] = []
        for _ in range(MOST_ROUNDS):
            found = [one for text in expressions for one in run.results(text, len(expressions) > 1)]
            if not await asking.answered():
                break
        rows = [{"name": "parameters", "part": about}, *found]
        return answered(parameters(rows), tuple(dict.fromkeys((*patients, *asking.patients))))


class _Run:
    def __init__(self, resource: dict[str, Any], asked: Given, now: int, asking: Asking) -> None:
        self.resource = resource
        self.asked = asked
        self.now = now
        self.asking = asking
        given_variables = asked.one("variables")
        self.variables: dict[str, list[Any]] = {}
        for name, (_, value) in given_variables.pairs() if given_variables is not None else ():
            self.variables.setdefault(name, []).append(value)

    def results(self, expression: str, named: bool) -> Iterator[dict[str, Any]]:
        """A ``result`` for each item of the context."""
        strict = bool(self.asked.one("validate", False))
        traced: list[tuple[str, list[Any]]] = []
        try:
            for label, type_name, item in self._contexts(strict):
                env = self._env(traced)
                found = compile_path(expression, type_name or None, strict=strict).typed(item, env)
                parts = [_part(name, value) for name, value in found]
                parts += [_trace(name, values) for name, values in traced]
                traced.clear()
                label = label or (expression if named else "")
                yield {"name": "result", **({"valueString": label} if label else {}), "part": parts}
        except PathError as error:
            text = f"{error.message} in {expression[:200]!r}"
            yield {"name": "error", "resource": outcome([issue("processing", text)])}

    def _contexts(self, strict: bool) -> Iterator[tuple[str, str, Any]]:
        """(label, type, item) that the expression runs on."""
        context = self.asked.one("context")
        if not context:
            yield "", self.resource.get("resourceType", ""), self.resource
            return
        found = compile_path(context, self.resource.get("resourceType"), strict=strict)
        for at, (name, item) in enumerate(found.typed(self.resource, self._env([]))):
            yield f"{context}[{at}]", name if type_of(name) is not None else "", item

    def _env(self, traced: list[tuple[str, list[Any]]]) -> Env:
        return self.asking.env(
            now=lambda: self.now,
            variables=self.variables,
            trace=lambda name, values: traced.append((name, values)),
            resource=self.resource,
            root=self.resource,
        )


def _part(type_name: str, value: Any) -> dict[str, Any]:
    """One item, named by its type."""
    system = type_name.removeprefix("System.")
    name = _SYSTEM.get(system, system) if type_name.startswith("System.") else type_name
    kind = type_of(name)
    if kind is not None and kind.resource:
        return {"name": name, "resource": value}
    if kind is not None and kind.kind in ("primitive", "complex") and not kind.abstract and "." not in name:
        if value == "":
            return {"name": "empty-string"}
        return {"name": name, f"value{name[0].upper()}{name[1:]}": value}
    text = dumps(value).decode()
    return {"name": name or "unknown", "extension": [{"url": JSON_VALUE, "valueString": text}]}


def _trace(name: str, values: list[Any]) -> dict[str, Any]:
    texts = [{"name": "string", "valueString": v if isinstance(v, str) else dumps(v).decode()} for v in values]
    return {"name": "trace", "valueString": name, "part": texts}
