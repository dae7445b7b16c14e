"""Putting machines and models into the register, each with its FHIR resource in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.devices import fleet
from wardbridge.devices.store import places, registry
from wardbridge.devices.store.registry import Expected
from wardbridge.equipment.register import net, resources, store
from wardbridge.equipment.register.values import CLASSES, CRITICALITIES, STATES, WIRE, Asset, Interface, Model, Software
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

STEP = 250
VERSIONED = ("firmware", "hardware", "os")
"""Fields of a machine whose versions have a history."""


async def add_models(shop: Shop, conn: Connection, models: Sequence[Model]) -> None:
    """Add or change models. Raises Invalid for one without manufacturer and name, or of an unknown class."""
    for model in models:
        if not model.manufacturer.strip() or not model.name.strip():
            raise Invalid("a model has a manufacturer and a name", "model")
        if model.class_ not in CLASSES:
            raise Invalid(f"the class of a model is one of: {', '.join(CLASSES)}", "class")
    await store.put_models(conn, models)
    before = await shop.record.current_many(conn, "DeviceDefinition", [model.model_id for model in models])
    await shop.record.put(conn, [resources.definition(model, before.get(model.model_id)) for model in models])


async def add(
    shop: Shop, conn: Connection, assets: Sequence[Asset], network: Sequence[Interface] = (), *, source: str = "hand"
) -> None:
    """Add or change machines and network interfaces of theirs; those that may be with a patient are announced, so
    that they are known when first heard. New versions of firmware, hardware and os go into the history as from
    ``source`` (hand, list, wire).

    Raises Invalid for an unknown state, criticality or model or a wrong address, Conflict for an asset number that is
    taken.
    """
    network = [net.checked(one) for one in network]
    for asset in assets:
        if asset.state not in STATES or asset.criticality not in CRITICALITIES:
            raise Invalid("this life-cycle state or criticality does not exist", "state")
    known = {model.model_id for model in await store.models(conn, [asset.model_id for asset in assets])}
    missing = [asset.model_id for asset in assets if asset.model_id not in known]
    if missing:
        raise Invalid(f"there is no model {missing[0]}", "model")
    taken = await store.taken_tag(conn, {asset.tag: asset.device_id for asset in assets if asset.tag})
    if taken:
        raise Conflict(f"the asset number {taken} is another machine's", "tag")
    before = {asset.device_id: asset for asset in await store.assets(conn, [asset.device_id for asset in assets])}
    await store.put_assets(conn, assets)
    await store.put_interfaces(conn, network)
    await store.put_software(conn, _versions(assets, before, shop.clock.now(), source))
    await write(shop, conn, sorted({asset.device_id for asset in assets} | {one.device_id for one in network}))
    await announce(shop, conn, assets)


async def connect(shop: Shop, conn: Connection, interfaces: Sequence[Interface]) -> None:
    """Add or change network interfaces. Raises Invalid for a wrong address."""
    interfaces = [net.checked(one) for one in interfaces]
    await store.put_interfaces(conn, interfaces)
    await write(shop, conn, sorted({one.device_id for one in interfaces}))


def _versions(assets: Sequence[Asset], before: Mapping[str, Asset], at: int, source: str) -> list[Software]:
    found = []
    for asset in assets:
        old = before.get(asset.device_id)
        for component in VERSIONED:
            version = getattr(asset, component)
            if version and version != (getattr(old, component) if old else ""):
                found.append(Software(device_id=asset.device_id, component=component, since=at, version=version,
                                      source=source))  # fmt: skip
    return found


async def change(shop: Shop, conn: Connection, device_id: str, *, source: str = "hand", **fields: Any) -> Asset:
    """Change fields of one machine. Raises NotFound, and what :func:`add` raises."""
    found = await store.assets(conn, [device_id], lock=True)
    if not found:
        raise NotFound("there is no such machine in the register", f"Device/{device_id}")
    asset = msgspec.structs.replace(found[0], **fields, version=found[0].version + 1)
    await add(shop, conn, [asset], source=source)
    return asset


async def write(shop: Shop, conn: Connection, device_ids: Sequence[str]) -> None:
    """Bring the FHIR Devices of these machines up to date; nothing is written where nothing changed.

    Where a machine stands is the devices room's to say once it was heard on the wire.
    """
    assets = [asset for asset in await store.assets(conn, device_ids) if asset.merged_into is None]
    models = {model.model_id: model for model in await store.models(conn, [asset.model_id for asset in assets])}
    network: dict[str, list[Interface]] = {}
    for one in await store.interfaces(conn, [asset.device_id for asset in assets]):
        network.setdefault(one.device_id, []).append(one)
    seats = {place.place_id: place.location_id for place in await places.every(conn)}
    heard = {one.device_id for one in await registry.devices(conn, ids=[asset.device_id for asset in assets])}
    before = await shop.record.current_many(conn, "Device", [asset.device_id for asset in assets])
    now = [
        resources.device(asset, models[asset.model_id],
                         "" if asset.device_id in heard else seats.get(asset.place_id or "", ""),
                         network.get(asset.device_id, ()), before.get(asset.device_id))
        for asset in assets
    ]  # fmt: skip
    changed = [one for one in now if one != before.get(one["id"])]
    for at in range(0, len(changed), STEP):  # a server has others to answer between
        await shop.record.put(conn, changed[at : at + STEP])


async def announce(shop: Shop, conn: Connection, assets: Sequence[Asset]) -> None:
    """Let the devices room know who will speak: a serial number that it hears becomes this machine, admitted as its
    state allows (nobody's while it is inspected or mended)."""
    usable = [asset for asset in assets if asset.serial and asset.state in WIRE and asset.parent_id is None]
    models = {model.model_id: model for model in await store.models(conn, [asset.model_id for asset in usable])}
    await registry.expect_as(
        conn,
        [
            (asset.device_id,
             Expected(manufacturer=models[asset.model_id].manufacturer, model=models[asset.model_id].name,
                      serial=asset.serial, label=asset.label, place_id=asset.place_id or "",
                      state=WIRE[asset.state] or "workshop"))
            for asset in usable
        ],
        "register",
        shop.clock.now(),
    )  # fmt: skip


async def let_in(shop: Shop, conn: Connection, device_id: str, by: Principal) -> None:
    """A machine that waited unknown on the wire is in the register now: it is admitted as one would be that is heard
    after it was registered, in the workshop where its state is none of use."""
    found = await registry.device(conn, device_id)
    assets = await store.assets(conn, [device_id])
    if found is None or found.state != "unknown" or not assets or assets[0].state not in WIRE:
        return
    (asset,) = assets
    name = f"Practitioner/{by.id}" if by.kind == "user" else by.display
    if WIRE[asset.state] == "accepted":
        await fleet.accept(shop.parts, conn, device_id, name, asset.place_id, label=asset.label)
    else:
        await fleet.workshop(shop.parts, conn, device_id, name)
