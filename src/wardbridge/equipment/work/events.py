"""Machines that speak of themselves: faults and pulled modules become work, rests are kept for the use hours."""

from __future__ import annotations

from wardbridge.core.db import Connection
from wardbridge.devices.values import DeviceEvent
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk
from wardbridge.equipment.work.store import meters
from wardbridge.security.acting import act
from wardbridge.security.principal import SYSTEM, Principal

ITSELF = Principal(SYSTEM.id, "the device itself", SYSTEM.kind, SYSTEM.roles, SYSTEM.scopes)


class DeviceFaults:
    """The devices room's EventSink: a fault that a machine reports of itself becomes work for biomed."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def apply(
        self, conn: Connection, device_id: str, patient_id: str | None, place_id: str | None, event: DeviceEvent,
        received: int,
    ) -> None:  # fmt: skip
        """Open a fault once per code while it lasts; a machine never closes one: people look first."""
        if event.name == "fault":
            code = event.code or event.text[:60] or "fault"
            text = event.text or event.code or "The device reports a fault"
        elif event.name == "module_removed":
            code, text = f"module-removed {event.code}"[:200], f"Module removed: {event.text or event.code}"
        else:
            return
        await act(conn, ITSELF, self._shop.clock.now(), f"the device said: {event.name}")
        await desk.report(
            self._shop, conn, device_id, text[: desk.TEXT_LIMIT], ITSELF, code=code, source="alarm",
            priority="urgent" if patient_id else "routine",
        )  # fmt: skip


class Rests:
    """The EventSink that keeps when a machine was on standby: that is no use of it."""

    async def apply(
        self, conn: Connection, device_id: str, patient_id: str | None, place_id: str | None, event: DeviceEvent,
        received: int,
    ) -> None:  # fmt: skip
        """Keep the beginning or the end of a rest, by our receive time."""
        if event.name == "standby":
            await meters.rest(conn, device_id, received, event.value.lower() not in ("0", "off", "false", "end"))
