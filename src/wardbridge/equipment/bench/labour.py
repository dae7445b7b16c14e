"""Time worked on an order, at the rate that held then."""

from __future__ import annotations

from decimal import Decimal

from wardbridge.core.clock import MINUTE
from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.bench import resources
from wardbridge.equipment.bench.store import time as store
from wardbridge.equipment.bench.store import work as orders
from wardbridge.equipment.bench.values import Labour, Rate
from wardbridge.equipment.shop import Shop
from wardbridge.security.principal import Principal

DAY_MINUTES = 1440


async def set_rate(conn: Connection, rate: Rate) -> None:
    """Say what an hour costs from a moment on. Raises Invalid for a rate below 0 or without a currency."""
    if not rate.rate.is_finite() or rate.rate < 0 or not rate.currency.strip():
        raise Invalid("a rate is 0 or more, in a currency", "rate")
    await store.put_rates(conn, [rate])


async def work(
    shop: Shop, conn: Connection, work_id: str, minutes: int, by: Principal, *, travel: int = 0,
    started: int | None = None, note: str = "", operation_id: str = "",
) -> Labour:  # fmt: skip
    """Book time of ``by`` on an order, also on one that is done. Without ``started`` it has just ended.

    Raises NotFound, and Invalid for no time at all, or more than a day at once.
    """
    if not 0 <= minutes <= DAY_MINUTES or not 0 <= travel <= DAY_MINUTES or minutes + travel == 0:
        raise Invalid("time is 1 minute to 24 hours", "minutes")
    order = await orders.of(conn, work_id)
    if order is None:
        raise NotFound("there is no such work", "work")
    now = shop.clock.now()
    began = now - (minutes + travel) * MINUTE if started is None else started
    rate = await store.rate(conn, by.id, began)
    row = Labour(
        labour_id=shop.ids(), work_id=work_id, device_id=order.device_id, person_id=by.id, display=by.display,
        minutes=minutes, travel=travel, rate=rate.rate if rate else None, currency=rate.currency if rate else "",
        started=began, note=note.strip(), operation_id=operation_id, at=now,
    )  # fmt: skip
    await store.add_labour(conn, [row])
    await shop.record.put(conn, [resources.labour(row, order.request_id)])
    return row


def cost(row: Labour) -> Decimal | None:
    """What this time cost; None where no rate was set."""
    return None if row.rate is None else (row.rate * (row.minutes + row.travel) / 60).quantize(Decimal("0.01"))
