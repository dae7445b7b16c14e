"""Required bindings: the code must be in the value set (https://hl7.org/fhir/R4/terminologies.html#required).

Value sets that the definitions list are decided here.  MIME types and currencies are checked by their form; UCUM codes
and everything weaker than required are the terminology room's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from wardbridge.fhir.definitions.codes import codes, valueset
from wardbridge.fhir.definitions.table import Element
from wardbridge.fhir.validate.issues import Place, shown

MIME = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9*][A-Za-z0-9!#$&^_.+*-]*(\s*;.*)?")
CURRENCY = re.compile(r"[A-Z]{3}")
_FORMS = {
    "http://hl7.org/fhir/ValueSet/currencies": (CURRENCY, "a currency of ISO 4217"),
}


class Sink(Protocol):
    """What takes the issues of a check."""

    def error(self, code: str, place: Place, details: str, diagnostics: str = "") -> None: ...


Coded: TypeAlias = Callable[[Any, Place, Any], None]


def binding_check(element: Element, type_name: str) -> Coded | None:
    """The check of an element's binding where it is required and can be decided here, else None."""
    binding = element.binding
    if binding is None or binding.strength != "required":
        return None
    url = binding.valueset
    if url in _FORMS and type_name == "code":
        return _form(*_FORMS[url], url)
    listed = codes(url)
    if listed is None:
        return None
    match type_name:
        case "code" | "uri" | "string" | "url" | "canonical":
            return _code(listed, url)
        case "Coding" | "Quantity":
            return _coding(url)
        case "CodeableConcept":
            return _concept(url)
    return None


def _form(pattern: re.Pattern[str], what: str, url: str) -> Coded:
    def check(value: Any, place: Place, run: Sink) -> None:
        if not pattern.fullmatch(value):
            run.error("code-invalid", place, f"{shown(value)} is not {what}", url)

    return check


def _code(listed: frozenset[str], url: str) -> Coded:
    def check(value: Any, place: Place, run: Sink) -> None:
        if value not in listed:
            run.error("code-invalid", place, f"{shown(value)} is not in the required value set", url)

    return check


def _coding(url: str) -> Coded:
    known = valueset(url) or {}

    def check(value: Any, place: Place, run: Sink) -> None:
        code = value.get("code")
        if isinstance(code, str) and code not in known.get(_system(value), ()):
            run.error("code-invalid", place, f"{shown(code)} is not in the required value set", url)

    return check


def _system(coding: dict[str, Any]) -> str:
    system = coding.get("system")
    return system if isinstance(system, str) else ""


def _concept(url: str) -> Coded:
    known = valueset(url) or {}

    def check(value: Any, place: Place, run: Sink) -> None:
        codings = value.get("coding")
        if not isinstance(codings, list):
            if "extension" not in value:
                run.error("code-invalid", place, "a code of the required value set is missing", url)
            return
        for coding in codings:
            if not isinstance(coding, dict):
                return
            code = coding.get("code")
            if isinstance(code, str) and code in known.get(_system(coding), ()):
                return
        run.error("code-invalid", place, "none of the codings is in the required value set", url)

    return check
