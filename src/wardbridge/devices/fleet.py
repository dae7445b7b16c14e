"""The registry of devices: first sight, admission, place, identity.

A wire key that nobody has seen makes a row in state ``unknown``. It waits in the queue with what it said;
its samples are kept but are no patient's until somebody accepts it. ``quarantined``: only the raw messages
are kept. ``workshop``: it is recorded, never for a patient. A device that was announced
(:func:`register`) is accepted at first sight. ``by`` is a FHIR reference or a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import structlog

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.devices import device_resource
from wardbridge.devices.binding import rederive
from wardbridge.devices.ports import Parts
from wardbridge.devices.store import facts, places, registry
from wardbridge.devices.store.registry import Device, Expected
from wardbridge.devices.values import Identity

log = structlog.get_logger(__name__)

STATES = ("unknown", "accepted", "quarantined", "workshop", "retired")


async def list_devices(pool: Pool | Connection, *, state: str = "") -> list[Device]:
    """Machines (not their modules), optionally of one admission state."""
    return await registry.devices(pool, state=state)


async def device(pool: Pool | Connection, device_id: str) -> Device:
    """One device. Raises NotFound."""
    found = await registry.device(pool, device_id)
    if found is None:
        raise NotFound("no such device", f"Device/{device_id}")
    return found


async def modules(pool: Pool | Connection, device_id: str) -> list[Device]:
    """The modules of a machine."""
    return await registry.devices(pool, parent=device_id)


async def queue(pool: Pool | Connection) -> list[Device]:
    """Unknown devices that wait for somebody, each with what it said."""
    return await registry.devices(pool, state="unknown")


async def silent(pool: Pool | Connection, before: int) -> list[tuple[str, int, str, str]]:
    """Accepted devices not heard since ``before``: (device, last seen µs, place, patient)."""
    return await registry.silent(pool, before)


async def register(conn: Connection, rows: Sequence[Expected], *, by: str, at: int) -> int:
    """Announce devices by key, or by serial and model: they are accepted at first sight.

    Raises Invalid for a row by which no device can be recognised.
    """
    for number, row in enumerate(rows, 1):
        if not row.key and not row.serial:
            raise Invalid("a device is announced by its key, or by its serial number", f"row {number}")
    return await registry.register(conn, rows, by, at)


async def accept(
    parts: Parts,
    conn: Connection,
    device_id: str,
    by: str,
    place_id: str | None = None,
    *,
    since: int | None = None,
    label: str = "",
) -> None:
    """Let a device in: its FHIR Device is made, and from ``since`` (now) on its data may be a patient's.

    ``since`` may lie in the past (its first message): what was kept while it was unknown is then charted by
    the bindings of that time; times in the workshop or in quarantine stay what they were.
    Raises NotFound for an unknown device or place, Conflict for a module.
    """
    start = parts.clock.now() if since is None else since
    await facts.lock(conn)
    found = await _machine(conn, device_id)
    if place_id and await places.get(conn, place_id) is None:
        raise NotFound("no such place", f"place/{place_id}")
    if label:
        await registry.set_label(conn, device_id, label)
    await registry.set_state(conn, device_id, "accepted")
    await facts.let_in(conn, device_id, start, by, parts.clock.now())
    if place_id:
        await facts.add_seat(conn, device_id, start, place_id, "hand", by, parts.clock.now())
    await write_resource(parts, conn, device_id)
    for module in await registry.devices(conn, parent=device_id):
        await write_resource(parts, conn, module.device_id)
    await facts.touch(conn, [device_id])
    await rederive(parts, conn, {device_id: min(start, found.first_seen)}, by=by, reason="device accepted")
    log.info("device.accepted", device=device_id)


async def quarantine(parts: Parts, conn: Connection, device_id: str, by: str) -> None:
    """Keep a device out from now on: its messages stay raw in the intake log and go nowhere else."""
    await _set(parts, conn, device_id, "quarantined", by)


async def workshop(parts: Parts, conn: Connection, device_id: str, by: str) -> None:
    """Under test by a technician from now on: recorded, never a patient's."""
    await _set(parts, conn, device_id, "workshop", by)


async def retire(parts: Parts, conn: Connection, device_id: str, by: str) -> None:
    """Out of use from now on. When it speaks again its data is kept as that of a device in the workshop."""
    await _set(parts, conn, device_id, "retired", by)


async def move(
    parts: Parts,
    conn: Connection,
    device_id: str,
    place_id: str | None,
    *,
    by: str,
    at: int | None = None,
    source: str = "hand",
) -> None:
    """The device stands at ``place_id`` (None: nowhere) from ``at`` (now) on.

    Raises NotFound for an unknown device or place.
    """
    start = parts.clock.now() if at is None else at
    await facts.lock(conn)
    await _machine(conn, device_id)
    if place_id and await places.get(conn, place_id) is None:
        raise NotFound("no such place", f"place/{place_id}")
    await facts.add_seat(conn, device_id, start, place_id, source, by, parts.clock.now())
    await facts.touch(conn, [device_id])
    await rederive(parts, conn, {device_id: start}, by=by, reason="device moved")
    await write_resource(parts, conn, device_id)


async def first_sight(parts: Parts, conn: Connection, key: str, link: str, who: Identity | None, since: int) -> Device:
    """A row for a key that nobody has seen: admitted as it was announced, else ``unknown``.

    ``since`` is the earliest time that its first message speaks of (a cuff pressure is minutes old).
    """
    said = as_said(who)
    announced = await registry.expected(conn, key, str(said.get("serial", "")), str(said.get("model", "")))
    device_id = (announced[2] if announced else "") or parts.ids()
    label = announced[1].label if announced else ""
    state = announced[1].state if announced else "unknown"
    await registry.add(conn, device_id, key, link, state, said, label, since, None)
    await facts.add_mode(conn, device_id, since, state, "list" if announced else "", parts.clock.now())
    if announced:
        await _arrive(parts, conn, device_id, announced, since)
    await rederive(parts, conn, {device_id: since})
    log.info("device.first_seen", device=device_id, state=state, link=link)
    return await device(conn, device_id)


class Learned(msgspec.Struct, frozen=True):
    """What :func:`learn` learned. ``change``: '', 'identity', 'firmware' or 'module' (seen for the first time);
    ``before`` and ``now`` are what ``device_id`` (the machine or its module) has said of itself."""

    change: str
    device_id: str
    before: Mapping[str, Any] = {}
    now: Mapping[str, Any] = {}


async def learn(parts: Parts, conn: Connection, machine: Device, who: Identity, received: int) -> Learned:
    """A device or one of its modules said who it is."""
    if who.key != machine.key:
        return await _module(parts, conn, machine, who, received)
    known = await registry.identity(conn, machine.device_id)
    now = device_resource.merged(known, as_said(who))
    if now == known:
        return Learned("", machine.device_id)
    await registry.set_identity(conn, machine.device_id, now)
    await facts.touch(conn, [machine.device_id])
    if machine.state == "unknown":
        announced = await registry.expected(conn, machine.key, str(now.get("serial", "")), str(now.get("model", "")))
        if announced and announced[2] not in ("", machine.device_id):
            await _turns_out(parts, conn, machine, announced, now, received)
            return Learned("identity", announced[2], {}, now)
        if announced:
            state = announced[1].state
            await registry.set_state(conn, machine.device_id, state)
            await facts.add_mode(conn, machine.device_id, machine.first_seen, state, "list", received)
            await _arrive(parts, conn, machine.device_id, announced, machine.first_seen)
            await rederive(parts, conn, {machine.device_id: machine.first_seen})
    elif machine.state not in ("quarantined",):
        await write_resource(parts, conn, machine.device_id)
    return Learned(_change(known, now), machine.device_id, known, now)


async def _turns_out(
    parts: Parts, conn: Connection, machine: Device, announced: tuple[int, Expected, str], said: Mapping[str, Any],
    received: int,
) -> None:  # fmt: skip
    """An unknown device says who it is after its first words, and the register knows it under another id: from here on
    it is that machine. What it said before stays with the unknown row, which nobody speaks for any more."""
    _, row, ident = announced
    await registry.give_up_key(conn, machine.device_id)
    await facts.add_mode(conn, machine.device_id, received, "retired", "list", received)
    await registry.add(conn, ident, machine.key, machine.link, row.state, said, row.label, received, None)
    await registry.adopt(conn, machine.device_id, ident)
    await facts.add_mode(conn, ident, received, row.state, "list", received)
    await _arrive(parts, conn, ident, announced, received)
    await rederive(parts, conn, {machine.device_id: machine.first_seen, ident: received})
    log.info("device.recognised", device=ident, before=machine.device_id)


def _change(known: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    return "firmware" if known.get("firmware") and now.get("firmware") != known["firmware"] else "identity"


async def write_resource(parts: Parts, conn: Connection, device_id: str) -> None:
    """Bring the FHIR Device up to date; nothing is written where nothing changed."""
    found = await device(conn, device_id)
    before = await parts.record.current(conn, "Device", device_id)
    seat, _, _ = await facts.seat_now(conn, device_id)
    place = await places.get(conn, seat) if seat else None
    now = device_resource.resource(
        device_id,
        found.key,
        await registry.identity(conn, device_id),
        label=found.label,
        parent_id=found.parent_id,
        location_id=place.location_id if place else "",
        state=found.state,
        before=before,
    )
    if now != before:
        await parts.record.put(conn, [now])


def as_said(who: Identity | None) -> dict[str, Any]:
    """The fields of an Identity that are not empty."""
    return {} if who is None else {f: getattr(who, f) for f in registry.FIELDS if getattr(who, f)}


async def _machine(conn: Connection, device_id: str) -> Device:
    found = await device(conn, device_id)
    if found.parent_id:
        raise Conflict("a module goes where its machine goes", f"Device/{device_id}")
    return found


async def _set(parts: Parts, conn: Connection, device_id: str, state: str, by: str) -> None:
    now = parts.clock.now()
    await facts.lock(conn)
    await _machine(conn, device_id)
    await registry.set_state(conn, device_id, state)
    await facts.add_mode(conn, device_id, now, state, by, now)
    await facts.touch(conn, [device_id])
    await rederive(parts, conn, {device_id: now}, by=by, reason=f"device {state}")
    if state != "quarantined" or await parts.record.current(conn, "Device", device_id) is not None:
        await write_resource(parts, conn, device_id)
    log.info("device.admission", device=device_id, state=state)


async def _arrive(
    parts: Parts, conn: Connection, device_id: str, announced: tuple[int, Expected, str], at: int
) -> None:
    number, row, _ = announced
    await registry.arrived(conn, number, device_id)
    if row.label:
        await registry.set_label(conn, device_id, row.label)
    extra: Mapping[str, Any] = {f: getattr(row, f) for f in ("manufacturer", "model", "serial")}
    known = await registry.identity(conn, device_id)
    filled = known | {name: value for name, value in extra.items() if value and not known.get(name)}
    if filled != known:
        await registry.set_identity(conn, device_id, filled)
    if row.place_id:
        await facts.add_seat(conn, device_id, at, row.place_id, "list", "list", at)
    await write_resource(parts, conn, device_id)


async def _module(parts: Parts, conn: Connection, machine: Device, who: Identity, received: int) -> Learned:
    known = (await registry.by_keys(conn, [who.key])).get(who.key)
    if known is None:
        parent = machine
        if who.parent and who.parent != machine.key:
            parent = (await registry.by_keys(conn, [who.parent])).get(who.parent, machine)
        ident = parts.ids()
        await registry.add(
            conn, ident, who.key, machine.link, machine.state, as_said(who), "", received, parent.device_id
        )
        if machine.state == "accepted":
            await write_resource(parts, conn, ident)
        return Learned("module", ident, {}, as_said(who))
    if not known.parent_id:
        # A machine of its own elsewhere: a module that was carried over keeps its own history.
        return Learned("", known.device_id)
    before = await registry.identity(conn, known.device_id)
    now = device_resource.merged(before, as_said(who))
    if now == before:
        return Learned("", known.device_id)
    await registry.set_identity(conn, known.device_id, now)
    if machine.state == "accepted":
        await write_resource(parts, conn, known.device_id)
    return Learned(_change(before, now), known.device_id, before, now)


__all__ = [
    "STATES",
    "Device",
    "Expected",
    "Learned",
    "accept",
    "as_said",
    "device",
    "first_sight",
    "learn",
    "list_devices",
    "modules",
    "move",
    "quarantine",
    "queue",
    "register",
    "retire",
    "silent",
    "workshop",
    "write_resource",
]
