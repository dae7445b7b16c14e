"""What every channel is: it hands a notification over, or says why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wardbridge.fhir.subscriptions.notification import Told
from wardbridge.fhir.subscriptions.rules import Kept
from wardbridge.fhir.subscriptions.store.events import Event


class Undelivered(Exception):
    """The receiver did not take it; ``final``: it will never (410), so there is no sense in trying again."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final


class Sender(Protocol):
    """One channel. Raises Undelivered, Blocked, OSError, TimeoutError."""

    async def send(self, told: Told, events: Sequence[Event], kept: Kept) -> None: ...
