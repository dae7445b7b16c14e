"""All advisories against the whole register: one bulk read, matching in memory, one bulk write of what changed.

A person's decision stands while the facts that it was made on stay as they were; otherwise it is open again, with
what changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection
from wardbridge.equipment.advisories import resources
from wardbridge.equipment.advisories.judge import CANDIDATE, Match
from wardbridge.equipment.advisories.match import Register
from wardbridge.equipment.advisories.names import Makers
from wardbridge.equipment.advisories.store import candidates as store
from wardbridge.equipment.advisories.store import documents
from wardbridge.equipment.advisories.values import Advisory, Candidate, Product
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

GONE = "gone"
_STEP = 500


class Rematched(msgspec.Struct, frozen=True, kw_only=True):
    """What a match came to; ``advisories`` are those with a changed candidate."""

    machines: int
    advisories: tuple[str, ...]
    candidates: int
    changed: int
    reopened: int
    broad: Mapping[str, int]


async def rematch(shop: Shop, by: Principal, advisory_ids: Sequence[str] | None = None) -> Rematched:
    """Match these advisories (all where None) with every machine in the house."""
    products = await documents.products(shop.pool, advisory_ids)
    machines = await store.machines(shop.pool)
    makers = Makers(await documents.aliases(shop.pool))
    found, broad = await asyncio.to_thread(_match, machines, makers, products)
    async with shop.acting(by, "advisories matched with the register") as conn:
        known = await store.of(conn, advisory_ids)
        at = shop.clock.now()
        changed = merge(found, known, at)
        await store.put(conn, changed)
        await store.put_broad(conn, {advisory_id: broad.get(advisory_id, 0) for advisory_id in products})
        await _write(shop, conn, sorted({one.advisory_id for one in changed}))
    return Rematched(
        machines=len(machines), advisories=tuple(sorted({one.advisory_id for one in changed})),
        candidates=sum(1 for row in found.values() for one in row if one.verdict == CANDIDATE), changed=len(changed),
        reopened=sum(1 for one in changed if one.reopened and one.decision == "open"),
        broad={name: count for name, count in broad.items() if count},
    )  # fmt: skip


def _match(
    machines: Sequence[Any], makers: Makers, products: Mapping[str, Sequence[Product]]
) -> tuple[dict[str, list[Match]], dict[str, int]]:
    register = Register(machines, makers)
    found: dict[str, list[Match]] = {}
    broad: dict[str, int] = {}
    for advisory_id, several in products.items():
        matches, wide = register.match(several)
        if matches:
            found[advisory_id] = matches
        if wide:
            broad[advisory_id] = wide
    return found, broad


def merge(found: Mapping[str, Sequence[Match]], known: Sequence[Candidate], at: int) -> list[Candidate]:
    """The candidates that differ from what is known, with decisions kept or opened again; pure. ``at`` in µs."""
    before = {(one.advisory_id, one.device_id): one for one in known}
    result: list[Candidate] = []
    for advisory_id, matches in found.items():
        for match in matches:
            old = before.pop((advisory_id, match.device_id), None)
            new = _candidate(advisory_id, match, old, at)
            if new != old:
                result.append(new)
    left = [one for one in before.values() if one.verdict != GONE]
    return result + [msgspec.structs.replace(one, verdict=GONE, reason="no longer matches") for one in left]


def _candidate(advisory_id: str, match: Match, old: Candidate | None, at: int) -> Candidate:
    facts = msgspec.json.decode(msgspec.json.encode(match.facts))
    fresh = Candidate(
        advisory_id=advisory_id, device_id=match.device_id, verdict=match.verdict, certainty=match.certainty,
        products=match.products, why=match.why, unknown=match.unknown, reason=match.reason, facts=facts, since=at,
    )  # fmt: skip
    if old is None:
        return fresh
    kept = msgspec.structs.replace(
        fresh, since=old.since, decision=old.decision, decided_why=old.decided_why, decided_by=old.decided_by,
        decided_at=old.decided_at, decided_facts=old.decided_facts, reopened=old.reopened,
    )  # fmt: skip
    if old.decision == "open" or old.decided_facts == facts:
        return kept
    return msgspec.structs.replace(
        kept, decision="open", decided_why="", decided_by="", decided_at=None, decided_facts=None,
        reopened=f"was {old.decision} ({old.decided_by}): {difference(old.decided_facts or {}, facts)}",
    )  # fmt: skip


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What changed between the facts of a decision and those of now, in words."""
    parts = []
    for name in sorted({*before, *after}):
        old, new = before.get(name, ""), after.get(name, "")
        if old == new:
            continue
        if name == "said":
            gone, come = [x for x in old if x not in new], [x for x in new if x not in old]
            parts.append(f"the document says {'; '.join(come) or 'less'} instead of {'; '.join(gone) or 'nothing'}")
        else:
            parts.append(f"{name} is {new or 'not known'} instead of {old or 'not known'}")
    return "; ".join(parts)


async def _write(shop: Shop, conn: Connection, advisory_ids: Sequence[str]) -> None:
    """Advisories that concern this house are documents of the record."""
    for at in range(0, len(advisory_ids), _STEP):
        found = [one for one in await documents.some(conn, advisory_ids[at : at + _STEP]) if one.open + one.decided]
        idents = {one.advisory_id: resources.document_id(one.advisory_id) for one in found}
        before = await shop.record.current_many(conn, "DocumentReference", list(idents.values()))
        now = [_document(one, before.get(idents[one.advisory_id], {})) for one in found]
        await shop.record.put(
            conn, [one for one in now if any(before.get(one["id"], {}).get(k) != v for k, v in one.items())]
        )


def _document(advisory: Advisory, before: Mapping[str, Any]) -> dict[str, Any]:
    """The DocumentReference; one that holds a letter keeps it."""
    file = (before.get("content") or [{}])[0].get("attachment", {})
    return resources.document(advisory, file if str(file.get("url", "")).startswith("Binary/") else None)


async def vague(shop: Shop, advisory_ids: Sequence[str]) -> dict[str, list[Match]]:
    """The machines that run what these advisories name without any version."""
    products = await documents.products(shop.pool, advisory_ids)
    register = Register(await store.machines(shop.pool), Makers(await documents.aliases(shop.pool)))
    return {advisory_id: register.broad(several) for advisory_id, several in products.items()}
