"""Which machine a row is about: by asset number, else manufacturer, model and serial number, else UDI, else MAC.

Never by name: names change and repeat, and a wrong match writes one machine over another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from wardbridge.equipment.register.lists.values import Known
from wardbridge.equipment.register.values import Asset, Model


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """By what a row says which machine it means."""

    device_id: str = ""
    tag: str = ""
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    di: str = ""
    macs: tuple[str, ...] = ()

    @property
    def lasting(self) -> bool:
        """Whether a machine of this row is found again when the row comes again."""
        return bool(self.device_id or self.tag or self.serial or self.macs)

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """Everything by which this row may be found, for comparison."""
        serial = self.serial.casefold()
        found = [("id", self.device_id), ("tag", self.tag.casefold()), ("udi", self.di and same_di(self.di), serial),
                 ("serial", self.manufacturer.casefold(), self.model.casefold(), serial),
                 *(("mac", mac) for mac in self.macs)]  # fmt: skip
        return tuple(key for key in found if all(key))


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The machine (``device_id`` '' for none) and by what; ``doubt`` says why it cannot be told, ``column`` where."""

    device_id: str = ""
    by: str = ""
    doubt: str = ""
    column: str = ""
    notes: tuple[str, ...] = ()


def same_di(di: str) -> str:
    """A device identifier for comparison: GTIN-8, -12 and -13 are GTIN-14 with zeros before (GS1 General
    Specifications 3.3.2), which spreadsheets drop."""
    return di.zfill(14) if di.isdecimal() and len(di) in (8, 12, 13) else di.upper()


class Index:
    """Machines by everything they can be recognised by. Rows that were accepted are added as they come."""

    def __init__(self, known: Known) -> None:
        self.models = {model.model_id: model for model in known.models}
        self.assets: dict[str, Asset] = {}
        self.tags: dict[str, set[str]] = {}
        self.serials: dict[tuple[str, str, str], set[str]] = {}
        self.udis: dict[tuple[str, str], set[str]] = {}
        self.macs: dict[str, set[str]] = {}
        self.heard: dict[tuple[str, str], list[str]] = {}
        self.merged = dict(known.merged)
        for asset in known.assets:
            self.add(asset, self.models[asset.model_id])
        for one in known.interfaces:
            self.add_mac(one.mac, one.device_id)
        for device_id, serial, model in known.heard:
            if serial:
                self.heard.setdefault((serial.casefold(), model.casefold()), []).append(device_id)

    def add(self, asset: Asset, model: Model) -> None:
        """Let this machine be found; of a changed one, what it was found by before stays."""
        self.assets[asset.device_id] = asset
        self.models[model.model_id] = model
        if asset.tag:
            self.tags.setdefault(asset.tag.casefold(), set()).add(asset.device_id)
        if asset.serial:
            key = (model.manufacturer.casefold(), model.name.casefold(), asset.serial.casefold())
            self.serials.setdefault(key, set()).add(asset.device_id)
            if asset.di:
                self.udis.setdefault((same_di(asset.di), asset.serial.casefold()), set()).add(asset.device_id)

    def add_mac(self, mac: str, device_id: str) -> None:
        if mac:
            self.macs.setdefault(mac, set()).add(device_id)

    def find(self, who: Identity) -> Found:
        """The one machine that a row means, or why that cannot be told."""
        hits = self._hits(who)
        if not hits:
            return Found()
        by, column, ids = hits[0]
        if len(ids) > 1:
            return Found(doubt=f"{by} fits {len(ids)} machines: {self._names(ids)}", column=column)
        ident = next(iter(ids))
        notes = []
        for other_by, other_column, others in hits[1:]:
            if ident in others:
                continue
            if other_by == "MAC":
                notes.append(f"the MAC address is that of {self._names(others)} in the register")
                continue
            return Found(doubt=f"{by} is that of {self._names(ids)}, {other_by} that of {self._names(others)}",
                         column=other_column)  # fmt: skip
        doubt = self._other(ident, who) if by == "asset number" else ""
        return Found(device_id="" if doubt else ident, by=by, doubt=doubt, column=column, notes=tuple(notes))

    def wire(self, serial: str, model: str) -> tuple[str, ...]:
        """Machines of the wire with this serial number and model that are in no row."""
        return tuple(self.heard.get((serial.casefold(), model.casefold()), ())) if serial else ()

    def _hits(self, who: Identity) -> list[tuple[str, str, set[str]]]:
        serial = who.serial.casefold()
        levels: Sequence[tuple[str, str, Iterable[str]]] = (
            ("device id", "Device ID", {who.device_id} if who.device_id in self.assets else ()),
            ("asset number", "Asset Number", self.tags.get(who.tag.casefold(), ()) if who.tag else ()),
            ("serial number", "Serial Number",
             self.serials.get((who.manufacturer.casefold(), who.model.casefold(), serial), ()) if serial else ()),
            ("UDI", "UDI", self.udis.get((same_di(who.di), serial), ()) if who.di and serial else ()),
            ("MAC", "MAC", {ident for mac in who.macs for ident in self.macs.get(mac, ())}),
        )  # fmt: skip
        return [(by, column, set(ids)) for by, column, ids in levels if ids]

    def _other(self, ident: str, who: Identity) -> str:
        """Why a machine with this asset number is another one: it differs in model and in serial number."""
        asset = self.assets[ident]
        model = self.models[asset.model_id]
        differs = who.model and who.model.casefold() != model.name.casefold()
        if differs and who.serial and asset.serial and who.serial.casefold() != asset.serial.casefold():
            return (f"the asset number is that of another machine: {model.manufacturer} {model.name}, "
                    f"serial number {asset.serial}")  # fmt: skip
        return ""

    def _names(self, ids: Iterable[str]) -> str:
        found = sorted(ids)
        return ", ".join(self.name(ident) for ident in found[:3]) + (" …" if len(found) > 3 else "")

    def name(self, ident: str) -> str:
        """What people call a machine: asset number, else serial number, else id."""
        asset = self.assets[ident]
        return asset.tag or asset.serial or asset.label or ident
