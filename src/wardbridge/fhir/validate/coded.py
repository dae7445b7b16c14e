"""Bindings of profiles, and codings against their systems (https://hl7.org/fhir/R4/terminologies.html#4.1).

A small value set of the standard is decided here and now; any other is asked of terminology after the walk, code by
code, so that neither memory nor time grow with the value set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from wardbridge.fhir.definitions.codes import codes, valueset
from wardbridge.fhir.terms import Asked, Verdict
from wardbridge.fhir.validate.issues import shown
from wardbridge.fhir.validate.items import Item
from wardbridge.fhir.validate.run import Run
from wardbridge.fhir.validate.shapes import Bound

ItemCheck: TypeAlias = Callable[[Item, Run], None]
_TEXTS = frozenset({"code", "uri", "url", "canonical", "string", "id", "oid"})


def plain_url(canonical: str) -> str:
    """The canonical URL without its version."""
    return canonical.partition("|")[0]


def questions(item_type: str, value: Any, url: str) -> list[Asked]:
    """What to ask of a value set about a value; empty for a value that carries no code."""
    name, _, version = url.partition("|")
    if item_type in _TEXTS:
        return [Asked(name, "", value, "", version)] if isinstance(value, str) else []
    if not isinstance(value, dict):
        return []
    if item_type == "CodeableConcept":
        codings = value.get("coding")
        rows = [c for c in codings if isinstance(c, dict)] if isinstance(codings, list) else []
    else:
        rows = [value]
    out = []
    for row in rows:
        code, system = row.get("code"), row.get("system")
        if isinstance(code, str):
            out.append(Asked(name, system if isinstance(system, str) else "", code, "", version))
    return out


def here(asked: Asked) -> bool | None:
    """Membership where the definitions list the value set; None: to be asked."""
    if asked.system:
        listed = valueset(asked.valueset)
        return None if listed is None else asked.code in listed.get(asked.system, ())
    names = codes(asked.valueset)
    return None if names is None else asked.code in names


def binding_checks(bounds: Sequence[Bound]) -> list[ItemCheck]:
    """The checks of an element's bindings; preferred and example bind nobody."""
    out: list[ItemCheck] = []
    for bound in bounds:
        if bound.strength == "required":
            out.append(_bound(bound.valueset, required=True))
        elif bound.strength == "extensible":
            out.append(_bound(bound.valueset, required=False))
        if bound.limit:
            out.append(_bound(bound.limit, required=True))
    return out


def _bound(url: str, *, required: bool) -> ItemCheck:
    severity = "error" if required else "warning"

    def check(item: Item, run: Run) -> None:
        if item.value is None or (item.type in ("Quantity", "Coding") and "code" not in item.holder):
            return
        asked = questions(item.type, item.value, url)
        if not asked:
            if required and item.type == "CodeableConcept" and "extension" not in item.value:
                run.error("code-invalid", item.place, "a code of the required value set is missing", url)
            return
        known = [here(question) for question in asked]
        if True in known:
            return
        if None not in known:
            run.add(severity, "code-invalid", item.place, _not_in(asked), url)
            return

        def settle(verdicts: Sequence[Verdict]) -> None:
            members = [verdict.member for verdict in verdicts]
            if True in members:
                return
            if None not in members:
                run.add(severity, "code-invalid", item.place, _not_in(asked), url)
            elif required:
                text = next(v.text for v in verdicts if v.member is None)
                run.add("warning", "not-supported", item.place, f"{_names(asked)}: not decided: {text}", url)

        run.ask(asked, settle)

    return check


def _names(asked: Sequence[Asked]) -> str:
    return ", ".join(shown(question.code) for question in asked)


def _not_in(asked: Sequence[Asked]) -> str:
    if len(asked) == 1:
        return f"{_names(asked)} is not in the value set"
    return f"none of {_names(asked)} is in the value set"


def in_valueset(item: Item, url: str, run: Run) -> bool:
    """Membership now, for what the walk depends on (slices by a binding); unknown counts as no."""
    for asked in questions(item.type, item.value, url):
        found = here(asked)
        if found is None:
            verdict = run.answer(asked)
            found = verdict.member if verdict is not None else None
        if found:
            return True
    return False
