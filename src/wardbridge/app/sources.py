"""What the pages read from and write to: the web room's adapters, with the destinations of the settings."""

from __future__ import annotations

from wardbridge.app.feeds import destination, party
from wardbridge.core.clock import Clock
from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import NotFound
from wardbridge.core.ids import random_ids
from wardbridge.core.settings import Settings
from wardbridge.devices.ports import Parts
from wardbridge.exchange.feeds.results import send_test
from wardbridge.fhir.store.record import Record
from wardbridge.web.adapters.build import sources
from wardbridge.web.sources import Sources


def sources_of(settings: Settings, pool: Pool, clock: Clock, record: Record, parts: Parts) -> Sources:
    """All sources of the pages."""

    async def test(conn: Connection, name: str) -> str:
        if name not in settings.destinations:
            raise NotFound(f"no destination {name!r}", "destination")
        to = party(destination(name, settings.destinations[name]))
        return await send_test(pool, clock, name, to, random_ids(), settings.site_zone)

    return sources(pool, clock, record, parts, settings.site_zone, test)
