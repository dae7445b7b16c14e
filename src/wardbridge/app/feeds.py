"""Outbound: for each destination a feed that fills its durable queue and a worker that empties it."""

from __future__ import annotations

import random
from collections.abc import Coroutine, Mapping
from typing import Any

import msgspec

from wardbridge.core.clock import Clock
from wardbridge.core.db import Pool
from wardbridge.core.errors import SettingsError
from wardbridge.core.settings import Settings
from wardbridge.exchange.feeds.oru import Party
from wardbridge.exchange.feeds.results import ResultsFeed
from wardbridge.exchange.outbound.mllp import MllpSender
from wardbridge.exchange.outbound.worker import Worker
from wardbridge.fhir.store.record import Record


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
        self._pairs: list[tuple[ResultsFeed, Worker]] = []
        for name, table in settings.destinations.items():
            to = destination(name, table)
            client = MllpSender(to.host, to.port, clock, timeout=to.timeout)
            worker = Worker(pool, clock, name, client, random.random)
            feed = ResultsFeed(
                pool, clock, record, name, party(to), zone=settings.site_zone, ring=worker.wake.set
            )  # fmt: skip
            self._pairs.append((feed, worker))

    def works(self) -> list[Coroutine[Any, Any, None]]:
        """What runs side by side."""
        return [work for feed, worker in self._pairs for work in (feed.run(), worker.run())]


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
