"""Supplements: a code system that adds designations and properties to the concepts of another (R4 codesystem.html)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from wardbridge.terminology.errors import Refusal
from wardbridge.terminology.expression import Expression
from wardbridge.terminology.issues import issue
from wardbridge.terminology.library import Library
from wardbridge.terminology.systems import memory
from wardbridge.terminology.systems.system import Page, System
from wardbridge.terminology.values import Concept, Head, dicts, head_of
from wardbridge.terminology.versions import fits, split

SUPPLEMENT = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"


class SupplementedSystem:
    """A system whose concepts say more than its own resource does."""

    def __init__(self, system: System, head: Head, added: Mapping[str, Sequence[Concept]]) -> None:
        self._system, self._added = system, added
        self.head = head
        self.countable, self.hierarchical = system.countable, system.hierarchical

    async def find(self, codes: Sequence[str]) -> dict[str, Concept]:
        return {asked: self._with(concept) for asked, concept in (await self._system.find(codes)).items()}

    async def children(self, code: str) -> Sequence[Concept]:
        return [self._with(concept) for concept in await self._system.children(code)]

    async def select(self, expression: Expression, offset: int, limit: int) -> Page:
        page = await self._system.select(expression, offset, limit)
        return Page(page.total, tuple(map(self._with, page.concepts)))

    async def values(self, property: str, limit: int) -> Sequence[str]:
        return await self._system.values(property, limit)

    def _with(self, concept: Concept) -> Concept:
        for more in self._added.get(concept.code, ()):
            concept = replace(
                concept,
                designations=(*concept.designations, *more.designations),
                properties=(*concept.properties, *more.properties),
                extension=(*concept.extension, *more.extension),
            )
        return concept


def wanted_by(valueset: Mapping[str, Any]) -> list[str]:
    """The supplements that a value set requires."""
    return [
        str(e.get("valueCanonical") or e.get("valueUri") or "")
        for e in dicts(valueset.get("extension"))
        if e.get("url") == SUPPLEMENT
    ]


class Supplements:
    """Those that a request or its value set asks for. Each must be here and add to a system that is used."""

    def __init__(self, library: Library, canonicals: Iterable[str]) -> None:
        self._library = library
        self._wanted = list(dict.fromkeys(c for c in canonicals if c))
        self._found: list[tuple[str, Head, dict[str, Any]]] | None = None
        self.used: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._wanted)

    async def load(self) -> None:
        """Raises Refusal where one is not here."""
        self._found = []
        for canonical in self._wanted:
            url, version = split(canonical)
            holding = self._library.choose("CodeSystem", url, version, lambda h: h.content == "supplement")
            resource = await self._library.resource(holding) if holding is not None else None
            if resource is None:
                raise Refusal(issue("VALUESET_SUPPLEMENT_MISSING", canonical))
            self._found.append((canonical, head_of(resource), resource))

    async def apply(self, system: System) -> System:
        """The system with what is added to it. Raises Refusal."""
        if not self._wanted:
            return system
        if self._found is None:
            await self.load()
        added: dict[str, list[Concept]] = {}
        properties: dict[str, str] = dict(system.head.properties)
        for _, head, resource in self._found or ():
            url, version = split(head.supplements)
            if url != system.head.url or (version and not fits(system.head.version, version)):
                continue
            if head.canonical not in self.used:
                self.used.append(head.canonical)
            properties |= {code: uri for code, uri in head.properties if code not in properties}
            for concept in memory.concepts_of(resource, head, head.canonical):
                added.setdefault(concept.code, []).append(concept)
        if not added:
            return system
        return SupplementedSystem(system, replace(system.head, properties=tuple(properties.items())), added)

    def check(self) -> None:
        """Raises Refusal where one adds to nothing that was used."""
        for canonical, head, _ in self._found or ():
            if head.canonical not in self.used:
                raise Refusal(issue("VALUESET_SUPPLEMENT_MISSING", canonical))
