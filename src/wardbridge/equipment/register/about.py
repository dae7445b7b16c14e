"""What the register tells of a machine beyond its own row: parts that came and went, rows that became one with it."""

from __future__ import annotations

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.register.duplicates import store as duplicates
from wardbridge.equipment.register.parts import store as parts
from wardbridge.equipment.register.parts.values import Accessory
from wardbridge.equipment.timeline import Event


async def events(source: Connection | Pool, device_id: str) -> list[Event]:
    """For the machine's timeline: accessories fitted and taken away."""
    url = f"/equipment/register/machines/{device_id}"
    found = []
    for one in await parts.of(source, [device_id]):
        found.append(Event(at=one.fitted, kind="part", text=f"Fitted: {_name(one)}", url=url))
        if one.removed is not None:
            found.append(Event(at=one.removed, kind="part", text=f"Taken away: {_name(one)}", url=url))
    return found


async def was_also(source: Connection | Pool, device_id: str) -> list[tuple[str, str, str]]:
    """(device id, asset number, serial number) of rows that were merged into this machine."""
    return await duplicates.merged_into(source, device_id)


def _name(one: Accessory) -> str:
    serial, lot = one.serial and f"SN {one.serial}", one.lot and f"lot {one.lot}"
    return " ".join(text for text in (one.kind, one.name, serial, lot) if text)
