"""What the bench knows of one work order: time, parts, vendors, downtime and what it cost; and of one machine."""

from __future__ import annotations

import msgspec

from wardbridge.equipment.bench.costs import costs
from wardbridge.equipment.bench.store import operations, time
from wardbridge.equipment.bench.store import stock as stores
from wardbridge.equipment.bench.store.operations import Kept
from wardbridge.equipment.bench.values import Call, Cost, Downtime, Labour, Movement, Reservation
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.store.rows import Source
from wardbridge.equipment.timeline import Event

EVER = (0, 1 << 60)


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of an order that costs; ``operations`` came from tablets. ``costs`` is one row a currency."""

    labour: list[Labour]
    parts: list[Movement]
    kept: list[Reservation]
    calls: list[Call]
    downtime: list[Downtime]
    costs: list[Cost]
    operations: list[Kept]


async def about(shop: Shop, work_id: str) -> Panel:
    """The panel of one work order."""
    pool, ids = shop.pool, [work_id]
    return Panel(
        labour=await time.labour(pool, ids), parts=await stores.movements(pool, work_ids=ids),
        kept=await stores.reservations(pool, work_ids=ids), calls=await time.calls(pool, *EVER, work_ids=ids),
        downtime=await time.downtime(pool, None, *EVER, work_ids=ids),
        costs=await costs(pool, None, *EVER, work_ids=ids), operations=await operations.of_work(pool, ids),
    )  # fmt: skip


async def events(source: Source, device_id: str) -> list[Event]:
    """What the bench adds to a machine's timeline: downtime, vendors and parts."""
    found = []
    for row in await time.downtime(source, [device_id], *EVER):
        word = "planned downtime" if row.planned else "out of use"
        found.append(Event(at=row.start, kind="downtime", text=f"{word}: {row.note}".rstrip(": "), by=row.by))
        if row.stop is not None:
            found.append(Event(at=row.stop, kind="downtime", text="in use again"))
    for call in await time.calls_of(source, device_id):
        url = f"/equipment/costs/{call.work_id}"
        found.append(Event(at=call.opened, kind="vendor", text=f"{call.vendor} called", by=call.by, url=url))
        if call.done is not None:
            found.append(Event(at=call.done, kind="vendor", text=f"{call.vendor} done", url=url))
    found += [
        Event(
            at=move.at,
            kind="part",
            text=f"{-move.quantity:f} {name}",
            by=move.by,
            url=f"/equipment/costs/{move.work_id}",
        )
        for move, name in await stores.used_by(source, device_id)
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)
