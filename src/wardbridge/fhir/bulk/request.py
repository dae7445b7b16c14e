"""What a kick-off request asks for (Bulk Data Access 2.0, export.html#query-parameters), checked before a job is made.

Strict: a parameter that is not supported is refused by name, unless ``Prefer: handling=lenient`` says to pass over it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from wardbridge.core.errors import Invalid
from wardbridge.fhir.bulk.job import Export, Filter
from wardbridge.fhir.definitions.search import compartment
from wardbridge.fhir.definitions.table import known, resource_types
from wardbridge.fhir.rest.call import ID, Call
from wardbridge.fhir.search.moments import span
from wardbridge.fhir.search.query import Query

FORMATS = frozenset({"application/fhir+ndjson", "application/ndjson", "ndjson"})
NOT_EXPORTED = frozenset({"AuditEvent", "Parameters"})
"""Not of the record: one is served from the log of accesses, the other has no existence of its own."""
_NEXT = re.compile(r",(?=[A-Z][A-Za-z]*\?)")
_PATIENT = re.compile(r"(?:Patient/)?([A-Za-z0-9\-.]{1,64})")
Parse = Callable[[Sequence[str], Sequence[tuple[str, str]]], Query]


@dataclass(frozen=True)
class Wanted:
    """The parameters as they were sent. Times in µs."""

    types: tuple[str, ...] = ()
    since: int = -1
    until: int | None = None
    elements: dict[str, tuple[str, ...]] = field(default_factory=dict)
    filters: tuple[Filter, ...] = ()
    patients: tuple[str, ...] | None = None


def read(call: Call, level: str, parse: Parse) -> Wanted:
    """Raises Invalid with the parameter's name in ``where``."""
    wanted = Wanted()
    for name, value in pairs(call):
        if name == "patient" and level == "system":
            raise Invalid("patient is for Patient/$export and Group/[id]/$export", "patient")
        step = _PARAMETERS.get(name)
        if step is not None:
            wanted = step(wanted, value, call.lenient)
        elif name == "_typeFilter":
            wanted = replace(wanted, filters=(*wanted.filters, *_filters(value, parse)))
        elif name not in ("_format", "_pretty") and not call.lenient:
            about = "is not supported" if name in _KNOWN_ELSEWHERE else "is no parameter of $export"
            raise Invalid(
                f"{name[:60]} {about}; supported: {', '.join(sorted((*_PARAMETERS, '_typeFilter')))}", name[:60]
            )
    for one in wanted.filters:
        if wanted.types and one.type not in wanted.types:
            raise Invalid(f"_typeFilter names {one.type}, which _type does not", "_typeFilter")
    return wanted


_KNOWN_ELSEWHERE = frozenset({"includeAssociatedData", "organizeOutputBy", "allowPartialManifests"})


def pairs(call: Call) -> list[tuple[str, str]]:
    """The parameters of the query and of a Parameters body as (name, text). Raises Invalid."""
    found = list(call.parameters)
    if call.method != "POST" or not (call.body or call.resource is not None):
        return found
    resource = call.json()
    rows = resource.get("parameter", [])
    if resource.get("resourceType") != "Parameters" or not isinstance(rows, list):
        raise Invalid("the body must be a Parameters resource", "Parameters")
    for at, row in enumerate(rows):
        where = f"Parameters.parameter[{at}]"
        if not isinstance(row, dict) or not isinstance(row.get("name"), str):
            raise Invalid(f"{where} has no name", where)
        values = [value for key, value in row.items() if key.startswith("value")]
        if len(values) != 1:
            raise Invalid(f"{where} must have one value", where)
        found.append((row["name"], _text(values[0], where)))
    return found


def _text(value: Any, where: str) -> str:
    if isinstance(value, dict):
        value = value.get("reference")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict) or value is None:
        raise Invalid(f"{where} must have a primitive value or a reference", where)
    return str(value)


def _format(wanted: Wanted, value: str, lenient: bool) -> Wanted:
    if value.replace(" ", "+") not in FORMATS:
        raise Invalid(
            f"_outputFormat: only {', '.join(sorted(FORMATS))} are written, not {value[:60]!r}", "_outputFormat"
        )
    return wanted


def _moment(value: str, name: str) -> int:
    try:
        return span(value.replace(" ", "+"))[0]
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{name} must be an instant such as 2026-01-31T12:00:00Z", name) from error


def _since(wanted: Wanted, value: str, lenient: bool) -> Wanted:
    return replace(wanted, since=_moment(value, "_since"))


def _until(wanted: Wanted, value: str, lenient: bool) -> Wanted:
    return replace(wanted, until=_moment(value, "_until"))


def _types(wanted: Wanted, value: str, lenient: bool) -> Wanted:
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if name not in resource_types() or name in NOT_EXPORTED:
            if lenient:
                continue
            why = "is not exported" if name in NOT_EXPORTED else "is no resource type of R4"
            raise Invalid(f"_type: {name[:60]!r} {why}", "_type")
    kept = (name for name in names if name in resource_types() - NOT_EXPORTED)
    if not names:
        raise Invalid("_type names no type", "_type")
    return replace(wanted, types=tuple(dict.fromkeys((*wanted.types, *kept))))


def _elements(wanted: Wanted, value: str, lenient: bool) -> Wanted:
    found = {name: list(elements) for name, elements in wanted.elements.items()}
    for text in filter(None, (part.strip() for part in value.split(","))):
        type_name, dot, element = text.partition(".")
        if not dot:
            type_name, element = "", text
        if type_name and (type_name not in resource_types() or element.split(".")[0] not in known(type_name).elements):
            raise Invalid(f"_elements: there is no element {text[:80]!r}", "_elements")
        found.setdefault(type_name, []).append(element)
    return replace(wanted, elements={name: tuple(elements) for name, elements in found.items()})


def _patient(wanted: Wanted, value: str, lenient: bool) -> Wanted:
    found = []
    for text in value.split(","):
        match = _PATIENT.fullmatch(text.strip())
        if match is None:
            raise Invalid(f"patient: {text[:80]!r} is no reference such as Patient/123", "patient")
        found.append(match[1])
    return replace(wanted, patients=tuple(dict.fromkeys((*(wanted.patients or ()), *found))))


def _filters(value: str, parse: Parse) -> list[Filter]:
    out = []
    for text in _NEXT.split(value):
        type_name, mark, query = text.strip().partition("?")
        if type_name not in resource_types() or not mark or not query:
            raise Invalid(f"_typeFilter: {text[:80]!r} is no search such as Observation?code=8867-4", "_typeFilter")
        parameters = tuple(parse_qsl(query, keep_blank_values=True))
        try:
            found = parse([type_name], parameters)
        except Invalid as error:
            raise Invalid(f"_typeFilter: {error.message}", "_typeFilter") from error
        if found.includes or found.sort or found.summary or found.elements or found.cursor or found.total:
            raise Invalid("_typeFilter: result parameters such as _sort and _include have no place here", "_typeFilter")
        out.append(Filter(type_name, parameters))
    return out


_PARAMETERS: dict[str, Callable[[Wanted, str, bool], Wanted]] = {
    "_outputFormat": _format,
    "_since": _since,
    "_until": _until,
    "_type": _types,
    "_elements": _elements,
    "patient": _patient,
}


def plan(wanted: Wanted, level: str, group: str, now: int, may: Callable[[str], bool]) -> Export:
    """The export of what ``may`` be read. ``now`` (µs) becomes the transaction time.

    Types that were named and may not be read are the caller's to refuse; they are left out here.
    """
    linked = {name for name, codes in compartment("Patient").items() if codes} | {"Patient"}
    exported = resource_types() - NOT_EXPORTED
    asked = wanted.types or tuple(sorted(exported if level == "system" else exported & linked))
    allowed = [name for name in asked if may(name)]
    inside = [name for name in allowed if level == "system" or name in linked]
    if group and not ID.fullmatch(group):
        raise Invalid("an id has 1 to 64 letters, digits, '-' and '.'", "id")
    return Export(
        level=level,  # type: ignore[arg-type]
        types=tuple(inside),
        until=now if wanted.until is None else min(now, wanted.until - 1),
        since=wanted.since,
        group=group,
        patients=wanted.patients,
        related=tuple(name for name in allowed if name not in inside),
        elements=wanted.elements,
        filters=wanted.filters,
    )
