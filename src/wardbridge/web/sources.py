"""What the web room needs from the others, as small Protocols (upward needs are wired in app.py).

Every write takes ``by``, the signed-in person, and does its own re-check that the ids in it belong
together; it raises :class:`wardbridge.core.errors.WardbridgeError` (NotFound, Invalid, Conflict ...) with a
message for people. Reads return view models. Times are µs since the epoch (UTC); ``since <= t < until``.

Manual entry, channels and hot rows are values of care and telemetry.
Sign-in, sessions, ``decide`` and the audit record are used from security as they are.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from wardbridge.care.manual import Manual
from wardbridge.core.db import Connection
from wardbridge.security.principal import Principal
from wardbridge.telemetry.values import Channel, Hot, Position
from wardbridge.web import views as v

Who = Principal
"""The signed-in person."""


class Wards(Protocol):
    """Beds, who lies in them and what is measured there (devices.board with alarms and telemetry)."""

    async def wards(self) -> Sequence[v.Ward]: ...
    async def board(self, ward_id: str) -> v.Board: ...
    async def bed(self, place_id: str) -> v.Bed: ...
    async def trends(self, place_id: str, since: int, until: int, points: int) -> Sequence[v.Series]: ...
    async def find_patients(self, text: str, limit: int = 20) -> Sequence[v.Patient]: ...
    async def standby(self, place_id: str, on: bool, by: Who) -> None: ...
    async def discharge(self, place_id: str, patient_id: str, by: Who) -> None: ...


class Alarms(Protocol):
    """Alarms and their limits (alarms). ``scope`` is ``ward/<id>`` or ``patient/<id>``."""

    async def active(self, ward_id: str | None = None) -> Sequence[v.Alarm]: ...
    async def past(self, place_id: str, since: int, limit: int = 50) -> Sequence[v.Alarm]: ...
    async def acknowledge(self, alarm_id: str, by: Who) -> v.Alarm: ...
    async def limits(self, scope: str) -> Sequence[v.Limit]: ...
    async def set_limit(self, scope: str, limit: v.Limit, by: Who) -> None: ...
    async def clear_limit(self, scope: str, slot: str, by: Who) -> None: ...


class Bindings(Protocol):
    """Device and patient, as intervals (devices.binding). ``stop`` 0 means it still runs."""

    async def bind(self, device_id: str, patient_id: str, place_id: str, start: int, by: Who) -> None: ...
    async def end(self, binding_id: str, by: Who) -> None: ...
    async def correct(self, binding_id: str, patient_id: str, by: Who, reason: str) -> None:
        """Move the interval to another patient and re-issue what was charted of it."""
        ...

    async def claim(self, device_id: str, start: int, stop: int, patient_id: str, by: Who) -> None: ...


class Charts(Protocol):
    """The patient's record (care over fhir)."""

    async def patient(self, patient_id: str) -> v.Patient:
        """Raises NotFound."""
        ...

    async def chart(self, patient_id: str) -> v.Chart: ...
    async def score(self, patient_id: str) -> v.Score | None: ...
    async def sheet(self, patient_id: str, since: int, until: int, step_minutes: int) -> v.Sheet: ...
    async def verify(self, patient_id: str, observation_ids: Sequence[str], by: Who) -> int: ...
    async def enter(self, patient_id: str, entry: Manual, by: Who) -> v.Score | None: ...
    async def origin(self, patient_id: str, observation_id: str) -> v.Origin: ...


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What the fleet list is narrowed to; empty means all."""

    admission: str = ""
    type: str = ""
    ward: str = ""
    due: str = ""
    fault: bool = False
    text: str = ""


class Fleet(Protocol):
    """Devices: devices.registry joined with equipment."""

    async def devices(self, chosen: Filter) -> Sequence[v.Device]: ...
    async def device(self, device_id: str, *, names: bool) -> v.DevicePage:
        """Raises NotFound. ``names`` False leaves every patient's name and id out."""
        ...

    async def places(self) -> Sequence[tuple[str, str]]:
        """(place id, label) of every bed."""
        ...

    async def admit(self, device_id: str, state: str, by: Who, place_id: str = "", reason: str = "") -> None:
        """Move a device to accepted, quarantined, workshop or retired."""
        ...

    async def report(self, device_id: str, text: str, by: Who) -> None: ...
    async def take(self, device_id: str, fault_id: str, by: Who) -> None: ...
    async def resolve(self, device_id: str, fault_id: str, text: str, by: Who) -> None: ...


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What a message search asks: any of patient id, control id, times, direction, type."""

    patient: str = ""
    control: str = ""
    since: int = 0
    until: int = 0
    direction: str = ""
    type: str = ""
    before: str = ""


class Messages(Protocol):
    """Links, queues and stored messages (exchange)."""

    async def overview(self) -> v.Exchange: ...
    async def find(self, search: Search, limit: int = 50) -> Sequence[v.Message]: ...
    async def raw(self, ref: str) -> v.RawMessage: ...
    async def replay(self, dead_id: str, by: Who) -> None: ...
    async def test(self, destination: str, by: Who) -> str:
        """Put a test message in the destination's queue; the control id it got."""
        ...


TestMessage = Callable[[Connection, str], Awaitable[str]]
"""Puts a test message into a destination's queue (wired by app.py); its control id."""


class Where(msgspec.Struct, frozen=True):
    """Where a device stands now and whom it is bound to."""

    device_id: str
    place_id: str
    ward_id: str
    patient_id: str


class Feed(Protocol):
    """The live tail (telemetry.tail, devices, alarms), read once a process by the hub."""

    async def head(self) -> Position:
        """The newest position that a tail may start after."""
        ...

    async def tail(self, after: Position, limit: int) -> Sequence[Hot]: ...
    async def channels(self, ids: Sequence[int]) -> Sequence[Channel]: ...
    async def where(self) -> Sequence[Where]: ...
    async def alarms(self) -> Sequence[v.Alarm]: ...
    async def scores(self) -> Sequence[tuple[str, v.Score]]:
        """(place id, score) of every occupied bed."""
        ...

    async def doorbell(self) -> str:
        """Wait for the next ring; the channel that rang (``wb_live`` or ``wb_alarm``)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Sources:
    """All of them, as app.py hands them over."""

    wards: Wards
    alarms: Alarms
    bindings: Bindings
    charts: Charts
    fleet: Fleet
    messages: Messages
    feed: Feed
