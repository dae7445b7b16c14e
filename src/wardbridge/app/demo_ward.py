"""The register of the demo's ward: what clinical engineering and IT would know of its machines before they speak."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from wardbridge.core.clock import DAY, from_datetime
from wardbridge.core.db import Connection
from wardbridge.devices import places
from wardbridge.devices.sim.equipment import Asset as Bought
from wardbridge.devices.store import registry
from wardbridge.devices.store.registry import Expected
from wardbridge.equipment.register import desk, store
from wardbridge.equipment.register.values import Asset, Interface, Model
from wardbridge.equipment.shop import Shop

# kind in the simulation: (kind in words, class, holds patient data)
KINDS = {
    "monitor": ("patient monitor", "monitoring", "yes"),
    "ventilator": ("ventilator", "life-support", "yes"),
    "syringe": ("syringe pump", "therapy", "no"),
    "lvp": ("infusion pump", "therapy", "no"),
    "dialysis": ("dialysis machine", "life-support", "yes"),
}
OTHERS = (
    ("Corvane", "Rill LV2", "infusion pump", "therapy", "CL2600901", "high", "2.3.0", "Equipment", "Store"),
    ("Corvane", "Rill LV2", "infusion pump", "therapy", "CL2600902", "high", "2.3.0", "Equipment", "Store"),
    ("Corvane", "Rill SY1", "syringe pump", "therapy", "CS2600903", "high", "1.9.0", "Equipment", "Store"),
    ("Lumen Optics", "Ray 40", "surgical laser", "laser", "LO400017", "high", "1.2", "Theatre", "OR 2"),
    ("Brightfield", "Scan 64", "CT scanner", "radiologic", "BF640003", "high", "7.1", "Radiology", "CT 1"),
    ("Sonara", "Echo 5", "ultrasound", "imaging", "SE500221", "medium", "3.3", "ICU", "Store"),
    ("Pulseback", "DF1", "defibrillator", "life-support", "PB100480", "life-support", "2.0", "ICU", "Store"),
    (
        "Trueline",
        "SafeTest 62",
        "electrical safety analyser",
        "other",
        "TL620009",
        "low",
        "4.4",
        "Equipment",
        "Workshop",
    ),
)
"""Machines that do not speak: (maker, model, kind, class, serial, criticality, firmware, ward, room)."""


def model_id(bought: Bought) -> str:
    """A readable id of the model: ``corvane-rill-lv2``."""
    return f"{bought.manufacturer} {bought.model}".lower().replace(" ", "-")


async def enter(shop: Shop, conn: Connection, rows: Sequence[Bought]) -> dict[str, str]:
    """Models, machines at their beds, and their network, each announced by its wire key. Serial number to device id."""
    models = {
        model_id(row): Model(
            model_id=model_id(row), manufacturer=row.manufacturer, name=row.model, kind=KINDS[row.kind][0],
            class_=KINDS[row.kind][1], storage=KINDS[row.kind][2], expected_years=10,
        )
        for row in rows
    }  # fmt: skip
    await desk.add_models(shop, conn, list(models.values()))
    assets, network, expected = [], [], []
    now = shop.clock.now()
    for n, row in enumerate(rows):
        place = await places.ensure(shop.parts, conn, *places.parse(row.place))
        ident, label = shop.ids(), f"{row.model} {row.serial}"
        assets.append(
            Asset(
                device_id=ident, model_id=model_id(row), state="in-service", state_since=now, created=now,
                tag=row.number, serial=row.serial, label=label, firmware=row.firmware, owner="Clinical engineering",
                department="Intensive care", place_id=place.place_id if place else None,
                criticality="life-support" if KINDS[row.kind][1] == "life-support" else row.risk,
                bought=noon(row.bought), installed=noon(row.installed), warranty_ends=noon(row.warranty_end),
                price=Decimal(row.price), currency="EUR", vendor=row.manufacturer,
            )
        )  # fmt: skip
        network.append(
            Interface(
                interface_id=shop.ids(), device_id=ident, name="eth0", ip=row.network, vlan=120, zone="icu-devices",
                mac=_mac(row.key, n), switch=f"sw-icu-{1 + n % 2}", port=f"1/0/{1 + n % 24}", source="list",
            )
        )  # fmt: skip
        seen = Expected(row.key, row.manufacturer, row.model, row.serial, label, place.place_id if place else "")
        expected.append((ident, seen))
    await desk.add(shop, conn, assets, network, source="list")
    await registry.expect_as(conn, expected, "register", now)
    assets += await _others(shop, conn)
    return {asset.serial: asset.device_id for asset in assets}


async def _others(shop: Shop, conn: Connection) -> list[Asset]:
    """Spares in the store, test equipment, and machines that no cable reaches."""
    now = shop.clock.now()
    models, assets = {}, []
    for n, (maker, name, kind, class_, serial, criticality, firmware, ward, room) in enumerate(OTHERS):
        ident = f"{maker} {name}".lower().replace(" ", "-")
        known = await store.find_model(conn, maker, name)
        models[ident] = known or Model(model_id=ident, manufacturer=maker, name=name, kind=kind, class_=class_)
        place = await places.ensure(shop.parts, conn, ward, room)
        assets.append(
            Asset(
                device_id=shop.ids(),
                model_id=ident,
                state="in-service",
                state_since=now,
                created=now,
                tag=f"ME-{20_000 + n}",
                serial=serial,
                label=f"{name} {serial}",
                firmware=firmware,
                criticality=criticality,
                department=ward,
                owner="Clinical engineering",
                place_id=place.place_id if place else None,
                installed=now - 900 * DAY,
            )
        )
    await desk.add_models(shop, conn, list(models.values()))
    await desk.add(shop, conn, assets, source="list")
    return assets


def _mac(key: str, n: int) -> str:
    text = key[:6].lower() + f"{n:06x}" if len(key) == 16 else f"02b3d0{n:06x}"
    return ":".join(text[at : at + 2] for at in range(0, 12, 2))


def noon(day: date) -> int:
    """Noon UTC of a day, µs since the epoch."""
    return from_datetime(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
