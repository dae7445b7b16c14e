"""From a campaign to its end: patched machines are done in it, with what they said as proof."""

from __future__ import annotations

import msgspec
from tests.equipment.bedside import admit, discharge, hear
from tests.equipment.changing import patch_file
from tests.equipment.conftest import OPERATOR, TECHNICIAN, Stocked
from tests.equipment.test_patch_desk import prepared

from wardbridge.core.clock import HOUR, FakeClock
from wardbridge.equipment.campaigns import start
from wardbridge.equipment.campaigns import store as campaigns
from wardbridge.equipment.campaigns.start import Start
from wardbridge.equipment.changes.behaviour.desk import Watch
from wardbridge.equipment.changes.patches import desk, follow
from wardbridge.equipment.changes.values import Patch
from wardbridge.equipment.register.wire import RegisterSink
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import SYSTEM


async def test_a_campaign_ends_by_what_its_machines_say(shop: Shop, stock: Stocked, clock: FakeClock) -> None:
    """A CVE, two pumps, one on a patient: patched after the discharge, verified on the wire, done in the campaign."""
    used, free = await stock(2, firmware="1.9")
    async with shop.acting(SYSTEM) as conn:
        for one in (used, free):
            await hear(shop, conn, one)
        await admit(shop, conn, "1", "ICU", "01")
    async with shop.acting(OPERATOR) as conn:
        wanted = Start(kind="cve", title="CVE-2020-25165", cve="CVE-2020-25165", security=True, target="2.0",
                       devices={used.device_id: ("model",), free.device_id: ("model",)})  # fmt: skip
        campaign = await start.start(shop, conn, wanted, OPERATOR)
    patch = Patch(model_id="model-1", version="2.0", fixes=("CVE-2020-25165",), campaign_id=campaign.campaign_id)
    change = await prepared(shop, msgspec.structs.replace(patch_file(), patch=patch))
    sink = RegisterSink(shop, (Watch(shop),))
    for asset in (free, used):
        if asset is used:
            clock.set(clock.now() + HOUR)
            async with shop.acting(SYSTEM) as conn:
                await discharge(shop, conn, "1")
            await follow.follow(shop)
        async with shop.acting(TECHNICIAN) as conn:
            await desk.start(shop, conn, change.change_id, asset.device_id, TECHNICIAN)
        clock.set(clock.now() + HOUR)
        async with shop.acting(SYSTEM) as conn:
            await sink.apply(conn, asset.device_id, "firmware", "1.9", "2.0", clock.now())
        assert await follow.follow(shop) >= 1
        states = {one.device_id: one.state for one in await campaigns.items(shop.pool, campaign.campaign_id)}
        assert states[asset.device_id] == "affected-done"
    steps = await campaigns.steps(shop.pool, campaign.campaign_id)
    assert {(one.device_id, one.step) for one in steps} == {
        (device, step) for device in (used.device_id, free.device_id) for step in ("work", "verify")
    }  # fmt: skip
    assert all("wire: firmware 2.0" in one.note for one in steps)
    account = await campaigns.account(shop.pool, campaign.campaign_id)
    assert (account.total, account.done) == (2, 2)
