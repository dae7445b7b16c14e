"""What the device room needs from others, as small protocols: they keep the seams honest.

``Record`` is :class:`wardbridge.fhir.store`'s, ``AlertSink`` and ``EventSink`` are implemented in rooms
above (alarms, equipment) and handed in by the app.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from wardbridge.core.clock import Clock
from wardbridge.core.db import Connection
from wardbridge.core.ids import Ids, random_ids
from wardbridge.devices.values import AlertSignal, DeviceEvent


class Record(Protocol):
    """The FHIR record, inside the caller's transaction."""

    async def put(self, conn: Connection, resources: Sequence[dict[str, Any]]) -> None:
        """Create or update resources under the ids that they carry.

        Raises Invalid with the first problem when one breaks a rule of FHIR.
        """
        ...

    async def find_or_create(self, conn: Connection, resource: dict[str, Any], query: str) -> str:
        """Conditional create: the id of the one match of ``query`` (``identifier=system|value``), else of
        the new resource. Raises Conflict when several match."""
        ...

    async def current(self, conn: Connection, kind: str, ident: str) -> dict[str, Any] | None:
        """The present version as a value (numbers exact), None when absent."""
        ...

    async def current_many(self, conn: Connection, kind: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The present versions of those that are there, by id, in one question."""
        ...


class AlertSink(Protocol):
    """Takes what devices alarm about. Must be idempotent by ``signal.event_id``."""

    async def apply(
        self,
        conn: Connection,
        device_id: str,
        patient_id: str | None,
        place_id: str | None,
        signal: AlertSignal,
        received: int,
    ) -> None: ...


class EventSink(Protocol):
    """Takes what happens to devices themselves: faults, battery, connection."""

    async def apply(
        self,
        conn: Connection,
        device_id: str,
        patient_id: str | None,
        place_id: str | None,
        event: DeviceEvent,
        received: int,
    ) -> None: ...


class IdentitySink(Protocol):
    """Takes what a device or one of its modules newly says of itself, field by field of an Identity (firmware,
    hardware, model, manufacturer, serial, udi …), in the transaction in which it is learned; ``old`` is '' for
    what it had not said before. ``at`` in µs, when we heard it."""

    async def apply(self, conn: Connection, device_id: str, what: str, old: str, new: str, at: int) -> None: ...


@dataclass(frozen=True)
class Parts:
    """What functions of this room that write are given: the record, a clock, ids, the site's settings.

    ``charting`` are the overrides of the charting policy (settings table ``charting``), ``minutes`` the
    usual spacing of charted values.
    """

    record: Record
    clock: Clock
    ids: Ids = random_ids
    charting: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    minutes: int = 15
