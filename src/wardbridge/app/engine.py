"""The engine: everything that happens after the intake log. One leader, whatever happens.

intake log ──► pipeline ──► telemetry, record, alarms, faults
each second ─► alarm engine (limits, silence, NEWS2)
change log ──► inputs of scores · outbound feeds ──► destinations · subscriptions ──► subscribers
upkeep ──────► compaction, retention
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from wardbridge.alarms.device import DeviceAlarms, DeviceReturns
from wardbridge.alarms.engine import Engine
from wardbridge.alarms.inputs import follow
from wardbridge.alarms.ward import WardBeds
from wardbridge.app.adt import told
from wardbridge.app.changes import ObservationChanges
from wardbridge.app.feeds import Feeds
from wardbridge.app.metrics import say
from wardbridge.app.parts import parts_of, record_of
from wardbridge.app.patients import follow_patients
from wardbridge.app.process import forever, tell
from wardbridge.app.subscriptions import Engine as Subscriptions
from wardbridge.app.upkeep import upkeep
from wardbridge.core import store
from wardbridge.core.clock import Clock, SystemClock
from wardbridge.core.db import AWAY, Connection, Pool, open_pool
from wardbridge.core.errors import Unavailable
from wardbridge.core.settings import Settings
from wardbridge.devices.pipeline.batch import Sinks
from wardbridge.devices.pipeline.pipeline import Pipeline
from wardbridge.equipment.bench import downtime
from wardbridge.equipment.campaigns import watch as campaign_watch
from wardbridge.equipment.changes.behaviour import desk as behaviour
from wardbridge.equipment.changes.network.seen import Dialled, targets_of
from wardbridge.equipment.changes.patches import follow as patches
from wardbridge.equipment.crew import oncall
from wardbridge.equipment.crew import seed as crew
from wardbridge.equipment.cyber import rematch
from wardbridge.equipment.learning import seed as learning
from wardbridge.equipment.register import metrics
from wardbridge.equipment.register.discovery import desk as discovery
from wardbridge.equipment.register.wire import Observer, RegisterSink
from wardbridge.equipment.shop import Shop
from wardbridge.equipment.vendors import keep as vendors
from wardbridge.equipment.work import meters, schedules
from wardbridge.equipment.work.events import DeviceFaults, Rests
from wardbridge.terminology.glossary.book import Book
from wardbridge.terminology.glossary.seed import seed

log = structlog.get_logger(__name__)


async def run_engine(settings: Settings, dsn: str) -> None:
    """Lead until cancelled; when the lead is lost with the database, take it up again."""
    clock = SystemClock()
    while True:
        try:
            pool = await open_pool(dsn, size=14, name="wardbridge-engine")
            try:
                await lead(settings, pool, clock)
            finally:
                pool.terminate()
        except (Unavailable, *AWAY) as error:
            log.warning("engine.waiting", reason=type(error).__name__)
        await clock.sleep(0.3)


async def lead(settings: Settings, pool: Pool, clock: Clock) -> None:
    """Work as the one leader until the connection that holds the lock is lost."""
    async with pool.acquire() as conn:
        while not await store.lead(conn):
            await clock.sleep(1.0)
        log.info("engine.leads")
        tasks = [asyncio.create_task(work) for work in await works(settings, pool, clock)]
        tasks.append(asyncio.create_task(_holds(conn, clock)))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _holds(conn: Connection, clock: Clock) -> None:
    while not conn.is_closed():
        await clock.sleep(0.5)
    raise Unavailable("the leader's connection is lost", "database")


async def works(settings: Settings, pool: Pool, clock: Clock) -> list[Coroutine[Any, Any, None]]:
    """Everything that runs side by side."""
    record = await record_of(settings, pool, clock)
    parts = await parts_of(settings, pool, clock, record)
    shop = Shop(pool, parts)
    observers: tuple[Observer, ...] = (behaviour.Watch(shop),)
    events = (DeviceFaults(shop), Rests(), DeviceReturns())
    pipeline = Pipeline(pool, parts, Sinks((DeviceAlarms(),), events, told, (RegisterSink(shop, observers),)))
    watcher = Engine(pool, clock, WardBeds(pool))
    await watcher.load()
    changes = ObservationChanges(record)
    outbound = Feeds(settings, pool, clock, record)
    subscriptions = Subscriptions(settings, clock, record)

    def state() -> dict[str, Any]:
        return say(
            {"pipeline_total": dict(pipeline.counts), **subscriptions.post.counters()}, subscriptions.gauges
        )  # fmt: skip

    async def inputs() -> None:
        while await follow(pool, changes):
            pass

    async def patients() -> None:
        while await follow_patients(pool, record):
            pass

    async def planned() -> None:
        await meters.follow(pool, clock.now())
        await schedules.tick(shop)
        await downtime.close_ended(shop)

    async def matched() -> None:
        await rematch.keep(shop)

    advisories = campaign_watch.Watch(shop)

    async def advised() -> None:
        await advisories.look()

    async def heard() -> None:
        await discovery.follow_wire(shop)
        while await metrics.follow(shop):
            pass

    dialled = Dialled(targets_of(settings.links), clock)

    async def joint() -> None:
        await dialled.keep(pool)
        await patches.follow(shop)
        await behaviour.follow(shop)

    async def dealings() -> None:
        await vendors.keep(shop)

    async def duties() -> None:
        await oncall.keep(shop)

    await seed(Book(pool, clock, record))
    await learning.seed(shop)
    await crew.seed(shop)
    return [
        pipeline.run(),
        watcher.run(),
        forever(clock, 1.0, inputs, "score inputs"),
        forever(clock, 1.0, patients, "patients on boards"),
        forever(clock, 10.0, planned, "use hours, schedules and the end of downtime"),
        forever(clock, 10.0, heard, "machines on the wire that are in no row"),
        forever(clock, 3600.0, duties, "on-call duties in the record"),
        forever(clock, 60.0, dealings, "contracts and remote access in the record"),
        forever(clock, 20.0, matched, "vulnerabilities of machines with new versions"),
        forever(clock, 20.0, advised, "advisories and campaigns of changed machines"),
        forever(clock, 10.0, joint, "patches and unexpected behaviour"),
        *outbound.works(),
        *subscriptions.works(),
        *upkeep(settings, pool, clock),
        record.numbers.follow(pool),
        tell(pool, clock, "engine", state),
    ]
