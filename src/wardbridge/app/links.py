"""Device links that dial out or discover (SDC and others), in a process of their own.

They live apart from the gateway so that a heavy protocol library never delays an acknowledgement there.
"""

from __future__ import annotations

import random
from typing import Any

import msgspec

from wardbridge.app.metrics import say
from wardbridge.app.process import tell
from wardbridge.core.clock import Clock, SystemClock
from wardbridge.core.db import Pool, open_pool
from wardbridge.core.disk import DiskGuard
from wardbridge.core.errors import SettingsError
from wardbridge.core.settings import Settings
from wardbridge.devices.driver import Health
from wardbridge.devices.pipeline.sink import IntakeSink
from wardbridge.devices.supervisor import Link, Supervisor
from wardbridge.exchange.intake.log import Intake


def links_of(settings: Settings) -> list[Link]:
    """The configured links. Raises SettingsError for one without a driver."""
    found = []
    for name, table in settings.links.items():
        config = dict(table)
        driver = config.pop("driver", "")
        enabled = bool(config.pop("enabled", True))
        if not isinstance(driver, str) or not driver:
            raise SettingsError(f"links.{name} names no driver", f"links.{name}")
        found.append(Link(name, driver, config, enabled))
    return found


def intake_of(settings: Settings, pool: Pool, clock: Clock) -> Intake:
    """The durable log, guarded against a full disk."""
    return Intake(pool, clock, DiskGuard(settings.folder, settings.disk_reserve_mb * 1_000_000, clock))


def describe(name: str, driver: str, health: Health) -> dict[str, Any]:
    """A link for the integration page."""
    return {"name": name, "driver": driver, **msgspec.to_builtins(health)}


async def run_links(settings: Settings, dsn: str) -> None:
    """Run every configured link until cancelled."""
    clock = SystemClock()
    pool = await open_pool(dsn, size=4, name="wardbridge-links")
    intake = intake_of(settings, pool, clock)
    links = links_of(settings)
    drivers = {link.name: link.driver for link in links}
    async with Supervisor(clock, IntakeSink(intake), random.random) as supervisor:
        await supervisor.apply(links)

        def state() -> dict[str, Any]:
            told = [describe(name, drivers[name], health) for name, health in supervisor.health().items()]
            counters = {f"intake_{name}_total": count for name, count in vars(intake.counts).items()}
            up = {name: int(health.state == "up") for name, health in supervisor.health().items()}
            return say(counters, {"link_up": up}, links=told)

        try:
            await tell(pool, clock, "links", state)
        finally:
            await supervisor.stop()
            await intake.close()
