"""One batch of the intake log as one set of effects in one transaction.

Phase one goes through the entries in order: registry, places, the patient that a device names, ADT.
Phase two writes what they brought together: samples, state, chart points. Phase three issues what the
bindings, as they are after all entries, ask for, and hands alarms and events on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from wardbridge.core.clock import HOUR
from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid
from wardbridge.devices import adt, fleet, places
from wardbridge.devices import people as people_of
from wardbridge.devices.adt import Told
from wardbridge.devices.binding import rederive
from wardbridge.devices.charting import issue, select
from wardbridge.devices.charting.point import Content, Part, Point
from wardbridge.devices.charting.policy import UNFIT, Policy
from wardbridge.devices.charting.select import Channel
from wardbridge.devices.clocks import true_time
from wardbridge.devices.pipeline.memory import Machine, Memory
from wardbridge.devices.pipeline.sink import as_batch
from wardbridge.devices.ports import AlertSink, EventSink, IdentitySink, Parts
from wardbridge.devices.store import facts, people, points, registry
from wardbridge.devices.store.registry import Seen
from wardbridge.devices.values import (
    AlertSignal,
    Batch,
    DeviceEvent,
    Identity,
    Quality,
    Reading,
    SubjectHint,
    Waveform,
)
from wardbridge.exchange.intake.entry import Row
from wardbridge.telemetry import store as telemetry
from wardbridge.telemetry.values import DeviceSlice, Numeric, Wave
from wardbridge.terminology import mdc

log = structlog.get_logger(__name__)

CORRECTED = int(Quality.CORRECTED)
TAKEN_BACK = int(Quality.WRONG_PATIENT)
DELETED = int(Quality.CORRECTED | Quality.INVALID)
BATTERY = 67996
PREVIEW = 12


@dataclass(frozen=True)
class Sinks:
    """Who takes what the pipeline does not keep itself. ``adt`` makes an ADT payload into words of this
    room; raises Invalid for one that it cannot read."""

    alerts: Sequence[AlertSink] = ()
    events: Sequence[EventSink] = ()
    adt: Callable[[Row], Sequence[Told]] | None = None
    identities: Sequence[IdentitySink] = ()


@dataclass
class Waiting:
    """An alarm or event that waits for the end of the batch, when the bindings stand."""

    machine: Machine
    value: AlertSignal | DeviceEvent
    time: int
    received: int


@dataclass
class State:
    """What one device's messages in this batch add up to."""

    link: str
    last_seen: int = 0
    last_device_time: int = 0
    battery: int | None = None
    connected: bool | None = None
    standby: bool | None = None
    place_said: str = ""
    messages: int = 0
    unmapped: int = 0
    problems: int = 0


@dataclass
class Work:
    """Everything that one batch gathers before it writes."""

    parts: Parts
    conn: Connection
    memory: Memory
    policy: Policy
    sinks: Sinks
    slices: list[DeviceSlice] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    taken: list[tuple[str, str, int]] = field(default_factory=list)
    corrected: list[tuple[str, str, int, Part]] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    said: dict[str, tuple[int, str, Sequence[str]]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    async def run(self, rows: Sequence[Row]) -> None:
        """All effects of ``rows``. Raises whatever the first bad entry raises; the caller then goes one by one."""
        await facts.lock(self.conn)
        await self.memory.refresh(self.conn)
        read = [(row, await self._read(row)) for row in rows]
        batches = [one for _, found in read for one in found if isinstance(one, Batch)]
        await self.memory.load(self.conn, {batch.device for batch in batches if batch.device})
        for row, found in read:
            for one in found:
                if isinstance(one, Batch) and one.device:
                    await self._device(one)
                elif isinstance(one, Batch):
                    await self._nameless(row, one)
                else:
                    await self._adt(row, one)
        await self._write()
        await self._chart()
        await self._hand_on()

    async def _read(self, row: Row) -> Sequence[Batch | Told]:
        self.counts[f"entries_{row.kind}"] += 1
        if row.status == "quarantined":
            self.counts["quarantined"] += 1
            return ()
        if row.kind == "other":
            return ()
        try:
            if row.kind == "device":
                return (as_batch(row.payload),)
            return () if self.sinks.adt is None else self.sinks.adt(row)
        except (msgspec.DecodeError, msgspec.ValidationError, Invalid, ValueError) as error:
            reason = f"{error.where}: {error.message}" if isinstance(error, Invalid) else type(error).__name__
            await self._refuse(row, "read", reason)
            return ()

    async def _refuse(self, row: Row, stage: str, reason: str) -> None:
        self.counts["refused"] += 1
        log.warning("pipeline.refused", sequence=row.sequence, kind=row.kind, stage=stage)
        await people.refuse(self.conn, row.sequence, row.kind, row.link, stage, reason[:500], self.parts.clock.now())

    async def _adt(self, row: Row, told: Told) -> None:
        try:
            async with self.conn.transaction():
                await adt.apply(self.parts, self.conn, told, row.sequence)
            self.counts[f"adt_{told.kind}"] += 1
        except Invalid as error:
            await self._refuse(row, "adt", f"{error.where}: {error.message}")

    async def _nameless(self, row: Row, batch: Batch) -> None:
        """A message that is kept but not interpreted has no device; values without one are nobody's at all."""
        if batch.values:
            await self._refuse(row, "apply", "Batch.device: values of a device without a name")
        else:
            self.counts[f"not_interpreted {batch.profile}".rstrip()] += 1

    # --- one message of a device ---------------------------------------------------------------------------------

    async def _device(self, batch: Batch) -> None:
        readings = [v for v in batch.values if isinstance(v, Reading)]
        waves = [v for v in batch.values if isinstance(v, Waveform)]
        machine = self.memory.machines.get(batch.device)
        if machine is None:
            who = next((v for v in batch.values if isinstance(v, Identity) and v.key == batch.device), None)
            since = earliest(batch, batch.received)
            device = await fleet.first_sight(self.parts, self.conn, batch.device, batch.link, who, since)
            machine = await self.memory.add(self.conn, device)
            self.counts["devices_new"] += 1
            await self._identified(device.device_id, {}, fleet.as_said(who), batch.received)
        spoken = max((r.device_time for r in readings), default=0) or max((w.device_time for w in waves), default=0)
        machine.offset.observe(spoken, batch.received)
        offset = machine.offset.correction()
        time = true_time(spoken, batch.received, offset)
        state = self._state(machine, batch, spoken)
        known = machine.device_id
        machine = await self._say(machine, batch, time, state)
        if machine.device_id != known:
            state = self._state(machine, batch, spoken)
        await self._modules(machine, batch)
        if machine.device.state == "quarantined":
            self.counts["quarantined"] += 1
            return
        await self._samples(machine, batch, readings, waves)
        if machine.device.state in ("accepted", "unknown"):
            await self._select(machine, readings, batch.received, offset)
        if machine.device.state == "unknown":
            self.said[machine.device_id] = (batch.received, batch.profile, preview(readings))
        for value in batch.values:
            if isinstance(value, AlertSignal | DeviceEvent):
                self._told(machine, value, batch, offset, state)

    async def _modules(self, machine: Machine, batch: Batch) -> None:
        """Modules that the machine no longer names. Parts of modules (channels) come and go with what is measured."""
        steps = {v.key: v.key.removeprefix(f"{batch.device}/") for v in batch.values if isinstance(v, Identity)}
        keys = [key for key, step in steps.items() if key != batch.device and "/" not in step]
        gone = machine.modules.heard(keys, batch.received)
        if not gone:
            return
        for key, module in sorted((await registry.by_keys(self.conn, gone)).items()):
            text = module.model or mdc.label(module.type_code, module.type_refid) or module.label
            event = DeviceEvent("module_removed", text, code=key, device_time=batch.received)
            self.waiting.append(Waiting(machine, event, batch.received, batch.received))

    def _state(self, machine: Machine, batch: Batch, spoken: int) -> State:
        state = self.states.get(machine.device_id)
        if state is None:
            state = self.states[machine.device_id] = State(batch.link)
        self.machines[machine.device_id] = machine
        state.link = batch.link
        state.last_seen = max(state.last_seen, batch.received)
        state.last_device_time = max(state.last_device_time, spoken)
        state.messages += 1
        state.problems += len(batch.problems)
        state.connected = True
        return state

    async def _say(self, machine: Machine, batch: Batch, time: int, state: State) -> Machine:
        """Identity, place and patient as the device names them."""
        place = ""
        for value in batch.values:
            if isinstance(value, Identity):
                place = place or (value.place if "^" in value.place else "")
                if not machine.knows(value):
                    machine = await self._identity(machine, value, batch, time)
            elif isinstance(value, SubjectHint):
                place = value.place or place
                # Without ids, and not said to be unknown, a hint says nothing about the patient.
                ids = () if value.unknown else tuple(people_of.canonical(ident) for ident in value.ids)
                if (ids or value.unknown) and (ids != machine.subject or time < machine.subject_since):
                    first = earliest(batch, time) if not machine.subject_since else time
                    await self._subject(machine, ids, first)
        if place and place != machine.place_said:
            await self._place(machine, place, time, earliest(batch, time))
            machine.place_said = state.place_said = place
        return machine

    async def _identity(self, machine: Machine, who: Identity, batch: Batch, time: int) -> Machine:
        learned = await fleet.learn(self.parts, self.conn, machine.device, who, batch.received)
        change = learned.change
        await self._identified(learned.device_id, learned.before, learned.now, batch.received)
        if change == "firmware":
            event = DeviceEvent(
                "firmware", "the software of the device has changed", value=who.firmware, device_time=time
            )
            self.waiting.append(Waiting(machine, event, time, batch.received))
        elif change == "module":
            self.waiting.append(
                Waiting(
                    machine,
                    DeviceEvent("module_added", who.model or who.type_refid, code=who.key, device_time=time),
                    time,
                    batch.received,
                )
            )
        machine.remember(who)
        if change:
            fresh = (await registry.by_keys(self.conn, [machine.device.key]))[machine.device.key]
            if fresh.device_id != machine.device_id:
                return await self.memory.add(self.conn, fresh)
            machine.device = fresh
        return machine

    async def _identified(
        self, device_id: str, before: Mapping[str, Any], now: Mapping[str, Any], received: int
    ) -> None:
        for sink in self.sinks.identities:
            for what, new in now.items():
                old = before.get(what, "")
                if new != old:
                    await sink.apply(self.conn, device_id, what, str(old), str(new), received)

    async def _subject(self, machine: Machine, ids: tuple[str, ...], time: int) -> None:
        if time >= machine.subject_since:
            await facts.add_subject(self.conn, machine.device_id, time, ids)
            machine.subject, machine.subject_since = ids, time
        else:
            before = await facts.subject_at(self.conn, machine.device_id, time)
            if before == ids or (before is None and not ids):
                return
            # A late message speaks for its own moment; what was said before goes on after it.
            await facts.add_subject(self.conn, machine.device_id, time, ids)
            if await facts.subject_at(self.conn, machine.device_id, time + 1) == ids:
                await facts.add_subject(self.conn, machine.device_id, time + 1, before or ())
        self.counts["subjects"] += 1
        await rederive(
            self.parts, self.conn, {machine.device_id: time}, by="the device", reason="the device named a patient"
        )

    async def _place(self, machine: Machine, place: str, time: int, first: int) -> None:
        names = places.parse(place)
        if not (names[1] or names[2]):
            return
        seat, source, since = await facts.seat_now(self.conn, machine.device_id)
        if source in ("hand", "list") and seat:
            return  # people know better; what the device says is shown beside it
        found = await places.ensure(self.parts, self.conn, *names)
        time = time if since else first
        if found is None or found.place_id == seat or time < since:
            return
        await facts.add_seat(self.conn, machine.device_id, time, found.place_id, "wire", "", time)
        await rederive(
            self.parts, self.conn, {machine.device_id: time}, by="the device", reason="the device named a place"
        )
        if machine.device.state == "accepted":
            await fleet.write_resource(self.parts, self.conn, machine.device_id)

    async def _samples(
        self, machine: Machine, batch: Batch, readings: Sequence[Reading], waves: Sequence[Waveform]
    ) -> None:
        if not readings and not waves:
            return
        channels = await machine.readings(self.conn, readings, self.policy)
        numerics = [
            Numeric(c.channel_id, r.device_time, r.end_time, r.text, r.number, r.quality)
            for c, r in zip(channels, readings, strict=True)
        ]
        runs: list[Wave] = []
        if waves:
            ids = await machine.waveforms(self.conn, waves)
            runs = [
                Wave(n, w.device_time or batch.received, w.period, w.scale, w.offset, w.samples, w.quality, w.sequence)
                for n, w in zip(ids, waves, strict=True)
            ]
        self.slices.append(DeviceSlice(machine.device_id, batch.received, numerics, runs))
        self.counts["values"] += len(numerics)
        self.counts["waves"] += len(runs)

    async def _select(self, machine: Machine, readings: Sequence[Reading], received: int, offset: int) -> None:
        channels = await machine.readings(self.conn, readings, self.policy)
        members: list[tuple[Channel, Reading, int]] = []
        state = self.states[machine.device_id]
        for found, reading in zip(channels, readings, strict=True):
            found.last = reading
            rule = found.rule
            if rule is None:
                state.unmapped += 1
                continue
            if reading.code == BATTERY and reading.number is not None:
                state.battery = int(reading.number)
            if rule.mode == "off":
                continue
            quality = reading.quality
            if quality & (UNFIT | CORRECTED):
                self._amend(machine, found, reading, true_time(reading.device_time, received, offset))
                continue
            if not reading.text:
                continue
            time = true_time(reading.device_time, received, offset)
            if found.panel:
                members.append((found, reading, time))
                continue
            slot = found.wants(reading.text, time)
            if slot is not None:
                self.points.append(
                    Point(
                        machine.device_id, found.key, rule.mode, slot, time, (select.part(found, reading),), "", offset
                    )
                )
        if members:
            self.points += select.panels(machine.device_id, offset, members)

    def _amend(self, machine: Machine, found: Channel, reading: Reading, time: int) -> None:
        """OBX-11 W and D take a charted value back, C replaces it."""
        quality = reading.quality
        if quality & TAKEN_BACK or quality & DELETED == DELETED:
            self.taken.append((machine.device_id, found.group, time))
        elif quality & CORRECTED and not quality & UNFIT and reading.text:
            self.corrected.append((machine.device_id, found.group, time, select.part(found, reading)))

    def _told(
        self, machine: Machine, value: AlertSignal | DeviceEvent, batch: Batch, offset: int, state: State
    ) -> None:
        time = true_time(value.device_time, batch.received, offset)
        if isinstance(value, AlertSignal):
            if machine.device.state == "accepted":
                point = select.on_alarm(machine.device_id, offset, machine.channels.values(), value, time)
                if point is not None:
                    self.points.append(point)
        elif value.name == "battery" and value.value.strip().isdigit():
            state.battery = int(value.value)
        elif value.name in ("connected", "disconnected"):
            state.connected = value.name == "connected"
        elif value.name == "standby":
            state.standby = value.value.lower() not in ("0", "off", "false", "end")
        self.waiting.append(Waiting(machine, value, time, batch.received))

    # --- what the entries brought together -----------------------------------------------------------------------

    async def _write(self) -> None:
        await telemetry.append(self.conn, self.slices)
        await registry.seen(
            self.conn,
            [
                Seen(
                    device_id,
                    s.link,
                    s.last_seen,
                    s.last_device_time,
                    self.machines[device_id].offset.value,
                    s.battery,
                    s.connected,
                    s.standby,
                    s.place_said,
                    s.messages,
                    s.unmapped,
                    s.problems,
                )
                for device_id, s in sorted(self.states.items())
            ],
        )
        await registry.said(self.conn, self.said)
        self.counts["unmapped"] += sum(s.unmapped for s in self.states.values())

    async def _chart(self) -> None:
        if self.points:
            unique = {(p.device_id, p.channel, p.reason, p.slot): p for p in reversed(self.points)}
            ids = await points.insert(self.conn, list(unique.values()))
            if len(ids) < len(unique):
                await self._complete([p for p in unique.values() if p.panel])
            await issue.settle(self.parts, self.conn, await points.due(self.conn, ids))
            self.counts["charted"] += len(ids)
        if self.taken:
            ids = await points.withdraw(self.conn, self.taken)
            await issue.settle(
                self.parts,
                self.conn,
                await points.due(self.conn, ids),
                by="the device",
                reason="the device took the value back",
            )
            self.counts["withdrawn"] += len(ids)
        for device_id, group, time, part in self.corrected:
            await self._replace(device_id, group, time, part)

    async def _complete(self, panels: Sequence[Point]) -> None:
        """Parts of a panel that came in a later message than its first ones."""
        for point in panels:
            for point_id, observation, known in await points.at(self.conn, point.device_id, point.channel, point.time):
                have = {p.code for p in known.parts}
                more = [p for p in point.parts if p.code not in have]
                if more:
                    both = tuple(sorted((*known.parts, *more), key=lambda p: p.code))
                    await self._rewrite(point_id, observation, Content(both, known.panel, known.offset))

    async def _replace(self, device_id: str, group: str, time: int, part: Part) -> None:
        """A corrected value replaces the charted one; one that was never charted is not, until policy asks."""
        for point_id, observation, known in await points.at(self.conn, device_id, group, time):
            now = tuple(part if p.code == part.code else p for p in known.parts)
            if now != known.parts:
                self.counts["corrected"] += 1
                await self._rewrite(point_id, observation, Content(now, known.panel, known.offset))

    async def _rewrite(self, point_id: int, observation: str, now: Content) -> None:
        await points.replace_content(self.conn, point_id, msgspec.json.encode(now).decode())
        if observation:
            await issue.rewrite(self.parts, self.conn, observation)

    async def _hand_on(self) -> None:
        for told in self.waiting:
            span = await facts.span_at(self.conn, told.machine.device_id, told.time)
            patient = span.patient_id or None if span is not None else None
            place = span.place_id or None if span is not None else None
            if isinstance(told.value, AlertSignal):
                self.counts["alerts"] += 1
                if told.machine.device.state != "accepted":
                    continue
                for alert_sink in self.sinks.alerts:
                    await alert_sink.apply(self.conn, told.machine.device_id, patient, place, told.value, told.received)
            else:
                self.counts["events"] += 1
                for event_sink in self.sinks.events:
                    await event_sink.apply(self.conn, told.machine.device_id, patient, place, told.value, told.received)


def earliest(batch: Batch, time: int) -> int:
    """The earliest time, an hour back at most, that a message speaks of: what a device first says of its place
    and patient holds for all values of that message."""
    times = (true_time(v.device_time, batch.received) for v in batch.values if isinstance(v, Reading) and v.device_time)
    return max(min((time, *times)), time - HOUR)


def preview(readings: Sequence[Reading]) -> list[str]:
    """What an unknown device measures, for the person who has to decide about it."""
    return [f"{r.label or r.refid or r.code} {r.text or '--'} {r.ucum or r.unit}".strip() for r in readings[:PREVIEW]]
