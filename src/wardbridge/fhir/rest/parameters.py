"""The parameters of an operation, read against its table: from the query, a Parameters resource, or a plain resource.

R4 operations.html#executing: a GET takes primitives alone; a POST takes Parameters, or the resource itself where the
operation has just one parameter that is a resource. Unknown, missing and repeated ones are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.fhir.definitions.table import resource_types, type_of
from wardbridge.fhir.json import dumps, number
from wardbridge.fhir.rest.answer import Answer
from wardbridge.fhir.rest.call import Call
from wardbridge.fhir.rest.operations import Operation, Parameter
from wardbridge.fhir.validate.api import validate
from wardbridge.fhir.validate.primitives import CHECKS

HTTP = frozenset({"_format", "_pretty"})
"""Read by the HTTP layer."""
ANY = "*"
"""Name of a part that may have any name; type of a value that may have any type."""
_WHOLE = re.compile(r"-?\d{1,18}")
_DECIMAL = re.compile(r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,4})?")


@dataclass(frozen=True)
class Given:
    """What was given, by name; values as JSON, a parameter with parts as a :class:`Given` of its own."""

    values: Mapping[str, tuple[Any, ...]]
    rest: tuple[tuple[str, str], ...] = field(default=())
    """Further pairs of the query, for operations that search."""

    def all(self, name: str) -> tuple[Any, ...]:
        return self.values.get(name, ())

    def one(self, name: str, default: Any = None) -> Any:
        """The only value of a parameter that comes once at most."""
        found = self.values.get(name)
        return found[0] if found else default

    def words(self, name: str) -> tuple[str, ...]:
        """All values of a parameter of codes, each of which may hold several with commas between."""
        return tuple(word.strip() for value in self.all(name) for word in str(value).split(",") if word.strip())

    def pairs(self) -> Iterator[tuple[str, Any]]:
        """Every value with its name."""
        return ((name, value) for name, values in self.values.items() for value in values)

    def __contains__(self, name: str) -> bool:
        return name in self.values


def given(call: Call, operation: Operation) -> Given:
    """The parameters of a request. Raises Invalid, naming the parameter."""
    inputs = operation.inputs or ()
    found: dict[str, list[Any]] = {}
    rest: list[tuple[str, str]] = []
    table = {p.name: p for p in inputs}
    for name, text in call.parameters:
        if name in HTTP:
            continue
        if name not in table:
            if operation.searches:
                rest.append((name, text))
                continue
            raise _unknown(name, operation.name, inputs)
        found.setdefault(name, []).append(_written(table[name], text))
    if call.method == "POST" and (call.body or call.resource is not None):
        resource = call.json()
        if resource.get("resourceType") == "Parameters":
            _read(resource, table, operation, found, rest)
        else:
            _whole(resource, inputs, operation.name, found)
    return Given(_counted(found, inputs, ""), tuple(rest))


def _read(
    resource: Mapping[str, Any],
    table: Mapping[str, Parameter],
    operation: Operation,
    found: dict[str, list[Any]],
    rest: list[tuple[str, str]],
) -> None:
    rows = resource.get("parameter", [])
    if not isinstance(rows, list):
        raise Invalid("Parameters.parameter must be a list", "Parameters.parameter")
    for at, row in enumerate(rows):
        where = f"Parameters.parameter[{at}]"
        name = _name(row, where)
        if name not in table:
            if operation.searches:
                rest.append((name, _text_of(row, where)))
                continue
            raise _unknown(name, operation.name, tuple(table.values()), where)
        found.setdefault(name, []).append(_value(table[name], row, where))


def _name(row: Any, where: str) -> str:
    name = row.get("name") if isinstance(row, dict) else None
    if not isinstance(name, str) or not name:
        raise Invalid(f"{where} has no name", where)
    return name


def _text_of(row: Mapping[str, Any], where: str) -> str:
    values = [value for key, value in row.items() if key.startswith("value")]
    if len(values) != 1 or isinstance(values[0], dict | list):
        raise Invalid(f"{where}: a search parameter has one primitive value", where)
    value = values[0]
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _unknown(name: str, operation: str, inputs: Sequence[Parameter], where: str = "") -> Invalid:
    known = ", ".join(p.name for p in inputs) or "none"
    return Invalid(f"${operation} has no parameter {name[:60]!r}; it has: {known}", where or name[:60])


def _whole(resource: dict[str, Any], inputs: Sequence[Parameter], operation: str, found: dict[str, list[Any]]) -> None:
    """The body is the resource itself."""
    takers = [p for p in inputs if _is_resource(p)]
    if len(takers) != 1:
        raise Invalid(f"${operation} takes a Parameters resource as its body", "resourceType")
    found.setdefault(takers[0].name, []).append(_resource(takers[0], resource, takers[0].name))


def _is_resource(parameter: Parameter) -> bool:
    return parameter.type in resource_types() or parameter.type in ("Resource", "DomainResource")


def _value(parameter: Parameter, row: Mapping[str, Any], where: str) -> Any:
    """The value of one row: JSON, a :class:`Given` where there are parts, (type, JSON) for the type `*`."""
    if parameter.parts:
        return _parts(parameter, row, where)
    if parameter.type == ANY:
        return _any(row, where)
    if _is_resource(parameter):
        return _resource(parameter, row.get("resource"), where)
    keys = [key for key in row if key.startswith("value")]
    if len(keys) != 1:
        raise Invalid(f"{where}: {parameter.name} needs one value ({parameter.type})", where)
    key = keys[0]
    type_name = next((t for t in _types(parameter) if key == f"value{t[0].upper()}{t[1:]}"), None)
    if type_name is None:
        # The names of textual types are mixed up by many clients: what the value says decides.
        if isinstance(row[key], str) and parameter.type in _TEXT:
            return _checked(parameter, parameter.type, row[key], where)
        raise Invalid(f"{where}: {parameter.name} is a {' or '.join(_types(parameter))}, not {key}", f"{where}.{key}")
    return _checked(parameter, type_name, row[key], f"{where}.{key}")


def _any(row: Mapping[str, Any], where: str) -> tuple[str, Any]:
    if isinstance(row.get("resource"), dict):
        return "Resource", row["resource"]
    keys = [key for key in row if key.startswith("value")]
    type_name = keys[0].removeprefix("value") if len(keys) == 1 else ""
    lower = type_name[:1].lower() + type_name[1:]
    type_name = lower if type_of(lower) is not None else type_name
    if type_of(type_name) is None:
        raise Invalid(f"{where} needs one value[x] or a resource", where)
    return type_name, row[keys[0]]


_TEXT = frozenset({"string", "code", "uri", "canonical", "url", "id", "markdown", "date", "dateTime", "instant"})


def _types(parameter: Parameter) -> tuple[str, ...]:
    return tuple(parameter.type.split("|"))


def _checked(parameter: Parameter, type_name: str, value: Any, where: str) -> Any:
    kind = type_of(type_name)
    assert kind is not None, parameter
    if kind.primitive:
        problem = CHECKS[type_name](value)
        if problem:
            raise Invalid(f"{parameter.name}: {problem}", where)
        return value
    rows = [{"name": parameter.name, f"value{type_name[0].upper()}{type_name[1:]}": value}]
    found = validate({"resourceType": "Parameters", "parameter": rows})
    errors = [issue for issue in found if issue.severity in ("error", "fatal")]
    if errors:
        raise Invalid(f"{parameter.name}: {errors[0].expression}: {errors[0].details}", where)
    return value


def _parts(parameter: Parameter, row: Mapping[str, Any], where: str) -> Given:
    rows = row.get("part")
    if not isinstance(rows, list):
        raise Invalid(f"{where}: {parameter.name} has parts", f"{where}.part")
    table = {p.name: p for p in parameter.parts}
    found: dict[str, list[Any]] = {}
    for at, part in enumerate(rows):
        here = f"{where}.part[{at}]"
        name = _name(part, here)
        kind = table.get(name) or table.get(ANY)
        if kind is None:
            raise _unknown(name, parameter.name, parameter.parts, here)
        found.setdefault(name, []).append(_value(kind, part, here))
    return Given(_counted(found, parameter.parts, where))


def _resource(parameter: Parameter, resource: Any, where: str) -> dict[str, Any]:
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(name, str):
        raise Invalid(f"{parameter.name} must be a resource", where)
    if parameter.type in resource_types() and name != parameter.type:
        raise Invalid(f"{parameter.name} must be a {parameter.type}, not a {name[:60]}", where)
    return dict(resource)


def _written(parameter: Parameter, text: str) -> Any:
    """A value of the query. Raises Invalid."""
    name, kind = parameter.name, parameter.type
    known = type_of(kind) if "|" not in kind else None
    if parameter.parts or known is None or not known.primitive:
        if parameter.type == "string" or (known is None and "string" in _types(parameter)):
            return text
        raise Invalid(f"{name} is no primitive: send it in a Parameters resource by POST", name)
    value: Any = text
    if kind == "boolean":
        if text not in ("true", "false"):
            raise Invalid(f"{name} must be true or false", name)
        value = text == "true"
    elif kind in ("integer", "positiveInt", "unsignedInt"):
        if not _WHOLE.fullmatch(text):
            raise Invalid(f"{name} must be a whole number", name)
        value = int(text)
    elif kind == "decimal":
        if not _DECIMAL.fullmatch(text):
            raise Invalid(f"{name} must be a number", name)
        value = number(text)
    elif kind in ("instant", "dateTime"):
        value = text.replace(" ", "+")  # a plus sign that was not escaped
    problem = CHECKS[kind](value)
    if problem:
        raise Invalid(f"{name}: {problem}", name)
    return value


def _counted(found: Mapping[str, list[Any]], inputs: Sequence[Parameter], where: str) -> dict[str, tuple[Any, ...]]:
    prefix = f"{where}: " if where else ""
    for parameter in inputs:
        count = len(found.get(parameter.name, ()))
        if count < parameter.least:
            raise Invalid(f"{prefix}the parameter {parameter.name} is missing", where or parameter.name)
        if parameter.most and count > parameter.most:
            raise Invalid(f"{prefix}{parameter.name} is given {count} times", where or parameter.name)
    return {name: tuple(values) for name, values in found.items()}


# --- answers ---


def row(name: str, type_name: str, value: Any) -> dict[str, Any]:
    """One row of a Parameters resource; ``type_name`` `Resource` puts the value in as it is."""
    if type_name == "Resource":
        return {"name": name, "resource": value}
    return {"name": name, f"value{type_name[0].upper()}{type_name[1:]}": value}


def parameters(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(rows)}


def answered(resource: Mapping[str, Any], patients: tuple[str, ...] = (), status: int = 200) -> Answer:
    """A resource as the answer of an operation."""
    return Answer(status, dumps(resource), patients=patients)
