"""``$expand``: the concepts of a value set, a page or all of a bounded number (R4 valueset-operation-expand.html).

What R5 added to an expansion (properties) is given in R4 by the extensions that stand for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wardbridge.core.clock import Clock, iso
from wardbridge.core.db import Pool
from wardbridge.core.ids import Ids
from wardbridge.terminology.compose import Compiled, Compiler, Listed, Part, for_codes, name_of, parameter
from wardbridge.terminology.errors import Refusal
from wardbridge.terminology.expression import Active, Codes, Words, both
from wardbridge.terminology.issues import issue
from wardbridge.terminology.languages import Languages, choose
from wardbridge.terminology.library import Library
from wardbridge.terminology.request import Request
from wardbridge.terminology.store.listed import definition
from wardbridge.terminology.supplements import Supplements, wanted_by
from wardbridge.terminology.systems.system import System
from wardbridge.terminology.validate import status_of, told_statuses
from wardbridge.terminology.values import (
    CONCEPT_PROPERTIES,
    STANDARDS_STATUS,
    Concept,
    Designation,
    Head,
    Property,
    extension_properties,
    words,
)

UNPAGED = 1_000
"""Concepts of an answer that was not paged."""
MOST = 10_000
"""Concepts of a page."""
SD = "http://hl7.org/fhir/StructureDefinition/"
R5_PROPERTY = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.property"
R5_CONTAINS_PROPERTY = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion.contains.property"
CONCEPT_EXTENSIONS = frozenset({SD + "rendering-style", SD + "rendering-xhtml"})
LISTED_EXTENSIONS = CONCEPT_EXTENSIONS | {
    SD + "valueset-deprecated",
    SD + "valueset-concept-definition",
    STANDARDS_STATUS,
}
DESIGNATION_EXTENSIONS = frozenset({SD + "coding-sctdescid", STANDARDS_STATUS})
URIS = {"order": "order", "label": "label", "weight": "itemWeight", "definition": "definition", "status": "status"}
"""Properties that every system may have, and their URI below concept-properties."""
IDENTIFYING = frozenset(
    {
        *("resourceType", "id", "language", "url", "identifier", "version", "name", "title", "status", "experimental"),
        *("date", "publisher", "jurisdiction", "immutable", "copyright"),
    }
)
"""What an expansion repeats of its value set; the rest is its definition (``includeDefinition``)."""
ECHOED = ("activeOnly", "count", "excludeNested", "filter", "includeDefinition", "includeDesignations", "offset")


@dataclass(frozen=True)
class Wish:
    """How the concepts are to be shown."""

    languages: Languages
    designations: bool
    uses: tuple[str, ...]
    properties: tuple[str, ...]
    versioned: bool


async def expand(
    library: Library, request: Request, valueset: dict[str, Any], clock: Clock, ids: Ids
) -> dict[str, Any]:
    """The ValueSet with its expansion. Raises Refusal (too costly among others), TooCostly, Invalid."""
    compiled = await Compiler(library, request.rules(), expanding=True).compile(valueset)
    supplements = Supplements(library, [*wanted_by(valueset), *request.texts("useSupplement")])
    if supplements:
        await supplements.load()
    parts = await _prepared(compiled, request, supplements)
    supplements.check()
    languages = request.languages(parameter(valueset, "displayLanguage"), str(valueset.get("language") or ""))
    wish = Wish(
        languages,
        bool(request.flag("includeDesignations", False)) or bool(request.all("designation")),
        tuple(request.texts("designation")),
        tuple(request.texts("property")),
        _versioned(compiled),
    )
    offset, count = request.number("offset"), request.number("count")
    total, listed = await _page(library.shelf.pool, name_of(valueset), parts, offset or 0, count)
    shown = _Shown(wish)
    tree = request.flag("excludeNested") is False and offset is None and count is None and _tree(parts)
    contains = shown.tree(listed) if tree else [shown.item(*entry) for entry in listed]
    expansion: dict[str, Any] = {"identifier": f"urn:uuid:{ids()}", "timestamp": iso(clock.now()), "total": total}
    if offset is not None or count is not None:
        expansion["offset"] = offset or 0
    extension = [*_unclosed(parts), *shown.declared()]
    if extension:
        expansion["extension"] = extension
    expansion["parameter"] = _parameters(request, valueset, compiled, parts, supplements, languages)
    if contains:
        expansion["contains"] = contains
    if not request.flag("includeDefinition"):
        return {**{k: v for k, v in valueset.items() if k in IDENTIFYING}, "expansion": expansion}
    whole = {k: v for k, v in valueset.items() if k not in ("text", "meta", "compose")}
    compose = await definition(library.shelf.pool, valueset)
    return {**whole, **({"compose": compose} if compose else {}), "expansion": expansion}


async def _prepared(compiled: Compiled, request: Request, supplements: Supplements) -> list[Part]:
    conditions: list[Any] = []
    if request.flag("activeOnly"):
        conditions.append(Active())
    text = request.text("filter")
    if text:
        conditions.append(Words(tuple(dict.fromkeys(words(text)))))
    out = []
    for part in compiled.parts.values():
        system: System = await supplements.apply(part.system)
        out.append(replace(part, system=system, where=both(part.where, *conditions)))
    return out


async def _page(
    pool: Pool, name: str, parts: Sequence[Part], offset: int, count: int | None
) -> tuple[int, list[tuple[Part, Concept]]]:
    """The total, and the concepts from ``offset`` on, over the parts one after the other."""
    limit = UNPAGED if count is None else min(count, MOST)
    total, found = 0, list[tuple[Part, Concept]]()
    for part in parts:
        page = await part.system.select(part.where, max(offset - total, 0), limit - len(found))
        told = await for_codes(pool, part, [concept.code for concept in page.concepts])
        found += [(told, concept) for concept in page.concepts]
        total += page.total
    if count is None and total - offset > UNPAGED:
        raise Refusal(issue("VALUESET_TOO_COSTLY", name, f">{UNPAGED}"))
    return total, found


def _versioned(compiled: Compiled) -> bool:
    """Whether a system was used in several versions, so that each concept must tell its own."""
    urls = [head.url for head in compiled.used.systems.values()]
    return len(urls) != len(set(urls))


def _tree(parts: Sequence[Part]) -> bool:
    return len(parts) == 1 and parts[0].whole and parts[0].system.hierarchical


class _Shown:
    """Makes the entries, and remembers which properties they used."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._used: dict[str, str] = {}

    def item(self, part: Part, concept: Concept) -> dict[str, Any]:
        head = part.system.head
        listed = part.listed.get(concept.code, Listed())
        display = choose(concept, head, self._wish.languages, listed.designations, listed.display)
        properties = self._properties(concept, head, listed)
        extension = [e for e in concept.extension if e.get("url") in CONCEPT_EXTENSIONS]
        extension += [e for e in listed.extension if e.get("url") in LISTED_EXTENSIONS]
        extension += [_property(R5_CONTAINS_PROPERTY, p) for p in properties]
        out: dict[str, Any] = {"extension": extension} if extension else {}
        out["system"] = head.url
        if concept.abstract:
            out["abstract"] = True
        if concept.inactive:
            out["inactive"] = True
        if self._wish.versioned and head.version:
            out["version"] = head.version
        out["code"] = concept.code
        if display.text:
            out["display"] = display.text
        if self._wish.designations:
            told = [_designation(d) for d in display.rest if d.value and self._wanted(d)]
            if told:
                out["designation"] = told
        return out

    def _wanted(self, designation: Designation) -> bool:
        if not self._wish.uses:
            return True
        use = designation.use or {}
        tokens = {f"urn:ietf:bcp:47|{designation.language}", f"{use.get('system', '')}|{use.get('code', '')}"}
        return bool(tokens.intersection(self._wish.uses)) or designation.language in self._wish.uses

    def _properties(self, concept: Concept, head: Head, listed: Listed) -> list[Property]:
        own = extension_properties(listed.extension)
        replaced = {p.code for p in own}
        found = [p for p in extension_properties(concept.extension) if p.code not in replaced]
        found += own
        if "definition" in self._wish.properties and concept.definition:
            found.append(Property("definition", "valueString", concept.definition))
        status = concept.status or ("inactive" if concept.inactive else "")
        if status and status != "active":
            found.append(Property("status", "valueCode", status))
        told = {p.code for p in found}
        found += [p for p in concept.properties if p.code in self._wish.properties and p.code not in told]
        for p in found:
            uri = head.uri_of(p.code) or (CONCEPT_PROPERTIES + URIS[p.code] if p.code in URIS else "")
            self._used.setdefault(p.code, uri)
        return found

    def declared(self) -> list[dict[str, Any]]:
        """The properties that the entries use (R5 ValueSet.expansion.property)."""
        return [
            {
                "url": R5_PROPERTY,
                "extension": [
                    {"url": "code", "valueCode": code},
                    *([{"url": "uri", "valueUri": uri}] if uri else []),
                ],
            }
            for code, uri in self._used.items()
        ]

    def tree(self, listed: Iterable[tuple[Part, Concept]]) -> list[dict[str, Any]]:
        """Entries below their nearest parent that is shown; one with several parents is shown once."""
        items: dict[str, dict[str, Any]] = {}
        roots: list[dict[str, Any]] = []
        for part, concept in listed:
            item = items[concept.code] = self.item(part, concept)
            parent = next((items[code] for code in concept.parents if code in items), None)
            (roots if parent is None else parent.setdefault("contains", [])).append(item)
        return roots


def _property(url: str, p: Property) -> dict[str, Any]:
    return {"url": url, "extension": [{"url": "code", "valueCode": p.code}, {"url": "value", p.element: p.value}]}


def _designation(designation: Designation) -> dict[str, Any]:
    extension = [e for e in designation.extension if e.get("url") in DESIGNATION_EXTENSIONS]
    out: dict[str, Any] = {"extension": extension} if extension else {}
    if designation.language:
        out["language"] = designation.language
    if designation.use:
        out["use"] = designation.use
    out["value"] = designation.value
    return out


def _unclosed(parts: Sequence[Part]) -> list[dict[str, Any]]:
    found = [p.system.head.url for p in parts if p.system.head.content == "fragment" and not isinstance(p.where, Codes)]
    if not found:
        return []
    reason = f"This extension is based on a fragment of the code system {', '.join(found)}"
    return [
        {"url": SD + "valueset-unclosed", "valueBoolean": True},
        {"url": SD + "valueset-unclosed-reason", "valueString": reason},
    ]


def _parameters(
    request: Request,
    valueset: Mapping[str, Any],
    compiled: Compiled,
    parts: Sequence[Part],
    supplements: Supplements,
    languages: Languages,
) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for name in ECHOED:
        if request.get(name) is None:
            continue
        if name in ("count", "offset"):
            out.append({"name": name, "valueInteger": request.number(name)})
        elif name == "filter":
            out.append({"name": name, "valueString": request.text(name)})
        else:
            out.append({"name": name, "valueBoolean": request.flag(name)})
    out += [{"name": "designation", "valueString": text} for text in request.texts("designation")]
    if languages.text:
        out.append({"name": "displayLanguage", "valueCode": languages.text})
    used = compiled.used
    out += [{"name": name, "valueUri": canonical} for name, canonical in used.rules]
    out += [{"name": "used-codesystem", "valueUri": name} for name in used.systems]
    out += [{"name": "used-fragment", "valueUri": n} for n, head in used.systems.items() if head.content == "fragment"]
    out += [{"name": "used-valueset", "valueUri": name} for name in used.sets]
    out += [{"name": "used-supplement", "valueUri": name} for name in supplements.used]
    if used.versions_match:
        out.append({"name": "versionsMatch", "valueBoolean": True})
    own = {name_of(valueset): dict(valueset)} if valueset.get("url") else {}
    warned: dict[tuple[str, str], None] = {}
    for head in used.systems.values():
        for kind, name, standards, status, experimental in told_statuses(head, {**own, **used.sets}):
            if name in own and not standards:
                continue
            id_ = status_of(
                standards, status, experimental, valueset if kind == "CodeSystem" or name not in own else {}
            )
            if id_:
                warned[(id_.removeprefix("MSG_").lower(), name)] = None
    out += [{"name": f"warning-{word}", "valueUri": name} for word, name in warned]
    return out
