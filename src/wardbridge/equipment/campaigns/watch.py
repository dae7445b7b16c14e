"""Keeping candidates and campaigns current: after a load, and when the register changed in what matching looks at."""

from __future__ import annotations

from collections.abc import Sequence

from wardbridge.equipment.advisories.rematch import Rematched, rematch
from wardbridge.equipment.campaigns import follow, run, store
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM, Principal


async def update(shop: Shop, by: Principal, advisory_ids: Sequence[str] | None = None) -> Rematched:
    """Match these advisories (all where None) with every machine; open campaigns take in what is new."""
    found = await rematch(shop, by, advisory_ids)
    await follow.follow(shop, sorted({*found.advisories, *(advisory_ids or ())}), by)
    return found


async def verify(shop: Shop, by: Principal) -> int:
    """Put on record which machines of open campaigns now run the version that they shall; gives how many are new."""
    count = 0
    for line in await store.listed(shop.pool, "open", 1000):
        if line.campaign.target and line.account.open:
            async with shop.acting(by, "campaign: verified by version") as conn:
                count += len(await run.verify_wire(shop, conn, line.campaign.campaign_id, by))
    return count


class Watch:
    """Looks at the account of changes, and matches again only when something that matters is new."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._seen = -1

    async def look(self) -> bool:
        """Match again where that is due; says whether it was."""
        last = await store.last_change(self._shop.pool, self._seen)
        if last == self._seen:
            return False
        await update(self._shop, SYSTEM)
        await verify(self._shop, SYSTEM)
        self._seen = last
        return True
