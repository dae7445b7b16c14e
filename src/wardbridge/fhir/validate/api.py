"""Validation of a resource as JSON, and its OperationOutcome."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from wardbridge.fhir.path.predicate import Holders
from wardbridge.fhir.validate.claims import asked_for
from wardbridge.fhir.validate.issues import Issue, Place
from wardbridge.fhir.validate.options import WRITE, Options
from wardbridge.fhir.validate.primitives import CONTROL
from wardbridge.fhir.validate.profiles import BUILT_IN
from wardbridge.fhir.validate.run import Run
from wardbridge.fhir.validate.scan import scan
from wardbridge.fhir.validate.structure import check_resource, type_of_resource


def validate(resource: Any, options: Options = WRITE) -> list[Issue]:
    """All problems of a resource against R4 itself, in document order; an empty list means valid.

    Structure, cardinality, primitives, required bindings, invariants, reference targets, contained resources, Bundle
    entries, the extensions and profiles that R4 publishes.  Never raises on any JSON value.
    """
    run = Run(Holders(resource, resource), options, BUILT_IN)
    walk(resource, run)
    return found(run)


def found(run: Run) -> list[Issue]:
    """The issues in order, each once: profiles that build on each other say the same."""
    return list(dict.fromkeys(run.issues)) if run.issues else run.issues


def walk(resource: Any, run: Run, profiles: Sequence[str] = ()) -> None:
    """One walk over a resource: base, the profiles that it claims, those that are asked for, and what options add."""
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    place: Place = (None, name if isinstance(name, str) and name.isidentifier() else "Resource", -1)
    if type_of_resource(resource, place, run) is None or not isinstance(name, str):
        return
    try:
        check_resource(name, resource, place, run)
        for url in profiles:
            asked_for(url, resource, place, run)
        scan(resource, place, run)
    except RecursionError:
        run.add("fatal", "too-costly", place, "the resource is nested too deeply to be validated")


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
        "details": {"text": _said(issue.details)},
    }
    if issue.diagnostics:
        row["diagnostics"] = _said(issue.diagnostics)
    if issue.expression:
        row["expression"] = [issue.expression]
    return row


def _said(text: str) -> str:
    """Text that may quote what was sent: control characters, which FHIR permits in no string, as U+FFFD."""
    return CONTROL.sub("\ufffd", text)


async def validate_base(resource: dict[str, Any]) -> list[Issue]:
    """:func:`validate` for callers that await: base R4 only, without profiles and terminology."""
    return validate(resource)
