"""A person's word on candidates: affected, or not affected with a reason; one machine or many at once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.advisories.store import candidates as store
from wardbridge.equipment.advisories.values import Candidate
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

DECISIONS = ("affected", "not-affected", "open")
LONGEST = 2000


def checked(decision: str, reason: str) -> str:
    """The reason, stripped. Raises Invalid for an unknown decision, or "not affected" without one."""
    reason = reason.strip()
    if decision not in DECISIONS:
        raise Invalid(f"a decision is one of: {', '.join(DECISIONS)}", "decision")
    if decision == "not-affected" and len(reason) < 3:
        raise Invalid("say why the machine is not affected", "reason")
    if len(reason) > LONGEST:
        raise Invalid("this reason is too long", "reason")
    return reason


async def decide(
    shop: Shop, conn: Connection, advisory_id: str, device_ids: Sequence[str], decision: str, reason: str, by: Principal
) -> list[Candidate]:
    """Decide on candidates of an advisory, on the facts as they stand. Raises Invalid, NotFound."""
    reason = checked(decision, reason)
    found = await store.of(conn, [advisory_id], device_ids)
    missing = sorted(set(device_ids) - {one.device_id for one in found})
    if missing:
        raise NotFound("this machine is no candidate of the advisory", f"Device/{missing[0]}")
    open_ = decision == "open"
    rows = [
        msgspec.structs.replace(
            one, decision=decision, decided_why=reason, decided_by="" if open_ else by.display, reopened="",
            decided_at=None if open_ else shop.clock.now(), decided_facts=None if open_ else one.facts,
        )
        for one in found
    ]  # fmt: skip
    await store.put(conn, rows)
    return rows
