"""Validation of a resource as JSON, and its OperationOutcome."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wardbridge.fhir.path.predicate import Holders
from wardbridge.fhir.validate.bundles import entry_types
from wardbridge.fhir.validate.issues import Issue, Place
from wardbridge.fhir.validate.structure import Run, checker, type_of_resource


def validate(resource: Any) -> list[Issue]:
    """All problems of a resource against base R4, in document order; an empty list means valid.

    Structure, cardinality, primitives, required bindings, invariants, reference targets, contained resources and
    Bundle entries.  Never raises on any JSON value.
    """
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    place: Place = (None, name if isinstance(name, str) and name.isidentifier() else "Resource", -1)
    run = Run(Holders(resource, resource))
    if type_of_resource(resource, place, run) is None or not isinstance(name, str):
        return run.issues
    if name == "Bundle":
        run.entries = entry_types(resource)
    try:
        checker(name)(resource, place, run)
    except RecursionError:
        run.add("fatal", "too-costly", place, "the resource is nested too deeply to be validated")
    return run.issues


def operation_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """The issues as an OperationOutcome; without any, one informational issue that says so."""
    rows = [_row(issue) for issue in issues]
    if not rows:
        rows = [{"severity": "information", "code": "informational", "details": {"text": "No problems found"}}]
    return {"resourceType": "OperationOutcome", "issue": rows}


def _row(issue: Issue) -> dict[str, Any]:
    row: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "details": {"text": issue.details},
    }
    if issue.diagnostics:
        row["diagnostics"] = issue.diagnostics
    if issue.expression:
        row["expression"] = [issue.expression]
    return row


async def validate_base(resource: dict[str, Any]) -> list[Issue]:
    """:func:`validate` for callers that await: base R4 only, without profiles and terminology."""
    return validate(resource)
