"""The whole life of one machine as one line of events: what it is, what was done, what it ran, whom it was on.

Every part of the room tells its events; this puts them in order. What changed in the register is read from the
account of changes (security), so nothing that happened to the row can be missing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from wardbridge.core.db import Pool
from wardbridge.core.errors import NotFound
from wardbridge.equipment.fleet import store
from wardbridge.equipment.fleet.values import Stay
from wardbridge.equipment.register import store as register
from wardbridge.equipment.register.values import Asset, Interface, Model, Now, Software
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.timeline import Event
from wardbridge.security import store as security

Tell = Callable[[Pool, str], Awaitable[Sequence[Event]]]
"""A part's events of one machine."""
LIMIT = 500
_QUIET = frozenset({"version", "state_since", "created"})
"""Columns that change along with others and say nothing by themselves."""
_DATES = frozenset({"manufactured", "expires", "bought", "installed", "warranty_ends"})


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """One machine with its model, network, versions, stays with patients, modules, and everything that happened."""

    now: Now
    asset: Asset
    model: Model
    interfaces: tuple[Interface, ...]
    software: tuple[Software, ...]
    stays: tuple[Stay, ...]
    modules: tuple[Asset, ...]
    events: tuple[Event, ...]


async def life(shop: Shop, device_id: str, parts: Sequence[Tell] = ()) -> Life:
    """Everything about one machine, newest event first. ``parts`` tell the events of other parts of the room.

    Raises NotFound. The stays hold patient ids: they are for people with ``patient.see`` only.
    """
    assets = await register.assets(shop.pool, [device_id])
    found = await register.now(shop.pool, [device_id])
    if not assets or not found:
        raise NotFound("there is no such machine in the register", f"Device/{device_id}")
    (model,) = await register.models(shop.pool, [assets[0].model_id])
    software = await register.software(shop.pool, [device_id])
    stays = await store.stays(shop.pool, device_id)
    told = [event for part in parts for event in await part(shop.pool, device_id)]
    told += [*await changes(shop.pool, device_id), *map(_version, software), *(e for s in stays for e in _stay(s))]
    return Life(
        now=found[0], asset=assets[0], model=model, software=tuple(software), stays=tuple(stays),
        interfaces=tuple(await register.interfaces(shop.pool, [device_id])),
        modules=tuple(await store.modules(shop.pool, device_id)),
        events=tuple(sorted(told, key=lambda event: -event.at)[:LIMIT]),
    )  # fmt: skip


async def changes(source: Pool, device_id: str) -> list[Event]:
    """What was changed in the register's own tables, from the account of changes."""
    rows = await security.changes_of(source, device=device_id, limit=LIMIT)
    events = []
    for row in rows:
        if row["table_name"] in ("asset", "interface"):
            text = _change(row)
            if text:
                events.append(Event(at=row["at"], kind="register", text=text, by=row["display"]))
    return events


def _change(row: Any) -> str:
    what = "Machine" if row["table_name"] == "asset" else "Network interface"
    reason = f" ({row['reason']})" if row["reason"] else ""
    if row["action"] == "C":
        return f"{what} entered{reason}"
    if row["action"] == "D":
        return f"{what} removed{reason}"
    before, after = msgspec.json.decode(row["before"]), msgspec.json.decode(row["after"])
    if "state" in after:
        return ""  # the life cycle tells its own moves, with their evidence
    said = [
        f"{name.replace('_', ' ')}" + ("" if name in _DATES else f": {_said(before.get(name))} → {_said(after[name])}")
        for name in sorted(after) if name not in _QUIET
    ]  # fmt: skip
    return f"{what}: {'; '.join(said)}{reason}" if said else ""


def _said(value: Any) -> str:
    return "--" if value in (None, "", []) else str(value)[:80]


def _version(row: Software) -> Event:
    return Event(at=row.since, kind="version", text=f"{row.component} {row.version}", by=row.source)


def _stay(stay: Stay) -> list[Event]:
    """In words that name nobody: the page adds the name for those who may see it."""
    where = f" in {stay.place}" if stay.place else ""
    events = [Event(at=stay.start, kind="patient", text=f"On a patient{where}")]
    if stay.stop:
        events.append(Event(at=stay.stop, kind="patient", text=f"Taken off the patient{where}"))
    return events
