"""What a machine's page shows of runbooks: those under way and the last ones; and their events."""

from __future__ import annotations

from wardbridge.equipment.crew import runs
from wardbridge.equipment.crew.store.runbooks import Line
from wardbridge.equipment.shop import Shop

events = runs.events


async def about(shop: Shop, device_id: str) -> list[Line]:
    """Runs on this machine, running ones first."""
    return await runs.about(shop.pool, device_id)
