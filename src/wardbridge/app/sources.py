"""What the pages read from and write to: the web room's adapters over the real rooms."""

from __future__ import annotations

from wardbridge.core.clock import Clock
from wardbridge.core.db import Pool
from wardbridge.core.settings import Settings
from wardbridge.devices.ports import Parts
from wardbridge.equipment.desk import Workshop
from wardbridge.fhir.store.record import Record
from wardbridge.web.sources import Sources


def sources_of(
    settings: Settings, pool: Pool, clock: Clock, record: Record, parts: Parts, workshop: Workshop
) -> Sources:
    """All sources of the pages."""
    raise NotImplementedError
