"""Outbound: for each destination a feed that fills its durable queue and a worker that empties it."""

from __future__ import annotations

import random
from collections.abc import Coroutine, Mapping
from typing import Any

import msgspec
import structlog

from wardbridge.core import store
from wardbridge.core.clock import Clock
from wardbridge.core.db import AWAY, Pool
from wardbridge.core.errors import SettingsError, Unavailable
from wardbridge.core.settings import Settings
from wardbridge.exchange.codecs.hl7v2.ack import Level
from wardbridge.exchange.feeds.oru import Party
from wardbridge.exchange.feeds.results import ResultsFeed
from wardbridge.exchange.outbound.mllp import MllpSender
from wardbridge.exchange.outbound.worker import Worker
from wardbridge.fhir.store.record import Record

log = structlog.get_logger(__name__)


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table ``destinations.NAME`` of the settings file. ``timeout`` in seconds for an answer."""

    host: str
    port: int
    timeout: float = 20.0
    sending_app: str = "WARDBRIDGE"
    sending_facility: str = ""
    receiving_app: str = ""
    receiving_facility: str = ""
    accept_ack: str = ""
    application_ack: str = ""
    version: str = "2.6"


class Feeds:
    """All destinations of this house."""

    def __init__(self, settings: Settings, pool: Pool, clock: Clock, record: Record) -> None:
        self._pool = pool
        self._clock = clock
        self._pairs: list[tuple[ResultsFeed, Worker]] = []
        for name, table in settings.destinations.items():
            to = destination(name, table)
            level: Level | None = "application" if to.application_ack == "AL" else None
            client = MllpSender(to.host, to.port, clock, timeout=to.timeout, level=level)
            worker = Worker(pool, clock, name, client, random.random)
            feed = ResultsFeed(
                pool, clock, record, name, party(to), zone=settings.site_zone, ring=worker.wake.set
            )  # fmt: skip
            self._pairs.append((feed, worker))

    def works(self) -> list[Coroutine[Any, Any, None]]:
        """What runs side by side."""
        works = [work for feed, worker in self._pairs for work in (feed.run(), worker.run())]
        return [*works, self._listen()] if works else []

    async def _listen(self) -> None:
        """Wake feeds when the record changed, workers when something was queued; they also look by themselves."""
        while True:
            try:
                async with store.doorbell(self._pool, ("wb_record", "wb_outbound"), self._ring) as gone:
                    await gone.wait()
            except (*AWAY, Unavailable) as error:
                log.info("feeds.doorbell_lost", reason=type(error).__name__)
            await self._clock.sleep(1.0)

    def _ring(self, channel: str) -> None:
        for feed, worker in self._pairs:
            (feed if channel == "wb_record" else worker).wake.set()


def destination(name: str, table: Mapping[str, Any]) -> Destination:
    """One destination. Raises SettingsError that names it and what is wrong."""
    try:
        return msgspec.convert(dict(table), Destination)
    except msgspec.ValidationError as error:
        raise SettingsError(f"destinations.{name}: {error}", f"destinations.{name}") from error


def party(to: Destination) -> Party:
    """Who sends to whom in MSH."""
    return Party(
        (to.sending_app,), _hd(to.sending_facility), _hd(to.receiving_app), _hd(to.receiving_facility),
        to.accept_ack, to.application_ack, version=to.version,
    )  # fmt: skip


def _hd(text: str) -> tuple[str, ...]:
    return tuple(text.split("^")) if text else ()
