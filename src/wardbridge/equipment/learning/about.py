"""What pages of machines and work orders show of learning: pages that help, and a warning about competence."""

from __future__ import annotations

import msgspec

from wardbridge.equipment.learning import competence, pages
from wardbridge.equipment.learning.store import pages as store
from wardbridge.equipment.learning.values import Hit
from wardbridge.equipment.shop import Shop


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """For a work order: pages that help, and what its person has no record of ('' when nothing is missing)."""

    pages: tuple[Hit, ...]
    warning: str = ""


async def about(shop: Shop, device_id: str, limit: int = 5) -> list[Hit]:
    """Pages that help with this machine, most fitting first; those for its open faults count more than its kind's."""
    kind, class_, model_id, codes = await store.subject(shop.pool, device_id)
    return await pages.helps(shop.pool, kind, model_id, codes, limit, class_)


async def advice(shop: Shop, device_id: str, person_id: str = "", code: str = "", limit: int = 5) -> Advice:
    """For an order on a machine, given to somebody or not ('' for either); ``code`` of the fault that it mends."""
    kind, class_, model_id, _ = await store.subject(shop.pool, device_id)
    found = await pages.helps(shop.pool, kind, model_id, [code] if code else [], limit, class_)
    if not person_id or not model_id:
        return Advice(pages=tuple(found))
    fit = await competence.competent(shop.pool, person_id, kind, shop.clock.now(), class_)
    return Advice(pages=tuple(found), warning=fit.warning)
