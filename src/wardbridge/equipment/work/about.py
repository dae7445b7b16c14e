"""What the work says of one machine: for its page and its timeline."""

from __future__ import annotations

import msgspec

from wardbridge.core.db import Connection, Pool
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.timeline import Event
from wardbridge.equipment.work import plans, safety
from wardbridge.equipment.work.plans import Period, Schedule
from wardbridge.equipment.work.safety import Trend
from wardbridge.equipment.work.state import maintenance_state
from wardbridge.equipment.work.store import meters, orders, procedures, risk, schedules
from wardbridge.equipment.work.store.procedures import Instrument
from wardbridge.equipment.work.store.risk import Kept
from wardbridge.equipment.work.values import Work


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule on this machine: when it falls due next (µs, None: the meter does not move), its meter so far."""

    schedule: Schedule
    period: Period
    due: int | None
    used: float


class About(msgspec.Struct, frozen=True, kw_only=True):
    """``maintenance`` is current, due, overdue or unknown; ``meters`` are (name, value, as of)."""

    work: tuple[Work, ...]
    maintenance: str
    due: int | None
    plans: tuple[Plan, ...]
    meters: tuple[tuple[str, float, int], ...]
    trends: tuple[Trend, ...]
    instrument: Instrument | None
    protection: tuple[str, str, str] | None
    scores: tuple[Kept, ...]


async def about(shop: Shop, device_id: str, model_id: str = "") -> About:
    """The machine's work, schedules, meters, electrical safety and the scores of its model."""
    now = shop.clock.now()
    work = await orders.of_devices(shop.pool, [device_id])
    state, decides = maintenance_state(work, now)
    running = await schedules.of_device(shop.pool, device_id)
    instruments = await procedures.instruments(shop.pool, [device_id])
    return About(
        work=tuple(work), maintenance=state, due=decides.due if decides else None,
        plans=tuple(
            Plan(schedule=schedule, period=period, due=plans.due_of(schedule, period, reading, now),
                 used=reading - period.meter)
            for schedule, period, reading in running
        ),
        meters=tuple(await meters.of_device(shop.pool, device_id)),
        trends=tuple(safety.trends(await procedures.history(shop.pool, device_id))),
        instrument=instruments[0] if instruments else None,
        protection=await procedures.protection(shop.pool, device_id),
        scores=tuple(await risk.latest(shop.pool, model_id)) if model_id else (),
    )  # fmt: skip


async def events(source: Connection | Pool, device_id: str) -> list[Event]:
    """Everything that was done about a machine, newest first."""
    found = []
    for work in await orders.of_devices(source, [device_id]):
        url = f"/equipment/work/{work.work_id}"
        found.append(Event(at=work.reported_at, kind="work", text=f"#{work.number} {work.kind}: {work.name}",
                           by=work.reported_by, url=url))  # fmt: skip
        if work.taken_at is not None and work.taken_by != work.done_by:
            found.append(Event(at=work.taken_at, kind="work", text=f"#{work.number} taken", by=work.taken_by, url=url))
        if work.done_at is not None:
            found.append(Event(at=work.done_at, kind="work", text=f"#{work.number} {work.state}: {work.resolution}",
                               by=work.done_by, url=url))  # fmt: skip
    found += [
        Event(at=note.at, kind="work", text=note.text, by=note.by, url=f"/equipment/work/{note.work_id}")
        for note in await orders.notes_of_device(source, device_id)
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)
