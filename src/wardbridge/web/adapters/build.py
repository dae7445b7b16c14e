"""All sources of the pages out of what app.py has: pool, clock, record, parts."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from wardbridge.core.clock import Clock
from wardbridge.core.db import Pool
from wardbridge.devices.ports import Parts
from wardbridge.equipment.shop import Shop
from wardbridge.fhir.store.record import Record
from wardbridge.web.adapters.alarms import AlarmDesk
from wardbridge.web.adapters.bindings import BindingDesk
from wardbridge.web.adapters.charts import ChartDesk
from wardbridge.web.adapters.feed import LiveFeed
from wardbridge.web.adapters.fleet import FleetDesk
from wardbridge.web.adapters.messages import ExchangeDesk
from wardbridge.web.adapters.wards import WardDesk
from wardbridge.web.show import Show
from wardbridge.web.sources import Sources, TestMessage


def sources(
    pool: Pool, clock: Clock, record: Record, parts: Parts, zone: ZoneInfo, test_message: TestMessage
) -> Sources:
    """``test_message`` queues a test message to a destination and gives its control id."""
    alarms = AlarmDesk(pool, clock)
    wards = WardDesk(pool, clock, record, parts, alarms)
    return Sources(
        wards=wards,
        alarms=alarms,
        bindings=BindingDesk(pool, parts),
        charts=ChartDesk(pool, clock, record, parts, Show(zone), wards),
        fleet=FleetDesk(Shop(pool, parts)),
        messages=ExchangeDesk(pool, clock, test_message),
        feed=LiveFeed(pool, clock),
    )
