"""The fleet: the devices room's registry joined with equipment's work and exchange's messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from wardbridge.core.errors import NotFound
from wardbridge.devices import board, fleet
from wardbridge.devices.store import places
from wardbridge.devices.store.places import Place
from wardbridge.devices.store.registry import Device
from wardbridge.equipment.lifecycle import moves
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk
from wardbridge.equipment.work.state import maintenance_state
from wardbridge.equipment.work.store import orders
from wardbridge.equipment.work.values import Work
from wardbridge.exchange.outbound.store import screens
from wardbridge.security.principal import Principal
from wardbridge.telemetry import store as telemetry
from wardbridge.web import views as v
from wardbridge.web.adapters.common import binding_view, device_state, full_name, reference, type_name, value
from wardbridge.web.adapters.messages import message_view
from wardbridge.web.sources import Filter
from wardbridge.web.words import _

MESSAGES, SEARCHED = 12, 500


def fault_view(work: Work, device: str) -> v.Fault:
    return v.Fault(
        id=work.work_id, text=work.text, state=work.state, reported_by=work.reported_by,
        reported_at=work.reported_at, taken_by=work.taken_by, taken_at=work.taken_at or 0,
        resolved_at=work.done_at or 0, resolution=work.resolution, device_id=work.device_id, device=device,
    )  # fmt: skip


def device_view(device: Device, bed: str, ward: str, work: Iterable[Work], now: int) -> v.Device:
    """A registry row with its place's names and its work."""
    mine = [item for item in work if item.device_id == device.device_id]
    due, decided = maintenance_state(mine, now)
    said = device.said[0] if device.said else None
    return v.Device(
        id=device.device_id, key=device.key, label=device.label, type=type_name(device),
        manufacturer=device.manufacturer, model=device.model, serial=device.serial, firmware=device.firmware,
        hardware=device.hardware, udi=device.udi, admission=device.state, state=device_state(device, now),
        link=device.link, bed=bed, place_id=device.place_id, ward=ward, in_use=bool(device.patient_id),
        first_seen=device.first_seen, last_seen=device.last_seen, clock_offset=device.clock_offset_us,
        battery=device.battery, faults=sum(item.kind == "fault" and not item.ended for item in mine),
        due=due, due_date=(decided.due or 0) if decided else 0,
        said=" · ".join(filter(None, [said[1], ", ".join(said[2][:6]), device.place_said])) if said else "",
    )  # fmt: skip


def module_view(module: Device, now: int) -> v.Device:
    """A module, by what it is where the device gave it no name of its own."""
    shown = device_view(module, "", "", (), now)
    return msgspec.structs.replace(shown, label=shown.type or shown.label) if shown.label == shown.key else shown


class FleetDesk:
    """Answers :class:`wardbridge.web.sources.Fleet`."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._pool = shop.pool
        self._clock = shop.clock
        self._parts = shop.parts

    async def _places(self) -> dict[str, Place]:
        return {place.place_id: place for place in await places.every(self._pool)}

    async def devices(self, chosen: Filter) -> Sequence[v.Device]:
        now, where = self._clock.now(), await self._places()
        work = await orders.of_devices(self._pool, open_only=True)
        found = []
        for device in await fleet.list_devices(self._pool, state=chosen.admission):
            place = where.get(device.place_id)
            found.append(device_view(device, place.bed if place else "", place.ward if place else "", work, now))
        return [device for device in found if _fits(device, chosen)]

    async def device(self, device_id: str, *, names: bool) -> v.DevicePage:
        now, where = self._clock.now(), await self._places()
        device = await fleet.device(self._pool, device_id)
        work = await orders.of_devices(self._pool, [device_id])
        place = where.get(device.place_id)
        bindings = await self._bindings(device, where, names)
        seen = {binding.patient_id for binding in bindings if binding.patient_id}
        if not names:
            hidden = tuple(v.Binding(id=b.id, device_id=b.device_id, device=b.device, patient_id="", bed=b.bed,
                                     start=b.start, stop=b.stop, source=b.source) for b in bindings)  # fmt: skip
            bindings = hidden
        lasts = await telemetry.last_values(self._pool, [device_id]) if names else {}
        return v.DevicePage(
            device=device_view(device, place.bed if place else "", place.ward if place else "", work, now),
            modules=tuple(module_view(m, now) for m in await fleet.modules(self._pool, device_id)),
            faults=tuple(fault_view(item, device.label) for item in work if item.kind == "fault"),
            due=tuple(_due(item, work, now) for item in work if item.kind == "maintenance" and not item.ended),
            bindings=bindings,
            patient_count=len(seen),
            messages=await self._messages(device),
            values=tuple(value(last) for last in lasts.get(device_id, ())),
        )

    async def _messages(self, device: Device) -> tuple[v.Message, ...]:
        """The newest messages of the device's link whose sender names the device."""
        found = await screens.find(self._pool, direction="in", kinds=("device",), limit=SEARCHED)
        names = [name for name in (device.key, device.serial) if len(name) > 3]
        mine = [m for m in found.messages if m.peer == device.link and any(name in m.sender for name in names)]
        return tuple(message_view(message) for message in mine[:MESSAGES])

    async def _bindings(self, device: Device, where: dict[str, Place], names: bool) -> tuple[v.Binding, ...]:
        found = [one for one in await board.patients_of(self._pool, device.device_id) if one.patient_id]
        people = await board.people(self._pool, sorted({one.patient_id for one in found})) if names else {}
        views = []
        for one in found:
            who, place = people.get(one.patient_id), where.get(one.place_id)
            name = full_name(who.family, who.given) if who else ""
            views.append(binding_view(one, device.label, (place.label or place.bed) if place else "", name))
        return tuple(views)

    async def places(self) -> Sequence[tuple[str, str]]:
        return [(place.place_id, place.label) for place in (await self._places()).values() if place.bed]

    async def admit(self, device_id: str, state: str, by: Principal, place_id: str = "", reason: str = "") -> None:
        """A machine of the register moves in its life by it; one that nobody entered yet is only admitted."""
        async with self._shop.acting(by, reason) as conn:
            if await moves.admit(self._shop, conn, device_id, state, by, reason):
                if state == "accepted" and place_id:
                    await fleet.move(self._parts, conn, device_id, place_id, by=reference(by))
            elif state == "accepted":
                await fleet.accept(self._parts, conn, device_id, reference(by), place_id or None)
            elif state == "quarantined":
                await fleet.quarantine(self._parts, conn, device_id, reference(by))
            elif state == "workshop":
                await fleet.workshop(self._parts, conn, device_id, reference(by))
            else:
                await fleet.retire(self._parts, conn, device_id, reference(by))

    async def report(self, device_id: str, text: str, by: Principal) -> None:
        await fleet.device(self._pool, device_id)
        async with self._shop.acting(by) as conn:
            await desk.report(self._shop, conn, device_id, text, by)

    async def take(self, device_id: str, fault_id: str, by: Principal) -> None:
        await self._own(device_id, fault_id)
        async with self._shop.acting(by) as conn:
            await desk.take(self._shop, conn, fault_id, by)

    async def resolve(self, device_id: str, fault_id: str, text: str, by: Principal) -> None:
        await self._own(device_id, fault_id)
        async with self._shop.acting(by) as conn:
            await desk.resolve(self._shop, conn, fault_id, text, by)

    async def _own(self, device_id: str, fault_id: str) -> None:
        if all(item.work_id != fault_id for item in await orders.of_devices(self._pool, [device_id])):
            raise NotFound(_("There is no such fault on this device."), "fault")


def _fits(device: v.Device, chosen: Filter) -> bool:
    text = f"{device.label} {device.serial} {device.key} {device.model} {device.link}".lower()
    return (
        (not chosen.type or device.type == chosen.type)
        and (not chosen.ward or device.ward == chosen.ward)
        and (not chosen.due or device.due == chosen.due)
        and (not chosen.fault or device.faults > 0)
        and chosen.text.strip().lower() in text
    )


def _plans(work: Iterable[Work]) -> list[Work]:
    return [item for item in work if item.kind == "maintenance"]


def _due(work: Work, everything: Sequence[Work], now: int) -> v.Due:
    done = [
        item.done_at for item in everything if item.kind == "maintenance" and item.name == work.name and item.done_at
    ]
    return v.Due(
        request_id=work.request_id, text=work.name, date=work.due or 0,
        state=maintenance_state([work], now)[0], last_done=max(done, default=0),
    )  # fmt: skip
