"""What needs somebody today, counted in one statement."""

from __future__ import annotations

import msgspec

from wardbridge.equipment.fleet import store
from wardbridge.equipment.shop import Shop


class Today(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of this moment. ``overdue`` and ``faults`` are open orders; ``urgent`` those of them that are urgent."""

    machines: int
    in_use: int
    overdue: int
    faults: int
    urgent: int
    campaigns: int
    campaign_machines: int
    on_patients: int
    changes: int
    suggestions: int


async def today(shop: Shop) -> Today:
    """The counts."""
    return Today(**await store.today(shop.pool, shop.clock.now()))
