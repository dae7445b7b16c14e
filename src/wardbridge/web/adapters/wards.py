"""Boards and beds: the devices room's beds joined with last values, alarms, scores and work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, unquote

import msgspec

from wardbridge.alarms import desk
from wardbridge.alarms import store as alarm_store
from wardbridge.care import chart as care
from wardbridge.core.clock import DAY, Clock
from wardbridge.core.db import Pool, transaction
from wardbridge.core.errors import NotFound
from wardbridge.devices import adt, binding, board
from wardbridge.devices.board import Bed
from wardbridge.devices.ports import Parts
from wardbridge.devices.stays import Heard
from wardbridge.devices.store import facts
from wardbridge.devices.store import people as people_store
from wardbridge.equipment.work.state import maintenance_state
from wardbridge.equipment.work.store import orders
from wardbridge.equipment.work.values import Work
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.record import Record
from wardbridge.security.principal import Principal
from wardbridge.telemetry import store as telemetry
from wardbridge.telemetry.values import Channel, Last
from wardbridge.web import views as v
from wardbridge.web.adapters.alarms import AlarmDesk, alarm_views, score_view
from wardbridge.web.adapters.beds import beds
from wardbridge.web.adapters.charts import patient_view
from wardbridge.web.adapters.common import (
    age,
    binding_view,
    channel_label,
    device_state,
    full_name,
    reading,
    reference,
    type_name,
    value,
)
from wardbridge.web.adapters.pumps import infusions
from wardbridge.web.adapters.trends import trends
from wardbridge.web.slots import LEAD_ORDER, RANKED, WAVE_ORDER, Filled, fill, wave_kind
from wardbridge.web.words import _

BINDINGS_DAYS, SPANS = 3, 20


def ward_id(name: str) -> str:
    """A ward's name as a path segment."""
    return quote(name, safe="")


class WardDesk:
    """Answers :class:`wardbridge.web.sources.Wards`."""

    def __init__(self, pool: Pool, clock: Clock, record: Record, parts: Parts, alarms: AlarmDesk) -> None:
        self._pool = pool
        self._clock = clock
        self._record = record
        self._parts = parts
        self._alarms = alarms

    async def of_patient(self, patient_id: str) -> tuple[str, str, str]:
        """(place id, bed, ward) of a patient; empty texts where they lie nowhere."""
        for bed in await beds(self._pool):
            if bed.patient is not None and bed.patient.patient_id == patient_id:
                return bed.place_id, bed.bed, bed.ward
        return "", "", ""

    async def wards(self) -> Sequence[v.Ward]:
        counts: dict[str, list[bool]] = {}
        for bed in await beds(self._pool):
            counts.setdefault(bed.ward, []).append(bed.patient is not None or bool(bed.devices))
        return [v.Ward(id=name, name=name, beds=len(used), used=sum(used)) for name, used in counts.items()]

    async def board(self, ward_id: str) -> v.Board:
        found = await beds(self._pool, unquote(ward_id))
        if not found:
            raise NotFound(_("There is no such ward."), "ward")
        tiles = tuple(await self._tiles(found))
        used = sum(tile.state != "free" for tile in tiles)
        return v.Board(ward=v.Ward(id=ward_id, name=found[0].ward, beds=len(tiles), used=used), tiles=tiles)

    async def _tiles(self, found: Sequence[Bed]) -> list[v.Tile]:
        now = self._clock.now()
        devices = [device.device_id for bed in found for device in bed.devices]
        patients = [bed.patient.patient_id for bed in found if bed.patient]
        places = [bed.place_id for bed in found]
        lasts = await board.current(self._pool, found)
        channels = await telemetry.channels(self._pool, list(lasts))
        alarms = await alarm_views(self._pool, await alarm_store.active(self._pool, places))
        scores = await alarm_store.scores(self._pool, patients, "NEWS2", now - DAY)
        resting = await alarm_store.standby(self._pool)
        work = await orders.of_devices(self._pool, devices, open_only=True)
        return [
            _tile(bed, lasts, channels, [a for a in alarms if a.place_id == bed.place_id],
                  scores.get(bed.patient.patient_id, ()) if bed.patient else (), bed.place_id in resting,
                  work, now)
            for bed in found
        ]  # fmt: skip

    async def bed(self, place_id: str) -> v.Bed:
        bed = await self._find(place_id)
        tile = (await self._tiles([bed]))[0]
        lasts = await board.current(self._pool, [bed])
        pumps, used = infusions(bed.devices, lasts)
        if tile.patient is not None:
            lists = await care.lists(self._record, tile.patient.id)
            names = tuple(line.text for line in lists.allergies)
            patient = msgspec.structs.replace(
                tile.patient, allergies=names, allergies_known=bool(names) or lists.no_known_allergies
            )
            tile = msgspec.structs.replace(tile, patient=patient)
        scope = f"patient/{tile.patient.id}" if tile.patient else f"ward/{bed.ward}"
        bindings, unbound = await self._spans(bed)
        return v.Bed(
            tile=tile,
            ward=v.Ward(id=ward_id(bed.ward), name=bed.ward),
            numerics=_numerics(lasts, used, self._clock.now()),
            infusions=pumps,
            limits=tuple(await self._alarms.limits(scope)),
            bindings=bindings,
            unbound=unbound,
            standby=tile.state == "standby" or place_id in await alarm_store.standby(self._pool),
        )

    async def _spans(self, bed: Bed) -> tuple[tuple[v.Binding, ...], tuple[v.Unbound, ...]]:
        """Bindings of the last days on the devices of this bed, running ones first, and data of nobody."""
        since = self._clock.now() - BINDINGS_DAYS * DAY
        bound: list[v.Binding] = []
        free: list[v.Unbound] = []
        for device in bed.devices:
            bound += [
                binding_view(one, device.label, bed.bed)
                for one in await board.patients_of(self._pool, device.device_id, SPANS)
                if one.patient_id and (one.stop is None or one.stop > since)
            ]
            free += [
                v.Unbound(device_id=device.device_id, device=device.label, start=one.start, stop=one.stop or 0,
                          count=one.count)
                for one in await board.unbound(self._pool, device.device_id, SPANS)
                if one.count
            ]  # fmt: skip
        people = await board.people(self._pool, sorted({one.patient_id for one in bound}))
        named = [
            msgspec.structs.replace(one, patient_name=full_name(who.family, who.given))
            if (who := people.get(one.patient_id))
            else one
            for one in bound
        ]
        named.sort(key=lambda one: (one.stop != 0, -one.start))
        return tuple(named), tuple(free)

    async def trends(self, place_id: str, since: int, until: int, points: int) -> Sequence[v.Series]:
        bed = await self._find(place_id)
        patient = bed.patient.patient_id if bed.patient else ""
        return await trends(self._pool, self._record, bed, patient, since, until, points)

    async def find_patients(self, text: str, limit: int = 20) -> Sequence[v.Patient]:
        """Patients whose name begins with ``text``, or who have this number."""
        now = self._clock.now()
        found: dict[str, v.Patient] = {}
        for parameter in ("identifier", "name"):
            query = self._record.query(
                ["Patient"], [(parameter, text.replace(",", " ").strip()), ("_count", str(limit))]
            )
            for stored in (await self._record.search(query)).matches:
                if stored.body is not None:
                    patient = patient_view(loads(stored.body), now)
                    found.setdefault(patient.id, patient)
        where = {bed.patient.patient_id: bed for bed in await beds(self._pool) if bed.patient}
        return [
            msgspec.structs.replace(patient, bed=where[patient.id].bed, place_id=where[patient.id].place_id)
            if patient.id in where
            else patient
            for patient in list(found.values())[:limit]
        ]

    async def standby(self, place_id: str, on: bool, by: Principal) -> None:
        async with transaction(self._pool) as conn:
            await desk.set_standby(conn, place_id, on, by.display, self._clock)

    async def discharge(self, place_id: str, patient_id: str, by: Principal) -> None:
        """End the stay now, as the hospital system's A03 would; devices named by hand are taken off too."""
        bed = await self._find(place_id)
        now = self._clock.now()
        async with transaction(self._pool) as conn:
            await facts.lock(conn)
            if bed.since:
                await people_store.add_event(conn, patient_id, 0, Heard("A03", now, now, bed.visit))
                await adt.follow(self._parts, conn, patient_id, reason="discharged by hand")
            for device in bed.devices:
                if device.patient_id == patient_id and not bed.since:
                    await binding.unbind(
                        self._parts, conn, device.device_id, by=reference(by), reason="discharged by hand"
                    )

    async def _find(self, place_id: str) -> Bed:
        """Raises NotFound."""
        return await board.bed(self._pool, place_id)


def _tile(
    bed: Bed, lasts: Mapping[str, list[Last]], channels: Iterable[Channel], alarms: Sequence[v.Alarm],
    scores: Sequence[object], standby: bool, work: Sequence[Work], now: int,
) -> v.Tile:  # fmt: skip
    mine = {device.device_id for device in bed.devices}
    machines = sorted(bed.devices, key=lambda device: (_first(type_name(device)), device.label))
    readings = [reading(last) for device_id in mine for last in lasts.get(device_id, ())]
    state = "standby" if standby else "occupied" if bed.patient else "in-use" if _speaking(bed, now) else "free"
    return v.Tile(
        place_id=bed.place_id,
        bed=bed.bed,
        state=state,
        patient=_patient(bed, now),
        vitals={name: filled_view(one) for name, one in fill(readings, now).items()},
        waves=_waves([channel for channel in channels if channel.device_id in mine]),
        score=score_view(scores) if scores else None,
        alarms=tuple(sorted(alarms, key=lambda alarm: bool(alarm.acknowledged_at))),
        devices=tuple(
            v.Chip(
                id=device.device_id, label=device.label, type=type_name(device), state=device_state(device, now),
                last_seen=device.last_seen, battery=device.battery,
                faults=sum(w.kind == "fault" and w.device_id == device.device_id for w in work),
                due=maintenance_state([w for w in work if w.device_id == device.device_id], now)[0] == "overdue",
                conflict=_(CONFLICTS.get(device.conflict, "")) if device.conflict else "",
            )
            for device in machines
        ),
        last_data=max((device.last_seen for device in bed.devices), default=0),
    )  # fmt: skip


CONFLICTS = {
    "pid-place": "it names another patient than the one in this bed",
    "pid-unknown": "it names a patient that nobody knows",
    "place-shared": "two patients are admitted to this bed",
    "hand-pid": "it names another patient than a person decided",
}
ORDER = ("Monitor", "Ventilator", "Infusion pump", "Syringe pump", "Dialysis")


def _first(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _speaking(bed: Bed, now: int) -> bool:
    return any(device_state(device, now) == "on" for device in bed.devices)


def _patient(bed: Bed, now: int) -> v.Patient | None:
    person = bed.patient
    if person is None:
        return None
    return v.Patient(
        id=person.patient_id, name=full_name(person.family, person.given), birth_date=person.birth_date,
        age=age(person.birth_date, now), sex=person.sex, mrn=person.mrn, bed=bed.bed,
        place_id=bed.place_id, ward_id=ward_id(bed.ward),
    )  # fmt: skip


def filled_view(filled: Filled) -> v.Value:
    """What a slot shows, as the templates take it."""
    return v.Value(
        slot=filled.slot, text=filled.text, extra=filled.extra, unit=filled.unit, time=filled.time,
        received=filled.received, quality=filled.quality, channel_id=filled.channel_id,
        device_id=filled.device_id, label=filled.label, stale_seconds=filled.stale_seconds,
    )  # fmt: skip


def _waves(channels: Iterable[Channel]) -> tuple[v.Wave, ...]:
    found = [channel for channel in channels if channel.spec.kind == "wave"]

    def order(channel: Channel) -> tuple[int, int, int]:
        code = channel.spec.code
        lead = LEAD_ORDER.index(code) if code in LEAD_ORDER else 0
        return WAVE_ORDER.index(wave_kind(code)), lead, channel.channel_id

    return tuple(
        v.Wave(channel_id=c.channel_id, kind=wave_kind(c.spec.code), label=channel_label(c), device_id=c.device_id)
        for c in sorted(found, key=order)
    )


def _numerics(lasts: Mapping[str, list[Last]], used: set[int], now: int) -> tuple[v.Value, ...]:
    """Numbers of the bed that neither a slot nor a pump shows, by label; those of the last day."""
    found = [
        value(last)
        for some in lasts.values()
        for last in some
        if last.channel.spec.code not in RANKED
        and not last.channel.spec.refid.startswith("MDC_ATTR_")
        and last.channel.channel_id not in used
        and last.channel.spec.kind == "numeric"
        and now - last.received < DAY
    ]
    return tuple(sorted(found, key=lambda one: (one.label, one.channel_id)))
