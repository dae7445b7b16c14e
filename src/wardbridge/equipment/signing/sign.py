"""Joint signatures: each side (biomed, IT) signs the digest of exactly what it saw, by a different person."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.clock import iso
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Forbidden
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.signing import store
from wardbridge.equipment.signing.values import Signature
from wardbridge.security.principal import Principal

SIDES = {
    "biomed": frozenset({"technician"}),
    "it": frozenset({"operator"}),
    "clinical": frozenset({"nurse", "physician"}),
}
"""Which roles may sign for a side."""
BOTH = ("biomed", "it")


def digest(content: Any) -> str:
    """SHA-256 (hex) of a value's canonical JSON: keys sorted, no spaces."""
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


def sides_of(by: Principal) -> list[str]:
    """The sides that a person may sign for."""
    return [side for side, roles in SIDES.items() if by.roles & roles]


async def sign(
    shop: Shop, conn: Connection, subject: str, subject_id: str, content: Any, *, meaning: str, side: str,
    by: Principal, note: str = "",
) -> Signature:  # fmt: skip
    """Sign ``content`` as one side.

    Raises Forbidden for a role that cannot speak for the side, Conflict when this side has signed, or when the same
    person signed for the other one.
    """
    if side not in SIDES or not by.roles & SIDES[side]:
        raise Forbidden(f"a signature for {side} is given by: {', '.join(sorted(SIDES.get(side, ())))}", "side")
    mark = digest(content)
    for one in await store.of(conn, subject, subject_id):
        if one.digest != mark or one.meaning != meaning:
            continue
        if one.side == side:
            raise Conflict(f"{one.display} has signed for {side} already", "side")
        if one.person_id == by.id:
            raise Conflict("two sides are signed by two people", "person")
    signature = Signature(
        signature_id=shop.ids(), subject=subject, subject_id=subject_id, digest=mark, meaning=meaning, side=side,
        person_id=by.id, display=by.display, at=shop.clock.now(), note=note,
    )  # fmt: skip
    await store.put(conn, signature)
    await shop.record.put(conn, [provenance(signature)])
    return signature


async def complete(conn: Connection, subject: str, subject_id: str, content: Any, *, meaning: str,
                   sides: Sequence[str] = BOTH) -> bool:  # fmt: skip
    """Whether every side has signed exactly this content."""
    mark = digest(content)
    found = [one for one in await store.of(conn, subject, subject_id) if one.digest == mark and one.meaning == meaning]
    return {one.side for one in found} >= set(sides)


def provenance(signature: Signature) -> dict[str, Any]:
    """The signature as FHIR R4 Provenance; ``subject`` is named by identifier, what was signed by its digest."""
    return {
        "resourceType": "Provenance",
        "id": signature.signature_id,
        "target": [{
            "identifier": {"system": f"urn:wardbridge:{signature.subject}", "value": signature.subject_id},
            "display": f"{signature.subject} {signature.meaning}",
        }],
        "recorded": iso(signature.at),
        "activity": {"text": signature.meaning},
        "agent": [{
            "type": {"text": signature.side},
            "who": {"identifier": {"value": signature.person_id}, "display": signature.display},
        }],
        "entity": [{
            "role": "source",
            "what": {"identifier": {"system": "urn:wardbridge:sha256", "value": signature.digest}},
        }],
    }  # fmt: skip
