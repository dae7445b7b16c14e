"""A module that is taken out of a machine becomes a fault on the machine that names the module."""

from __future__ import annotations

from typing import Any

import structlog
from hypothesis import given
from hypothesis import strategies as st
from tests.devices.pipeline.scene import scene
from tests.devices.sim.stage import play

from wardbridge.core.clock import MINUTE, SECOND
from wardbridge.core.db import transaction
from wardbridge.devices import fleet
from wardbridge.devices.driver import DriverContext
from wardbridge.devices.drivers.hl7_mllp.driver import build
from wardbridge.devices.pipeline.batch import Sinks
from wardbridge.devices.pipeline.modules import Modules
from wardbridge.devices.pipeline.sink import IntakeSink
from wardbridge.devices.sim.config import WardConfig
from wardbridge.devices.values import DeviceEvent
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work.events import DeviceFaults
from wardbridge.equipment.work.store import orders


def test_only_what_was_regular_can_be_missed() -> None:
    modules, now = Modules(), 0
    for n in range(60):
        now = n * SECOND
        assert modules.heard(["ecg", "co2"], now) == []
        if n % 20 == 0:
            assert modules.heard(["cuff"], now) == []
    for n in range(60, 120):
        assert modules.heard(["ecg"], n * SECOND) == []
    assert modules.heard(["ecg"], 120 * SECOND) == ["co2"]
    assert modules.heard(["ecg"], 200 * SECOND) == [], "said once; and the cuff was never regular"
    assert modules.heard(["ecg", "co2"], 201 * SECOND) == []
    gone = [n for n in range(202, 300) if modules.heard(["ecg"], n * SECOND)]
    assert gone == [262], "it came back, and was pulled again"


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=40), st.integers(1, 5))
def test_a_machine_that_says_nothing_has_lost_nothing(gaps: list[int], count: int) -> None:
    modules, now = Modules(), 1
    names = [f"m{n}" for n in range(count)]
    for gap in gaps:
        now += gap * SECOND
        assert modules.heard(names, now) == []
        assert modules.heard([], now + 5 * MINUTE) == []


async def test_pulling_a_simulated_module_opens_the_right_fault(database: Any) -> None:
    ward = await scene(database.pool)
    shop = Shop(ward.pool, ward.parts)
    ward.pipeline.sinks = Sinks((), (DeviceFaults(shop),), ward.sinks.adt)
    driver = build(DriverContext("icu", {}, ward.clock, IntakeSink(ward.intake), structlog.get_logger()))
    start, accepted = ward.clock.now(), False
    config = WardConfig(beds=4, seed=3)
    only = [name for name in _names(config) if "4" in name and "mon" in name.lower()]
    assert len(only) == 1
    for said in play(config, 560, only=only, kinds=["numerics"]):
        ward.clock.set(start + round(said.t * SECOND))
        assert (await driver.handle(said.outgoing.payload)).accept == "accept"
        await ward.work()
        if not accepted:
            async with transaction(ward.pool) as conn:
                (device,) = await fleet.queue(conn)
                await fleet.accept(ward.parts, conn, device.device_id, "Practitioner/t", since=0)
            accepted = True
        if said.t < 450:
            assert await orders.of_devices(ward.pool) == []
    found = await orders.of_devices(ward.pool)
    assert [one.text for one in found] == [found[0].text]
    fault = found[0]
    (module,) = [one for one in await fleet.modules(ward.pool, device.device_id) if "CONC_GAS" in one.type_refid]
    assert (fault.device_id, fault.kind, fault.state, fault.source) == (device.device_id, "fault", "open", "alarm")
    assert fault.code == f"module-removed {module.key}"
    assert fault.text.startswith("Module removed: ")
    async with ward.pool.acquire() as conn:
        task = await shop.record.current(conn, "Task", fault.task_id)
    assert task is not None
    assert task["for"] == {"reference": f"Device/{device.device_id}"}
    await ward.intake.close()


def _names(config: WardConfig) -> list[str]:
    return sorted({said.name for said in play(config, 30)})


async def test_a_descriptor_that_a_biceps_device_deletes_is_the_same_fault(database: Any) -> None:
    """SDC devices say it themselves: the driver's ``module_removed`` goes the same way."""
    ward = await scene(database.pool)
    shop = Shop(ward.pool, ward.parts)
    ward.pipeline.sinks = Sinks((), (DeviceFaults(shop),), ward.sinks.adt)
    device_id = await ward.device("VENT1", "1")
    for _ in range(2):
        await ward.put(DeviceEvent("module_removed", "CO2 module", "VENT1/co2"), device="VENT1")
        await ward.work()
    (fault,) = await orders.of_devices(ward.pool, [device_id])
    assert fault.text == "Module removed: CO2 module"
    change = await ward.pool.fetchrow("SELECT * FROM change WHERE table_name = 'work'")
    assert (change["display"], change["device_id"]) == ("the device itself", device_id)
    await ward.intake.close()
