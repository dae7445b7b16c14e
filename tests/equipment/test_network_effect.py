"""What hangs on a switch, a VLAN, a zone or a server; and who fell silent together."""

from __future__ import annotations

import pytest
from tests.equipment.bedside import admit, hear
from tests.equipment.conftest import TECHNICIAN, Stocked

from wardbridge.core.clock import HOUR, MINUTE, FakeClock
from wardbridge.core.errors import Invalid
from wardbridge.devices.store import registry
from wardbridge.devices.store.registry import Seen
from wardbridge.equipment.changes.effect import store
from wardbridge.equipment.changes.effect.effect import effect, silent_together
from wardbridge.equipment.changes.network import store as links
from wardbridge.equipment.changes.network.values import Link
from wardbridge.equipment.register import desk
from wardbridge.equipment.register.values import Interface
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM


async def ward(shop: Shop, stock: Stocked) -> list[str]:
    """Five machines at five beds, four on switch sw-1, one on sw-2; a patient at bed 1."""
    found = await stock(5, criticality="life-support")
    async with shop.acting(TECHNICIAN) as conn:
        await desk.connect(shop, conn, [
            Interface(interface_id=f"if-{at}", device_id=one.device_id, ip=f"10.1.0.{at}", vlan=20 + at % 2,
                      zone="vents", switch="sw-1" if at < 5 else "sw-2", port=str(at))
            for at, one in enumerate(found, 1)
        ])  # fmt: skip
    async with shop.acting(SYSTEM) as conn:
        for one in found:
            await hear(shop, conn, one)
        await admit(shop, conn, "1", "ICU", "01")
    return [one.device_id for one in found]


async def test_a_switch_is_shown_as_beds_and_patients(shop: Shop, stock: Stocked) -> None:
    devices = await ward(shop, stock)
    now = shop.clock.now()
    found = await effect(shop.pool, now, switch="sw-1")
    assert (len(found.machines), found.on_patients) == (4, 1)
    (icu,) = found.wards
    assert (icu.ward, icu.machines, icu.in_use, icu.life_support, len(icu.beds)) == ("ICU", 4, 1, 4, 1)
    assert all(one.patient_id == "" for one in found.machines)
    clinical = await effect(shop.pool, now, switch="sw-1", port="1", patients=True)
    assert [bool(one.patient_id) for one in clinical.machines] == [True]
    assert len((await effect(shop.pool, now, vlan=21)).machines) == 3
    assert len((await effect(shop.pool, now, zone="vents")).machines) == 5
    assert (await effect(shop.pool, now, switch="sw-9")).machines == ()
    with pytest.raises(Invalid):
        await effect(shop.pool, now)
    first, second = await store.switches(shop.pool)
    assert (first.switch, first.machines, first.in_use, second.switch) == ("sw-1", 4, 1, "sw-2")
    async with shop.acting(SYSTEM) as conn:
        await links.add(conn, [Link(device_id=devices[0], peer="10.9.0.1", port=2575, protocol="tcp", direction="out",
                                    first_seen=now, last_seen=now, count=1, source="zeek")])  # fmt: skip
    assert [one.device_id for one in (await effect(shop.pool, now, server="10.9.0.1")).machines] == devices[:1]


async def test_machines_of_one_switch_that_fall_silent_together_hint_at_it(
    shop: Shop, stock: Stocked, clock: FakeClock
) -> None:
    devices = await ward(shop, stock)
    start = clock.now()

    async def seen(at: int, who: list[str], *, standby: bool = False) -> None:
        async with shop.acting(SYSTEM) as conn:
            await registry.seen(conn, [Seen(one, "mllp", at, 0, None, None, True, standby, "", 1, 0, 0) for one in who])

    await seen(start, devices)
    assert await silent_together(shop.pool, start + MINUTE // 2) == []
    await seen(start + 5 * MINUTE, [devices[3], devices[4]])
    (hint,) = await silent_together(shop.pool, start + 5 * MINUTE)
    assert (hint.switch, hint.heard, hint.silent, hint.in_use) == ("sw-1", 4, 3, 1)
    await seen(start + 5 * MINUTE, devices[:1])
    assert await silent_together(shop.pool, start + 5 * MINUTE) == []
    # Silent one after the other over an hour: the machines were switched off, not the switch.
    for at, one in enumerate(devices[:4]):
        await seen(start + HOUR + at * 15 * MINUTE, [one])
    assert await silent_together(shop.pool, start + 3 * HOUR) == []
