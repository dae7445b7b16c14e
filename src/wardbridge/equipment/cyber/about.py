"""What cyber knows of one machine or model, for its page and its timeline."""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import NotFound
from wardbridge.equipment.cyber.exposure import Line, named, overview
from wardbridge.equipment.cyber.mds2 import form
from wardbridge.equipment.cyber.mds2.form import Misfit
from wardbridge.equipment.cyber.store import matching, said, sboms, zones
from wardbridge.equipment.cyber.store.exposure import Control
from wardbridge.equipment.cyber.store.sboms import Name, Sbom
from wardbridge.equipment.cyber.store.zones import Conduit, Seat, Sheet, Zone
from wardbridge.equipment.cyber.triage import Triage
from wardbridge.equipment.register.store import models as models_of
from wardbridge.equipment.register.values import Model
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.timeline import Event

Source = Connection | Pool
_SAID = {True: "found", False: "possible"}


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Of a machine: its vulnerabilities in order, the zones it stands in with what speaks against them."""

    device_id: str
    lines: list[Line]
    zones: list[tuple[str, Zone | None, list[Misfit]]]
    sheet: Sheet | None

    @property
    def open(self) -> list[Line]:
        return [line for line in self.lines if line.open]

    @property
    def kev(self) -> list[Line]:
        return [line for line in self.open if line.fact.kev]


async def about(shop: Shop, device_id: str) -> About:
    """Raises NotFound for a machine that is not in the register."""
    row = await zones.standing(shop.pool, device_id)
    if row is None:
        raise NotFound("there is no such machine in the register", f"Device/{device_id}")
    model_id, inside = row
    sheet = await zones.sheet(shop.pool, model_id)
    known = {one.zone: one for one in await zones.zones(shop.pool)}
    answers = sheet.answers if sheet else None
    lines = await overview(shop.pool, shop.clock.now(), device_id=device_id)
    return About(
        device_id=device_id, sheet=sheet, lines=await named(shop.pool, lines, model_id=model_id),
        zones=[(name, known.get(name), form.misfits(answers, known[name].level) if name in known else [])
               for name in inside],
    )  # fmt: skip


async def events(source: Source, device_id: str) -> list[Event]:
    """Vulnerabilities that were found in it, judgements on its model, its documents: for the timeline."""
    out = [
        Event(at=row["since"], kind="vulnerability", url=f"/equipment/cyber/{row['cve']}",
              text=f"{row['cve']} {_SAID[row['sure']]} in {row['component']} {row['version']}".strip())
        for row in await matching.first_seen(source, device_id)
    ]  # fmt: skip
    row = await zones.standing(source, device_id)
    if row is None:
        return out
    for bill in await sboms.of_model(source, row[0]):
        text = f"bill of materials {bill.name} {bill.version} ({bill.components} components)"
        out.append(Event(at=bill.loaded_at, kind="document", text=" ".join(text.split()),
                         url=f"/equipment/models/{row[0]}/security"))  # fmt: skip
    out += [
        Event(at=one.at, kind="judgement", text=f"{one.cve} in {one.family}: {one.state}", by=one.display,
              url=f"/equipment/cyber/{one.cve}")
        for one in await said.triages(source, model_id=row[0])
    ]  # fmt: skip
    return sorted(out, key=lambda event: event.at, reverse=True)


class Security(msgspec.Struct, frozen=True, kw_only=True):
    """Of a model: its bills, names, disclosure statement, where it stands, vulnerabilities and judgements."""

    model: Model
    bills: list[Sbom]
    names: list[Name]
    sheet: Sheet | None
    seats: list[tuple[Seat, Zone | None, list[Misfit]]]
    lines: list[Line]
    triages: list[Triage]


async def security(shop: Shop, model_id: str) -> Security:
    """Raises NotFound."""
    found = await models_of(shop.pool, [model_id])
    if not found:
        raise NotFound("there is no such model in the register", f"DeviceDefinition/{model_id}")
    known = {one.zone: one for one in await zones.zones(shop.pool)}
    seats = await zones.seats(shop.pool, model_id)
    lines = await overview(shop.pool, shop.clock.now(), model_id=model_id)
    return Security(
        model=found[0], bills=await sboms.of_model(shop.pool, model_id), names=await sboms.names(shop.pool, model_id),
        sheet=await zones.sheet(shop.pool, model_id),
        seats=[(seat, known.get(seat.zone),
                form.misfits(seat.answers, known[seat.zone].level) if seat.zone in known else []) for seat in seats],
        lines=await named(shop.pool, lines, model_id=model_id),
        triages=await said.triages(shop.pool, model_id=model_id),
    )  # fmt: skip


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """The zones of the network: each with what is in it and what speaks against it; conduits; names without a zone."""

    zones: list[Zone]
    exposure: dict[str, dict[str, Any]]
    misfits: list[tuple[Zone, Seat, list[Misfit]]]
    conduits: list[Conduit]
    unnamed: list[tuple[str, int]]
    controls: list[Control]


async def network(shop: Shop) -> Picture:
    """Zones, conduits and controls as they are now."""
    known = await zones.zones(shop.pool)
    by_name = {one.zone: one for one in known}
    wrong = [
        (by_name[seat.zone], seat, found) for seat in await zones.seats(shop.pool)
        if seat.zone in by_name and (found := form.misfits(seat.answers, by_name[seat.zone].level))
    ]  # fmt: skip
    return Picture(
        zones=known, exposure={row["zone"]: row for row in await zones.exposure(shop.pool)}, misfits=wrong,
        conduits=await zones.conduits(shop.pool), unnamed=await zones.unnamed(shop.pool),
        controls=await zones.controls(shop.pool),
    )  # fmt: skip
