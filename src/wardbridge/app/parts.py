"""Parts that several processes are made of, built from settings in one place."""

from __future__ import annotations

from wardbridge.core.clock import Clock
from wardbridge.core.db import Pool
from wardbridge.core.settings import Settings
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.equipment.shop import Shop
from wardbridge.fhir.store.record import Record
from wardbridge.terminology.service import Service


async def record_of(settings: Settings, pool: Pool, clock: Clock) -> Record:
    """The FHIR record, ready for use; its searches ask the terminology of this server."""
    record = Record(pool, clock, bases=(f"{settings.url}/fhir/",), text=settings.search_text)
    record.terms = Service(pool, record, clock)
    await record.load()
    return record


async def parts_of(settings: Settings, pool: Pool, clock: Clock, record: Record | None = None) -> Parts:
    """What the functions of the devices room work with."""
    record = record or await record_of(settings, pool, clock)
    return Parts(FhirRecord(record), clock, charting=settings.charting, minutes=settings.charting_minutes)


def shop_of(settings: Settings, pool: Pool, parts: Parts) -> Shop:
    """What the functions of the equipment room work with."""
    return Shop(pool, parts, settings.url)
