"""What people do with alarms: acknowledge, set limits, put a bed on standby."""

from __future__ import annotations

from typing import Any

import msgspec

from wardbridge.alarms import store
from wardbridge.alarms.limits import Limit, check
from wardbridge.core.clock import Clock
from wardbridge.core.db import Connection
from wardbridge.core.errors import Conflict, Invalid, NotFound


async def acknowledge(conn: Connection, alarm_id: int, by: str, clock: Clock) -> Any:
    """Note who has taken note. The alarm stays until its cause is gone; the device is not touched.

    Raises NotFound, and Conflict when the alarm is over.
    """
    row = await store.by_id(conn, alarm_id)
    if row is None:
        raise NotFound("there is no such alarm")
    if row["ended"] is not None:
        raise Conflict("the alarm is over")
    if not row["acknowledged_by"]:
        now = clock.now()
        await store.update(conn, alarm_id, acknowledged_by=by, acknowledged_at=now)
        await store.add_event(conn, alarm_id, "", now, "acknowledged", row["priority"], row["state"], by)
        await store.ring(conn)
    return await store.by_id(conn, alarm_id)


async def set_limit(conn: Connection, scope: str, limit: Limit, by: str, clock: Clock) -> None:
    """Set one limit of ``site``, ``ward/<ward>`` or ``patient/<id>``. Raises Invalid with the reason."""
    kind, _, name = scope.partition("/")
    if kind not in {"site", "ward", "patient"} or bool(name) == (kind == "site"):
        raise Invalid(f"no scope {scope!r}", "scope")
    problem = check(limit)
    if problem:
        raise Invalid(problem, limit.slot)
    await store.put_limit(conn, scope, msgspec.structs.replace(limit, by=by, at=clock.now()))


async def set_standby(conn: Connection, place_id: str, on: bool, by: str, clock: Clock) -> None:
    """A bed on standby raises no alarms of ours; what devices report is kept and shown greyed."""
    await store.set_standby(conn, place_id, on, by, clock.now())
    await store.ring(conn)
