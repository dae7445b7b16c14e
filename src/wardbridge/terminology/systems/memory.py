"""A code system held in memory: made from a CodeSystem resource, for systems of a bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from wardbridge.terminology.errors import TooCostly
from wardbridge.terminology.expression import Codes, Every, Expression, Under, holds, texts
from wardbridge.terminology.systems.system import Page
from wardbridge.terminology.values import (
    CONCEPT_PROPERTIES,
    Concept,
    Head,
    designations_of,
    dicts,
    extension_properties,
    flagged,
    flags,
    head_of,
    properties_of,
)

_PARENT = frozenset({"parent", "subsumedBy"})


class MemorySystem:
    """Concepts by code, in order. Any number of parents; a circle of parents ends where it closes."""

    countable = True

    def __init__(self, head: Head, concepts: Iterable[Concept]) -> None:
        self.head = head
        self._concepts: dict[str, Concept] = {}
        for concept in concepts:
            self._concepts.setdefault(concept.code, concept)
        self._children: dict[str, list[str]] = {}
        for concept in self._concepts.values():
            for parent in concept.parents:
                self._children.setdefault(parent, []).append(concept.code)
        self.hierarchical = bool(self._children)
        if self._children:
            self._connect()
        self._folded = None if head.case_sensitive else {code.casefold(): code for code in self._concepts}

    def __len__(self) -> int:
        return len(self._concepts)

    def _connect(self) -> None:
        known: dict[str, frozenset[str]] = {}

        def above(start: str) -> frozenset[str]:
            stack = [start]
            while stack:
                code = stack[-1]
                parents = self._concepts[code].parents if code in self._concepts else ()
                waiting = [p for p in parents if p not in known and p not in stack and p in self._concepts]
                if waiting:
                    stack.append(waiting[0])
                    continue
                found: set[str] = set(parents)
                for parent in parents:
                    found |= known.get(parent, frozenset())
                known[code] = frozenset(found - {code})
                stack.pop()
            return known[start]

        for code, concept in self._concepts.items():
            self._concepts[code] = replace(concept, ancestors=above(code), leaf=code not in self._children)

    def one(self, code: str) -> Concept | None:
        """One concept; where case does not matter, in any case."""
        found = self._concepts.get(code)
        if found is None and self._folded is not None:
            found = self._concepts.get(self._folded.get(code.casefold(), ""))
        return found

    async def find(self, codes: Sequence[str]) -> dict[str, Concept]:
        return {code: concept for code in codes if (concept := self.one(code)) is not None}

    async def children(self, code: str) -> Sequence[Concept]:
        return [self._concepts[child] for child in self._children.get(code, ())]

    async def select(self, expression: Expression, offset: int, limit: int) -> Page:
        found = list(self._matching(expression))
        return Page(len(found), tuple(found[offset : offset + limit]))

    def _matching(self, expression: Expression) -> Iterator[Concept]:
        if isinstance(expression, Codes):
            yield from (concept for code in expression.codes if (concept := self.one(code)) is not None)
        elif isinstance(expression, Every):
            yield from self._concepts.values()
        elif isinstance(expression, Under) and not self.hierarchical:
            yield from (c for c in self._concepts.values() if expression.itself and c.code == expression.code)
        else:
            yield from (concept for concept in self._concepts.values() if holds(expression, concept))

    async def values(self, property: str, limit: int) -> Sequence[str]:
        found: dict[str, None] = {}
        for concept in self._concepts.values():
            found.update(dict.fromkeys(texts(concept, property)))
            if len(found) > limit:
                raise TooCostly(f"the property {property!r} of {self.head.url} has more than {limit} values")
        return list(found)


def of_resource(resource: dict[str, Any]) -> MemorySystem:
    """The system of a CodeSystem resource."""
    head = head_of(resource)
    return MemorySystem(head, concepts_of(resource, head))


def concepts_of(resource: dict[str, Any], head: Head, source: str = "") -> Iterator[Concept]:
    """The concepts of a CodeSystem resource, parents before their children."""
    of = flags(head)
    subsumed = {
        code
        for code, uri in head.properties
        if uri in (CONCEPT_PROPERTIES + "parent", CONCEPT_PROPERTIES + "subsumedBy")
    }
    subsumed |= _PARENT
    number = 0
    stack: list[tuple[dict[str, Any], tuple[str, ...]]] = [(e, ()) for e in reversed(dicts(resource.get("concept")))]
    while stack:
        element, parents = stack.pop()
        code = element.get("code")
        if not isinstance(code, str):
            continue
        extension = tuple(dicts(element.get("extension")))
        properties = properties_of(element)
        also = tuple(p.text for p in properties if p.code in subsumed and p.text != code)
        yield flagged(
            Concept(
                code=code,
                display=str(element.get("display") or ""),
                definition=str(element.get("definition") or ""),
                number=number,
                parents=tuple(dict.fromkeys((*parents, *also))),
                designations=designations_of(element, source),
                properties=(*properties, *extension_properties(extension)),
                extension=extension,
            ),
            of,
        )
        number += 1
        stack.extend((child, (code,)) for child in reversed(dicts(element.get("concept"))))
