"""When a machine could not be used: from the fault that says so to the end of its work, or said by hand."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wardbridge.core.clock import MINUTE
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.equipment.bench import resources
from wardbridge.equipment.bench.store import time as store
from wardbridge.equipment.bench.store import work as orders
from wardbridge.equipment.bench.values import Downtime
from wardbridge.equipment.register import store as register
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.store.rows import Source
from wardbridge.security.principal import SYSTEM, Principal

SOURCES = ("fault", "bench", "hand")
AHEAD = 5 * MINUTE
"""How far a moment may lie in the future: clocks of people and servers differ."""


async def stop_use(
    shop: Shop, conn: Connection, device_id: str, by: Principal, *, work_id: str | None = None, at: int | None = None,
    planned: bool = False, source: str = "hand", note: str = "",
) -> Downtime:  # fmt: skip
    """A machine is out of use from ``at`` (now where None) on, until its work ends or :func:`resume`.

    Raises NotFound, Invalid for a moment to come, Conflict where it is out of use already.
    """
    now = shop.clock.now()
    start = now if at is None else at
    if source not in SOURCES or start > now + AHEAD:
        raise Invalid("a machine cannot be out of use from a moment to come", "at")
    if not await register.assets(conn, [device_id]):
        raise NotFound("there is no such machine in the register", f"Device/{device_id}")
    running = await store.running(conn, device_id)
    if running is not None:
        raise Conflict("this machine is out of use already", f"Device/{device_id}")
    row = Downtime(
        downtime_id=shop.ids(), device_id=device_id, work_id=work_id, start=min(start, now), planned=planned,
        source=source, note=note.strip(), by=by.display,
    )  # fmt: skip
    return await _save(shop, conn, row)


async def resume(shop: Shop, conn: Connection, device_id: str, *, at: int | None = None) -> Downtime:
    """A machine can be used again. Raises Conflict where it was not out of use, Invalid for a moment before that."""
    running = await store.running(conn, device_id)
    if running is None:
        raise Conflict("this machine is not out of use", f"Device/{device_id}")
    now = shop.clock.now()
    stop = now if at is None else at
    if not running.start <= stop <= now + AHEAD:
        raise Invalid("a machine is in use again after it was out of use, and not in the future", "at")
    return await _save(shop, conn, msgspec.structs.replace(running, stop=max(min(stop, now), running.start)))


async def close_ended(shop: Shop) -> int:
    """Write the end of downtime whose work is done into its own row and into the record; how many.

    Readers know the end without it: it is for the record and for whoever reads the table.
    """
    async with shop.acting(SYSTEM, "its work is done") as conn:
        ended = await store.ended_by_work(conn)
        await store.put_downtime(conn, [row for row, _request in ended])
        await shop.record.put(conn, [resources.downtime(row, request) for row, request in ended])
    return len(ended)


async def downtime(source: Source, device_ids: Sequence[str] | None, since: int, until: int) -> list[Downtime]:
    """Intervals of these machines (all where None) that touch ``[since, until)``; ``stop`` None while one lasts."""
    return await store.downtime(source, device_ids, since, until)


def length(rows: Sequence[Downtime], since: int, until: int, *, planned: bool | None = None) -> int:
    """µs of ``[since, until)`` that one machine was out of use; overlapping intervals count once. Pure."""
    total, reached = 0, since
    for row in sorted(rows, key=lambda one: one.start):
        if planned is not None and row.planned is not planned:
            continue
        start, stop = max(row.start, reached), min(until if row.stop is None else row.stop, until)
        if stop > start:
            total += stop - start
            reached = stop
    return total


async def _save(shop: Shop, conn: Connection, row: Downtime) -> Downtime:
    order = await orders.of(conn, row.work_id) if row.work_id else None
    await store.put_downtime(conn, [row])
    await shop.record.put(conn, [resources.downtime(row, order.request_id if order else "")])
    return row
