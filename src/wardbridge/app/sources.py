"""What the pages read from and write to: the web room's adapters over the real rooms."""

from __future__ import annotations

from wardbridge.app.feeds import destination, party
from wardbridge.core.clock import Clock
from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import NotFound
from wardbridge.core.ids import random_ids
from wardbridge.core.settings import Settings
from wardbridge.devices.ports import Parts
from wardbridge.equipment.desk import Workshop
from wardbridge.exchange.feeds.results import send_test
from wardbridge.fhir.store.record import Record
from wardbridge.web.adapters.alarms import AlarmDesk
from wardbridge.web.adapters.bindings import BindingDesk
from wardbridge.web.adapters.charts import ChartDesk
from wardbridge.web.adapters.feed import LiveFeed
from wardbridge.web.adapters.fleet import FleetDesk
from wardbridge.web.adapters.messages import ExchangeDesk
from wardbridge.web.adapters.wards import WardDesk
from wardbridge.web.show import Show
from wardbridge.web.sources import Sources


def sources_of(settings: Settings, pool: Pool, clock: Clock, record: Record, parts: Parts) -> Sources:
    """All sources of the pages."""

    async def test(conn: Connection, name: str) -> str:
        if name not in settings.destinations:
            raise NotFound(f"no destination {name!r}", "destination")
        to = party(destination(name, settings.destinations[name]))
        return await send_test(pool, clock, name, to, random_ids(), settings.site_zone)

    alarms = AlarmDesk(pool, clock)
    wards = WardDesk(pool, clock, record, parts, alarms)
    return Sources(
        wards=wards,
        alarms=alarms,
        bindings=BindingDesk(pool, parts),
        charts=ChartDesk(pool, clock, record, parts, Show(settings.site_zone), wards),
        fleet=FleetDesk(pool, clock, parts, Workshop(parts.record, clock)),
        messages=ExchangeDesk(pool, clock, test),
        feed=LiveFeed(pool, clock),
    )
