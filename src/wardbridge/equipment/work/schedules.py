"""Schedules: write one, enrol the machines that it is for, order what falls due ahead of time."""

from __future__ import annotations

from wardbridge.core.clock import DAY
from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid, NotFound
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.work import desk, life, plans
from wardbridge.equipment.work.plans import Period, Schedule
from wardbridge.equipment.work.store import aem, procedures, schedules
from wardbridge.security.principal import SYSTEM, Principal

PACE = 7 * DAY
"""A tick goes so far at most: a clock that jumps ahead by years, and is put right, leaves a week's orders and no flood.
After a long downtime the ticks catch up by themselves."""
BATCH = 250
"""Orders of one transaction: a register of 15,000 machines is dealt with in some ticks, and nobody waits long."""


async def put(shop: Shop, conn: Connection, schedule: Schedule) -> None:
    """Add or change a schedule. Raises Invalid where it says neither months nor a meter, or is for nothing, and where
    it differs from the manufacturer's without a complete AEM case."""
    if (schedule.device_id is None) == (schedule.model_id is None):
        raise Invalid("a schedule is for one machine or for one model", "device")
    if not schedule.name.strip() or schedule.kind not in ("maintenance", "inspection", "calibration"):
        raise Invalid("a schedule has a name and is for maintenance, inspection or calibration", "name")
    if schedule.months is None and schedule.every is None:
        raise Invalid("a schedule goes by months, by a meter, or by both", "months")
    if (schedule.meter != "") != (schedule.every is not None) or (schedule.every or 1) <= 0:
        raise Invalid("a meter has a limit above 0", "every")
    if schedule.months is not None and not 1 <= schedule.months <= 240:
        raise Invalid("an interval is 1 to 240 months", "months")
    if schedule.fixed and (schedule.months is None or schedule.anchor is None):
        raise Invalid("fixed dates need an interval and a first date", "anchor")
    if not 0 <= schedule.ahead_days <= 365:
        raise Invalid("notice is 0 to 365 days", "ahead_days")
    if schedule.procedure_id and not await procedures.current(conn, [schedule.procedure_id]):
        raise Invalid("there is no such procedure", "procedure")
    if schedule.aem is not None and schedule.active:
        case = await aem.get(conn, schedule.aem)
        if case is None or case.state != "closed-complete":
            raise Invalid("a schedule that differs from the manufacturer's needs a complete AEM case", "aem")
    await schedules.put(conn, [schedule])


async def stop(shop: Shop, conn: Connection, schedule_id: str) -> None:
    """Order nothing more by this schedule. Raises NotFound."""
    if not await schedules.stop(conn, schedule_id):
        raise NotFound("there is no such schedule", "schedule")


async def restart(shop: Shop, conn: Connection, schedule_id: str, device_id: str, *, since: int, meter: float) -> None:
    """Begin the running period of a machine anew (its meter was replaced, its history was found): an order that is
    open stays. Raises NotFound."""
    found = await schedules.period_of(conn, schedule_id, device_id)
    if found is None:
        raise NotFound("this machine is not on this schedule", "schedule")
    (schedule,) = await schedules.get(conn, [schedule_id])
    await schedules.put_periods(
        conn,
        [Period(schedule_id=schedule_id, device_id=device_id, period=found.period, since=since, meter=meter,
                due=plans.calendar_due(schedule, since), ordered=found.ordered)],
    )  # fmt: skip


async def enrol(shop: Shop, conn: Connection, limit: int = BATCH) -> int:
    """Begin a period for machines in service that have none yet; how many."""
    missing = await schedules.unenrolled(conn, limit)
    now = shop.clock.now()
    known = {one.schedule_id: one for one in await schedules.get(conn, {row[0] for row in missing})}
    await schedules.put_periods(
        conn,
        [plans.first_period(known[schedule_id], device_id, done, installed, reading, now)
         for schedule_id, device_id, done, installed, reading in missing],
    )  # fmt: skip
    return len(missing)


async def generate(shop: Shop, conn: Connection, now: int, by: Principal = SYSTEM, limit: int = BATCH) -> int:
    """Order the work of periods that fall due within their notice at ``now`` (µs); how many orders were written.

    Each period is ordered once: its row says so in the same transaction, and the order's source is unique.
    """
    found = await schedules.ripe(conn, now, limit)
    wanted, periods = [], []
    for schedule, period, reading, version, minutes in found:
        due = plans.wants_order(schedule, period, reading, now)
        if due is None:
            continue
        wanted.append(
            desk.Order(
                kind=schedule.kind,
                name=schedule.name,
                text=_why(schedule, period, reading, due),
                device_id=period.device_id,
                source="schedule",
                source_id=f"{period.schedule_id}/{period.period}",
                due=due,
                priority=schedule.priority,
                side=schedule.side,
                team=schedule.team,
                minutes=schedule.minutes or minutes,
                schedule_id=schedule.schedule_id,
                procedure_id=schedule.procedure_id if version else "",
                procedure_version=version,
            )
        )
        periods.append(_ordered(period))
    if wanted:
        await desk.order_all(shop, conn, wanted, by)
        await schedules.put_periods(conn, periods)
    return len(wanted)


def _ordered(period: Period) -> Period:
    return Period(**{name: getattr(period, name) for name in Period.__struct_fields__ if name != "ordered"},
                  ordered=True)  # fmt: skip


def _why(schedule: Schedule, period: Period, reading: float, due: int) -> str:
    if schedule.every is not None and (period.due is None or due < period.due):
        unit = "hours of use" if schedule.meter == "use" else schedule.meter
        return f"{schedule.name}: {reading - period.meter:.2f} of {schedule.every:g} {unit} since the last time"
    return f"{schedule.name}: every {schedule.months} months"


async def tick(shop: Shop) -> int:
    """What the leader does again and again: enrol machines, order what falls due. How many orders were written."""
    written = 0
    async with shop.acting(SYSTEM, "schedules") as conn:
        await schedules.alone(conn)
        now = await schedules.pace(conn, shop.clock.now(), PACE)
        enrolled = await enrol(shop, conn)
    while True:
        async with shop.acting(SYSTEM, "schedules") as conn:
            await schedules.alone(conn)
            count = await generate(shop, conn, now)
            await life.fall_due(shop, conn, now, BATCH)
            more = enrolled == BATCH and await enrol(shop, conn) == BATCH
        written += count
        if count < BATCH and not more:
            return written
