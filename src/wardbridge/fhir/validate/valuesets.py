"""ValueSets: what they include must be possible (https://hl7.org/fhir/R4/valueset.html#compositions, snomedct.html)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from wardbridge.fhir.terms import Asked, Verdict
from wardbridge.fhir.validate.ecl import is_ecl
from wardbridge.fhir.validate.issues import Place, shown
from wardbridge.fhir.validate.run import Run
from wardbridge.fhir.validate.systems import SNOMED, VALUESETS, code_problem, is_sctid

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# Properties of concepts that the standard itself defines as boolean (codesystem.html#defined-props).
_BOOLEAN = frozenset({"inactive", "notSelectable"})
_HIERARCHY = frozenset({"is-a", "descendent-of", "is-not-a", "generalizes"})
_SNOMED_OPERATIONS = {
    "concept": frozenset({"is-a", "descendent-of", "is-not-a", "generalizes", "in", "="}),
    "constraint": frozenset({"="}),
    "expressions": frozenset({"="}),
}
MOST_ASKED = 200
_PARAMETER = "http://hl7.org/fhir/tools/StructureDefinition/valueset-parameter"
_EXPRESSION = "http://hl7.org/fhir/StructureDefinition/cqf-expression"


def include(value: dict[str, Any], place: Place, run: Run) -> None:
    """One include or exclude: its system, the codes that it lists, its filters."""
    system = value.get("system")
    if not isinstance(system, str):
        return
    if _SCHEME.match(system) is None:
        run.error("value", place, f"system {shown(system)} is no absolute URI")
        return
    if not run.options.definitions:
        return
    if system.startswith(VALUESETS):
        run.error("value", place, f"system {shown(system)} is a value set, no code system")
        return
    version = value.get("version")
    concepts = value.get("concept")
    for i, concept in enumerate(concepts if isinstance(concepts, list) else ()):
        code = concept.get("code") if isinstance(concept, dict) else None
        if isinstance(code, str):
            _concept(system, version if isinstance(version, str) else "", code, (place, "concept", i), run, i)
    filters = value.get("filter")
    for i, row in enumerate(filters if isinstance(filters, list) else ()):
        if isinstance(row, dict):
            _filter(system, row, (place, "filter", i), run)


def value_set(value: dict[str, Any], place: Place, run: Run) -> None:
    """Filters whose value is an expression: FHIRPath, over the parameters that the value set declares."""
    compose = value.get("compose")
    if not run.options.definitions or not isinstance(compose, dict):
        return
    names = _parameters(value)
    for part in ("include", "exclude"):
        rows = compose.get(part)
        for i, row in enumerate(rows if isinstance(rows, list) else ()):
            filters = row.get("filter") if isinstance(row, dict) else None
            for j, one in enumerate(filters if isinstance(filters, list) else ()):
                shadow = one.get("_value") if isinstance(one, dict) else None
                where = ((((place, "compose", -1), part, i), "filter", j), "value", -1)
                for k, found in _expressions(shadow):
                    _expression(found, names, ((where, "extension", k), "value.ofType(Expression)", -1), run)


def _parameters(value: dict[str, Any]) -> set[str]:
    held = value.get("extension")
    rows = [e for e in held if isinstance(e, dict) and e.get("url") == _PARAMETER] if isinstance(held, list) else []
    parts = [p for e in rows for p in (e.get("extension") or ()) if isinstance(p, dict) and p.get("url") == "name"]
    return {text for p in parts for key, text in p.items() if key.startswith("value") and isinstance(text, str)}


def _expressions(shadow: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    held = shadow.get("extension") if isinstance(shadow, dict) else None
    for k, found in enumerate(held if isinstance(held, list) else ()):
        if (
            isinstance(found, dict)
            and found.get("url") == _EXPRESSION
            and isinstance(found.get("valueExpression"), dict)
        ):
            yield k, found["valueExpression"]


def _expression(value: dict[str, Any], names: set[str], place: Place, run: Run) -> None:
    language, text = value.get("language"), value.get("expression")
    if language != "text/fhirpath":
        run.error("value", place, f"an expression of a value set must be text/fhirpath, not {shown(language)}")
    elif isinstance(text, str):
        for name in re.findall(r"%([A-Za-z][\w-]*)", text):
            if name not in names:
                run.error("value", place, f"the value set declares no parameter {shown(name)}")


def _concept(system: str, version: str, code: str, place: Place, run: Run, at: int) -> None:
    problem = code_problem(system, code)
    if problem is not None:
        run.error("code-invalid", place, f"{shown(code)} {problem}", system)
        return
    if at >= MOST_ASKED:
        return

    def settle(verdicts: Sequence[Verdict]) -> None:
        if verdicts[0].member is False:
            run.error("code-invalid", place, f"{shown(code)} is no code of {system}", verdicts[0].text)

    run.ask([Asked("", system, code, "", version)], settle)


def _filter(system: str, row: dict[str, Any], place: Place, run: Run) -> None:
    name, operation, value = row.get("property"), row.get("op"), row.get("value")
    if not (isinstance(name, str) and isinstance(operation, str) and isinstance(value, str)):
        return
    if operation == "exists" or (name in _BOOLEAN and operation == "="):
        if value not in ("true", "false"):
            run.error("value", place, f"{name} {operation}: expected true or false, found {shown(value)}")
    elif operation == "regex":
        try:
            re.compile(value)
        except re.error as error:
            run.error("value", place, f"{shown(value)} is no regular expression: {error}")
    elif system == SNOMED:
        _snomed(name, operation, value, place, run)
    elif operation in _HIERARCHY and (problem := code_problem(system, value)) is not None:
        run.error("code-invalid", place, f"{shown(value)} {problem}", system)


def _snomed(name: str, operation: str, value: str, place: Place, run: Run) -> None:
    allowed = _SNOMED_OPERATIONS.get(name, frozenset({"=", "in"}) if is_sctid(name) else None)
    if allowed is not None and operation not in allowed:
        words = ", ".join(sorted(allowed))
        run.error("value", place, f"{name} cannot be filtered by {operation}; it can by {words}")
    elif name == "constraint" and not is_ecl(value):
        run.error("value", place, f"{shown(value)} is no expression constraint (ECL)")
    elif name == "expressions" and value not in ("true", "false"):
        run.error("value", place, f"expressions: expected true or false, found {shown(value)}")
    elif name == "concept":
        wrong = [code for code in re.split(r"\s*,\s*", value) if not is_sctid(code)]
        if wrong:
            run.error("code-invalid", place, f"{shown(wrong[0])} is no SNOMED CT identifier")
