"""What time alone changes, brought into the record: sessions whose window closed, contracts that begin or end.

Nobody waits for this: whether a door is open or a machine is covered is answered from the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wardbridge.core.clock import DAY
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.vendors import access, resources
from wardbridge.equipment.vendors.store import access as access_store
from wardbridge.equipment.vendors.store import firms
from wardbridge.security.principal import SYSTEM

BACK = 7 * DAY
"""How far back is looked: longer than any stand-still of the leader should last."""


async def keep(shop: Shop) -> int:
    """Write the resources whose state the clock changed within the last week; how many were written."""
    now = shop.clock.now()
    async with shop.acting(SYSTEM, "the clock") as conn:
        found: list[dict[str, Any]] = []
        for one in await access_store.closed(conn, now - BACK, now):
            devices = [machine.device_id for machine in await access_store.reached(conn, one.access_id)]
            found.append(resources.session(one, devices, access.state(one, now)))
        found += [
            resources.contract(one, await firms.covered(conn, one.contract_id), now)
            for one in await firms.turned(conn, now - BACK, now)
        ]
        stale = await _stale(shop, conn, found)
        await shop.record.put(conn, stale)
    return len(stale)


async def _stale(shop: Shop, conn: Any, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    before: dict[tuple[str, str], dict[str, Any]] = {}
    for kind in ("Communication", "Contract"):
        ids = [one["id"] for one in found if one["resourceType"] == kind]
        before |= {(kind, name): said for name, said in (await shop.record.current_many(conn, kind, ids)).items()}
    return [one for one in found if before.get((one["resourceType"], one["id"]), {}).get("status") != one["status"]]
