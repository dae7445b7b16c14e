"""``$translate``: what a concept map makes of a code (R4 conceptmap-operation-translate.html).

Asked with the names of R5 (``sourceCode``, ``targetCode``) the answer tells the relationship and the map as R5 does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.terminology.compose import name_of
from wardbridge.terminology.errors import Refusal
from wardbridge.terminology.issues import plain
from wardbridge.terminology.library import Library
from wardbridge.terminology.request import Request
from wardbridge.terminology.values import dicts
from wardbridge.terminology.versions import split

RELATIONSHIP = {
    "relatedto": "related-to",
    "equivalent": "equivalent",
    "equal": "equivalent",
    "wider": "source-is-narrower-than-target",
    "subsumes": "source-is-narrower-than-target",
    "narrower": "source-is-broader-than-target",
    "specializes": "source-is-broader-than-target",
    "inexact": "related-to",
    "unmatched": "not-related-to",
    "disjoint": "not-related-to",
}
"""Equivalence of R4 -> relationship of R5 (R5 conceptmap-relationship). In R4 the target is wider than the source."""
EQUIVALENCE = {
    "related-to": "relatedto",
    "equivalent": "equivalent",
    "source-is-narrower-than-target": "wider",
    "source-is-broader-than-target": "narrower",
    "not-related-to": "disjoint",
}
REVERSED = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}
NO_MATCH = frozenset({"unmatched", "disjoint"})


@dataclass(frozen=True)
class Asked:
    """A code to be translated. ``reverse``: it stands on the target side of the maps."""

    system: str
    code: str
    version: str
    other: str
    reverse: bool
    modern: bool


@dataclass(frozen=True)
class Match:
    equivalence: str
    system: str
    code: str
    version: str
    display: str
    map: str
    source: tuple[str, str]
    products: tuple[dict[str, Any], ...] = ()
    depends: tuple[dict[str, Any], ...] = ()


async def translate(library: Library, request: Request, given: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The parameters of the answer. ``given`` is the map of an instance. Raises Refusal, Invalid."""
    asked = _asked(request)
    if not asked:
        raise Invalid("$translate needs code and system, coding, or codeableConcept", "code")
    maps = [given] if given is not None else await _maps(library, request, asked)
    found: list[Match] = []
    for one in asked:
        for concept_map in maps:
            found += [m async for m in _matches(library, concept_map, one, 0)]
    found = list({_key(m): m for m in found}.values())
    result = any(m.equivalence not in NO_MATCH for m in found)
    out: list[dict[str, Any]] = [{"name": "result", "valueBoolean": result}]
    if not found:
        names = ", ".join(f"{a.system}#{a.code}" for a in asked)
        out.append({"name": "message", "valueString": f"no map that is known here translates {names}"})
    return out + [_match(m, asked[0]) for m in found]


def _key(match: Match) -> tuple[str, ...]:
    return (match.system, match.code, match.version, match.map, match.equivalence, *match.source)


def _asked(request: Request) -> list[Asked]:
    reverse = bool(request.flag("reverse", False))
    target_code, target_coding = request.text("targetCode"), request.object("targetCoding")
    source_names, target_names = ("system", "sourceSystem"), ("targetsystem", "targetSystem")
    modern = any(request.get(n) for n in ("sourceCode", "sourceCoding", "sourceCodeableConcept"))
    if target_code or target_coding:
        coding = target_coding or {}
        system = str(coding.get("system") or "") or request.text(*target_names)
        code = target_code or str(coding.get("code") or "")
        return [Asked(system, code, "", request.text(*source_names), True, True)]
    other = request.text(*target_names)
    concept = request.object("codeableConcept") or request.object("sourceCodeableConcept")
    codings = dicts((concept or {}).get("coding"))
    for name in ("coding", "sourceCoding"):
        codings += [c for c in [request.object(name)] if c]
    code = request.text("code", "sourceCode")
    if code:
        codings.append({"code": code, "system": request.text(*source_names), "version": request.text("version")})
    return [
        Asked(str(c.get("system") or ""), str(c["code"]), str(c.get("version") or ""), other, reverse, modern)
        for c in codings
        if c.get("code")
    ]


async def _maps(library: Library, request: Request, asked: list[Asked]) -> list[dict[str, Any]]:
    """The maps that may answer: those named, else all whose systems and scope fit."""
    inline = request.object("conceptMap")
    if inline is not None and inline.get("resourceType") == "ConceptMap":
        return [inline]
    url = request.text("url", "conceptMap")
    if url:
        name, version = split(url)
        holding = library.choose("ConceptMap", name, version or request.text("conceptMapVersion"))
        resource = await library.resource(holding) if holding is not None else None
        if resource is None:
            raise Refusal(plain("not-found", f"the concept map {url!r} is not known here", "url"), status=404)
        return [resource]
    source, target = request.text("source", "sourceScope"), request.text("target", "targetScope")
    found = []
    for holding in library.maps():
        if not any(_fits(a, s, t) for a in asked for s, t in holding.facts):
            continue
        resource = await library.resource(holding)
        if resource is not None and _scoped(resource, source, "source") and _scoped(resource, target, "target"):
            found.append(resource)
    return found


def _fits(asked: Asked, source: str, target: str) -> bool:
    source, target = split(source)[0], split(target)[0]
    if asked.reverse:
        source, target = target, source
    return asked.system in ("", source) and (not asked.other or target == asked.other)


def _scoped(resource: dict[str, Any], wanted: str, side: str) -> bool:
    if not wanted:
        return True
    own = next((str(resource[f"{side}{k}"]) for k in ("Uri", "Canonical") if resource.get(f"{side}{k}")), "")
    return split(own)[0] == split(wanted)[0]


async def _matches(library: Library, concept_map: dict[str, Any], asked: Asked, depth: int) -> AsyncIterator[Match]:
    for group in dicts(concept_map.get("group")):
        source, target = str(group.get("source") or ""), str(group.get("target") or "")
        if not _fits(asked, source, target):
            continue
        found = list(_reverse(group, concept_map, asked) if asked.reverse else _forward(group, concept_map, asked))
        for match in found:
            yield match
        unmapped = group.get("unmapped")
        if not found and not asked.reverse and isinstance(unmapped, dict):
            async for match in _unmapped(library, unmapped, group, concept_map, asked, depth):
                yield match


def _forward(group: dict[str, Any], concept_map: dict[str, Any], asked: Asked) -> Iterator[Match]:
    system, version = split(str(group.get("target") or ""))
    for element in dicts(group.get("element")):
        if element.get("code") != asked.code:
            continue
        for target in dicts(element.get("target")):
            if target.get("code"):
                yield Match(
                    _equivalence(target),
                    system,
                    str(target["code"]),
                    version or str(group.get("targetVersion") or ""),
                    str(target.get("display") or ""),
                    name_of(concept_map),
                    (split(str(group.get("source") or ""))[0], asked.code),
                    tuple(dicts(target.get("product"))),
                    tuple(dicts(target.get("dependsOn"))),
                )


def _reverse(group: dict[str, Any], concept_map: dict[str, Any], asked: Asked) -> Iterator[Match]:
    system, version = split(str(group.get("source") or ""))
    for element in dicts(group.get("element")):
        for target in dicts(element.get("target")):
            if target.get("code") == asked.code and element.get("code"):
                equivalence = _equivalence(target)
                yield Match(
                    equivalence if asked.modern else REVERSED.get(equivalence, equivalence),
                    system,
                    str(element["code"]),
                    version or str(group.get("sourceVersion") or ""),
                    str(element.get("display") or ""),
                    name_of(concept_map),
                    (split(str(group.get("target") or ""))[0], asked.code),
                )


def _equivalence(target: dict[str, Any]) -> str:
    return str(target.get("equivalence") or EQUIVALENCE.get(str(target.get("relationship")), "relatedto"))


async def _unmapped(
    library: Library,
    unmapped: dict[str, Any],
    group: dict[str, Any],
    concept_map: dict[str, Any],
    asked: Asked,
    depth: int,
) -> AsyncIterator[Match]:
    """What a group says of codes that it does not map: the code itself, one for all, or another map."""
    system, version = split(str(group.get("target") or ""))
    source = (split(str(group.get("source") or ""))[0], asked.code)
    mode = unmapped.get("mode")
    if mode in ("provided", "use-source-code"):
        yield Match("equal", system, asked.code, version, "", name_of(concept_map), source)
    elif mode == "fixed" and unmapped.get("code"):
        display = str(unmapped.get("display") or "")
        yield Match("relatedto", system, str(unmapped["code"]), version, display, name_of(concept_map), source)
    elif mode == "other-map" and unmapped.get("url") and depth < 5:
        url, wanted = split(str(unmapped["url"]))
        holding = library.choose("ConceptMap", url, wanted)
        other = await library.resource(holding) if holding is not None else None
        if other is not None:
            async for match in _matches(library, other, asked, depth + 1):
                yield match


def _match(match: Match, asked: Asked) -> dict[str, Any]:
    concept: dict[str, Any] = {"system": match.system, "code": match.code}
    if match.version:
        concept["version"] = match.version
    if match.display:
        concept["display"] = match.display
    parts: list[dict[str, Any]] = [{"name": "equivalence", "valueCode": match.equivalence}]
    if asked.modern and asked.reverse:
        # R5 tells both sides: the target is what was asked about, the source what was found.
        parts.append({"name": "concept", "valueCoding": {"system": match.source[0], "code": match.source[1]}})
        parts.append({"name": "source", "valueCoding": concept})
    else:
        parts.append({"name": "concept", "valueCoding": concept})
        if not asked.modern and match.map:
            parts.append({"name": "source", "valueUri": match.map})
    for product in match.products:
        value = {"system": str(product.get("system") or ""), "code": str(product.get("value") or "")}
        told = [{"name": "element", "valueUri": product.get("property")}, {"name": "concept", "valueCoding": value}]
        parts.append({"name": "product", "part": told})
    if asked.modern:
        parts.append({"name": "relationship", "valueCode": RELATIONSHIP.get(match.equivalence, "related-to")})
        if match.map:
            parts.append({"name": "originMap", "valueCanonical": match.map})
    return {"name": "match", "part": parts}
