"""The register as a list that :mod:`load` reads back unchanged."""

from __future__ import annotations

from collections.abc import Iterator

from wardbridge.equipment.register.lists import store
from wardbridge.equipment.register.lists.cells import day, shown
from wardbridge.equipment.register.lists.columns import COLUMNS, Column, headings
from wardbridge.equipment.register.lists.sheet import write_csv, write_xlsx
from wardbridge.equipment.register.lists.values import Known, Seat
from wardbridge.equipment.register.values import Asset, Interface, Model


def rows(known: Known) -> Iterator[list[str]]:
    """The headings, and a row for each machine that was not merged into another, by manufacturer, model and number."""
    models = {model.model_id: model for model in known.models}
    network: dict[str, list[Interface]] = {}
    for one in known.interfaces:
        network.setdefault(one.device_id, []).append(one)
    most = max((len(found) for found in network.values()), default=1)
    single = [column for column in COLUMNS if column.part != "interface"]
    repeated = [column for column in COLUMNS if column.part == "interface"]
    yield headings(most)

    def order(asset: Asset) -> tuple[str, ...]:
        model = models[asset.model_id]
        return model.manufacturer.lower(), model.name.lower(), asset.tag, asset.serial, asset.device_id

    for asset in sorted(known.assets, key=order):
        seat = known.seats.get(asset.device_id, Seat())
        cells = [_cell(column, asset, models[asset.model_id], seat) for column in single]
        found = network.get(asset.device_id, [])
        cells += [_text(column, getattr(one, column.field)) for one in found for column in repeated]
        yield cells + [""] * (len(repeated) * (most - len(found)))


def _cell(column: Column, asset: Asset, model: Model, seat: Seat) -> str:
    match column.part:
        case "id":
            return asset.device_id
        case "model":
            return _text(column, getattr(model, "class_" if column.field == "class" else column.field))
        case "place":
            return str(getattr(seat, column.field))
        case "parent":
            return asset.parent_id or ""
    return _text(column, getattr(asset, column.field))


def _text(column: Column, value: object) -> str:
    return day(value) if column.reads == "date" and (value is None or isinstance(value, int)) else shown(value)


async def csv(source: store.Source) -> Iterator[str]:
    """Lines of CSV."""
    return write_csv(rows(await store.known(source)))


async def xlsx(source: store.Source) -> bytes:
    """A workbook. Long for many machines."""
    return write_xlsx(rows(await store.known(source)), "Register")
