"""What a machine's page shows of the common knowledge: pages that help with it and its open faults."""

from __future__ import annotations

from wardbridge.equipment.learning import pages
from wardbridge.equipment.learning.store import pages as store
from wardbridge.equipment.learning.values import Hit
from wardbridge.equipment.shop import Shop


async def about(shop: Shop, device_id: str, limit: int = 5) -> list[Hit]:
    """Pages that help with this machine, most fitting first; those for its open faults count more than its kind's."""
    kind, class_, model_id, codes = await store.subject(shop.pool, device_id)
    return await pages.helps(shop.pool, kind, model_id, codes, limit, class_)
