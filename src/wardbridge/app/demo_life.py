"""What has gathered around the demo's machines: maintenance, contracts, parts, a bill of materials, a zone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from wardbridge.app.demo_ward import noon
from wardbridge.core.clock import DAY, to_datetime
from wardbridge.core.db import Connection
from wardbridge.devices.sim.equipment import Asset as Bought
from wardbridge.equipment.bench import stock
from wardbridge.equipment.bench.values import Level, Part, Store
from wardbridge.equipment.crew import oncall
from wardbridge.equipment.crew.rota import Rota
from wardbridge.equipment.cyber import desk as cyber
from wardbridge.equipment.cyber.store.zones import Zone
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.vendors import firms
from wardbridge.equipment.vendors.values import Contact, Contract, Covered, Vendor
from wardbridge.equipment.work import desk as work
from wardbridge.equipment.work import procedures, risk, schedules
from wardbridge.equipment.work.plans import Schedule
from wardbridge.equipment.work.steps import Procedure, Step
from wardbridge.equipment.work.store.procedures import Instrument, put_instrument
from wardbridge.security.principal import Principal

PUMP = "corvane-rill-lv2"
USE_HOURS = 0.05
"""After so many hours of use (three minutes) the demo's pumps want their flow checked: a meter that fires."""

FLOW = Procedure(
    procedure_id="pump-flow", version=0, name="Flow accuracy and occlusion pressure", minutes=25, class_="therapy",
    tools=("flow analyser",),
    steps=(
        Step(step="look", kind="check", text="Housing, door, clamp and drop sensor are whole and clean"),
        Step(step="flow", kind="value", text="Flow at 100 mL/h", code="flow-error", unit="%", low=Decimal(-5),
             high=Decimal(5)),
        Step(step="occlusion", kind="value", text="Pressure at the occlusion alarm", code="occlusion-pressure",
             unit="mm[Hg]", low=Decimal(300), high=Decimal(900)),
        Step(step="alarm", kind="check", text="Alarms are heard and shown: door open, air, occlusion, battery"),
    ),
)  # fmt: skip

BILL = {
    "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
    "metadata": {"component": {"type": "firmware", "name": "Rill LV2", "version": "2.3.0",
                               "supplier": {"name": "Corvane"}}},
    "components": [
        {"type": "operating-system", "name": "zephyr", "version": "3.4.0",
         "purl": "pkg:github/zephyrproject-rtos/zephyr@3.4.0"},
        {"type": "library", "name": "mbedtls", "version": "3.4.0", "purl": "pkg:github/mbed-tls/mbedtls@3.4.0"},
        {"type": "library", "name": "lwip", "version": "2.1.3", "purl": "pkg:generic/lwip@2.1.3"},
        {"type": "library", "name": "open62541", "version": "1.3.5", "purl": "pkg:github/open62541/open62541@1.3.5"},
    ],
}  # fmt: skip


async def fill(shop: Shop, conn: Connection, by: Principal, rows: Sequence[Bought], known: Mapping[str, str]) -> None:
    """``known``: serial number to device id."""
    for row in rows:
        for plan in row.plans:
            await work.plan(shop, conn, known[row.serial], plan.name, noon(plan.due), round(plan.months * 30.44), by,
                            reported_at=noon(plan.last))  # fmt: skip
    await _maintenance(shop, conn, by, known)
    await _firms(shop, conn)
    await _shelf(shop, conn, by)
    await cyber.put_zone(shop, conn, Zone(zone="icu-devices", level=2, exposure="clinical", purpose="Bedside devices"))
    await cyber.add_sbom(shop, conn, PUMP, json.dumps(BILL).encode(), by, version="2.3.0")


async def staff(shop: Shop, conn: Connection, people: Mapping[str, str]) -> None:
    """Who is on call, and somebody new: ``people`` by login, their ids."""
    today = to_datetime(shop.clock.now()).date()
    for side, title, login in (("biomed", "Clinical engineering", "tariq"), ("it", "Network and systems", "olga")):
        rota = Rota(rota_id="", side=side, title=title, zone="UTC", first=today - timedelta(days=today.weekday()),
                    people=(people[login],))  # fmt: skip
        await oncall.put(shop, conn, rota)


async def _maintenance(shop: Shop, conn: Connection, by: Principal, known: Mapping[str, str]) -> None:
    now = shop.clock.now()
    await procedures.write(shop, conn, FLOW, by)
    await schedules.put(
        shop, conn,
        Schedule(schedule_id=shop.ids(), name="Flow check by use", model_id=PUMP, procedure_id=FLOW.procedure_id,
                 meter="use", every=USE_HOURS, ahead_days=0, minutes=25, team="Clinical engineering", created=now),
    )  # fmt: skip
    answers = {"function": "therapy", "physical-risk": "injury", "maintenance": "average"}
    await risk.rate(shop, conn, PUMP, "fennigkoh-smith", answers, by)
    await put_instrument(
        conn, Instrument(device_id=known["TL620009"], measures="leakage currents, earth resistance",
                         calibrated=now - 170 * DAY, due=now + 195 * DAY, certificate="TL-2026-118"),
    )  # fmt: skip


async def _firms(shop: Shop, conn: Connection) -> None:
    now = shop.clock.now()
    for name, number, models, ends in (("Corvane", "CV-2024-7", (PUMP, "corvane-rill-sy1"), 400),
                                       ("Halden", "HA-77", ("halden-fjord-v3",), 45)):  # fmt: skip
        vendor = Vendor(vendor_id=shop.ids(), name=name, created=now, kind=("manufacturer", "service"))
        await firms.save_vendor(shop, conn, vendor)
        desk = Contact(contact_id=shop.ids(), vendor_id=vendor.vendor_id, name=f"{name} service desk", role="service",
                       phone="+00 000 0000", email=f"service@{name.lower()}.example")  # fmt: skip
        await firms.save_contact(shop, conn, desk)
        contract = Contract(
            contract_id=shop.ids(), vendor_id=vendor.vendor_id, number=number, title=f"{name} full service",
            kind="full-service", starts=now - 500 * DAY, ends=now + ends * DAY, notice_days=30,
            price_year=Decimal(9800), currency="EUR", response_hours=4, repair_hours=24, uptime=99.0,
            hours="Mo-Fr 08:00-18:00", zone="UTC",
        )  # fmt: skip
        cover = [Covered(contract_id=contract.contract_id, model_id=model) for model in models]
        await firms.save_contract(shop, conn, contract, cover)


async def _shelf(shop: Shop, conn: Connection, by: Principal) -> None:
    place = Store(store_id=shop.ids(), name="Workshop")
    await stock.add_store(shop, conn, place)
    for number, name, price, held in (
        ("CV-BAT-2", "Battery pack, Rill", 84, 3),
        ("CV-LATCH", "Door latch, Rill LV2", 31, 1),
    ):
        part = Part(part_id=shop.ids(), number=number, name=name, manufacturer="Corvane", fits=(PUMP,),
                    price=Decimal(price), currency="EUR", supplier="Corvane")  # fmt: skip
        await stock.add_part(shop, conn, part)
        level = Level(part_id=part.part_id, store_id=place.store_id, minimum=Decimal(2), target=Decimal(5))
        await stock.want(shop, conn, level)
        await stock.receive(shop, conn, part.part_id, place.store_id, Decimal(held), by)
