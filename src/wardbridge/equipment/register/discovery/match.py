"""Sightings beside the register: what is there already, what differs, what is new. A decision without a database.

By MAC first, then serial number or asset number, and an IP address only where no MAC speaks against it: addresses are
given again, and a name is never believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from wardbridge.equipment.register.discovery.values import Export, Sighting, Suggestion
from wardbridge.equipment.register.lists.values import Known
from wardbridge.equipment.register.net import random_mac
from wardbridge.equipment.register.values import Asset, Interface

_NETWORK = ("ip", "hostname", "vlan", "switch", "port")


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """What an export leads to: suggestions, and how many sightings the register has as they are."""

    suggestions: tuple[Suggestion, ...]
    same: int


def match(export: Export, known: Known, *, ids: Callable[[], str], now: int) -> Matched:
    """Suggestions for an export, one for each machine or interface, what several entries say of it together."""
    index = _Index(known)
    found: dict[tuple[str, str], Suggestion] = {}
    same = 0
    for one in export.sightings:
        suggestion = index.suggest(one, export.kind, ids, now)
        if suggestion is None:
            same += 1
            continue
        key = (suggestion.kind, suggestion.key)
        if key in found:
            before = found[key]
            merged = {**before.seen, **{name: value for name, value in suggestion.seen.items() if value}}
            suggestion = msgspec.structs.replace(
                before, seen=merged, last_seen=max(before.last_seen, suggestion.last_seen)
            )
        found[key] = suggestion
    return Matched(suggestions=tuple(found.values()), same=same)


class _Index:
    def __init__(self, known: Known) -> None:
        models = {model.model_id: model for model in known.models}
        self.assets: dict[str, Asset] = {asset.device_id: asset for asset in known.assets}
        self.names = {
            asset.device_id: asset.tag or asset.label or f"{models[asset.model_id].name} {asset.serial}"
            for asset in known.assets
        }
        self.macs: dict[str, list[Interface]] = {}
        self.ips: dict[str, list[Interface]] = {}
        self.own: dict[str, list[Interface]] = {}
        self.makers: dict[str, Counter[tuple[str, str]]] = {}
        for one in known.interfaces:
            self.own.setdefault(one.device_id, []).append(one)
            if one.mac:
                self.macs.setdefault(one.mac, []).append(one)
                model = models[self.assets[one.device_id].model_id]
                if not random_mac(one.mac):
                    self.makers.setdefault(one.mac[:8], Counter())[model.manufacturer, model.name] += 1
            if one.ip:
                self.ips.setdefault(one.ip, []).append(one)
        self.tags = {asset.tag.casefold(): asset.device_id for asset in known.assets if asset.tag}
        self.serials: dict[str, list[str]] = {}
        for asset in known.assets:
            if asset.serial:
                self.serials.setdefault(asset.serial.casefold(), []).append(asset.device_id)

    def suggest(self, one: Sighting, kind: str, ids: Callable[[], str], now: int) -> Suggestion | None:
        """None where the register says the same already."""
        interface, device_id, note = self._find(one)
        at = min(one.at or now, now)
        seen: dict[str, Any] = {
            name: value for name, value in msgspec.structs.asdict(one).items() if value and name != "at"
        }
        if device_id:
            changes = _changes(interface, one)
            if not changes:
                return None
            seen |= {"interface_id": interface.interface_id if interface else "", "changes": changes,
                     "machine": self.names[device_id]}  # fmt: skip
            key = f"{device_id}/{one.mac or one.ip}"
            return Suggestion(suggestion_id=ids(), key=key, kind="interface", source=kind, device_id=device_id,
                              seen=seen, first_seen=at, last_seen=at)  # fmt: skip
        likely = self.makers.get(one.mac[:8]) if one.mac and not random_mac(one.mac) else None
        if likely:
            (maker, model), _ = likely.most_common(1)[0]
            seen["likely"] = {"manufacturer": maker, "model": model}
        if note:
            seen["note"] = note
        key = one.mac or (f"serial:{one.serial}" if one.serial else f"ip:{one.ip}" if one.ip else f"name:{one.label}")
        return Suggestion(suggestion_id=ids(), key=key, kind="machine", source=kind, seen=seen, first_seen=at,
                          last_seen=at)  # fmt: skip

    def _find(self, one: Sighting) -> tuple[Interface | None, str, str]:
        """(interface, machine, what is odd): '' for a machine that the register does not have."""
        ports = self.macs.get(one.mac, []) if one.mac else []
        if ports:
            port = next((port for port in ports if port.ip == one.ip or port.name == one.name), ports[0])
            return port, port.device_id, ""
        owner = self.tags.get(one.tag.casefold(), "") if one.tag else ""
        if not owner and one.serial:
            owners = self.serials.get(one.serial.casefold(), [])
            owner = owners[0] if len(owners) == 1 else ""
        at = self.ips.get(one.ip, []) if one.ip else []
        if owner:
            mine = next((port for port in at if port.device_id == owner), None)
            named = next((port for port in self.own.get(owner, ()) if one.name and port.name == one.name), None)
            return mine or named, owner, ""
        if len(at) == 1 and (not one.mac or not at[0].mac):
            return at[0], at[0].device_id, ""
        if at:
            names = ", ".join(self.names[port.device_id] for port in at[:3])
            return None, "", f"the register gives this IP address to {names}, with another MAC address"
        return None, "", ""


def _changes(interface: Interface | None, one: Sighting) -> list[list[str]]:
    """[field, old, new] of what differs; what the sighting does not say takes nothing away."""
    found = []
    for field in ("mac", *_NETWORK):
        old = getattr(interface, field) if interface is not None else ""
        new = getattr(one, field)
        if new and (old or "") != new and not (field == "hostname" and old):
            found.append([field, "" if old is None else str(old), str(new)])
    return found


def sorted_for_people(found: Sequence[Suggestion]) -> list[Suggestion]:
    """What is likely medical first: said by the wire, then of a maker that the register knows, then the rest."""
    order = {"wire": 0}
    return sorted(found, key=lambda one: (order.get(one.source, 1), "likely" not in one.seen, -one.last_seen, one.key))
