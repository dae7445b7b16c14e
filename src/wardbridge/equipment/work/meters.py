"""Meters of machines: use hours that follow the telemetry, and what people read."""

from __future__ import annotations

from wardbridge.core.clock import DAY, HOUR
from wardbridge.core.db import Connection, Pool, transaction
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.register.store import now as machines_now
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work.desk import text_of
from wardbridge.equipment.work.store import meters
from wardbridge.equipment.work.usage import Use, advance
from wardbridge.security.principal import Principal

LIMIT = 20_000
KEEP_RESTS = 7 * DAY


async def follow(pool: Pool, now: int) -> int:
    """Count what telemetry brought since the last time, with the cursor in the same transaction: killed at any point,
    nothing is lost and nothing counts twice. How many rows of telemetry were read. ``now`` in µs."""
    read = 0
    while True:
        async with transaction(pool) as conn:
            heard, rows = await meters.heard(conn, LIMIT)
            if heard:
                uses = await meters.uses(conn, list(heard))
                rests = await meters.rests(conn, list(heard))
                after = {
                    device: advance(uses.get(device, Use()), [at for at in moments if at <= now + HOUR],
                                    rests.get(device, ()))
                    for device, moments in heard.items()
                }  # fmt: skip
                await meters.put_uses(conn, {device: use for device, use in after.items() if use != uses.get(device)})
            await meters.forget_rests(conn, now - KEEP_RESTS)
        read += rows
        if rows < LIMIT:
            return read


async def read(shop: Shop, conn: Connection, device_id: str, meter: str, value: float, by: Principal) -> None:
    """Keep what somebody read off a meter (cycles, litres). Raises Invalid, NotFound for a machine that is not in the
    register. The meter ``use`` is telemetry's."""
    meter = text_of(meter, "meter", "which meter")[:40].lower()
    if meter == "use":
        raise Invalid("use hours come from telemetry", "meter")
    if not 0 <= value < 1e12:
        raise Invalid("a reading is 0 or more", "value")
    if not await machines_now(conn, [device_id]):
        raise NotFound("there is no such machine in the register", f"Device/{device_id}")
    await meters.add_reading(conn, shop.ids(), device_id, meter, value, shop.clock.now(), by)
