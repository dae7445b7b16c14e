"""Models as the rows of a list name them: found, filled in, or new."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from wardbridge.equipment.register.lists.cells import day, shown
from wardbridge.equipment.register.lists.columns import COLUMNS
from wardbridge.equipment.register.lists.match import same_di
from wardbridge.equipment.register.lists.rows import Row
from wardbridge.equipment.register.lists.values import Difference, Known, Line, Trouble
from wardbridge.equipment.register.values import Asset, Model

SPACE = uuid.UUID("0d5cbb7e-9f0b-5f0e-8d8e-6d7f4d5d2c10")
_NAMES = frozenset({"manufacturer", "name"})
_FIELDS = {column.field: column for column in COLUMNS if column.part == "model" and column.field not in _NAMES}


class Models:
    """Models while a list is read. What the first row says of a model holds; a later row that differs is warned of."""

    def __init__(self, known: Known) -> None:
        self.by_id = {model.model_id: model for model in known.models}
        self.before = dict(self.by_id)
        self.names: dict[tuple[str, str], list[str]] = {}
        self.dis: dict[str, str] = {}
        self.first: dict[tuple[str, str], tuple[int, Any]] = {}
        self.rows: dict[str, int] = {}
        self.warnings: list[Trouble] = []
        for model in known.models:
            self._enter(model)

    def title(self, model_id: str) -> str:
        model = self.by_id[model_id]
        return f"{model.manufacturer} {model.name} {model.catalogue}".strip()

    def of(self, row: Row, asset: Asset | None) -> Model | Trouble:
        """The model of a row's machine (of ``asset``, where it is known), with what the row adds to it."""
        current = self.by_id[asset.model_id] if asset else None
        manufacturer, name = row.get("model", "manufacturer"), row.get("model", "name")
        catalogue = row.get("model", "catalogue")
        if current and (not manufacturer or _same(manufacturer, current.manufacturer)) and (
            not name or _same(name, current.name)
        ) and (not catalogue or not current.catalogue or _same(catalogue, current.catalogue)):  # fmt: skip
            return self._filled(row, current, asset)
        if current:
            manufacturer, name = manufacturer or current.manufacturer, name or current.name
        found = self._find(row, manufacturer, name, catalogue)
        return found if isinstance(found, Trouble) else self._filled(row, found, asset)

    def _find(self, row: Row, manufacturer: str, name: str, catalogue: str) -> Model | Trouble:
        missing = [heading for heading, text in (("Manufacturer", manufacturer), ("Model", name)) if not text]
        if missing:
            reason = f"a new machine needs {' and '.join(missing)}; none in the register fits the row"
            return Trouble(row=row.number, column=missing[0], reason=reason)
        fits = [self.by_id[ident] for ident in self.names.get((manufacturer.casefold(), name.casefold()), [])]
        if catalogue:
            exact = [model for model in fits if _same(model.catalogue, catalogue)]
            fits = exact or [model for model in fits if not model.catalogue]
        elif len(fits) > 1:
            fits = [model for model in fits if not model.catalogue] or fits
        if len(fits) > 1:
            numbers = ", ".join(model.catalogue for model in fits)
            return Trouble(row=row.number, column="Catalogue Number", reason=f"there are several: {numbers}")
        return fits[0] if fits else self._new(manufacturer, name, catalogue)

    def _new(self, manufacturer: str, name: str, catalogue: str) -> Model:
        key = f"{manufacturer}\x1f{name}\x1f{catalogue}".casefold()
        ident = str(uuid.uuid5(SPACE, key))
        while ident in self.by_id:  # a model that had this name once
            ident = str(uuid.uuid5(SPACE, ident))
        model = Model(model_id=ident, manufacturer=manufacturer, name=name, catalogue=catalogue)
        self._enter(model)
        return model

    def _enter(self, model: Model) -> None:
        self.by_id[model.model_id] = model
        self.names.setdefault((model.manufacturer.casefold(), model.name.casefold()), []).append(model.model_id)
        for di in model.di:
            self.dis.setdefault(same_di(di), model.model_id)

    def _filled(self, row: Row, model: Model, asset: Asset | None) -> Model:
        self.rows.setdefault(model.model_id, row.number)
        values: dict[str, Any] = {}
        for field, column in _FIELDS.items():
            value = row.said.get("model", {}).get(field)
            if value is None:
                continue
            number, first = self.first.setdefault((model.model_id, field), (row.number, value))
            if first != value:
                reason = f"{self.title(model.model_id)}: row {number} says {_said(field, first)!r}, which holds"
                self.warnings.append(Trouble(row=row.number, column=column.heading, reason=reason))
                continue
            if field == "catalogue" and model.catalogue:
                continue
            values["class_" if field == "class" else field] = value
        known = asset is not None and asset.di in (row.get("asset", "di"), row.di)
        di, owner = ("", "") if known else (row.di, self._owner(row))
        if owner and owner != model.model_id:
            reason = f"this device identifier is that of {self.title(owner)}"
            self.warnings.append(Trouble(row=row.number, column="UDI-DI", reason=reason))
        elif di and not owner:
            values["di"] = (*model.di, di)
            self.dis[same_di(di)] = model.model_id
        filled = msgspec.structs.replace(model, **values)
        self.by_id[model.model_id] = filled
        return filled

    def _owner(self, row: Row) -> str:
        """The model of the row's device identifier, as it stands there or as its agency writes it."""
        return next((self.dis[same_di(di)] for di in (row.get("asset", "di"), row.di) if same_di(di) in self.dis), "")

    def done(self, used: set[str]) -> tuple[tuple[Line, ...], tuple[Model, ...]]:
        """New and changed models that machines of the list have: as lines of the preview, and as rows."""
        lines, rows = [], []
        for ident, number in sorted(self.rows.items(), key=lambda pair: pair[1]):
            model, before = self.by_id[ident], self.before.get(ident)
            if ident not in used or model == before:
                continue
            rows.append(model)
            changes = tuple(
                Difference(field=column.heading, old=_said(field, _value(before, field)), new=_said(field, new))
                for field, column in _FIELDS.items()
                if (new := _value(model, field)) != _value(before, field) and _said(field, new)
            )
            if before is None or model.di != before.di:
                old = ", ".join(before.di) if before else ""
                if model.di:
                    changes = (*changes, Difference(field="UDI-DI", old=old, new=", ".join(model.di)))
            by = "known" if before else ""
            lines.append(Line(row=number, device_id=ident, name=self.title(ident), by=by, changes=changes))
        return tuple(lines), tuple(rows)


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _value(model: Model | None, field: str) -> Any:
    return None if model is None else getattr(model, "class_" if field == "class" else field)


def _said(field: str, value: Any) -> str:
    return day(value) if _FIELDS[field].reads == "date" else shown(value)
