"""A person charts the value on the screen."""

from __future__ import annotations

from typing import Any

import pytest
from pipeline.scene import HR, Scene, reading, scene

from wardbridge.core.clock import MINUTE
from wardbridge.core.db import transaction
from wardbridge.core.errors import Conflict, NotFound
from wardbridge.devices.charting.ask import chart_now
from wardbridge.devices.values import Quality
from wardbridge.telemetry import store as telemetry


async def ask(ward: Scene, device: str, channel: int) -> str:
    async with transaction(ward.pool) as conn:
        return await chart_now(ward.parts, conn, device, channel, "Practitioner/n1")


async def test_a_value_is_charted_because_a_nurse_asks(database: Any) -> None:
    ward = await scene(database.pool)
    device = await ward.device()
    ward.clock.set(ward.minute(3))
    for n, text in ((1, "70"), (2, "72.0")):
        await ward.put(reading(HR, text, ward.minute(n)), received=ward.minute(n))
    await ward.work()
    channel = (await telemetry.last_values(ward.pool, [device]))[device][0].channel.channel_id
    with pytest.raises(Conflict, match="nobody"):
        await ask(ward, device, channel)
    await ward.adt("A01", "100", 0, "1")
    await ward.work()
    first = await ask(ward, device, channel)
    assert await ask(ward, device, channel) == first
    found = {o["id"]: o for o in await ward.observations()}
    assert len(found) == 2
    assert (found[first]["status"], str(found[first]["valueQuantity"]["value"])) == ("final", "72.0")
    assert found[first]["performer"] == [{"reference": "Practitioner/n1"}]
    with pytest.raises(NotFound):
        await ask(ward, device, 999)
    ward.clock.set(ward.minute(3) + 5 * MINUTE)
    with pytest.raises(Conflict, match="old"):
        await ask(ward, device, channel)
    await ward.put(reading(HR, "90", ward.minute(9), quality=int(Quality.TEST)), received=ward.minute(9))
    await ward.work()
    with pytest.raises(Conflict, match="fit"):
        await ask(ward, device, channel)
    await ward.intake.close()
