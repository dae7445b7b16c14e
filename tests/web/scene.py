"""A small ward as view models: what the templates are looked at with, before any device speaks.

Only for tests of looks, roles and forms; tests of data run on the real rooms (test_ward.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wardbridge.care.manual import Manual
from wardbridge.core.clock import DAY, HOUR, MINUTE, SECOND, Clock
from wardbridge.core.errors import NotFound
from wardbridge.telemetry.values import START, Channel, Hot, Position
from wardbridge.web import views as v
from wardbridge.web.sources import Filter, Search, Sources, Where, Who

NAMES = ("Okafor, Ngozi", "Lindqvist, Astrid Margareta", "Haddad, Samir", "Tanaka, Yuki", "de la Fuente Ortiz, Pilar")


@dataclass
class Scene:
    """Answers every source Protocol out of one fixed moment; writes are kept in ``done``."""

    clock: Clock
    done: list[tuple[Any, ...]] = field(default_factory=list)

    def sources(self) -> Sources:
        return Sources(
            wards=self, alarms=self, bindings=self, charts=self, fleet=self, messages=self, feed=SceneFeed(self)
        )

    def value(self, slot: str, text: str, unit: str, age: int = 1, **more: Any) -> v.Value:
        at = self.clock.now() - age * SECOND
        return v.Value(slot=slot, text=text, unit=unit, time=at, received=at, channel_id=len(slot), **more)

    def someone(self, index: int) -> v.Patient:
        return v.Patient(
            id=f"pat-{index}",
            name=NAMES[index % len(NAMES)],
            birth_date="1952-03-04",
            age=f"{41 + index * 3} y",
            sex="female" if index % 2 else "male",
            mrn=f"40{index:05d}",
            bed=str(index + 1),
            place_id=f"icu-{index + 1}",
            ward_id="icu",
            allergies=("Penicillin",) if index == 1 else (),
            allergies_known=True,
        )

    def alarm(
        self, index: int, priority: str, kind: str, text: str, slot: str = "", value: str = "", limit: str = ""
    ) -> v.Alarm:
        return v.Alarm(
            id=f"al-{index}-{slot or kind}",
            priority=priority,
            kind=kind,
            text=text,
            place_id=f"icu-{index + 1}",
            bed=str(index + 1),
            patient_id=f"pat-{index}",
            slot=slot,
            value=value,
            limit=limit,
            device="Monitor",
            since=self.clock.now() - 40 * SECOND,
            last=self.clock.now(),
        )

    def alarms_of(self, index: int) -> tuple[v.Alarm, ...]:
        table = {
            1: (
                self.alarm(1, "high", "physiological", "SpO₂ low", "spo2", "84", "< 88"),
                self.alarm(1, "medium", "physiological", "RR high", "rr", "31", "> 30"),
            ),
            3: (self.alarm(3, "medium", "physiological", "ABP high", "abp-sys", "188", "> 185"),),
            4: (self.alarm(4, "low", "technical", "ECG lead off"),),
            6: (self.alarm(6, "high", "technical", "Line occluded"),),
        }
        return table.get(index, ())

    def chips(self, index: int) -> tuple[v.Chip, ...]:
        chips = [v.Chip(id=f"mon-{index}", label=f"Monitor {index + 1}", type="Monitor", battery=88)]
        if index % 2:
            chips.append(
                v.Chip(
                    id=f"pump-{index}",
                    label=f"Pump {index + 1}",
                    type="Syringe pump",
                    battery=19 if index == 1 else 70,
                    faults=int(index == 3),
                )
            )
        if index % 3 == 0:
            chips.append(
                v.Chip(
                    id=f"vent-{index}",
                    label=f"Ventilator {index + 1}",
                    type="Ventilator",
                    state="silent" if index == 6 else "on",
                    due=index == 0,
                )
            )
        return tuple(chips)

    def tile(self, index: int) -> v.Tile:
        if index == 11:
            return v.Tile(place_id="icu-12", bed="12")
        if index == 10:
            return v.Tile(
                place_id="icu-11",
                bed="11",
                state="in-use",
                devices=self.chips(10),
                last_data=self.clock.now() - 4 * SECOND,
            )
        vitals = {
            "hr": self.value("hr", str(62 + index * 5), "/min", label="HR"),
            "spo2": self.value("spo2", "84" if index == 1 else str(95 + index % 5), "%", label="SpO₂"),
            "bp": self.value(
                "bp",
                f"{118 + index * 7}/{62 + index * 2}",
                "mmHg",
                260 if index == 2 else 2,
                label="NIBP" if index == 2 else "ABP",
                extra=str(80 + index * 3),
                stale_seconds=3600 if index == 2 else 10,
            ),
            "rr": self.value("rr", str(12 + index * 2), "/min", 45 if index == 5 else 1, label="RR"),
        }
        if index != 4:
            vitals["temp"] = self.value("temp", f"36.{index % 10}", "°C", label="T", stale_seconds=900)
        now = self.clock.now()
        total = (1, 9, 3, 5, 0, 2, 6, 1, 0, 3)[index]
        trend = tuple((now - (8 - i) * HOUR, max(0, total - 3 + (i * 3) // 8)) for i in range(9))
        score = v.Score(
            total=total,
            band="high" if total > 6 else "medium" if total > 4 else "low",
            time=now - MINUTE,
            trend=trend,
            parts=(("Respiration", "22", 2), ("SpO₂ scale 1", "94", 1), ("Pulse", "84", 0)),
            missing=() if index else ("consciousness",),
        )
        waves = tuple(
            v.Wave(channel_id=100 * (index + 1) + i, kind=kind, label=label)
            for i, (kind, label) in enumerate(
                (
                    ("ecg", "II"),
                    ("pleth", "Pleth"),
                    ("abp", "ABP"),
                    ("resp", "Resp"),
                    ("co2", "CO₂"),
                    ("paw", "Paw"),
                    ("flow", "Flow"),
                )
            )
        )
        return v.Tile(
            place_id=f"icu-{index + 1}",
            bed=str(index + 1),
            state="standby" if index == 8 else "occupied",
            patient=self.someone(index),
            vitals=vitals,
            waves=waves,
            score=score,
            alarms=self.alarms_of(index),
            devices=self.chips(index),
            last_data=now - SECOND,
        )

    # ---- wards ----
    async def wards(self) -> Sequence[v.Ward]:
        return [v.Ward(id="icu", name="ICU North", beds=12, used=11)]

    async def board(self, ward_id: str) -> v.Board:
        if ward_id != "icu":
            raise NotFound("there is no such ward", "ward")
        return v.Board(ward=(await self.wards())[0], tiles=tuple(self.tile(i) for i in range(12)))

    async def bed(self, place_id: str) -> v.Bed:
        index = int(place_id.removeprefix("icu-")) - 1 if place_id.startswith("icu-") else 99
        if not 0 <= index < 12:
            raise NotFound("there is no such bed", "place")
        now = self.clock.now()
        pump = v.Infusion(
            device_id="pump-1",
            device="Syringe pump 3",
            drug="Noradrenaline 0.1 mg/mL",
            state="infusing",
            rate=self.value("", "4.2", "mL/h", label="Rate"),
            dose=self.value("", "0.08", "µg/kg/min"),
            volume=self.value("", "21.4", "mL"),
            remaining=self.value("", "28.6", "mL"),
        )
        numerics = tuple(
            v.Value(text=text, unit=unit, label=label, channel_id=900 + i, time=now, received=now)
            for i, (label, text, unit) in enumerate(
                (
                    ("PEEP", "8", "cmH₂O"),
                    ("Ppeak", "24", "cmH₂O"),
                    ("FiO₂", "45", "%"),
                    ("Vt", "430", "mL"),
                    ("MV", "8.2", "L/min"),
                    ("PI", "1.8", ""),
                    ("ST II", "0.05", "mV"),
                )
            )
        )
        tile = self.tile(index)
        bindings = (
            tuple(
                v.Binding(
                    id=f"b-{c.id}",
                    device_id=c.id,
                    device=c.label,
                    patient_id=f"pat-{index}",
                    patient_name=NAMES[index % 5],
                    bed=str(index + 1),
                    start=now - DAY,
                    source="adt",
                )
                for c in tile.devices
            )
            if tile.patient
            else ()
        )
        return v.Bed(
            tile=tile,
            ward=(await self.wards())[0],
            numerics=numerics,
            infusions=(pump, pump) if tile.patient else (),
            limits=tuple(await self.limits("")),
            bindings=bindings,
            unbound=(v.Unbound(device_id="pump-9", device="Pump 9", start=now - HOUR, stop=now - MINUTE, bed="2"),)
            if index == 1
            else (),
            standby=index == 8,
        )

    async def trends(self, place_id: str, since: int, until: int, points: int) -> Sequence[v.Series]:
        def line(slot: str, label: str, unit: str, base: float, swing: float) -> v.Series:
            out = []
            for i in range(points):
                at = since + (until - since) * i // points
                mean = base + swing * math.sin(i / 17) + swing / 3 * math.sin(i / 3)
                out.append((at, None, None, None) if 150 < i < 175 else (at, mean - swing / 2, mean + swing / 2, mean))
            return v.Series(slot=slot, label=label, unit=unit, points=tuple(out))

        manual = v.Series(
            slot="temp",
            label="T",
            unit="°C",
            source="manual",
            points=((until - 2 * HOUR, 37.2, 37.2, 37.2), (until - HOUR, 37.9, 37.9, 37.9)),
        )
        return [
            line("hr", "HR", "/min", 82, 9),
            line("abp-sys", "ABP sys", "mmHg", 122, 11),
            line("abp-dia", "ABP dia", "mmHg", 68, 6),
            line("abp-mean", "ABP mean", "mmHg", 85, 7),
            line("spo2", "SpO₂", "%", 96, 1.5),
            line("rr", "RR", "/min", 17, 3),
            manual,
        ]

    async def find_patients(self, text: str, limit: int = 20) -> Sequence[v.Patient]:
        return [
            self.someone(i)
            for i in range(10)
            if text.lower() in self.someone(i).name.lower() or text == self.someone(i).mrn
        ]

    async def standby(self, place_id: str, on: bool, by: Who) -> None:
        self.done.append(("standby", place_id, on, by.id))

    async def discharge(self, place_id: str, patient_id: str, by: Who) -> None:
        self.done.append(("discharge", place_id, patient_id, by.id))

    # ---- alarms ----
    async def active(self, ward_id: str | None = None) -> Sequence[v.Alarm]:
        return [alarm for i in range(12) for alarm in self.alarms_of(i)]

    async def past(self, place_id: str, since: int, limit: int = 50) -> Sequence[v.Alarm]:
        return [self.alarm(2, "medium", "physiological", "HR high", "hr", "134", "> 130")]

    async def acknowledge(self, alarm_id: str, by: Who) -> v.Alarm:
        self.done.append(("acknowledge", alarm_id, by.id))
        return self.alarm(1, "high", "physiological", "SpO₂ low", "spo2", "84")

    async def limits(self, scope: str) -> Sequence[v.Limit]:
        table = (
            ("hr", "HR", "/min", 45, 130, "high"),
            ("spo2", "SpO₂", "%", 88, None, "high"),
            ("rr", "RR", "/min", 8, 30, "medium"),
            ("abp-sys", "ABP sys", "mmHg", 85, 185, "medium"),
            ("etco2", "etCO₂", "mmHg", 22, 60, "medium"),
        )
        return [
            v.Limit(slot=s, label=n, unit=u, low=lo, high=hi, priority=p, delay_seconds=10)
            for s, n, u, lo, hi, p in table
        ]

    async def set_limit(self, scope: str, limit: v.Limit, by: Who) -> None:
        self.done.append(("limit", scope, limit, by.id))

    async def clear_limit(self, scope: str, slot: str, by: Who) -> None:
        self.done.append(("clear", scope, slot, by.id))

    # ---- bindings ----
    async def bind(self, device_id: str, patient_id: str, place_id: str, start: int, by: Who) -> None:
        self.done.append(("bind", device_id, patient_id, place_id, by.id))

    async def end(self, binding_id: str, by: Who) -> None:
        self.done.append(("end", binding_id, by.id))

    async def correct(self, binding_id: str, patient_id: str, by: Who, reason: str) -> None:
        self.done.append(("correct", binding_id, patient_id, reason, by.id))

    async def claim(self, device_id: str, start: int, stop: int, patient_id: str, by: Who) -> None:
        self.done.append(("claim", device_id, start, stop, patient_id, by.id))

    # ---- charts ----
    async def patient(self, patient_id: str) -> v.Patient:
        if not patient_id.startswith("pat-"):
            raise NotFound("there is no such patient", "patient")
        return self.someone(int(patient_id[4:]))

    async def chart(self, patient_id: str) -> v.Chart:
        return v.Chart(
            problems=(
                v.Entry(id="1", text="Septic shock", detail="pulmonary focus", status="active", since="2026-11-19"),
                v.Entry(id="2", text="Chronic obstructive pulmonary disease", status="active", since="2011"),
            ),
            medications=(
                v.Entry(id="3", text="Noradrenaline", detail="0.08 µg/kg/min, intravenous", status="active"),
                v.Entry(id="4", text="Piperacillin/tazobactam", detail="4.5 g every 8 h", status="active"),
            ),
            allergies=(v.Entry(id="5", text="Penicillin", detail="rash", severity="high"),),
        )

    async def score(self, patient_id: str) -> v.Score | None:
        return self.tile(int(patient_id[4:]) % 10).score

    async def sheet(self, patient_id: str, since: int, until: int, step_minutes: int) -> v.Sheet:
        width = step_minutes * MINUTE
        columns = tuple(range(since, until, width))

        def row(code: str, label: str, unit: str, base: float, manual: bool = False, digits: int = 0) -> v.Row:
            cells = []
            for i, start in enumerate(columns):
                text = f"{base + (i * 7 % 5):.{digits}f}"
                cell = v.Cell(
                    observation_id=f"o-{code}-{i}",
                    text=text,
                    unit=unit,
                    time=start + MINUTE,
                    source="manual" if manual else "device",
                    verified=i < 8,
                    status="final" if i < 8 else "preliminary",
                    device_id="" if manual else "mon-1",
                    device="" if manual else "Monitor 2",
                    flag="H" if i == 9 and code == "hr" else "",
                )
                cells.append(() if manual and i % 4 else (cell,))
            return v.Row(code=code, label=label, unit=unit, cells=tuple(cells))

        rows = (
            row("hr", "HR", "/min", 82),
            row("spo2", "SpO₂", "%", 94),
            row("abp", "ABP sys", "mmHg", 118),
            row("rr", "RR", "/min", 16),
            row("temp", "T", "°C", 36.4, True, 1),
            row("urine", "Urine", "mL", 60, True),
        )
        return v.Sheet(columns=columns, step_minutes=step_minutes, rows=rows, unverified=17)

    async def verify(self, patient_id: str, observation_ids: Sequence[str], by: Who) -> int:
        self.done.append(("verify", patient_id, tuple(observation_ids), by.id))
        return len(observation_ids)

    async def enter(self, patient_id: str, entry: Manual, by: Who) -> v.Score | None:
        self.done.append(("enter", patient_id, entry, by.id))
        return await self.score(patient_id)

    async def origin(self, patient_id: str, observation_id: str) -> v.Origin:
        at = self.clock.now() - HOUR
        cell = v.Cell(
            observation_id=observation_id, text="94", unit="%", time=at, device_id="mon-1", device="Monitor 2"
        )
        points = tuple((at + i * SECOND, 93.0, 95.0, 94 + math.sin(i / 9)) for i in range(-300, 300))
        return v.Origin(
            patient_id=patient_id,
            cell=cell,
            code="150456",
            label="SpO₂",
            device=self.machine(1),
            firmware="4.2.1",
            maintenance="current",
            maintenance_text="inspected 12-Jun-2026",
            maintenance_now="due",
            clock_offset=1_400_000,
            method="",
            body_site="Finger",
            samples=v.Series(slot="spo2", label="SpO₂", unit="%", points=points),
        )

    # ---- fleet ----
    def machine(self, index: int) -> v.Device:
        kinds = ("Monitor", "Ventilator", "Infusion pump", "Syringe pump", "Dialysis")
        now = self.clock.now()
        unknown = index == 9
        return v.Device(
            id=f"mon-{index}",
            key=f"0009FBFFFF{index:06X}",
            label="" if unknown else f"{kinds[index % 5]} {index + 1}",
            type=kinds[index % 5],
            manufacturer="Wardbridge",
            model="Sim 1",
            serial=f"SN{index:05d}",
            firmware="4.2.1",
            admission="unknown" if unknown else "quarantined" if index == 7 else "accepted",
            state="silent" if index == 5 else "on",
            link="mllp",
            bed=str(index + 1),
            place_id=f"icu-{index + 1}",
            ward="ICU North",
            in_use=index < 8,
            first_seen=now - 30 * DAY,
            last_seen=now - (4 * MINUTE if index == 5 else SECOND),
            clock_offset=index * 300_000,
            battery=15 if index == 2 else 90,
            faults=int(index == 3),
            due=("current", "due", "overdue")[index % 3],
            due_date=now + (index - 3) * 10 * DAY,
            said="PCD-01 with 12 values, place ICU-9" if unknown else "",
        )

    async def devices(self, chosen: Filter) -> Sequence[v.Device]:
        return [
            d
            for d in (self.machine(i) for i in range(10))
            if (not chosen.admission or d.admission == chosen.admission)
            and (not chosen.type or d.type == chosen.type)
            and (not chosen.due or d.due == chosen.due)
            and (not chosen.fault or d.faults)
            and chosen.text.lower() in (d.label + d.serial).lower()
        ]

    async def device(self, device_id: str, *, names: bool) -> v.DevicePage:
        index = int(device_id.rpartition("-")[2])
        now = self.clock.now()
        faults = (
            v.Fault(id="f1", text="Display flickers", reported_by="Nurse Ada", reported_at=now - HOUR),
            v.Fault(
                id="f2",
                text="Cable torn",
                state="taken",
                reported_by="Nurse Ada",
                reported_at=now - DAY,
                taken_by="Tech Bo",
                taken_at=now - HOUR,
            ),
        )
        bindings = (
            v.Binding(
                id="b1",
                device_id=device_id,
                device="Monitor",
                patient_id="pat-1",
                patient_name=NAMES[1],
                bed="2",
                start=now - DAY,
                source="adt",
            ),
        )
        messages = tuple(
            v.Message(
                ref=f"in-{i}",
                direction="in",
                time=now - i * SECOND,
                type="ORU^R01^ORU_R01",
                profile="PCD-01",
                control=f"MSG{i:05d}",
                link="mllp",
                status="ok",
                size=1834,
            )
            for i in range(4)
        )
        return v.DevicePage(
            device=self.machine(index),
            faults=faults,
            due=(
                v.Due(
                    request_id="sr1",
                    text="Yearly safety test",
                    date=now + 9 * DAY,
                    state="due",
                    last_done=now - 350 * DAY,
                ),
            ),
            bindings=bindings,
            patient_count=3,
            messages=messages,
        )

    async def places(self) -> Sequence[tuple[str, str]]:
        return [(f"icu-{i + 1}", f"ICU North, bed {i + 1}") for i in range(12)]

    async def admit(self, device_id: str, state: str, by: Who, place_id: str = "", reason: str = "") -> None:
        self.done.append(("admit", device_id, state, place_id, by.id))

    async def report(self, device_id: str, text: str, by: Who) -> None:
        self.done.append(("report", device_id, text, by.id))

    async def take(self, device_id: str, fault_id: str, by: Who) -> None:
        self.done.append(("take", device_id, fault_id, by.id))

    async def resolve(self, device_id: str, fault_id: str, text: str, by: Who) -> None:
        self.done.append(("resolve", device_id, fault_id, text, by.id))

    # ---- messages ----
    async def overview(self) -> v.Exchange:
        now = self.clock.now()
        return v.Exchange(
            links=(
                v.Link(
                    name="mllp",
                    protocol="HL7 v2 MLLP",
                    address="0.0.0.0:2575",
                    state="up",
                    peers=14,
                    received=182_332,
                    refused=3,
                    rate=1440,
                    last=now,
                ),
                v.Link(name="sdc", protocol="IEEE 11073 SDC", state="up", received=91_022, rate=600, last=now),
            ),
            queues=(
                v.Queue(destination="his", waiting=0, sent=1204, last_sent=now),
                v.Queue(
                    destination="cis",
                    state="down",
                    waiting=412,
                    dead=1,
                    lag_seconds=840,
                    last_error="connection refused",
                ),
            ),
            dead=(
                v.DeadLetter(
                    id="d1",
                    destination="cis",
                    control="WB0001",
                    type="ORU^R01",
                    reason="AE: unknown patient",
                    time=now - HOUR,
                    attempts=3,
                ),
            ),
            uninterpreted=(("PCD-10", 14),),
            intake_total=273_354,
            intake_rate=2040,
            backlog=3,
        )

    async def find(self, search: Search, limit: int = 50) -> Sequence[v.Message]:
        return [
            v.Message(
                ref="in-1",
                direction="in",
                time=self.clock.now(),
                type="ADT^A01",
                control="ADT1",
                link="his",
                status="ok",
                size=512,
            )
        ]

    async def raw(self, ref: str) -> v.RawMessage:
        return v.RawMessage(
            message=(await self.find(Search()))[0],
            text="MSH|^~\\&|HIS|||||||ADT^A01|ADT1\nPID|1||4000001^^^H||Lindqvist^Astrid",
            problems=(("unknown-code", "OBX[3]-3", "0^MDC_X"),),
        )

    async def replay(self, dead_id: str, by: Who) -> None:
        self.done.append(("replay", dead_id, by.id))

    async def test(self, destination: str, by: Who) -> str:
        self.done.append(("test", destination, by.id))
        return "T1"

    # ---- feed: silent here; the hub's own tests use real rows ----
    async def head(self) -> Position:
        return START

    async def tail(self, after: Position, limit: int) -> Sequence[Hot]:
        return []

    async def channels(self, ids: Sequence[int]) -> Sequence[Channel]:
        return []

    async def where(self) -> Sequence[Where]:
        return [Where(f"mon-{i}", f"icu-{i + 1}", "icu", f"pat-{i}") for i in range(10)]

    async def scores(self) -> Sequence[tuple[str, v.Score]]:
        return []

    async def doorbell(self) -> str:
        await self.clock.sleep(3600)
        return "wb_live"


class SceneFeed:
    """The scene's alarms as the live feed gives them (``alarms`` is a method there, a source here)."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.head = scene.head
        self.tail = scene.tail
        self.channels = scene.channels
        self.where = scene.where
        self.scores = scene.scores
        self.doorbell = scene.doorbell

    async def alarms(self) -> Sequence[v.Alarm]:
        return await self._scene.active()
