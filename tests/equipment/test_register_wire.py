"""What the wire says, through the real pipeline, in the register: versions, identity, channels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.equipment.conftest import TECHNICIAN, Stocked

from wardbridge.devices import fleet
from wardbridge.devices.pipeline.batch import Sinks
from wardbridge.devices.pipeline.pipeline import Pipeline
from wardbridge.devices.pipeline.sink import as_entry
from wardbridge.devices.values import Batch, Identity, Reading
from wardbridge.equipment.register import metrics, store
from wardbridge.equipment.register.discovery import desk as discovery
from wardbridge.equipment.register.discovery import store as suggestions
from wardbridge.equipment.register.values import Asset
from wardbridge.equipment.register.wire import RegisterSink
from wardbridge.equipment.shop import Shop
from wardbridge.exchange.intake.log import Intake
from wardbridge.fhir.validate import validate
from wardbridge.fhir.validate.options import FULL
from wardbridge.security import store as security


class Wire:
    """Devices that speak into the real intake log, and the real pipeline behind it."""

    def __init__(self, shop: Shop) -> None:
        self.told: list[tuple[str, str, str, str]] = []
        self.shop = shop
        self.log = Intake(shop.pool, shop.clock)
        sinks = Sinks(identities=(RegisterSink(shop, (self.observe,)),))
        self.pipeline = Pipeline(shop.pool, shop.parts, sinks)
        self.count = 0

    async def observe(self, conn: Any, device_id: str, what: str, old: str, new: str, at: int) -> None:
        self.told.append((device_id, what, old, new))

    async def says(self, *values: Any, key: str = "wire-1") -> None:
        self.count += 1
        raw = f"message {self.count}".encode()
        batch = Batch("mllp", key, self.shop.clock.now(), values, raw, "sender", str(self.count), "PCD-01")
        await self.log.put(as_entry(batch))
        while await self.pipeline.step():
            pass


@pytest.fixture
async def wire(shop: Shop) -> AsyncIterator[Wire]:
    found = Wire(shop)
    yield found
    await found.log.close()


def who(asset: Asset, firmware: str, **more: str) -> Identity:
    said = {"manufacturer": "Acme", "model": "Flow 3", "serial": asset.serial} | more
    return Identity(key="wire-1", firmware=firmware, **said)


async def test_a_new_firmware_on_the_wire_is_in_the_register_with_its_history(
    shop: Shop, stock: Stocked, wire: Wire
) -> None:
    (asset,) = await stock(1, firmware="2.0")
    await wire.says(who(asset, "2.0"))
    assert wire.told == []
    await wire.says(who(asset, "2.1"))
    await wire.says(who(asset, "2.1"))
    assert wire.told == [(asset.device_id, "firmware", "2.0", "2.1")]
    (now,) = await store.assets(shop.pool, [asset.device_id])
    history = await store.software(shop.pool, [asset.device_id])
    assert now.firmware == "2.1"
    assert [(one.version, one.source) for one in history] == [("2.1", "wire"), ("2.0", "hand")]
    device = await shop.record.current(shop.pool, "Device", asset.device_id)
    assert device is not None
    assert [one["value"] for one in device["version"]] == ["2.1"]
    logged = await security.changes_of(shop.pool, table="asset")
    assert (logged[0]["display"], logged[0]["reason"]) == ("Wardbridge", "said by the device")


async def test_what_the_register_did_not_know_is_learned_at_first_sight(shop: Shop, stock: Stocked, wire: Wire) -> None:
    (asset,) = await stock(1)
    await wire.says(who(asset, "3.0", hardware="B"))
    (now,) = await store.assets(shop.pool, [asset.device_id])
    assert (now.firmware, now.hardware) == ("3.0", "B")
    assert ("firmware", "", "3.0") in [told[1:] for told in wire.told]


async def test_another_model_on_the_wire_is_a_question_for_a_person(shop: Shop, stock: Stocked, wire: Wire) -> None:
    (asset,) = await stock(1)
    await wire.says(who(asset, "1"))
    await wire.says(who(asset, "1", model="Flow 4"))
    (before,) = await store.now(shop.pool)
    assert before.model == "Flow 3"
    (one,) = await suggestions.suggestions(shop.pool)
    assert (one.kind, one.seen) == ("identity", {"what": "model", "register": "Flow 3", "wire": "Flow 4"})
    async with shop.acting(TECHNICIAN) as conn:
        assert await discovery.accept(shop, conn, one.suggestion_id, TECHNICIAN) == asset.device_id
    (after,) = await store.now(shop.pool)
    assert after.model == "Flow 4"


async def test_a_device_in_no_row_is_suggested_once_and_not_added(shop: Shop, wire: Wire) -> None:
    who_ = Identity(key="wire-9", manufacturer="Acme", model="Flow 3", serial="S9", firmware="1.0")
    await wire.says(who_, key="wire-9")
    assert wire.told == []
    assert await discovery.follow_wire(shop) == 1
    assert await discovery.follow_wire(shop) == 0
    assert await store.now(shop.pool) == []
    (one,) = await suggestions.suggestions(shop.pool)
    async with shop.acting(TECHNICIAN) as conn:
        ident = await discovery.accept(shop, conn, one.suggestion_id, TECHNICIAN, tag="A-9")
    (machine,) = await store.now(shop.pool)
    assert (machine.device_id, machine.model, machine.serial, machine.firmware) == (ident, "Flow 3", "S9", "1.0")
    assert (await fleet.device(shop.pool, ident)).state == "accepted"
    await wire.says(Identity(key="wire-9", firmware="1.1"), key="wire-9")
    assert wire.told[-1] == (ident, "firmware", "1.0", "1.1")


async def test_channels_of_a_registered_machine_are_metrics(shop: Shop, stock: Stocked, wire: Wire) -> None:
    (asset,) = await stock(1)
    beat = Reading("1/2/147842", 147842, "MDC_ECG_HEART_RATE", "72", 72.0, "/min", "/min", shop.clock.now())
    await wire.says(who(asset, "1"), beat)
    await wire.says(Identity(key="stranger"), beat, key="stranger")
    assert await metrics.follow(shop) == 1
    assert await metrics.follow(shop) == 0
    (row,) = await shop.pool.fetch("SELECT device_id, metric_id FROM metric")
    found = await shop.record.current(shop.pool, "DeviceMetric", row["metric_id"])
    assert found is not None
    assert found["source"] == {"reference": f"Device/{asset.device_id}"}
    assert found["unit"]["coding"][0]["code"] == "/min"
    assert not [issue for issue in validate(found, FULL) if issue.severity in ("error", "fatal")]
