"""The patient's chart over care and the record, and the joined answer of where a value comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wardbridge.alarms import store as alarm_store
from wardbridge.care import chart as care
from wardbridge.care.flowsheet import cell_of, code_of
from wardbridge.care.manual import Manual, observations
from wardbridge.core.clock import DAY, MINUTE, Clock
from wardbridge.core.db import Pool, transaction
from wardbridge.core.ids import Ids, random_ids
from wardbridge.devices.charting import issue
from wardbridge.devices.charting.observation import trace
from wardbridge.devices.ports import Parts
from wardbridge.devices.store import registry
from wardbridge.equipment.work.state import faults_at, maintenance_state
from wardbridge.equipment.work.store import orders
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.record import Record
from wardbridge.fhir.store.values import Put
from wardbridge.security.principal import Principal
from wardbridge.telemetry import store as telemetry
from wardbridge.telemetry.blocks.read import window
from wardbridge.terminology.units import shown
from wardbridge.web import views as v
from wardbridge.web.adapters.alarms import score_view
from wardbridge.web.adapters.common import age, channel_label, channel_unit, concept, full_name, reference
from wardbridge.web.adapters.fleet import device_view, fault_view
from wardbridge.web.show import Show
from wardbridge.web.words import _

WORDS = {"problem-list-item": "", "encounter-diagnosis": _("diagnosis of this stay")}
AROUND = 10 * MINUTE
HISTORY = 20


def patient_view(resource: dict[str, Any], now: int) -> v.Patient:
    """A FHIR Patient as the banner shows it, without bed and allergies."""
    names = resource.get("name") or [{}]
    name = next((n for n in names if n.get("use") == "official"), names[0])
    parts = (name.get("family", ""), " ".join(name.get("given", ())))
    called = full_name(*parts) if any(parts) else name.get("text")
    numbers = resource.get("identifier") or []
    kinds = {c.get("code"): i for i in numbers for c in (i.get("type") or {}).get("coding", ())}
    number = kinds.get("MR") or (numbers[0] if numbers else {})
    return v.Patient(
        id=resource["id"],
        name=called or _("no name"),
        birth_date=resource.get("birthDate", ""),
        age=age(resource.get("birthDate", ""), now),
        sex=resource.get("gender", ""),
        mrn=str(number.get("value", "")),
        deceased=bool(resource.get("deceasedBoolean") or resource.get("deceasedDateTime")),
    )


class ChartDesk:
    """Answers :class:`wardbridge.web.sources.Charts`."""

    def __init__(self, pool: Pool, clock: Clock, record: Record, parts: Parts, show: Show, beds: Any,
                 ids: Ids = random_ids) -> None:  # fmt: skip
        self._pool = pool
        self._clock = clock
        self._record = record
        self._parts = parts
        self._show = show
        self._beds = beds
        self._ids = ids

    async def patient(self, patient_id: str) -> v.Patient:
        patient = patient_view(await care.patient(self._record, patient_id), self._clock.now())
        lists = await care.lists(self._record, patient_id)
        place_id, bed, ward = await self._beds.of_patient(patient_id)
        return msgspec.structs.replace(
            patient,
            bed=bed,
            place_id=place_id,
            ward_id=ward,
            allergies=tuple(line.text for line in lists.allergies),
            allergies_known=lists.no_known_allergies or bool(lists.allergies),
        )

    async def chart(self, patient_id: str) -> v.Chart:
        lists = await care.lists(self._record, patient_id)

        def entries(lines: Sequence[care.Line]) -> tuple[v.Entry, ...]:
            return tuple(
                v.Entry(id=line.id, text=line.text, detail=WORDS.get(line.detail, line.detail), status=line.status,
                        since=line.since[:10], severity=line.severity)
                for line in lines
            )  # fmt: skip

        return v.Chart(
            problems=entries(lists.problems),
            medications=entries(lists.medications),
            allergies=entries(lists.allergies),
            history=entries(lists.procedures),
        )

    async def score(self, patient_id: str) -> v.Score | None:
        rows = await alarm_store.scores(self._pool, [patient_id], "NEWS2", self._clock.now() - DAY)
        found = rows.get(patient_id)
        return score_view(found) if found else None

    async def sheet(self, patient_id: str, since: int, until: int, step_minutes: int) -> v.Sheet:
        sheet = await care.flowsheet(self._record, patient_id, since, until, step_minutes)
        used = sorted({c.device_id for row in sheet.rows for cells in row.cells for c in cells if c.device_id})
        labels = await self._labels(used)
        rows = tuple(
            v.Row(
                code=row.code,
                label=row.label,
                unit=shown(row.unit),
                cells=tuple(tuple(_cell(cell, labels) for cell in cells) for cells in row.cells),
            )
            for row in sheet.rows
        )
        return v.Sheet(columns=sheet.columns, step_minutes=step_minutes, rows=rows, unverified=sheet.unverified)

    async def _labels(self, ids: Sequence[str]) -> dict[str, str]:
        if not ids:
            return {}
        return {d.device_id: d.label for d in await registry.devices(self._pool, parent=None, ids=list(ids))}

    async def verify(self, patient_id: str, observation_ids: Sequence[str], by: Principal) -> int:
        """All or none: a value of another patient, or one that no longer stands, refuses the whole."""
        for observation_id in observation_ids:
            await care.observation(self._record, patient_id, observation_id)
        async with transaction(self._pool) as conn:
            for observation_id in observation_ids:
                await issue.verify(self._parts, conn, observation_id, reference(by))
        return len(observation_ids)

    async def enter(self, patient_id: str, entry: Manual, by: Principal) -> v.Score | None:
        await care.patient(self._record, patient_id)
        person = {"reference": reference(by), "display": by.display}
        found = observations(entry, patient_id, "", person, self._clock.now(), self._ids)
        async with transaction(self._pool) as conn:
            await self._record.write(conn, [Put(observation) for observation in found])
        return await self.score(patient_id)

    async def origin(self, patient_id: str, observation_id: str) -> v.Origin:
        observation = await care.observation(self._record, patient_id, observation_id)
        cell = cell_of(observation)
        code, label = code_of(observation)
        device = await registry.device(self._pool, cell.device_id) if cell.device_id else None
        seen = _cell(cell, {cell.device_id: device.label} if device else {})
        origin = v.Origin(
            patient_id=patient_id, cell=seen, code=code, label=label, method=concept(observation, "method"),
            body_site=concept(observation, "bodySite"), by=cell.by, history=await self._versions(observation_id),
            samples=await self._samples(observation),
        )  # fmt: skip
        if device is None:
            return origin
        work = await orders.of_devices(self._pool, [device.device_id])
        then, decided = maintenance_state(work, cell.time)
        now, _decided = maintenance_state(work, self._clock.now())
        text = f"{decided.name}, {_('due')} {self._show.day(decided.due)}" if decided and decided.due else ""
        return msgspec.structs.replace(
            origin,
            device=device_view(device, "", "", work, self._clock.now()),
            firmware=await self._firmware(device, cell.time),
            maintenance=then,
            maintenance_text=text,
            maintenance_now=now,
            faults_then=tuple(fault_view(fault, device.label) for fault in faults_at(work, cell.time)),
            clock_offset=device.clock_offset_us,
        )

    async def _firmware(self, device: registry.Device, at: int) -> str:
        """The firmware that the Device resource named at ``at``; of today where it is as old as that."""
        page = await self._record.history("Device", device.device_id, count=HISTORY)
        for version in page.versions:
            stored = version.stored
            if stored.updated <= at and stored.body is not None:
                for one in loads(stored.body).get("version", ()):
                    kind = concept(one, "type").lower()
                    if "hardware" not in kind and one.get("value"):
                        return str(one["value"])
        return device.firmware

    async def _versions(self, observation_id: str) -> tuple[tuple[int, str, str], ...]:
        page = await self._record.history("Observation", observation_id, count=HISTORY)
        found = []
        for version in page.versions:
            stored = version.stored
            body: dict[str, Any] = loads(stored.body) if stored.body is not None else {"status": "deleted"}
            performers = body.get("performer") or [{}]
            found.append((stored.updated, str(body.get("status", "")), str(performers[0].get("display", ""))))
        return tuple(found)

    async def _samples(self, observation: dict[str, Any]) -> v.Series | None:
        traced = trace(observation)
        if traced is None:
            return None
        _device, channel_id, time = traced
        channels = await telemetry.channels(self._pool, channel_ids=[channel_id])
        if not channels:
            return None
        found = await window(self._pool, [channel_id], time - AROUND, time + AROUND)
        points = tuple(
            (kept.time, kept.number, kept.number, kept.number)
            for kept in found.numerics.get(channel_id, ())
            if kept.number is not None
        )
        return v.Series(slot="", label=channel_label(channels[0]), unit=channel_unit(channels[0]), points=points)


def _cell(cell: Any, labels: dict[str, str]) -> v.Cell:
    return v.Cell(
        observation_id=cell.observation_id, text=cell.text, unit=shown(cell.unit), time=cell.time, source=cell.source,
        status=cell.status, verified=cell.verified or cell.source == "manual", device_id=cell.device_id,
        device=labels.get(cell.device_id, ""), flag="" if cell.flag in {"N", ""} else cell.flag,
    )  # fmt: skip
