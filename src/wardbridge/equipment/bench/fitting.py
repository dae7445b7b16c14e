"""A serialised part that is built into a machine is a machine of its own, below that one in the register."""

from __future__ import annotations

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict
from wardbridge.equipment.bench.store import work as orders
from wardbridge.equipment.bench.values import Part
from wardbridge.equipment.register import desk, store
from wardbridge.equipment.register.values import Asset, Model
from wardbridge.equipment.shop import Shop


async def fit(shop: Shop, conn: Connection, part: Part, serial: str, lot: str, device_id: str) -> str:
    """Put the part below the machine, and give its device id; one that came off another machine moves.

    Raises Conflict where this very part is in another machine now. Nothing happens where the machine is in no register.
    """
    if not await store.assets(conn, [device_id]):
        return ""
    maker = part.manufacturer or part.supplier or "unknown"
    model = await store.find_model(conn, maker, part.name, part.number)
    if model is None:
        model = Model(model_id=shop.ids(), manufacturer=maker, name=part.name, catalogue=part.number,
                      kind=part.kind, storage="no" if part.kind == "consumable" else "unknown")  # fmt: skip
        await desk.add_models(shop, conn, [model])
    known = await orders.asset_of(conn, model.model_id, serial)
    now = shop.clock.now()
    if known is None:
        asset = Asset(device_id=shop.ids(), model_id=model.model_id, state="in-service", state_since=now, created=now,
                      serial=serial, lot=lot, parent_id=device_id, installed=now)  # fmt: skip
        await desk.add(shop, conn, [asset])
        return asset.device_id
    ident, parent = known
    if parent not in ("", device_id):
        raise Conflict(f"{part.number} with serial number {serial} is in another machine ({parent})", "serial")
    await desk.change(shop, conn, ident, parent_id=device_id, installed=now)
    return ident


async def unfit(shop: Shop, conn: Connection, part: Part, serial: str, device_id: str) -> None:
    """Take the part off the machine: it is no longer below it."""
    maker = part.manufacturer or part.supplier or "unknown"
    model = await store.find_model(conn, maker, part.name, part.number)
    known = await orders.asset_of(conn, model.model_id, serial) if model else None
    if known is not None and known[1] == device_id:
        await desk.change(shop, conn, known[0], parent_id=None)
