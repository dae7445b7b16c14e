"""Fitting, taking away and replacing what belongs to a machine; each is a FHIR Device whose parent is the machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.core.clock import iso
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.register import store as register
from wardbridge.equipment.register.parts import store
from wardbridge.equipment.register.parts.values import KINDS, Accessory
from wardbridge.equipment.shop import Shop


async def fit(shop: Shop, conn: Connection, parts: Sequence[Accessory]) -> None:
    """Fit accessories, or change what is known of them. One with ``replaces`` takes the other's place, which ends.

    Raises Invalid for a kind that does not exist or no name, NotFound for a machine or accessory that does not exist,
    Conflict when the replaced one is another machine's or gone already.
    """
    machines = {asset.device_id for asset in await register.assets(conn, [one.device_id for one in parts])}
    ended = []
    for one in parts:
        if one.kind not in KINDS or not one.name.strip():
            raise Invalid(f"an accessory has a name and is one of: {', '.join(KINDS)}", "kind")
        if one.device_id not in machines:
            raise NotFound("there is no such machine in the register", f"Device/{one.device_id}")
        if one.replaces:
            ended.append(await _end(conn, one.replaces, one.device_id, one.fitted))
    await store.put(conn, [*ended, *parts])
    await shop.record.put(conn, [resource(one) for one in (*ended, *parts)])


async def remove(shop: Shop, conn: Connection, device_id: str, accessory_id: str, at: int) -> None:
    """Take an accessory away from its machine. Raises NotFound, Conflict."""
    gone = await _end(conn, accessory_id, device_id, at)
    await store.put(conn, [gone])
    await shop.record.put(conn, [resource(gone)])


async def _end(conn: Connection, accessory_id: str, device_id: str, at: int) -> Accessory:
    found = await store.get(conn, accessory_id)
    if found is None:
        raise NotFound("there is no such accessory", accessory_id)
    if found.device_id != device_id or found.removed is not None:
        raise Conflict("this accessory is not on this machine", accessory_id)
    return msgspec.structs.replace(found, removed=max(at, found.fitted))


def resource(one: Accessory) -> dict[str, Any]:
    """The FHIR Device of an accessory."""
    found: dict[str, Any] = {
        "resourceType": "Device",
        "id": one.accessory_id,
        "status": "active" if one.removed is None else "inactive",
        "deviceName": [{"name": one.name, "type": "user-friendly-name"}],
        "type": {"text": one.kind},
        "parent": {"reference": f"Device/{one.device_id}"},
    }
    texts = {"partNumber": one.part_number, "serialNumber": one.serial, "lotNumber": one.lot}
    found.update({name: text for name, text in texts.items() if text})
    if one.expires is not None:
        found["expirationDate"] = iso(one.expires)
    if one.note:
        found["note"] = [{"text": one.note}]
    return found
