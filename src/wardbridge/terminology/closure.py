"""``$closure``: a client's own table of who subsumes whom, brought up to date as it meets new concepts.

R4 conceptmap-operation-closure.html, terminology-service.html#closure.
"""

from __future__ import annotations

from typing import Any

from wardbridge.core.clock import Clock, iso
from wardbridge.core.db import transaction
from wardbridge.core.errors import Invalid
from wardbridge.core.ids import Ids
from wardbridge.terminology.errors import Refusal
from wardbridge.terminology.issues import plain
from wardbridge.terminology.library import Library
from wardbridge.terminology.lookup import known, one, relation
from wardbridge.terminology.request import Request
from wardbridge.terminology.store import closures
from wardbridge.terminology.values import Concept

MOST = 10_000
Held = tuple[int, str, str, Concept]
"""(added, system, display, concept)."""


async def closure(library: Library, request: Request, clock: Clock, ids: Ids, owner: str) -> dict[str, Any]:
    """The ConceptMap of what is new: since a version, or by the concepts that were sent. Raises Refusal, Invalid.

    ``owner`` keeps the tables of different clients apart.
    """
    name = request.text("name")
    if not name or len(name) > 255:
        raise Invalid("$closure needs a name of at most 255 characters", "name")
    key = f"{owner}/{name}"
    sent = [c for c in request.all("concept") if isinstance(c, dict)]
    since = request.text("version")
    if since and (sent or not since.isdecimal()):
        raise Invalid("version is a number of an earlier answer, and comes without concepts", "version")
    async with transaction(library.shelf.pool) as conn:
        if not sent and not since:
            await closures.start(conn, key)
            return _map(name, 0, [], clock, ids)
        version = await closures.open_(conn, key)
        if version is None:
            raise Refusal(
                plain("not-found", f"there is no closure table {name!r}: begin it without concepts"), status=404
            )
        held = [await _held(library, request, row) for row in await closures.rows(conn, key)]
        if since:
            return _map(name, version, _pairs(held, int(since)), clock, ids)
        new = await _new(library, request, sent, {(h[1], h[3].code) for h in held})
        if len(held) + len(new) > MOST:
            raise Refusal(plain("too-costly", f"a closure table holds at most {MOST} concepts"))
        if new:
            version += 1
            rows = [(url, release, concept.code, display) for url, release, display, concept in new]
            await closures.add(conn, key, version, rows)
        held += [(version, url, display, concept) for url, _, display, concept in new]
        return _map(name, version, _pairs(held, version - 1) if new else [], clock, ids)


async def _held(library: Library, request: Request, row: closures.Row) -> Held:
    added, url, release, code, display = row
    system = await known(library, request, url, release)
    return added, url, display, await one(system, code, "concept")


async def _new(
    library: Library, request: Request, sent: list[dict[str, Any]], held: set[tuple[str, str]]
) -> list[tuple[str, str, str, Concept]]:
    out = []
    for coding in sent:
        url, release, code = (str(coding.get(k) or "") for k in ("system", "version", "code"))
        if not url or not code:
            raise Invalid("a concept needs system and code", "concept")
        concept = await one(await known(library, request, url, release), code, "concept")
        if (url, concept.code) not in held:
            held.add((url, concept.code))
            out.append((url, release, str(coding.get("display") or concept.display), concept))
    return out


def _pairs(held: list[Held], since: int) -> list[tuple[Held, Held]]:
    """(below, above) where at least one of them came after ``since``."""
    return [
        (low, high)
        for low in held
        for high in held
        if low[1] == high[1] and max(low[0], high[0]) > since and relation(high[3], low[3]) == "subsumes"
    ]


def _map(name: str, version: int, pairs: list[tuple[Held, Held]], clock: Clock, ids: Ids) -> dict[str, Any]:
    groups: dict[str, dict[str, dict[str, Any]]] = {}
    for low, high in pairs:
        element = groups.setdefault(low[1], {}).setdefault(
            low[3].code, {"code": low[3].code, "display": low[2], "target": []}
        )
        element["target"].append({"code": high[3].code, "display": high[2], "equivalence": "subsumes"})
    out: dict[str, Any] = {
        "resourceType": "ConceptMap",
        "id": ids(),
        "version": str(version),
        "name": "Closure",
        "title": f"Closure of {name}",
        "status": "active",
        "experimental": True,
        "date": iso(clock.now()),
    }
    if groups:
        out["group"] = [
            {"source": url, "target": url, "element": list(elements.values())} for url, elements in groups.items()
        ]
    return out
