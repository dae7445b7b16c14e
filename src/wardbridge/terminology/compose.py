"""A value set compiled: for each version of a code system in it, which concepts (R4 valueset.html#compositions).

Includes are a union, what stands inside one include an intersection, excludes are taken away. A coding is then judged,
and a page listed, without ever listing the whole set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from wardbridge.core.db import Pool
from wardbridge.core.errors import Invalid
from wardbridge.terminology.errors import Refusal, TooCostly
from wardbridge.terminology.expression import (
    NOTHING,
    Active,
    Codes,
    Every,
    Expression,
    Has,
    InList,
    Leaf,
    Not,
    Under,
    both,
    either,
)
from wardbridge.terminology.issues import Issue, issue
from wardbridge.terminology.library import Library
from wardbridge.terminology.rules import Rules, Settled, settle
from wardbridge.terminology.store import concepts as store
from wardbridge.terminology.store import listed as store_listed
from wardbridge.terminology.systems.memory import MemorySystem
from wardbridge.terminology.systems.system import System
from wardbridge.terminology.values import Concept, Designation, Head, designations_of, dicts, standards_status
from wardbridge.terminology.versions import split

LISTABLE = 10_000
"""As many codes are carried from one version of a system to another, or through a regular expression."""
DEPTH = 40
DEPRECATED = "http://hl7.org/fhir/StructureDefinition/valueset-deprecated"
EXPANSION_PARAMETER = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/valueset-expansion-parameter",
        "http://hl7.org/fhir/tools/StructureDefinition/valueset-expansion-parameter",
    }
)
Key = tuple[str, str]


@dataclass(frozen=True)
class Listed:
    """What a value set says itself about a concept that it lists."""

    display: str = ""
    designations: tuple[Designation, ...] = ()
    extension: tuple[dict[str, Any], ...] = ()

    @property
    def deprecated(self) -> bool:
        return any(
            (e.get("url") == DEPRECATED and str(e.get("valueBoolean", e.get("valueCode", ""))).lower() == "true")
            for e in self.extension
        ) or standards_status({"extension": list(self.extension)}) in ("deprecated", "withdrawn")


@dataclass(frozen=True)
class Part:
    """The concepts of one version of a system. ``whole``: not enumerated, so that they may be shown as a tree."""

    system: System
    where: Expression
    listed: Mapping[str, Listed] = field(default_factory=dict)
    whole: bool = False
    unknown_system: bool = False


@dataclass
class Used:
    """What was consulted on the way: canonicals, and the version rules that decided."""

    systems: dict[str, Head] = field(default_factory=dict)
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    rules: dict[tuple[str, str], None] = field(default_factory=dict)
    versions_match: bool = False


@dataclass(frozen=True)
class Compiled:
    parts: Mapping[Key, Part]
    issues: tuple[Issue, ...]
    unknown: tuple[str, ...]
    shown: System | None
    used: Used


def name_of(resource: Mapping[str, Any]) -> str:
    """``url|version`` of a resource."""
    url, version = str(resource.get("url") or ""), str(resource.get("version") or "")
    return f"{url}|{version}" if version else url


def parameter(resource: Mapping[str, Any], name: str) -> str:
    """An expansion parameter that the value set itself gives (``valueset-expansion-parameter``), '' for none."""
    compose = resource.get("compose")
    holders = [resource, compose] if isinstance(compose, dict) else [resource]
    for holder in holders:
        for extension in dicts(holder.get("extension")):
            if extension.get("url") in EXPANSION_PARAMETER:
                told = {e.get("url"): e for e in dicts(extension.get("extension"))}
                if _value(told.get("name")) == name:
                    return _value(told.get("value"))
    return ""


def _value(extension: Mapping[str, Any] | None) -> str:
    found = next((v for k, v in (extension or {}).items() if k.startswith("value")), "")
    return ("true" if found else "false") if isinstance(found, bool) else str(found)


class Compiler:
    """One value set for one request. ``only``: the system that is asked about, with the version of the coding.

    With ``expanding`` every system must be known; without, what is unknown becomes an issue of the answer.
    """

    def __init__(
        self,
        library: Library,
        rules: Rules,
        *,
        only: str = "",
        coded: str = "",
        path: str = "",
        expanding: bool = False,
    ) -> None:
        self.library, self.rules = library, rules
        self._only, self._coded, self._path, self._expanding = only, coded, path, expanding
        self._issues: dict[Issue, None] = {}
        self._clean: list[bool] = []
        self._unknown: dict[str, None] = {}
        self._shown: System | None = None
        self._used = Used()
        self._way: list[str] = []
        self._roots: list[dict[str, Any]] = []

    async def compile(self, valueset: dict[str, Any]) -> Compiled:
        """Raises Refusal: a circle, a filter that makes no sense, an unknown import or, expanding, system."""
        parts = await self._valueset(valueset)
        # An include whose version suits the coding makes up for others that do not.
        clean = any(self._clean)
        return Compiled(
            parts, () if clean else tuple(self._issues), () if clean else tuple(self._unknown), self._shown, self._used
        )

    async def _valueset(self, valueset: dict[str, Any]) -> dict[Key, Part]:
        name = name_of(valueset) or f"({len(self._way)})"
        if name in self._way or len(self._way) > DEPTH:
            raise Refusal(issue("VALUESET_CIRCULAR_REFERENCE", name, ", ".join(self._way)))
        self._way.append(name)
        self._roots.append(valueset)
        try:
            return await self._content(valueset)
        finally:
            self._way.pop()
            self._roots.pop()

    async def _content(self, valueset: dict[str, Any]) -> dict[Key, Part]:
        compose = valueset.get("compose")
        if not isinstance(compose, dict):
            return await self._expansion(valueset)
        parts: dict[Key, Part] = {}
        for at, include in enumerate(dicts(compose.get("include"))):
            for key, part in (await self._include(include, f"include[{at}]", name_of(valueset))).items():
                parts[key] = _union(parts[key], part) if key in parts else part
        match = parameter(valueset, "versionsMatch") != "false"
        for at, exclude in enumerate(dicts(compose.get("exclude"))):
            away = await self._include(exclude, f"exclude[{at}]", name_of(valueset))
            for key in list(parts):
                parts[key] = await self._without(parts[key], key, away, match)
        if compose.get("inactive") is False:
            parts = {key: replace(part, where=both(part.where, Active())) for key, part in parts.items()}
        return parts

    async def _expansion(self, valueset: dict[str, Any]) -> dict[Key, Part]:
        """A value set that is given only as its expansion."""
        expansion = valueset.get("expansion")
        found: dict[Key, list[dict[str, Any]]] = {}
        stack = dicts(expansion.get("contains")) if isinstance(expansion, dict) else []
        while stack:
            entry = stack.pop(0)
            if isinstance(entry.get("code"), str) and entry.get("abstract") is not True:
                found.setdefault((str(entry.get("system") or ""), str(entry.get("version") or "")), []).append(entry)
            stack = dicts(entry.get("contains")) + stack
        parts: dict[Key, Part] = {}
        for (url, version), entries in found.items():
            include = {"system": url, "concept": entries, **({"version": version} if version else {})}
            parts |= await self._include(include, "expansion", name_of(valueset))
        return parts

    async def _include(self, element: dict[str, Any], where: str, owner: str) -> dict[Key, Part]:
        parts: dict[Key, Part] | None = None
        url = str(element.get("system") or "")
        if url:
            parts = await self._system(element, url, where, owner)
        for canonical in element.get("valueSet") or ():
            imported = await self._import(str(canonical))
            if parts is None:
                parts = imported
            else:
                parts = {key: _meet(part, imported[key]) for key, part in parts.items() if key in imported}
        return parts or {}

    async def _import(self, canonical: str) -> dict[Key, Part]:
        if canonical.startswith("#"):
            for root in reversed(self._roots):
                for contained in dicts(root.get("contained")):
                    if contained.get("id") == canonical[1:] and contained.get("resourceType") == "ValueSet":
                        return await self._valueset(contained)
            raise Refusal(issue("Unable_to_resolve_value_Set_", canonical))
        url, version = split(canonical)
        wanted, rule = self.rules.valueset(url, version)
        found = await self.library.valueset(url, wanted)
        if found is None:
            name = f"{url}|{wanted}" if wanted else url
            if self._expanding and wanted:
                raise Refusal(issue("VS_EXP_IMPORT_UNK_PINNED", url, wanted))
            kind = "VS_EXP_IMPORT_UNK" if self._expanding else "Unable_to_resolve_value_Set_"
            raise MissingImport(issue(kind, name))
        if rule is not None:
            self._used.rules[rule] = None
        resource, _ = found
        self._used.sets[name_of(resource)] = resource
        return await self._valueset(resource)

    async def _system(self, element: dict[str, Any], url: str, where: str, owner: str) -> dict[Key, Part]:
        if self._only and url != self._only:
            return {}
        version = str(element.get("version") or "")
        settled = await settle(
            self.library, self.rules, url, version, self._coded, self._path, expanding=self._expanding
        )
        if self._shown is None:
            self._shown = settled.shown
        listed = _listed(element)
        system = settled.system
        long = element.get(store_listed.MARK)
        if long is not None:
            return await self._long(url, version, system, settled, long)
        if system is None and listed and not self.library.versions(url):
            system = MemorySystem(
                Head(url, version, content="fragment"),
                [Concept(code, said.display, number=n) for n, (code, said) in enumerate(listed.items())],
            )
            return {(url, version): Part(system, Codes(tuple(listed)), listed, unknown_system=True)}
        if not self._noted(settled) or system is None:
            return {}
        head = system.head
        if listed is not None:
            return {(url, head.version): Part(system, Codes(tuple(listed)), listed)}
        conditions: list[Expression] = []
        for at, entry in enumerate(dicts(element.get("filter"))):
            conditions.append(await self._filter(entry, system, f"ValueSet.compose.{where}.filter[{at}]", owner))
        return {(url, head.version): Part(system, both(*conditions), whole=True)}

    async def _long(
        self, url: str, version: str, system: System | None, settled: Settled, mark: list[int]
    ) -> dict[Key, Part]:
        """An enumeration that is in tables."""
        where: Expression = InList(*mark)
        pool = self.library.shelf.pool
        if system is None and not self.library.versions(url):
            unknown = store_listed.ListSystem(pool, Head(url, version, content="fragment"), *mark)
            return {(url, version): Part(unknown, where, unknown_system=True)}
        if not self._noted(settled) or system is None:
            return {}
        if isinstance(system, MemorySystem):
            where, said = await store_listed.resolve(pool, where, await system.values("code", LISTABLE))
            return {(url, system.head.version): Part(system, where, _listed({"concept": list(said.values())}) or {})}
        return {(url, system.head.version): Part(system, where)}

    def _noted(self, settled: Settled) -> bool:
        """Keep what is to be said about the version; whether there is a system. Raises Refusal when expanding."""
        if self._expanding and settled.issues:
            raise Refusal(*settled.issues)
        self._issues |= dict.fromkeys(settled.issues)
        self._unknown |= dict.fromkeys(settled.unknown)
        self._clean.append(not settled.issues)
        if settled.system is None:
            return False
        if settled.rule is not None:
            self._used.rules[settled.rule] = None
        self._used.systems[settled.system.head.canonical] = settled.system.head
        return True

    async def _filter(self, entry: dict[str, Any], system: System, where: str, owner: str) -> Expression:
        property_, op = str(entry.get("property") or ""), str(entry.get("op") or "")
        value = entry.get("value")
        url = system.head.url
        if not isinstance(value, str) or not value:
            told = issue("UNABLE_TO_HANDLE_SYSTEM_FILTER_WITH_NO_VALUE", url, property_, op, where=where)
            raise Refusal(told, status=400)
        if value.upper() in ("TRUE", "FALSE"):
            value = value.lower()
        match op:
            case "is-a":
                return Under(value, itself=True)
            case "descendent-of" | "descendant-of":
                return Under(value)
            case "is-not-a":
                return Not(Under(value, itself=True))
            case "descendent-leaf":
                return both(Under(value), Leaf())
            case "child-of":
                return Under(value, direct=True)
            case "generalizes":
                found = await system.find([value])
                return Codes(tuple(c for concept in found.values() for c in (concept.code, *sorted(concept.ancestors))))
            case "=" | "in" | "not-in":
                values = (value,) if op == "=" else tuple(v.strip() for v in value.split(",") if v.strip())
                found_in = await self._equal(system, property_, values)
                return Not(found_in) if op == "not-in" else found_in
            case "exists":
                exists = Not(Leaf()) if property_ == "child" else Has(property_)
                return Not(exists) if value == "false" else exists
            case "regex":
                return await self._regex(system, property_, value, where)
            case _:
                told = issue("FILTER_NOT_UNDERSTOOD", property_, op, value, owner, url, where=where)
                raise Refusal(told, status=400)

    async def _equal(self, system: System, property_: str, values: tuple[str, ...]) -> Expression:
        if property_ in ("concept", "code"):
            return Codes(values)
        if property_ == "parent":
            return either(*(Under(value, direct=True) for value in values))
        if property_ == "child":
            found = await system.find(values)
            return Codes(tuple(parent for concept in found.values() for parent in concept.parents))
        return Has(property_, values)

    async def _regex(self, system: System, property_: str, pattern: str, where: str) -> Expression:
        values = await system.values(property_, LISTABLE)
        try:
            fitting = await store.matching(self.library.shelf.pool, pattern, values)
        except (TimeoutError, asyncpg.QueryCanceledError):
            raise TooCostly(f"the regular expression {pattern[:200]!r} takes too long", where) from None
        except asyncpg.PostgresError as error:
            raise Invalid(f"the regular expression {pattern[:200]!r} is none: {error}", where) from error
        return await self._equal(system, property_, tuple(fitting)) if fitting else NOTHING

    async def _without(self, part: Part, key: Key, away: Mapping[Key, Part], match: bool) -> Part:
        conditions: list[Expression] = []
        for other, excluded in away.items():
            if other == key:
                conditions.append(Not(excluded.where))
            elif other[0] == key[0] and match:
                self._used.versions_match = True
                conditions.append(Not(Codes(await _codes(excluded))))
        return replace(part, where=both(part.where, *conditions)) if conditions else part


class MissingImport(Refusal):
    """An imported value set is not here."""


def _listed(element: dict[str, Any]) -> dict[str, Listed] | None:
    if not isinstance(element.get("concept"), list) or not element["concept"]:
        return None
    return {
        entry["code"]: Listed(
            str(entry.get("display") or ""), designations_of(entry), tuple(dicts(entry.get("extension")))
        )
        for entry in dicts(element["concept"])
        if isinstance(entry.get("code"), str)
    }


async def for_codes(pool: Pool, part: Part, codes: Sequence[str]) -> Part:
    """The part as it holds for these codes: what is enumerated in tables is looked up."""
    if not store_listed.pending(part.where):
        return part
    where, said = await store_listed.resolve(pool, part.where, codes)
    return replace(part, where=where, listed={**(_listed({"concept": list(said.values())}) or {}), **part.listed})


def _union(one: Part, other: Part) -> Part:
    return Part(one.system, either(one.where, other.where), {**other.listed, **one.listed}, one.whole and other.whole)


def _meet(one: Part, other: Part) -> Part:
    return Part(one.system, _narrow(one.where, other.where), {**other.listed, **one.listed}, one.whole and other.whole)


def _narrow(one: Expression, other: Expression) -> Expression:
    if isinstance(one, Codes) and isinstance(other, Codes):
        return Codes(tuple(code for code in one.codes if code in other.among))
    if isinstance(other, Every):
        return one
    return both(one, other)


async def _codes(part: Part) -> tuple[str, ...]:
    """The codes of a part. Raises TooCostly."""
    if isinstance(part.where, Codes):
        return part.where.codes
    page = await part.system.select(part.where, 0, LISTABLE)
    if page.total > LISTABLE:
        raise TooCostly(f"more than {LISTABLE} codes of {part.system.head.canonical} are excluded from another version")
    return tuple(concept.code for concept in page.concepts)
