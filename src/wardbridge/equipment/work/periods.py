"""Periods of schedules: work that ended begins the next one."""

from __future__ import annotations

from wardbridge.core.db import Connection
from wardbridge.equipment.work import plans
from wardbridge.equipment.work.store import schedules
from wardbridge.equipment.work.values import Work


async def turn(conn: Connection, done: Work, at: int) -> int | None:
    """Begin the next period of the schedule that ordered ``done``, in the transaction in which it ended (``at``, µs).

    The new due date by the calendar; None where the work has no schedule, or its period is over already.
    """
    if not done.schedule_id:
        return None
    found = await schedules.period_of(conn, done.schedule_id, done.device_id)
    if found is None or f"{done.schedule_id}/{found.period}" != done.source_id:
        return None
    (schedule,) = await schedules.get(conn, [done.schedule_id])
    reading = await schedules.reading(conn, done.device_id, schedule.meter)
    period = plans.next_period(schedule, found, at, reading)
    await schedules.put_periods(conn, [period])
    return period.due
