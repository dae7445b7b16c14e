"""What a code must look like in the systems that everybody uses, judged by form and check digit alone.

SNOMED CT identifiers (TIG 6: Verhoeff check digit), LOINC (mod 10), UCUM, and the short codes of ISO and BCP.
Whether a code of good form exists is terminology's to say.
"""

from __future__ import annotations

import re
from functools import lru_cache

from wardbridge.fhir.validate.ucum import is_unit

# HL7 keeps value sets under these; elsewhere the word in a URL says nothing.
VALUESETS = ("http://hl7.org/fhir/ValueSet/", "http://terminology.hl7.org/ValueSet/")
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
_EXPRESSION = re.compile(r"[:+={|]")
_LOINC = re.compile(r"([0-9]{1,7})-([0-9])")
_LOINC_PART = re.compile(r"(LP|LA|LL|LG|MTHU)[0-9]+(-[0-9])?|[A-Za-z_]+")
_TURN = "1576283094"
_PERMUTED: list[str] = ["0123456789"]
for _ in range(7):
    _PERMUTED.append("".join(_TURN[int(digit)] for digit in _PERMUTED[-1]))
_FORMS: dict[str, tuple[re.Pattern[str], str]] = {
    "urn:ietf:bcp:47": (re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*|[ix](-[A-Za-z0-9]{1,8})+"), "a language tag"),
    "urn:iso:std:iso:4217": (re.compile(r"[A-Z]{3}"), "a currency"),
    "urn:iso:std:iso:3166": (re.compile(r"[A-Z]{2,3}|[0-9]{3}"), "a country"),
    "urn:ietf:bcp:13": (re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+*-]+(\s*;.*)?"), "a media type"),
}


def _product(a: int, b: int) -> int:
    """Multiplication in the dihedral group of the pentagon, on which the check digit rests."""
    if a < 5:
        return (a + b) % 5 if b < 5 else (a + b) % 5 + 5
    return (a - b) % 5 + 5 if b < 5 else (a - b) % 5


def is_sctid(text: str) -> bool:
    """Whether a text is a SNOMED CT identifier: 6 to 18 digits, the last of which checks the others."""
    if not (text.isascii() and text.isdigit() and 6 <= len(text) <= 18) or text[0] == "0":
        return False
    check = 0
    for i, digit in enumerate(reversed(text)):
        check = _product(check, int(_PERMUTED[i % 8][int(digit)]))
    return check == 0


def is_loinc(text: str) -> bool:
    """Whether a text has the form of a LOINC code, with its check digit, or of a part, answer or list."""
    match = _LOINC.fullmatch(text)
    if match is None:
        return _LOINC_PART.fullmatch(text) is not None
    total = 0
    for i, digit in enumerate(reversed(match[1])):
        value = int(digit) * (2 if i % 2 == 0 else 1)
        total += value // 10 + value % 10
    return (10 - total % 10) % 10 == int(match[2])


@lru_cache(maxsize=8192)
def code_problem(system: str, code: str) -> str | None:
    """Why a code cannot be one of its system, or None where it may be."""
    if system == SNOMED:
        if _EXPRESSION.search(code) or is_sctid(code):
            return None
        return "is no SNOMED CT identifier"
    if system == LOINC:
        return None if is_loinc(code) else "is no LOINC code: its check digit or form is wrong"
    if system == UCUM:
        return None if is_unit(code) else "is no UCUM unit"
    form = _FORMS.get(system)
    if form is not None and form[0].fullmatch(code) is None:
        return f"is not {form[1]}"
    return None
