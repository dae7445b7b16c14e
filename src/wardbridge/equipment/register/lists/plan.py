"""What a list would do to the register, row by row: a decision without a database."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from wardbridge.equipment.register.lists.cells import day, shown
from wardbridge.equipment.register.lists.columns import COLUMNS
from wardbridge.equipment.register.lists.interfaces import Network
from wardbridge.equipment.register.lists.match import Index
from wardbridge.equipment.register.lists.models import Models
from wardbridge.equipment.register.lists.rows import Reading, Row
from wardbridge.equipment.register.lists.values import Difference, Known, Line, Plan, Seat, Trouble
from wardbridge.equipment.register.values import Asset

SPACE = uuid.UUID("6f0d1d2b-7f0a-5d2e-9c9b-1f1c1b7a4a61")
NO_START = frozenset({"sanitised", "disposed"})
"""States in which no machine enters the register: they need a certificate, which a list does not carry."""
DATES = frozenset(column.field for column in COLUMNS if column.reads == "date")
_HEADINGS = {column.field: column.heading for column in COLUMNS if column.part == "asset"}


def plan(reading: Reading, known: Known, *, digest: str, said: str, now: int) -> Plan:
    """The plan for these rows. ``digest`` of the file names new machines, so that the same file makes the same ids."""
    work = _Work(reading, known, digest, now)
    for row in reading.rows:
        work.row(row)
    work.parents()
    return work.done(said)


class _Work:
    """A plan in the making."""

    def __init__(self, reading: Reading, known: Known, digest: str, now: int) -> None:
        self.reading = reading
        self.known = known
        self.digest = digest
        self.now = now
        self.index = Index(known)
        self.models = Models(known)
        self.network = Network(known)
        self.refused: list[Trouble] = list(reading.refused)
        self.warnings: list[Trouble] = list(reading.warnings)
        self.claimed: dict[str, int] = {}
        self.failed: dict[tuple[str, ...], int] = {}
        self.lines: dict[str, tuple[Line, Asset]] = {}
        self.wanted: dict[str, str] = {}
        self.seats: dict[str, Seat] = {}
        self.heard: list[str] = []
        self.before = {asset.device_id: asset for asset in known.assets}
        self.unchanged = 0

    def row(self, row: Row) -> None:
        """Decide about a row, and remember what a refused one was about."""
        count = len(self.refused)
        self._row(row)
        if len(self.refused) > count:
            for key in row.identity.keys:
                self.failed.setdefault(key, row.number)

    def refuse(self, row: int, column: str, reason: str) -> None:
        self.refused.append(Trouble(row=row, column=column, reason=reason))

    def warn(self, row: int, column: str, reason: str) -> None:
        self.warnings.append(Trouble(row=row, column=column, reason=reason))

    def _row(self, row: Row) -> None:
        who = row.identity
        if who.device_id in self.index.merged:
            self.unchanged += 1
            winner = self.index.merged[who.device_id]
            self.warn(row.number, "Device ID", f"this machine was merged into {winner}; the row was left out")
            return
        found = self.index.find(who)
        if found.doubt:
            self.refuse(row.number, found.column, found.doubt)
            return
        if found.device_id in self.claimed:
            self.refuse(row.number, found.column, f"row {self.claimed[found.device_id]} is about the same machine")
            return
        other = next((self.failed[key] for key in who.keys if key in self.failed), 0)
        if other and not found.device_id:
            # The row that was refused would find what this one makes when the list comes again.
            self.refuse(row.number, "Asset Number", f"row {other} is about the same machine and was refused")
            return
        for note in found.notes:
            self.warn(row.number, "MAC", note)
        before = self.before.get(found.device_id)
        model = self.models.of(row, before)
        if isinstance(model, Trouble):
            self.refused.append(model)
            return
        if before is None:
            self._new(row, model.model_id, model.name)
        else:
            self._known(row, before, model.model_id, found.by)

    # --- machines ------------------------------------------------------------------------------------------------

    def _new(self, row: Row, model_id: str, model: str) -> None:
        values = row.label | row.said.get("asset", {}) | ({"di": row.di} if row.di else {})
        if values.get("state") in NO_START:
            self.refuse(row.number, "State", "a machine enters the register before its disposal, not after")
            return
        if not row.identity.lasting:
            reason = "nothing by which it would be known again: asset number, serial number or MAC address"
            self.refuse(row.number, "Asset Number", reason)
            return
        wire = self.index.wire(values.get("serial", ""), model)
        if len(wire) > 1:
            self.refuse(row.number, "Serial Number", f"{len(wire)} devices on the wire say this serial number")
            return
        ident = wire[0] if wire and wire[0] not in self.index.assets else row.identity.device_id or self._ident(row)
        state = values.pop("state", "in-service")
        asset = Asset(device_id=ident, model_id=model_id, state=state, state_since=self.now, created=self.now, **values)
        if wire:
            self.heard.append(ident)
        self._keep(row, asset, None, "wire" if wire else "")

    def _ident(self, row: Row) -> str:
        return str(uuid.uuid5(SPACE, f"{self.digest}:{row.number}"))

    def _known(self, row: Row, before: Asset, model_id: str, by: str) -> None:
        values = dict(row.said.get("asset", {}))
        if row.get("asset", "udi") and row.get("asset", "udi") != before.udi:
            values = row.label | values
        if row.di:
            values["di"] = before.di if before.di in (row.get("asset", "di"), row.di) else row.di
        state = values.pop("state", before.state)
        if state != before.state:
            self.warn(
                row.number, "State", f"the register says {before.state}: a state is changed by a move, not a list"
            )
        serial = values.get("serial", "")
        if serial and before.serial and serial != before.serial:
            self.warn(row.number, "Serial Number", f"the register has {before.serial!r}")
        self._keep(row, msgspec.structs.replace(before, model_id=model_id, **values), before, by)

    def _keep(self, row: Row, asset: Asset, before: Asset | None, by: str) -> None:
        ident = asset.device_id
        changes = _differences(before, asset)
        if before is None or asset.model_id != before.model_id:
            old_model = self.models.title(before.model_id) if before else ""
            changes.insert(0, Difference(field="Model", old=old_model, new=self.models.title(asset.model_id)))
        seat = self._seat(row, ident)
        old = self.known.seats.get(ident, Seat())
        if seat != old:
            changes += [
                Difference(field=name.title(), old=getattr(old, name), new=getattr(seat, name))
                for name in ("ward", "room", "bed") if getattr(old, name) != getattr(seat, name)
            ]  # fmt: skip
            self.seats[ident] = seat
        changes += self.network.plan(ident, row)
        if row.get("parent", "parent"):
            self.wanted[ident] = row.get("parent", "parent")
        self.claimed[ident] = row.number
        for one in row.network.values():
            self.index.add_mac(one.get("mac", ""), ident)
        self.index.add(asset, self.models.by_id[asset.model_id])
        name = asset.tag or asset.serial or asset.label or ident
        line = Line(row=row.number, device_id=ident, name=name, by=by, changes=tuple(changes))
        self.lines[ident] = (line, asset)

    def _seat(self, row: Row, ident: str) -> Seat:
        old, new = self.known.seats.get(ident, Seat()), row.seat
        if new.ward and new.ward != old.ward:
            return new
        if new.room and new.room != old.room:
            return Seat(old.ward, new.room, new.bed)
        return Seat(old.ward, old.room, new.bed or old.bed)

    # --- which machine is part of which -----------------------------------------------------------------------------

    def parents(self) -> None:
        """Resolve "part of" once all rows are known: a part may stand before its whole."""
        left = dict(self.wanted)
        for ident, text in left.items():
            column, line = "Part Of", self.lines[ident][0]
            ids = {text} if text in self.index.assets else self.index.tags.get(text.casefold(), set())
            if len(ids) != 1:
                what = f"fits {len(ids)} machines" if ids else "is no machine of the register or of this list"
                self._drop(ident, column, f"{text!r} {what}")
                continue
            parent = next(iter(ids))
            if parent == ident or ident in self._above(parent):
                self._drop(ident, column, f"{text!r} is part of this machine itself")
                continue
            _, asset = self.lines[ident]
            if asset.parent_id != parent:
                change = Difference(field=column, old=asset.parent_id or "", new=parent)
                line = msgspec.structs.replace(line, changes=(*line.changes, change))
                asset = msgspec.structs.replace(asset, parent_id=parent)
                self.lines[ident] = (line, asset)
                self.index.assets[ident] = asset
        self._orphans()

    def _above(self, ident: str) -> set[str]:
        seen: set[str] = set()
        at: str | None = ident
        while at and at not in seen:
            seen.add(at)
            asset = self.index.assets.get(at)
            at = asset.parent_id if asset else None
        return seen

    def _orphans(self) -> None:
        """Refuse what is part of a row that was refused."""
        while True:
            gone = [
                ident for ident, (_, asset) in self.lines.items()
                if asset.parent_id and asset.parent_id not in self.lines and asset.parent_id not in self.before
            ]  # fmt: skip
            if not gone:
                return
            for ident in gone:
                self._drop(ident, "Part Of", "the row of the machine that contains it was refused")

    def _drop(self, ident: str, column: str, reason: str) -> None:
        line, _ = self.lines.pop(ident)
        self.refuse(line.row, column, reason)
        self.network.forget(ident)
        self.seats.pop(ident, None)
        if ident in self.heard:
            self.heard.remove(ident)

    # --- the whole --------------------------------------------------------------------------------------------------

    def done(self, said: str) -> Plan:
        lines = sorted(self.lines.values(), key=lambda pair: pair[0].row)
        created = tuple(line for line, _ in lines if line.device_id not in self.before)
        changed = tuple(line for line, _ in lines if line.device_id in self.before and line.changes)
        same = len(lines) - len(created) - len(changed)
        assets = tuple(
            asset if line.device_id not in self.before else msgspec.structs.replace(asset, version=asset.version + 1)
            for line, asset in lines
            if line.device_id not in self.before or line.changes
        )
        used = {asset.model_id for asset in assets} | {asset.model_id for _, asset in lines}
        model_lines, model_rows = self.models.done(used)
        self.warnings += self.models.warnings
        return Plan(
            rows=self.reading.total, said=said, created=created, changed=changed, unchanged=self.unchanged + same,
            refused=tuple(sorted(self.refused, key=lambda one: one.row)),
            warnings=tuple(sorted(self.warnings, key=lambda one: one.row)), unknown=self.reading.unknown,
            models=model_lines, model_rows=model_rows, assets=assets, interfaces=self.network.rows(),
            seats=dict(self.seats), heard=tuple(self.heard),
        )  # fmt: skip


def _differences(before: Asset | None, now: Asset) -> list[Difference]:
    found = []
    for field, heading in _HEADINGS.items():
        old: Any = getattr(before, field) if before is not None else None
        new = getattr(now, field)
        if old != new and shown(new):
            found.append(Difference(field=heading, old=_said(field, old), new=_said(field, new)))
    return found


def _said(field: str, value: Any) -> str:
    return shown(value) if field not in DATES else day(value)
