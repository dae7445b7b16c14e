"""The terminology service of a process: what the record asks of it (``fhir.terms.Terms``)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Literal

from wardbridge.core.clock import Clock
from wardbridge.core.db import Pool
from wardbridge.core.errors import Invalid
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.terms import Asked, Verdict
from wardbridge.terminology import displays
from wardbridge.terminology.compose import Compiled, Compiler, Part, for_codes
from wardbridge.terminology.errors import Refusal, TooCostly, Unknown
from wardbridge.terminology.expression import Every, Under, holds
from wardbridge.terminology.library import Library, Shelf
from wardbridge.terminology.rules import Rules
from wardbridge.terminology.systems.system import System
from wardbridge.terminology.versions import split

MEMBERS = 10_000
"""As many codes are listed for a search by value set or by hierarchy."""
COMPILED = 1_000


class Service:
    """One a process. Every question first sees what the record has committed before it."""

    def __init__(self, pool: Pool, record: Record, clock: Clock) -> None:
        self.pool = pool
        self.record = record
        self.clock = clock
        self.shelf = Shelf(pool, clock)
        self._compiled: OrderedDict[tuple[Any, ...], Compiled | str] = OrderedDict()
        self._generation = -1

    async def library(self, resources: Sequence[dict[str, Any]] = ()) -> Library:
        """What is known now, with what a request brought along."""
        await self.shelf.refresh()
        if self.shelf.generation != self._generation:
            self._compiled.clear()
            self._generation = self.shelf.generation
        return Library(self.shelf, resources)

    # --- Terms ----------------------------------------------------------------------------------------------------

    async def judge(self, asked: Sequence[Asked]) -> list[Verdict]:
        """A verdict for each question, in order."""
        library = await self.library()
        return [await self._judge(library, one) for one in asked]

    async def _judge(self, library: Library, asked: Asked) -> Verdict:
        if not asked.valueset:
            system = await library.system(asked.system, asked.version)
            if system is None:
                return Verdict(None, f"the code system {asked.system!r} is not known here")
            return await _verdict(self.pool, asked, [Part(system, Every())])
        compiled = await self.compiled(library, asked.valueset, asked.system, asked.version)
        if isinstance(compiled, str):
            return Verdict(None, compiled)
        parts = list(compiled.parts.values())
        if not parts and compiled.unknown:
            return Verdict(None, f"not known here: {', '.join(compiled.unknown)}")
        if not parts and compiled.issues:
            return Verdict(False, compiled.issues[0].text)
        return await _verdict(self.pool, asked, parts)

    async def compiled(self, library: Library, canonical: str, system: str = "", version: str = "") -> Compiled | str:
        """A value set compiled for one system ('' for all), or why it cannot be. Remembered until something changes."""
        key = (canonical, system, version)
        found = self._compiled.get(key)
        if found is not None:
            self._compiled.move_to_end(key)
            return found
        held = await library.valueset(*split(canonical))
        if held is None:
            found = f"the value set {canonical!r} is not known here"
        else:
            try:
                found = await Compiler(library, Rules(), only=system, coded=version).compile(held[0])
            except (Refusal, TooCostly, Invalid) as error:
                found = error.message
        self._compiled[key] = found
        if len(self._compiled) > COMPILED:
            self._compiled.popitem(last=False)
        return found

    async def members(self, valueset: str) -> Sequence[tuple[str, str]]:
        """(system, code) of a value set. Raises NotFound (unknown), TooCostly (too many to list)."""
        library = await self.library()
        compiled = await self.compiled(library, valueset)
        if isinstance(compiled, str):
            raise Unknown(compiled, valueset)
        found: list[tuple[str, str]] = []
        for (url, _), part in compiled.parts.items():
            page = await part.system.select(part.where, 0, MEMBERS - len(found) + 1)
            if len(found) + page.total > MEMBERS:
                raise TooCostly(f"the value set {valueset!r} has more than {MEMBERS} codes", valueset)
            found += [(url, concept.code) for concept in page.concepts]
        if not compiled.parts and compiled.unknown:
            raise Unknown(f"not known here: {', '.join(compiled.unknown)}", valueset)
        return list(dict.fromkeys(found))

    async def related(self, system: str, code: str, direction: Literal["above", "below"]) -> Sequence[str]:
        """The codes that subsume, or are subsumed by, a code; itself included. Raises NotFound."""
        library = await self.library()
        found = await library.system(*split(system))
        if found is None:
            raise Unknown(f"the code system {system!r} is not known here", system)
        concept = (await found.find([code])).get(code)
        if concept is None:
            raise Unknown(f"{code!r} is not a code of {system}", code)
        if direction == "above":
            return [concept.code, *sorted(concept.ancestors)]
        if not found.hierarchical:
            return [concept.code]
        page = await found.select(Under(concept.code, itself=True), 0, MEMBERS + 1)
        if page.total > MEMBERS:
            raise TooCostly(f"more than {MEMBERS} codes are below {code!r} in {system}", code)
        return [c.code for c in page.concepts]


async def _verdict(pool: Pool, asked: Asked, parts: Sequence[Part]) -> Verdict:
    """By the first part that has the code. Without a system: in whichever system of the set."""
    known: Verdict | None = None
    for part in parts:
        system: System = part.system
        concept = (await system.find([asked.code])).get(asked.code)
        if concept is None:
            if system.head.content in ("fragment", "example") and isinstance(part.where, Every):
                known = known or Verdict(None, f"{system.head.url} is here only in part")
            continue
        part = await for_codes(pool, part, [concept.code])
        listed = part.listed.get(concept.code)
        own = listed.display if listed else ""
        extra = listed.designations if listed else ()
        fits = not asked.display or displays.fits(asked.display, concept, system.head, extra, own)
        if holds(part.where, concept):
            return Verdict(True, "", own or concept.display, fits)
        known = known or Verdict(False, "", concept.display, fits)
    if known is not None:
        return known
    return Verdict(False, f"{asked.code!r} is not there")
