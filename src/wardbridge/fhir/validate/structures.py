"""StructureDefinitions: a differential must fit its base, or no snapshot follows from it.

Standard: https://hl7.org/fhir/R4/structuredefinition.html, profiling.html
"""

from __future__ import annotations

from typing import Any

from wardbridge.fhir.definitions.profiles import BASE, facts
from wardbridge.fhir.definitions.table import is_a, type_of
from wardbridge.fhir.validate.issues import Place
from wardbridge.fhir.validate.run import Run
from wardbridge.fhir.validate.shapes import root_shape
from wardbridge.fhir.validate.snapshot import apply

_BINDABLE = ("code", "Coding", "CodeableConcept", "Quantity", "string", "uri")


def structure_definition(value: dict[str, Any], place: Place, run: Run) -> None:
    """What keeps a constraint on a known type from being applied."""
    if not run.options.definitions or value.get("derivation") != "constraint":
        return
    held = value.get("differential")
    rows = held.get("element") if isinstance(held, dict) else None
    base_url, type_name = value.get("baseDefinition"), value.get("type")
    if not isinstance(rows, list) or not isinstance(base_url, str) or not isinstance(type_name, str):
        return
    if type_of(type_name) is None:
        return
    if type_of(base_url.removeprefix(BASE)) is not None:
        shape = root_shape(type_name)
    else:
        base = run.profile(base_url)
        if base is None:
            return
        if base.type != type_name:
            run.error("structure", place, f"the base {base_url} is for {base.type}, not {type_name}")
            return
        shape = base.shape.copy()
    kept = facts({"differential": held})["differential"]["element"] if all(isinstance(r, dict) for r in rows) else []
    for problem in apply(shape, kept):
        run.error("structure", ((place, "differential", -1), "element", problem.at), problem.text)
    for i, row in enumerate(kept):
        _binding(row, ((place, "differential", -1), "element", i), run)


def _binding(row: dict[str, Any], place: Place, run: Run) -> None:
    types = row.get("type")
    if "binding" not in row or not isinstance(types, list):
        return
    names = [t.get("code") for t in types if isinstance(t, dict)]
    known = [n for n in names if isinstance(n, str) and type_of(n) is not None]
    if known and len(known) == len(names) and not any(is_a(n, b) for n in known for b in _BINDABLE):
        run.error("business-rule", place, f"a binding means nothing to {', '.join(known)}")
