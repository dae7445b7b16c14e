"""Finding code systems, value sets and concept maps by canonical, whatever holds them, and choosing among versions.

A :class:`Shelf` lives as long as the process and follows the record; a :class:`Library` is the shelf as one request
sees it, with the resources that it brought along (``tx-resource``).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from wardbridge.core.clock import Clock
from wardbridge.core.db import Pool, transaction
from wardbridge.terminology import base
from wardbridge.terminology.holding import BASE, COMPUTED, LOADED, RECORD, SENT, Holding, usable
from wardbridge.terminology.store import catalog, concepts, listed
from wardbridge.terminology.store.load import load_concepts, row_of
from wardbridge.terminology.systems import computed, memory
from wardbridge.terminology.systems.system import System
from wardbridge.terminology.values import head_of
from wardbridge.terminology.versions import fits, order, split

IN_MEMORY = 5_000
"""A code system with more concepts is served from tables."""
CACHED = 200_000
"""Concepts of code systems that are kept in memory, all in all."""
CACHED_SETS = 512


def sent(resource: dict[str, Any], at: int) -> Holding:
    """A resource that came with the request."""
    entry = catalog.facts(resource)
    return _holding(
        str(resource.get("resourceType")), str(resource.get("url") or ""), entry, SENT, ("sent", id(resource), at), ""
    )


def _holding(type_name: str, url: str, entry: dict[str, Any], rank: int, key: tuple[Any, ...], id_: str) -> Holding:
    groups = [(str(a), str(b)) for a, b in entry.get("groups", ())]
    return Holding(
        type_name,
        url,
        str(entry.get("version", "")),
        rank,
        key,
        str(entry.get("content", "complete")),
        str(entry.get("supplements", "")),
        str(entry.get("valueSet", "")),
        int(entry.get("concepts", 0)),
        str(entry.get("status", "")),
        tuple(groups),
        id_,
    )


class Shelf:
    """Everything known to this process. :meth:`refresh` before each request sees what was committed before it."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self.pool = pool
        self._clock = clock
        self._look = catalog.Look()
        self._lock = asyncio.Lock()
        self._record: dict[tuple[str, str], list[Holding]] = {}
        self._stored: dict[tuple[Any, ...], concepts.StoredSystem] = {}
        self._by_id: dict[tuple[str, str], Holding] = {}
        self._by_set: dict[str, Holding] = {}
        self._supplements: dict[str, list[Holding]] = {}
        self._maps: list[Holding] = []
        self._systems: OrderedDict[tuple[Any, ...], memory.MemorySystem] = OrderedDict()
        self._sets: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()
        self.generation = 0

    async def refresh(self) -> None:
        """One small statement where nothing has changed."""
        async with self._lock:
            look, changed = await catalog.look(self.pool, self._look)
            if changed:
                await self._reload()
                self.generation += 1
            self._look = look

    async def _reload(self) -> None:
        entries = await catalog.entries(self.pool)
        found: dict[tuple[str, str], list[Holding]] = {}
        supplements: dict[str, list[Holding]] = {}
        by_set: dict[str, Holding] = {}
        maps: list[Holding] = []
        for entry in entries:
            if not entry.url and entry.type != "ConceptMap":
                continue
            holding = _holding(
                entry.type, entry.url, entry.facts, RECORD, ("record", entry.key, entry.version), entry.id
            )
            found.setdefault((entry.type, entry.url), []).append(holding)
            if holding.supplements:
                supplements.setdefault(split(holding.supplements)[0], []).append(holding)
            if holding.value_set:
                by_set[holding.value_set] = holding
            if entry.type == "ConceptMap":
                maps.append(holding)
        known = {system._key: system for system in self._stored.values()}
        stored: dict[tuple[Any, ...], concepts.StoredSystem] = {}
        for key, head, hierarchical, resource, version in await concepts.systems(self.pool):
            system = known.get(key) or concepts.StoredSystem(self.pool, key, head, hierarchical)
            if resource is not None:
                stored[("record", resource, version)] = system
                continue
            holding = Holding("CodeSystem", head.url, head.version, LOADED, ("loaded", key), value_set=head.value_set)
            stored[holding.key] = system
            found.setdefault(("CodeSystem", head.url), []).append(holding)
            if head.value_set:
                by_set.setdefault(head.value_set, holding)
        self._by_id = {(h.type, h.id): h for held in found.values() for h in held if h.id}
        self._record, self._stored, self._by_set, self._supplements, self._maps = (
            found,
            stored,
            by_set,
            supplements,
            maps,
        )

    def holdings(self, type_name: str, url: str) -> list[Holding]:
        """What is here under a url: of the record and of release files, else of the standard's own tables."""
        found = self._record.get((type_name, url), [])
        return found or base.holdings(type_name, url) or computed.holdings(type_name, url)

    def all(self, type_name: str) -> list[Holding]:
        """Every holding of a type in the record or loaded."""
        return [h for (kind, _), found in self._record.items() if kind == type_name for h in found]

    def implied(self, url: str) -> Holding | None:
        """The code system that names this value set as that of all its codes."""
        return self._by_set.get(url) or base.implied(url)

    def supplements(self, url: str) -> list[Holding]:
        return self._supplements.get(url, [])

    def maps(self) -> list[Holding]:
        return [*self._maps, *base.maps()]

    async def system(self, holding: Holding) -> System | None:
        """The code system of a holding; None where it was deleted meanwhile."""
        if holding.rank == COMPUTED:
            return computed.system(holding.url)
        stored = self._stored.get(holding.key)
        if stored is not None:
            return stored
        cached = self._systems.get(holding.key)
        if cached is not None:
            self._systems.move_to_end(holding.key)
            return cached
        if holding.rank == RECORD and holding.size > IN_MEMORY:
            return await self._into_tables(holding)
        resource = await self.resource(holding)
        if resource is None:
            return None
        return self._remember(holding.key, memory.of_resource(resource))

    def _remember(self, key: tuple[Any, ...], system: memory.MemorySystem) -> System:
        self._systems[key] = system
        while len(self._systems) > 1 and sum(map(len, self._systems.values())) > CACHED:
            self._systems.popitem(last=False)
        return system

    async def _into_tables(self, holding: Holding) -> System | None:
        """A large CodeSystem of the record, indexed when it is first asked for; by one process, once."""
        _, key, version = holding.key
        async with transaction(self.pool) as conn:
            await concepts.alone(conn, key)
            ready = {h[3:]: h[0] for h in await concepts.systems(conn)}
            if (key, version) not in ready:
                resource = await catalog.body(conn, key, version)
                if resource is None:
                    return None
                head = head_of(resource)
                rows = (row_of(c) for c in memory.concepts_of(resource, head))
                await load_concepts(conn, head, rows, now=self._clock.now(), resource=(key, version))
        for number, head, hierarchical, resource_key, resource_version in await concepts.systems(self.pool):
            if (resource_key, resource_version) == (key, version):
                self._stored[holding.key] = concepts.StoredSystem(self.pool, number, head, hierarchical)
        return self._stored.get(holding.key)

    async def by_id(self, type_name: str, id_: str) -> dict[str, Any] | None:
        """A resource of the record by its id; None where it is not here, or has no url."""
        holding = self._by_id.get((type_name, id_))
        return None if holding is None else await self.resource(holding)

    async def resource(self, holding: Holding) -> dict[str, Any] | None:
        """The whole resource. Code systems are not kept, value sets and maps are."""
        if holding.rank == BASE:
            return base.resource(holding)
        if holding.rank != RECORD:
            return None
        found = self._sets.get(holding.key)
        if found is None:
            found = await catalog.body(self.pool, holding.key[1], holding.key[2])
            if found is None or holding.type == "CodeSystem":
                return found
            if holding.type == "ValueSet":
                found = listed.slim(holding.key[1], found)
            self._sets[holding.key] = found
            if len(self._sets) > CACHED_SETS:
                self._sets.popitem(last=False)
        return found


class Library:
    """The shelf and what the request brought along; the latter comes first."""

    def __init__(self, shelf: Shelf, resources: Sequence[dict[str, Any]] = ()) -> None:
        self.shelf = shelf
        self._own: dict[tuple[str, str], list[Holding]] = {}
        self._bodies: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._systems: dict[tuple[Any, ...], System] = {}
        for at, resource in enumerate(resources):
            holding = sent(resource, at)
            self._own.setdefault((holding.type, holding.url), []).append(holding)
            self._bodies[holding.key] = resource

    @property
    def extended(self) -> bool:
        """Whether the request brought resources along: what it finds must not be remembered for others."""
        return bool(self._own)

    def holdings(self, type_name: str, url: str) -> list[Holding]:
        own = self._own.get((type_name, url), [])
        found = self.shelf.holdings(type_name, url)
        if not own:
            return found
        versions = {h.version for h in own}
        return [*own, *(h for h in found if h.version not in versions and h.rank <= LOADED)]

    def choose(
        self, type_name: str, url: str, version: str = "", wanted: Callable[[Holding], bool] | None = None
    ) -> Holding | None:
        """The newest holding of a url that fits a version or pattern; '' fits all."""
        found = [h for h in self.holdings(type_name, url) if not version or fits(h.version, version)]
        if wanted is not None:
            found = [h for h in found if wanted(h)]
        return max(found, key=lambda h: (order(h.version), -h.rank, h.key[1:2]), default=None)

    def versions(self, url: str) -> list[str]:
        """The known versions of a code system."""
        return [h.version for h in self.holdings("CodeSystem", url) if usable(h)]

    async def system(self, url: str, version: str = "") -> System | None:
        """A code system that codes can be of: no supplement."""
        holding = self.choose("CodeSystem", url, version, usable)
        return None if holding is None else await self.open(holding)

    async def open(self, holding: Holding) -> System | None:
        if holding.rank != SENT:
            return await self.shelf.system(holding)
        system = self._systems.get(holding.key)
        if system is None:
            system = self._systems[holding.key] = memory.of_resource(self._bodies[holding.key])
        return system

    async def resource(self, holding: Holding) -> dict[str, Any] | None:
        return self._bodies.get(holding.key) or await self.shelf.resource(holding)

    async def valueset(self, url: str, version: str = "") -> tuple[dict[str, Any], Holding] | None:
        """A value set, or one that a code system implies (R4 terminologies-systems.html, ``?fhir_vs``)."""
        holding = self.choose("ValueSet", url, version)
        if holding is not None:
            resource = await self.resource(holding)
            return None if resource is None else (resource, holding)
        implied = self._implied(url)
        if implied is None:
            return None
        return implied, Holding("ValueSet", url, "", BASE, ("implied", url))

    def _implied(self, url: str) -> dict[str, Any] | None:
        include: dict[str, Any]
        system, mark, query = url.partition("?fhir_vs")
        if mark and self.holdings("CodeSystem", system):
            include = {"system": system}
            name, _, code = query.removeprefix("=").partition("/")
            if name == "isa" and code:
                include["filter"] = [{"property": "concept", "op": "is-a", "value": code}]
            elif query not in ("", "="):
                return None
        else:
            holding = self.shelf.implied(url) or next(
                (h for found in self._own.values() for h in found if h.value_set and h.value_set == url), None
            )
            if holding is None:
                return None
            include = {"system": holding.url}
        return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": {"include": [include]}}

    def supplements(self, url: str) -> Iterable[Holding]:
        own = [h for found in self._own.values() for h in found if split(h.supplements)[0] == url and h.supplements]
        return [*own, *self.shelf.supplements(url)]

    def maps(self) -> list[Holding]:
        own = [h for (kind, _), found in self._own.items() if kind == "ConceptMap" for h in found]
        return [*own, *self.shelf.maps()]
