"""``$lookup`` and ``$subsumes``: what a code means, and how two of them relate (R4 codesystem-operations)."""

from __future__ import annotations

from typing import Any

from wardbridge.core.errors import Invalid
from wardbridge.terminology.errors import Refusal
from wardbridge.terminology.issues import issue, plain
from wardbridge.terminology.languages import PREFERRED, choose
from wardbridge.terminology.library import Library
from wardbridge.terminology.request import Request
from wardbridge.terminology.rules import missing
from wardbridge.terminology.supplements import Supplements
from wardbridge.terminology.systems.system import System
from wardbridge.terminology.values import Concept, Designation

_BESIDE = frozenset({"parent", "child", "inactive", "subsumedBy"})
_PARTS = frozenset({"code", "display", "definition", "designation", "system", "name", "version", "abstract"})


async def lookup(library: Library, request: Request, url: str) -> list[dict[str, Any]]:
    """The parameters of the answer. ``url`` is the system of an instance, '' otherwise. Raises Refusal, Invalid."""
    coding = request.object("coding") or {}
    code = request.text("code") or str(coding.get("code") or "")
    system_url = url or request.text("system", "url") or str(coding.get("system") or "")
    version = request.text("version") or str(coding.get("version") or "")
    if not code or not system_url:
        raise Invalid("$lookup needs code and system, or coding", "code" if system_url else "system")
    system = await known(library, request, system_url, version)
    supplements = Supplements(library, request.texts("useSupplement"))
    if supplements:
        await supplements.load()
    system = await supplements.apply(system)
    concept = await one(system, code, "code")
    return await _answer(system, concept, request, supplements)


async def known(library: Library, request: Request, url: str, version: str) -> System:
    """The code system that is meant. Raises Refusal."""
    wanted, _ = request.rules().system(url, version)
    system = await library.system(url, wanted)
    if system is None:
        raise Refusal(missing(url, wanted, library.versions(url), "system"), status=404)
    return system


async def one(system: System, code: str, where: str) -> Concept:
    """Raises Refusal for a code that the system does not have."""
    concept = (await system.find([code])).get(code)
    if concept is None:
        head = system.head
        if head.version:
            raise Refusal(issue("Unknown_Code_in_Version", code, head.url, head.version, where=where), status=404)
        raise Refusal(issue("Unknown_Code_in", code, head.url, where=where), status=404)
    return concept


async def _answer(system: System, concept: Concept, request: Request, supplements: Supplements) -> list[dict[str, Any]]:
    head = system.head
    display = choose(concept, head, request.languages())
    wanted = request.texts("property")
    every = "*" in wanted
    out: list[dict[str, Any]] = [{"name": "name", "valueString": head.name or head.title or head.url}]
    if head.version:
        out.append({"name": "version", "valueString": head.version})
    out.append({"name": "display", "valueString": display.text or concept.display or concept.code})
    out += [{"name": "code", "valueCode": concept.code}, {"name": "system", "valueUri": head.url}]
    out.append({"name": "abstract", "valueBoolean": concept.abstract})
    if concept.definition:
        out.append({"name": "definition", "valueString": concept.definition})
    base = [Designation(concept.display, head.language, PREFERRED)] if concept.display else []
    if every or not wanted or "designation" in wanted or any(w.startswith("lang.") for w in wanted):
        out += [_designation(d) for d in (*base, *concept.designations)]
    properties: list[tuple[str, str, Any, str]] = [("inactive", "valueBoolean", concept.inactive, "")]
    if every or "parent" in wanted:
        found = await system.find(concept.parents)
        properties += [("parent", "valueCode", p, found[p].display if p in found else "") for p in concept.parents]
    if every or "child" in wanted:
        properties += [("child", "valueCode", c.code, c.display) for c in await system.children(concept.code)]
    properties += [
        (p.code, p.element, p.value, "")
        for p in concept.properties
        if (every or p.code in wanted) and p.code not in _BESIDE
    ]
    for code, element, value, text in properties:
        parts = [{"name": "code", "valueCode": code}, {"name": "value", element: value}]
        if text:
            parts.append({"name": "description", "valueString": text})
        out.append({"name": "property", "part": parts})
    out += [{"name": "used-supplement", "valueCanonical": name} for name in supplements.used]
    return out


def _designation(designation: Designation) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if designation.language:
        parts.append({"name": "language", "valueCode": designation.language})
    if designation.use:
        parts.append({"name": "use", "valueCoding": designation.use})
    parts.append({"name": "value", "valueString": designation.value})
    if designation.source:
        parts.append({"name": "source", "valueCanonical": designation.source})
    return {"name": "designation", "part": parts}


async def subsumes(library: Library, request: Request, url: str) -> str:
    """equivalent, subsumes, subsumed-by or not-subsumed. Raises Refusal, Invalid."""
    codes: list[str] = []
    urls = [url or request.text("system", "url")]
    version = request.text("version")
    for name in ("A", "B"):
        coding = request.object(f"coding{name}") or {}
        codes.append(request.text(f"code{name}") or str(coding.get("code") or ""))
        urls.append(str(coding.get("system") or ""))
        version = version or str(coding.get("version") or "")
    systems = list(dict.fromkeys(u for u in urls if u))
    if not all(codes) or not systems:
        raise Invalid("$subsumes needs codeA, codeB and system, or codingA and codingB", "codeA")
    if len(systems) > 1:
        raise Refusal(plain("not-supported", f"codes of different systems cannot be compared: {', '.join(systems)}"))
    system = await known(library, request, systems[0], version)
    a, b = [await one(system, code, where) for code, where in zip(codes, ("codeA", "codeB"), strict=True)]
    return relation(a, b)


def relation(a: Concept, b: Concept) -> str:
    """How ``a`` stands to ``b`` (http://hl7.org/fhir/concept-subsumption-outcome)."""
    if a.code == b.code:
        return "equivalent"
    return "subsumes" if a.code in b.ancestors else "subsumed-by" if b.code in a.ancestors else "not-subsumed"
