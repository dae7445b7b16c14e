"""Code systems whose codes are told by a rule rather than a list: UCUM, languages, media types, countries ..."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from wardbridge.fhir.validate.ucum import is_unit
from wardbridge.terminology import units
from wardbridge.terminology.errors import TooCostly
from wardbridge.terminology.expression import Both, Codes, Either, Expression, holds
from wardbridge.terminology.holding import COMPUTED, Holding
from wardbridge.terminology.systems import lists
from wardbridge.terminology.systems.system import Page, System
from wardbridge.terminology.values import Concept, Head

UCUM = "http://unitsofmeasure.org"
LANGUAGES = "urn:ietf:bcp:47"
MEDIA = "urn:ietf:bcp:13"
OID = "urn:ietf:rfc:3986"

_LANGUAGE = re.compile(
    r"(?P<language>[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-(?P<script>[A-Za-z]{4}))?"
    r"(?:-(?P<region>[A-Za-z]{2}|[0-9]{3}))?(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
    r"(?:-[0-9A-WYZa-wyz](?:-[A-Za-z0-9]{2,8})+)*(?:-[xX](?:-[A-Za-z0-9]{1,8})+)?"
)
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_MEDIA = re.compile(
    rf"(application|audio|font|example|image|message|model|multipart|text|video|chemical)/{_NAME}"
    rf"(\s*;\s*{_NAME}=({_NAME}|\"[^\"]*\"))*"
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")

Judge = Callable[[str], Concept | None]


def _language(code: str) -> Concept | None:
    return Concept(code, code) if _LANGUAGE.fullmatch(code) else None


def _media(code: str) -> Concept | None:
    return Concept(code, code) if _MEDIA.fullmatch(code) else None


def _uri(code: str) -> Concept | None:
    return Concept(code, code) if _URI.fullmatch(code) else None


def _ucum(code: str) -> Concept | None:
    return Concept(code, units.shown(code)) if is_unit(code) else None


_RULES: dict[str, tuple[Judge, str, bool, str]] = {
    UCUM: (_ucum, "UCUM", True, "2.1"),
    LANGUAGES: (_language, "IETF language tags (BCP 47)", False, ""),
    MEDIA: (_media, "Media types (BCP 13)", False, ""),
    OID: (_uri, "Uniform Resource Identifiers (RFC 3986)", True, ""),
}


class ComputedSystem:
    """Any code that the rule accepts is a code; they cannot be listed."""

    countable = False
    hierarchical = False

    def __init__(self, head: Head, judge: Judge) -> None:
        self.head = head
        self._judge = judge

    async def find(self, codes: Sequence[str]) -> dict[str, Concept]:
        return {code: concept for code in codes if (concept := self._judge(code)) is not None}

    async def children(self, code: str) -> Sequence[Concept]:
        return ()

    async def select(self, expression: Expression, offset: int, limit: int) -> Page:
        listed = _listed(expression)
        if listed is None:
            raise TooCostly(f"the codes of {self.head.url} follow a grammar and cannot be listed")
        found = [c for code in listed if (c := self._judge(code)) is not None and holds(expression, c)]
        return Page(len(found), tuple(found[offset : offset + limit]))

    async def values(self, property: str, limit: int) -> Sequence[str]:
        raise TooCostly(f"the codes of {self.head.url} follow a grammar and cannot be listed")


def _listed(expression: Expression) -> tuple[str, ...] | None:
    """Codes of which an expression surely holds only some; None where they are not given."""
    if isinstance(expression, Codes):
        return expression.codes
    if isinstance(expression, Both):
        return next((codes for part in expression.parts if (codes := _listed(part)) is not None), None)
    if isinstance(expression, Either):
        found = [_listed(part) for part in expression.parts]
        if None not in found:
            return tuple(dict.fromkeys(code for codes in found for code in codes or ()))
    return None


@lru_cache(maxsize=16)
def system(url: str) -> System:
    """The system by grammar or by short list. Raises KeyError for another url than those of :func:`urls`."""
    if url not in _RULES:
        return lists.system(url)
    judge, name, cased, version = _RULES[url]
    return ComputedSystem(Head(url, version, name, name, case_sensitive=cased), judge)


def holdings(type_name: str, url: str) -> list[Holding]:
    if type_name != "CodeSystem" or url not in urls():
        return []
    version = _RULES[url][3] if url in _RULES else ""
    content = "fragment" if url in lists.FRAGMENTS else "complete"
    return [Holding("CodeSystem", url, version, COMPUTED, ("computed", url), content)]


def urls() -> tuple[str, ...]:
    return (*_RULES, *lists.urls())
