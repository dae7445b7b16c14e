"""Is a code in a value set, or of a code system at all: ``$validate-code`` (R4 valueset-operation-validate-code.html).

Each coding is judged alone (:class:`Judged`), with every issue that it has; :func:`answer` makes one answer of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wardbridge.terminology import displays
from wardbridge.terminology.compose import Compiled, Compiler, Listed, MissingImport, Part, for_codes, name_of
from wardbridge.terminology.expression import Active, Both, Every, holds
from wardbridge.terminology.issues import Issue, issue, not_in_set
from wardbridge.terminology.languages import Languages, choose
from wardbridge.terminology.library import Library
from wardbridge.terminology.rules import Rules, missing, settle
from wardbridge.terminology.supplements import Supplements
from wardbridge.terminology.systems.system import System
from wardbridge.terminology.values import Concept, Head, standards_status
from wardbridge.terminology.versions import order

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
INFERRED = 200
"""As many systems of a value set are looked at to infer the one that is meant."""


@dataclass(frozen=True)
class Coding:
    """``path`` is where its issues point to: ``Coding``, ``CodeableConcept.coding[0]``, or '' for plain parameters."""

    system: str
    code: str
    version: str = ""
    display: str = ""
    path: str = "Coding"

    def at(self, element: str) -> str:
        return f"{self.path}.{element}" if self.path else element

    @property
    def name(self) -> str:
        """As messages tell it: ``system|version#code ('display')``."""
        version = f"|{self.version}" if self.version else ""
        display = f" ('{self.display}')" if self.display else ""
        return f"{self.system}{version}#{self.code}{display}"


@dataclass(frozen=True)
class Options:
    rules: Rules = field(default_factory=Rules)
    languages: Languages = field(default_factory=Languages)
    lenient: bool = False
    abstract: bool = True
    active: bool = False
    membership_only: bool = False
    infer: bool = False


@dataclass(frozen=True)
class Judged:
    """``member`` None: it could not be told, the issues say why. ``unknown``: canonicals that are not here."""

    coding: Coding
    member: bool | None
    issues: tuple[Issue, ...] = ()
    concept: Concept | None = None
    head: Head | None = None
    display: str = ""
    unknown: tuple[str, ...] = ()
    system_unknown: bool = False


class Validator:
    """Judges codings against one value set, or, without one, against their code systems."""

    def __init__(
        self, library: Library, options: Options, supplements: Supplements, valueset: dict[str, Any] | None
    ) -> None:
        self._library, self._options, self._supplements = library, options, supplements
        self._valueset = valueset
        self._name = (name_of(valueset) or "(unidentified)") if valueset is not None else ""

    async def judge(self, coding: Coding, *, several: bool = False) -> Judged:
        """Raises Refusal where the value set itself is wrong."""
        if not coding.system and self._options.infer and self._valueset is not None:
            coding, issues = await self._infer(coding)
            if issues:
                return Judged(coding, False, (*issues, self._outside(coding, several)))
        if not coding.system:
            told = issue("Coding_has_no_system__cannot_validate", where=coding.path)
            return Judged(coding, False, (*self._outsides(coding, several), told))
        strange = await self._strange(coding)
        if strange is not None:
            return replace(strange, issues=(*strange.issues, *self._outsides(coding, several)))
        if self._valueset is None:
            return await self._of_system(coding)
        return await self._of_set(coding, self._valueset, several)

    # --- where the system itself is the problem -------------------------------------------------------------------

    async def _strange(self, coding: Coding) -> Judged | None:
        """A system that is none: relative, a value set, a supplement. None where it may be looked up."""
        if self._library.versions(coding.system):
            return None
        issues: list[Issue] = []
        if not _ABSOLUTE.match(coding.system):
            issues.append(issue("Terminology_TX_System_Relative", where=coding.at("system")))
        if self._library.holdings("ValueSet", coding.system):
            issues.append(issue("Terminology_TX_System_ValueSet2", coding.system, where=coding.at("system")))
            return Judged(coding, False, tuple(issues))
        holding = self._library.choose("CodeSystem", coding.system, coding.version)
        if holding is not None and holding.content == "supplement":
            told = issue("CODESYSTEM_CS_NO_SUPPLEMENT", holding.canonical, where=coding.at("system"))
            return Judged(coding, False, (*issues, told))
        if issues:
            issues.append(issue("UNKNOWN_CODESYSTEM", coding.system, where=coding.at("system")))
            return Judged(coding, False, tuple(issues), unknown=(coding.system,), system_unknown=True)
        return None

    async def _infer(self, coding: Coding) -> tuple[Coding, tuple[Issue, ...]]:
        assert self._valueset is not None
        compiled = await Compiler(self._library, self._options.rules).compile(self._valueset)
        found: dict[str, None] = {}
        for (url, _), part in list(compiled.parts.items())[:INFERRED]:
            concept = (await part.system.find([coding.code])).get(coding.code)
            if concept is None:
                continue
            found_in = await for_codes(self._library.shelf.pool, part, [concept.code])
            if holds(found_in.where, concept):
                found[url] = None
        if len(found) == 1:
            return replace(coding, system=next(iter(found))), ()
        where = coding.at("code")
        if found:
            kind = "Unable_to_resolve_system__value_set_has_multiple_matches"
            return coding, (issue(kind, coding.code, self._name, ", ".join(found), where=where),)
        return coding, (issue("UNABLE_TO_INFER_CODESYSTEM", coding.code, self._name, where=where),)

    # --- against a code system ------------------------------------------------------------------------------------

    async def _of_system(self, coding: Coding) -> Judged:
        settled = await settle(self._library, self._options.rules, coding.system, "", coding.version, coding.path)
        if settled.shown is None:
            return Judged(coding, None, settled.issues, unknown=settled.unknown, system_unknown=True)
        part = Part(settled.shown, Every(), whole=True)
        judged = await self._of_part(coding, part)
        return replace(judged, issues=(*settled.issues, *judged.issues), unknown=settled.unknown)

    # --- against a value set --------------------------------------------------------------------------------------

    async def _of_set(self, coding: Coding, valueset: dict[str, Any], several: bool) -> Judged:
        options = self._options
        compiler = Compiler(self._library, options.rules, only=coding.system, coded=coding.version, path=coding.path)
        try:
            compiled = await compiler.compile(valueset)
        except MissingImport as error:
            return Judged(coding, None, error.issues)
        judged = await self._among(coding, compiled)
        if judged is None:
            judged = await self._elsewhere(coding, compiled)
        issues = [*compiled.issues, *judged.issues]
        # Where the version itself is the problem, the code is not said to be outside of the set.
        if judged.member is False or (judged.member is None and not compiled.issues):
            issues += self._outsides(coding, several)
        if judged.head is not None and not options.membership_only:
            issues += _statuses(judged.head, compiled, valueset)
        return replace(judged, issues=tuple(dict.fromkeys(issues)), unknown=(*compiled.unknown, *judged.unknown))

    async def _among(self, coding: Coding, compiled: Compiled) -> Judged | None:
        """Judged by the parts of the set, the newest version first; the one whose display was sent goes before."""
        found: list[Judged] = []
        for _, part in sorted(compiled.parts.items(), key=lambda item: order(item[0][1]), reverse=True):
            if coding.version and part.system.head.version != coding.version and len(compiled.parts) > 1:
                continue
            judged = await self._of_part(coding, part)
            if judged.member and not any(i.type == "invalid-display" and i.severity == "error" for i in judged.issues):
                return judged
            found.append(judged)
        return next((j for j in found if j.member), found[0] if found else None)

    async def _elsewhere(self, coding: Coding, compiled: Compiled) -> Judged:
        """A code of a system, or version, that the set does not have: what can still be told about it."""
        if compiled.shown is not None and compiled.issues:
            judged = await self._of_part(coding, Part(compiled.shown, Every()))
            return replace(judged, member=None if judged.member else False)
        settled = await settle(self._library, self._options.rules, coding.system, "", coding.version, coding.path)
        if settled.shown is None or settled.system is None:
            known = self._library.versions(coding.system)
            told = missing(coding.system, coding.version if known else "", known, coding.at("system"))
            return Judged(
                coding, False, () if compiled.issues else (told,), unknown=settled.unknown, system_unknown=True
            )
        judged = await self._of_part(coding, Part(settled.system, Every()))
        return replace(judged, member=False)

    async def _of_part(self, coding: Coding, part: Part) -> Judged:
        options = self._options
        system: System = await self._supplements.apply(part.system)
        head = system.head
        concept = (await system.find([coding.code])).get(coding.code)
        if concept is None:
            return self._unknown_code(coding, part, head)
        part = await for_codes(self._library.shelf.pool, part, [concept.code])
        listed = part.listed.get(concept.code)
        member: bool = holds(part.where, concept)
        issues: list[Issue] = []
        if part.unknown_system:
            told = issue("UNKNOWN_CODESYSTEM", coding.system, where=coding.at("system"), severity="warning")
            issues.append(replace(told, said=False))
        if concept.abstract and not options.abstract:
            issues.append(issue("ABSTRACT_CODE_NOT_ALLOWED", coding.system, coding.code, where=coding.at("code")))
            member = False
        if concept.inactive and (options.active or _only_active(part)):
            issues.append(issue("STATUS_CODE_WARNING_CODE", coding.code, where=coding.at("code")))
            member = False
        if not options.membership_only:
            issues += self._remarks(coding, concept, head, listed)
        shown = choose(
            concept,
            head,
            options.languages,
            listed.designations if listed else (),
            listed.display if listed else "",
        ).text
        return Judged(coding, member, tuple(issues), concept, head, shown or concept.display)

    def _unknown_code(self, coding: Coding, part: Part, head: Head) -> Judged:
        where = coding.at("code")
        if self._options.membership_only or part.unknown_system:
            return Judged(coding, False, (), None, None if part.unknown_system else head)
        if head.content in ("fragment", "example"):
            told = issue("UNKNOWN_CODE_IN_FRAGMENT", coding.code, head.url, head.version, where=where)
            return Judged(coding, isinstance(part.where, Every), (told,), None, head)
        if head.version:
            told = issue("Unknown_Code_in_Version", coding.code, head.url, head.version, where=where)
        else:
            told = issue("Unknown_Code_in", coding.code, head.url, where=where)
        return Judged(coding, False, (told,), None, head)

    def _remarks(self, coding: Coding, concept: Concept, head: Head, listed: Listed | None) -> list[Issue]:
        found: list[Issue] = []
        code = coding.at("code")
        if concept.code != coding.code:
            found.append(issue("CODE_CASE_DIFFERENCE", coding.code, concept.code, head.canonical, where=code))
        if concept.inactive:
            status = f"{concept.status} and inactive" if concept.status not in ("", "inactive") else "inactive"
            found.append(issue("INACTIVE_CONCEPT_FOUND", coding.code, status, where=coding.path))
        elif concept.status == "deprecated":
            found.append(issue("DEPRECATED_CONCEPT_FOUND", coding.code, "deprecated", where=coding.path))
        if listed is not None and listed.deprecated:
            told = (coding.code, head.url, self._name, "deprecated")
            found.append(issue("CONCEPT_DEPRECATED_IN_VALUESET", *told, where=code))
        if coding.display:
            wrong = displays.check(
                coding.display,
                concept,
                head,
                self._options.languages,
                coding.at("display"),
                lenient=self._options.lenient,
                extra=listed.designations if listed else (),
                own=listed.display if listed else "",
            )
            if wrong is not None:
                found.append(wrong)
        return found

    def _outside(self, coding: Coding, several: bool) -> Issue:
        return not_in_set(coding.name, self._name, coding.at("code"), one_of_several=several)

    def _outsides(self, coding: Coding, several: bool) -> list[Issue]:
        return [] if self._valueset is None else [self._outside(coding, several)]


def _only_active(part: Part) -> bool:
    """Whether the value set itself shuts out inactive concepts (``compose.inactive`` false)."""
    where = part.where
    return isinstance(where, Active) or (isinstance(where, Both) and any(isinstance(p, Active) for p in where.parts))


_STANDARD = {"deprecated": "MSG_DEPRECATED", "withdrawn": "MSG_WITHDRAWN"}


def _statuses(head: Head, compiled: Compiled, valueset: Mapping[str, Any]) -> list[Issue]:
    """What is to be said about the standing of the resources that were used."""
    found: list[Issue] = []
    for kind, name, standards, status, experimental in told_statuses(head, compiled.used.sets):
        id_ = status_of(standards, status, experimental, valueset)
        if id_:
            found.append(issue(id_, name, kind))
    return found


def told_statuses(head: Head, sets: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str, str, bool]]:
    """(kind, canonical, standards status, status, experimental) of a system and of value sets."""
    found = [("CodeSystem", head.canonical, head.standards_status, head.status, head.experimental)]
    found += [
        ("ValueSet", name, standards_status(dict(s)), str(s.get("status") or ""), s.get("experimental") is True)
        for name, s in sets.items()
    ]
    return found


def status_of(standards: str, status: str, experimental: bool, source: Mapping[str, Any]) -> str:
    """The message id for a resource that ``source`` leads to, '' where nothing is to be said."""
    if standards in _STANDARD:
        return _STANDARD[standards]
    if status == "retired":
        return "MSG_RETIRED"
    if experimental and source.get("experimental") is not True:
        return "MSG_EXPERIMENTAL"
    if "draft" in (status, standards) and source.get("status") != "draft":
        return "MSG_DRAFT"
    return ""


def combined(judged: Sequence[Judged], valueset_name: str) -> tuple[bool, list[Issue], Judged | None]:
    """The result of several codings: whether it is right, its issues, and the coding that it rests on."""
    issues = list(dict.fromkeys(i for j in judged for i in j.issues))
    inside = [j for j in judged if j.member]
    best = next(iter(inside), None) or next((j for j in judged if j.member is None and j.head is not None), None)
    untold = any(j.member is None for j in judged)
    if not inside and not untold and valueset_name:
        issues.insert(0, issue("TX_GENERAL_CC_ERROR_MESSAGE", valueset_name))
    result = bool(inside) and not any(i.severity == "error" for i in issues)
    return result, issues, best
