"""Suggestions: made from exports and from the wire, accepted or ignored by a person."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.register import desk, net
from wardbridge.equipment.register import store as register
from wardbridge.equipment.register.discovery import store
from wardbridge.equipment.register.discovery.match import match
from wardbridge.equipment.register.discovery.values import Export, Outcome, Suggestion
from wardbridge.equipment.register.lists import store as lists
from wardbridge.equipment.register.values import Asset, Interface, Model
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM, Principal

_SPACE = uuid.UUID("2b1f3c55-6f0e-5d7c-8e76-0c8d7c0b3f51")


async def take(shop: Shop, conn: Connection, export: Export) -> Outcome:
    """Keep what an export suggests; nothing of the register is changed."""
    found = match(export, await lists.known(conn), ids=shop.ids, now=shop.clock.now())
    fresh = await store.suggest(conn, found.suggestions)
    return Outcome(kind=export.kind, seen=len(export.sightings), fresh=fresh, again=len(found.suggestions) - fresh,
                   same=found.same, passed=export.passed)  # fmt: skip


async def follow_wire(shop: Shop) -> int:
    """Suggest machines that speak on the wire and are in no row, and modules of those that are; how many are new."""
    rows, settled = await store.unregistered(shop.pool), await store.settled(shop.pool)
    if not rows and not settled:
        return 0
    found = [_heard(shop, row) for row in rows]
    async with shop.acting(SYSTEM, "heard on the wire") as conn:
        await store.decide(conn, settled, "accepted", SYSTEM.id, shop.clock.now(), "is in the register by now")
        return await store.suggest(conn, found)


def _heard(shop: Shop, row: Mapping[str, Any]) -> Suggestion:
    who = row["identity"]
    seen = {
        name: who[name] for name in ("manufacturer", "model", "serial", "firmware", "hardware", "udi") if who.get(name)
    }
    seen |= {
        "label": row["label"] or who.get("label", ""),
        "place": row["place"],
        "link": row["link"],
        "key": row["key"],
    }
    return Suggestion(
        suggestion_id=shop.ids(), key=row["device_id"], kind="module" if row["parent_id"] else "machine", source="wire",
        device_id=row["parent_id"] or "", seen={name: value for name, value in seen.items() if value},
        first_seen=row["first_seen"], last_seen=shop.clock.now(),
    )  # fmt: skip


async def ignore(shop: Shop, conn: Connection, ids: Sequence[str], reason: str, by: Principal) -> int:
    """These are none of the register's, for a reason; they are not suggested again. How many were open."""
    if not reason.strip():
        raise Invalid("say why: guest phone, printer, infrastructure …", "reason")
    open_ = [one.suggestion_id for one in await store.lock(conn, ids) if one.state == "open"]
    await store.decide(conn, open_, "ignored", by.id, shop.clock.now(), reason.strip())
    return len(open_)


async def accept(shop: Shop, conn: Connection, suggestion_id: str, by: Principal, *, model_id: str = "",
                 tag: str = "", label: str = "") -> str:  # fmt: skip
    """Bring a suggestion into the register; the device id. A new machine or module needs a model.

    Raises NotFound, Conflict for one that is decided, Invalid without a model, and what :func:`desk.add` raises.
    """
    found = await store.lock(conn, [suggestion_id])
    if not found:
        raise NotFound("there is no such suggestion", suggestion_id)
    (one,) = found
    if one.state != "open":
        raise Conflict(f"this suggestion is {one.state} already", suggestion_id)
    match one.kind:
        case "interface":
            ident = await _interface(shop, conn, one)
        case "identity":
            ident = await _identity(shop, conn, one, model_id)
        case _:
            ident = await _machine(shop, conn, one, model_id, tag, label)
            if one.source == "wire" and one.kind == "machine":
                await desk.let_in(shop, conn, ident, by)
    await store.decide(conn, [suggestion_id], "accepted", by.id, shop.clock.now(), "", ident)
    return ident


async def _machine(shop: Shop, conn: Connection, one: Suggestion, model_id: str, tag: str, label: str) -> str:
    seen, now = one.seen, shop.clock.now()
    if not model_id:
        model_id = (await model_of(shop, conn, str(seen.get("manufacturer", "")), str(seen.get("model", "")))).model_id
    ident = one.key if one.source == "wire" else shop.ids()
    said: dict[str, Any] = {n: str(seen[n]) for n in ("serial", "firmware", "hardware", "udi") if seen.get(n)}
    asset = Asset(
        device_id=ident, model_id=model_id, state="in-service", state_since=now, created=now,
        tag=tag or str(seen.get("tag", "")), label=label or str(seen.get("label", "")),
        parent_id=one.device_id if one.kind == "module" else None, **said,
    )  # fmt: skip
    network = []
    if seen.get("mac") or seen.get("ip"):
        network = [_port(Interface(interface_id=shop.ids(), device_id=ident, source=one.source), seen)]
    await desk.add(shop, conn, [asset], network, source="wire" if one.source == "wire" else "list")
    return ident


async def model_of(shop: Shop, conn: Connection, manufacturer: str, name: str) -> Model:
    """The model of this manufacturer and name, made where it is new. Raises Invalid without both."""
    if not manufacturer or not name:
        raise Invalid("choose the model of this machine", "model")
    known = await register.find_model(conn, manufacturer, name)
    if known is None:
        ident = str(uuid.uuid5(_SPACE, f"{manufacturer}\x1f{name}".casefold()))
        known = Model(model_id=ident, manufacturer=manufacturer, name=name)
        await desk.add_models(shop, conn, [known])
    return known


async def _interface(shop: Shop, conn: Connection, one: Suggestion) -> str:
    heads = await register.heads(conn, [one.device_id])
    if one.device_id not in heads:
        raise NotFound("the machine is no longer in the register", one.device_id)
    ident = heads[one.device_id]
    known = {port.interface_id: port for port in await register.interfaces(conn, [ident])}
    port = known.get(str(one.seen.get("interface_id", "")))
    fresh = port or Interface(interface_id=shop.ids(), device_id=ident, source=one.source)
    await desk.connect(shop, conn, [_port(fresh, one.seen)])
    return ident


def _port(port: Interface, seen: Mapping[str, Any]) -> Interface:
    said = {name: seen[name] for name in ("mac", "ip", "vlan", "switch", "port") if seen.get(name)}
    said |= {name: seen[name] for name in ("hostname", "name") if seen.get(name) and not getattr(port, name)}
    return net.checked(msgspec.structs.replace(port, **said))


async def _identity(shop: Shop, conn: Connection, one: Suggestion, model_id: str) -> str:
    """Let the register follow what the device says of itself."""
    what, new = str(one.seen["what"]), str(one.seen["wire"])
    found = await register.now(conn, [one.device_id])
    if not found:
        raise NotFound("the machine is no longer in the register", one.device_id)
    (machine,) = found
    if what in ("serial", "udi"):
        await desk.change(shop, conn, machine.device_id, source="wire", **{what: new})
    elif model_id:
        await desk.change(shop, conn, machine.device_id, source="wire", model_id=model_id)
    else:
        names = {"manufacturer": machine.manufacturer, "model": machine.model} | {what: new}
        model = await model_of(shop, conn, names["manufacturer"], names["model"])
        await desk.change(shop, conn, machine.device_id, source="wire", model_id=model.model_id)
    return machine.device_id
