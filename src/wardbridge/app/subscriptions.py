"""Subscriptions from settings: the rules and operations of a web process, its WebSockets, and the engine's post."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from starlette.requests import HTTPConnection

from wardbridge.app.process import forever
from wardbridge.core.clock import Clock
from wardbridge.core.settings import Settings
from wardbridge.fhir.rest.hooks import Prepare
from wardbridge.fhir.rest.operations import Operation
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.subscriptions.capability import Declare
from wardbridge.fhir.subscriptions.channels.hosts import Hosts
from wardbridge.fhir.subscriptions.channels.mail import Mail
from wardbridge.fhir.subscriptions.channels.rest_hook import Web
from wardbridge.fhir.subscriptions.channels.sender import Sender
from wardbridge.fhir.subscriptions.courier import Patience
from wardbridge.fhir.subscriptions.ledger import Ledger
from wardbridge.fhir.subscriptions.operations import Subscribing
from wardbridge.fhir.subscriptions.post import Post
from wardbridge.fhir.subscriptions.rules import Rules
from wardbridge.fhir.subscriptions.seal import Seal
from wardbridge.fhir.subscriptions.sockets import Sockets
from wardbridge.security.audit import Audit
from wardbridge.security.policy import decide
from wardbridge.security.principal import Principal

UPKEEP_SECONDS, LOOK_SECONDS = 600.0, 5.0


def prepare(settings: Settings, clock: Clock, record: Record) -> Mapping[str, Prepare]:
    """What is made of Subscriptions and topics before they are stored."""
    seal, hosts = Seal(settings.folder / "keys"), Hosts(settings.subscription_hosts)
    rules = Rules(record, clock, seal, hosts, decide, bool(settings.smtp_host))
    return {"Subscription": rules.subscription, "Basic": rules.topic}


def operations(clock: Clock, record: Record) -> tuple[Operation, ...]:
    """``$status``, ``$events``, ``$get-ws-binding-token``."""
    return Subscribing(record, clock, decide).operations()


def declare(record: Record) -> Declare:
    """What the CapabilityStatement says of subscriptions."""
    return Declare(record)


def sockets(
    settings: Settings,
    clock: Clock,
    record: Record,
    audit: Audit,
    who: Callable[[HTTPConnection], Awaitable[Principal]],
) -> Sockets:
    """The endpoint ``/fhir/websocket``; run its ``works()`` beside the server."""
    ledger = Ledger(record.pool, audit, clock)
    return Sockets(record, clock, decide, ledger, who, f"{settings.url}/fhir")


class Engine:
    """The part of the one leader. ``said`` is for its metrics."""

    def __init__(self, settings: Settings, clock: Clock, record: Record) -> None:
        hosts = Hosts(settings.subscription_hosts)
        self._web = Web(hosts, clock)
        self._clock = clock
        senders: dict[str, Sender] = {"rest-hook": self._web, "message": self._web}
        if settings.smtp_host:
            senders["email"] = Mail(
                settings.smtp_host, settings.smtp_port, settings.smtp_from or "wardbridge@localhost", hosts,
                settings.smtp_user, settings.smtp_password, settings.smtp_tls,
            )  # fmt: skip
        self.post = Post(
            record, Audit(record.pool, clock), clock, decide, Seal(settings.folder / "keys"), senders,
            Patience(random.random, hours=settings.subscription_retry_hours), f"{settings.url}/fhir",
            settings.subscription_days,
        )  # fmt: skip
        self.gauges: dict[str, Any] = {}

    async def _look(self) -> None:
        self.gauges = await self.post.gauges()

    def works(self) -> list[Coroutine[Any, Any, None]]:
        """What runs side by side."""
        return [
            *self.post.works(),
            forever(self._clock, UPKEEP_SECONDS, self.post.upkeep, "subscriptions upkeep"),
            forever(self._clock, LOOK_SECONDS, self._look, "subscriptions gauges"),
        ]
