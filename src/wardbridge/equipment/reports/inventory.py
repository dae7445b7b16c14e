"""The written inventory of medical equipment.

Columns after the inventory (Bestandsverzeichnis) of the MPBetreibV: name and type, serial number or lot, year of
purchase, manufacturer, the operator's own number, place and department; with what TJC EC.02.04.01 asks besides, the
high-risk (life-support) machines in a list of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from wardbridge.core.clock import to_datetime
from wardbridge.equipment.register import store as register
from wardbridge.equipment.register.values import Asset, Model, Now
from wardbridge.equipment.reports.pdf import Facts, Report, Section, Table, Text
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

GONE = frozenset({"need", "assessed", "ordered", "disposed"})
HEADS = (
    "Number",
    "Kind",
    "Manufacturer, model",
    "Serial / lot",
    "Bought",
    "Place",
    "Department",
    "Criticality",
    "State",
)
WIDTHS = (1.1, 1.3, 2.2, 1.4, 0.6, 1.4, 1.2, 0.9, 1.0)


async def inventory(shop: Shop, site: str, zone: ZoneInfo, by: Principal, *, ward: str = "") -> Report:
    """Every machine that the hospital has (of one ward where named), life-support machines first."""
    rows = [one for one in await register.now(shop.pool) if one.state not in GONE and (not ward or one.ward == ward)]
    assets = {one.device_id: one for one in await register.assets(shop.pool, [row.device_id for row in rows])}
    models = {one.model_id: one for one in await register.models(shop.pool)}
    high = [row for row in rows if row.criticality == "life-support"]
    others = [row for row in rows if row.criticality != "life-support"]
    at = moment(shop.clock.now(), zone)
    counts = Facts((("Machines", str(len(rows))), ("Life-support (high-risk)", str(len(high))),
                    ("Models", str(len({row.model_id for row in rows})))))  # fmt: skip
    return Report(
        title="Inventory of medical equipment", subtitle=f"{site}{f', {ward}' if ward else ''}", site=site, made=at,
        by=by.display, wide=True,
        sections=(
            Section("", (counts, Text("Columns after MPBetreibV; high-risk list after TJC EC.02.04.01."))),
            Section("High-risk: life-support machines", (_table(high, assets, models),)),
            Section("All other machines", (_table(others, assets, models),)),
        ),
    )  # fmt: skip


def _table(rows: Sequence[Now], assets: dict[str, Asset], models: dict[str, Model]) -> Table:
    return Table(HEADS, tuple(_row(row, assets[row.device_id], models[row.model_id]) for row in rows), WIDTHS)


def _row(now: Now, asset: Asset, model: Model) -> tuple[str, ...]:
    bought = str(to_datetime(asset.bought).year) if asset.bought is not None else ""
    return (now.tag, now.kind, f"{model.manufacturer} {model.name}", now.serial or now.lot, bought,
            now.place or now.ward, now.department, now.criticality, now.state)  # fmt: skip


def moment(micros: int, zone: ZoneInfo) -> str:
    """``2026-11-22 15:07 CET`` in the site's zone."""
    return f"{to_datetime(micros).astimezone(zone):%Y-%m-%d %H:%M %Z}"
