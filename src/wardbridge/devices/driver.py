"""The driver contract: built from (config, clock, sink, log), runs, tells its health, emits values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from wardbridge.core.clock import Clock
from wardbridge.devices.values import Batch


@dataclass(frozen=True)
class Accepted:
    """The sink's answer. ``sequence`` is the place in the durable intake log; ``duplicate`` says that
    the same message was already there (it is then acknowledged again and stored once)."""

    sequence: int
    duplicate: bool = False


class Sink(Protocol):
    """Where drivers put what they heard. Returning means durable; raising means not accepted."""

    async def put(self, batch: Batch) -> Accepted:
        """Store ``batch`` durably.

        Raises ``wardbridge.core.errors.Unavailable`` when it cannot be stored now (disk full,
        database away): the driver must not acknowledge and should slow its peer down.
        """
        ...


@dataclass(frozen=True)
class Health:
    """What a link tells about itself.

    state: ``up`` (peer talks), ``degraded`` (talks, with faults), ``waiting`` (listening or backing off,
    no peer yet), ``down`` (given up or failed). Times are µs since the epoch, 0 for never.
    """

    state: str
    text: str = ""
    since: int = 0
    last_message: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)


class Driver(Protocol):
    """A device protocol. See ``devices/drivers/README.md`` for the folder that it lives in."""

    async def run(self) -> None:
        """Serve until cancelled. Cancelling releases every task, socket and thread."""
        ...

    def health(self) -> Health:
        """The present state, cheap enough to ask every second."""
        ...


@dataclass(frozen=True)
class DriverContext:
    """All that a driver is built from. ``config`` is the link's table of the settings file."""

    link: str
    config: Mapping[str, Any]
    clock: Clock
    sink: Sink
    log: Any
