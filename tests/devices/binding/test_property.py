"""Whatever happens in whatever order, a charted value belongs to the patient who was on the device then.

Random ADT events (late, repeated, cancelled, merged), moves, patients named by devices, decisions of people
and measurements run through the real pipeline; after every step each Observation of the real record is
compared with a brute-force model that asks minute by minute.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, ClassVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pipeline.scene import HR, START, Scene, hint, reading, scene

from wardbridge.core.clock import MINUTE
from wardbridge.core.db import open_pool, transaction
from wardbridge.core.errors import Conflict
from wardbridge.devices import binding, fleet
from wardbridge.fhir.json import loads

PATIENTS, BEDS, DEVICES, END = 3, 2, 2, 60
patients, beds, devices = (st.integers(0, n - 1) for n in (PATIENTS, BEDS, DEVICES))
times = st.integers(1, END)


@dataclass
class Decision:
    start: int
    stop: int | None
    patient: int | None
    release: bool
    ends_with: int | None


@dataclass
class Model:
    """Facts as they were said, and the slow way to ask them. Times in minutes, devices and patients by number."""

    adt: list[tuple[int, int, str, int, int | None]] = field(default_factory=list)
    seats: dict[int, dict[int, int]] = field(default_factory=lambda: {d: {} for d in range(DEVICES)})
    modes: dict[int, dict[int, str]] = field(default_factory=lambda: {d: {0: "accepted"} for d in range(DEVICES)})
    hands: dict[int, list[Decision]] = field(default_factory=lambda: {d: [] for d in range(DEVICES)})
    named: dict[int, dict[float, int | None]] = field(default_factory=lambda: {d: {} for d in range(DEVICES)})
    survivor: dict[int, int] = field(default_factory=dict)

    def who(self, patient: int) -> int:
        while patient in self.survivor:
            patient = self.survivor[patient]
        return patient

    def known(self, patient: int) -> bool:
        return patient in self.survivor or any(e[3] == patient for e in self.adt)

    def bed_at(self, patient: int, time: int) -> int | None:
        """The bed of a patient: events in order of when they were told, cancels undoing the last of their kind."""
        standing: list[tuple[int, int, str, int | None]] = []
        seen = set()
        for occurred, recorded, kind, who, bed in sorted(self.adt, key=lambda e: e[1]):
            if self.who(who) != patient or kind == "A40" or (kind, occurred, recorded, bed) in seen:
                continue
            seen.add((kind, occurred, recorded, bed))
            if kind in ("A11", "A12", "A13"):
                target = {"A11": "A01", "A12": "A02", "A13": "A03"}[kind]
                those = [e for e in standing if e[2] == target]
                those = [e for e in those if e[0] == occurred] or those
                if those:
                    last = max(those)
                    standing = [e for e in standing if (e[0], e[2], e[3]) != (last[0], last[2], last[3])]
            else:
                standing.append((occurred, recorded, kind, bed))
        bed: int | None = None
        present = False
        for occurred, _, kind, place in sorted(standing, key=lambda e: e[:2]):
            if occurred > time:
                break
            if kind == "A03":
                present, bed = False, None
            else:
                present, bed = True, place
        return bed if present else None

    def in_bed(self, bed: int | None, time: int) -> list[int]:
        people = {self.who(p) for p in range(PATIENTS)}
        return [p for p in people if bed is not None and self.bed_at(p, time) == bed]

    def ended(self, one: Decision, time: int) -> bool:
        if one.stop is not None:
            return time >= one.stop
        if one.ends_with is None:
            return False
        who = self.who(one.ends_with)
        if self.bed_at(who, one.start) is None:
            return False
        return any(self.bed_at(who, t) is None for t in range(one.start, time + 1))

    def patient_at(self, device: int, time: int) -> int | None:
        def last(changes: dict[Any, Any]) -> Any:
            before = [t for t in changes if t <= time]
            return changes[max(before)] if before else None

        if last(self.modes[device]) != "accepted":
            return None
        for one in reversed(self.hands[device]):
            if one.start <= time and not self.ended(one, time):
                if one.release:
                    break
                return None if one.patient is None else self.who(one.patient)
        said = last(self.named[device])
        if said is not None:
            return self.who(said) if self.known(said) else None
        there = self.in_bed(last(self.seats[device]), time)
        return there[0] if len(there) == 1 else None


class Ward(RuleBasedStateMachine):
    """Drives scene and model side by side."""

    loop: ClassVar[asyncio.AbstractEventLoop]
    scene: ClassVar[Scene]
    examples: ClassVar[int] = 0

    def do(self, action: Any) -> Any:
        return self.loop.run_until_complete(action)

    @initialize()
    def start(self) -> None:
        Ward.examples += 1
        self.tag = f"e{Ward.examples}"
        self.model = Model()
        self.told = 100
        self.ids = [self.do(self.scene.device(f"{self.tag}-D{d}", "")) for d in range(DEVICES)]
        self.places = [self.do(self.scene.bed(f"{self.tag}B{b}")) for b in range(BEDS)]

    def mrn(self, patient: int) -> str:
        return f"{self.tag}P{patient}"

    def adt(self, kind: str, patient: int, time: int, bed: int | None = None) -> None:
        self.told += 1
        self.model.adt.append((time, self.told, kind, patient, bed))
        self.do(
            self.scene.adt(
                kind,
                self.mrn(patient),
                time,
                "" if bed is None else f"{self.tag}B{bed}",
                recorded=self.told,
                visit=f"V{self.tag}",
            )
        )
        self.do(self.scene.work())

    @rule(patient=patients, bed=beds, time=times)
    def admit(self, patient: int, bed: int, time: int) -> None:
        self.adt("A01", patient, time, bed)

    @rule(patient=patients, bed=beds, time=times)
    def transfer(self, patient: int, bed: int, time: int) -> None:
        self.adt("A02", patient, time, bed)

    @rule(patient=patients, time=times)
    def discharge(self, patient: int, time: int) -> None:
        self.adt("A03", patient, time)

    @rule(patient=patients, time=times, kind=st.sampled_from(["A11", "A12", "A13"]))
    def cancel(self, patient: int, time: int, kind: str) -> None:
        self.adt(kind, patient, time)

    @rule(index=st.integers(0, 50))
    def repeat(self, index: int) -> None:
        events = [e for e in self.model.adt if e[2] != "A40"]
        if events:
            time, told, kind, patient, bed = events[index % len(events)]
            self.do(
                self.scene.adt(
                    kind,
                    self.mrn(patient),
                    time,
                    "" if bed is None else f"{self.tag}B{bed}",
                    recorded=told,
                    visit=f"V{self.tag}",
                )
            )
            self.do(self.scene.work())

    @rule(old=patients, new=patients)
    def merge(self, old: int, new: int) -> None:
        if self.model.who(old) == self.model.who(new) or not self.model.known(old):
            return
        self.told += 1
        self.model.adt.append((END, self.told, "A40", new, None))
        self.model.survivor[self.model.who(old)] = self.model.who(new)
        self.do(self.scene.adt("A40", self.mrn(new), END, recorded=self.told, merged=[self.mrn(old)]))
        self.do(self.scene.work())

    @rule(device=devices, bed=beds, time=times)
    def move(self, device: int, bed: int, time: int) -> None:
        self.model.seats[device][time] = bed

        async def act() -> None:
            async with transaction(self.scene.pool) as conn:
                await fleet.move(
                    self.scene.parts, conn, self.ids[device], self.places[bed], by="tech", at=self.scene.minute(time)
                )

        self.do(act())

    @rule(device=devices, time=times, patient=st.one_of(st.none(), patients), half=st.booleans())
    def measure(self, device: int, time: int, patient: int | None, half: bool) -> None:
        """A value, often with the patient whom the device believes to measure."""
        self.told += 1
        values: list[Any] = [reading(HR, str(self.told), self.scene.minute(time))]
        if patient is not None or half:
            said = self.model.named[device]
            self.say(said, time, patient)
            values.append(hint(self.mrn(patient)) if patient is not None else hint(unknown=True))
        self.do(self.scene.put(*values, device=f"{self.tag}-D{device}", received=self.scene.minute(time)))
        self.do(self.scene.work())

    def say(self, said: dict[float, int | None], time: float, patient: int | None) -> None:
        """The written rule: a change holds until the next one; a late message speaks for its moment only."""

        def at(t: float) -> int | None:
            before = [s for s in said if s <= t]
            return said[max(before)] if before else None

        if time >= max(said, default=0):
            if patient != at(time):
                said[time] = patient
        elif at(time) != patient:
            before = at(time)
            said[time] = patient
            if time + 1e-9 not in said:
                said[time + 1e-9] = before

    @rule(device=devices, patient=patients, time=times, length=st.one_of(st.none(), st.integers(1, 20)))
    def bind(self, device: int, patient: int, time: int, length: int | None) -> None:
        if not self.model.known(patient):
            return
        stop = None if length is None else time + length
        self.decide(device, time, stop, patient)
        self.act(
            binding.bind,
            device,
            self.do(self.scene.patient(self.mrn(patient))),
            by="nurse",
            at=self.scene.minute(time),
            stop=None if stop is None else self.scene.minute(stop),
        )

    def decide(
        self,
        device: int,
        start: int,
        stop: int | None,
        patient: int | None,
        *,
        release: bool = False,
        ends_with: int | None = None,
    ) -> None:
        ends = patient if patient is not None else ends_with
        self.model.hands[device].append(Decision(start, stop, patient, release, None if stop is not None else ends))

    def act(self, function: Any, device: int, *args: Any, **more: Any) -> None:
        async def run() -> None:
            async with transaction(self.scene.pool) as conn:
                await function(self.scene.parts, conn, self.ids[device], *args, **more)

        self.do(run())

    @rule(device=devices, patient=patients, bed=beds, time=times, off=st.booleans())
    def stay(self, device: int, patient: int, bed: int, time: int, off: bool) -> None:
        """A whole stay: admitted, bound (and perhaps taken off) by hand, gone, and the device measures on."""
        self.admit(patient, bed, time)
        self.bind(device, patient, time + 1, None)
        if off:
            self.unbind(device, time + 3)
        self.measure(device, time + 4, None, False)
        self.discharge(patient, time + 5)
        self.measure(device, time + 6, None, False)

    @rule(device=devices, patient=patients, bed=beds, time=times)
    def trip(self, device: int, patient: int, bed: int, time: int) -> None:
        """A transfer that is taken back after the device of the old bed has measured."""
        self.move(device, bed, time)
        self.adt("A01", patient, time, bed)
        self.adt("A02", patient, time + 2, 1 - bed)
        self.measure(device, time + 3, None, False)
        self.adt("A12", patient, time + 2, bed)

    @rule(device=devices, time=times)
    def unbind(self, device: int, time: int) -> None:
        present = self.model.patient_at(device, time)
        if self.model.modes[device][max(self.model.modes[device])] != "accepted":
            return
        self.decide(device, time, None, None, ends_with=present)
        self.act(binding.unbind, device, by="nurse", at=self.scene.minute(time))

    @rule(device=devices, time=times)
    def release(self, device: int, time: int) -> None:
        self.decide(device, time, None, None, release=True)
        self.act(binding.release, device, by="nurse", at=self.scene.minute(time))

    @rule(device=devices, patient=patients, time=times, length=st.integers(1, 20))
    def claim(self, device: int, patient: int, time: int, length: int) -> None:
        if not self.model.known(patient):
            return
        ident = self.do(self.scene.patient(self.mrn(patient)))
        try:
            self.act(
                binding.claim, device, self.scene.minute(time), self.scene.minute(time + length), ident, by="nurse"
            )
        except Conflict:
            return
        self.decide(device, time, time + length, patient)

    @rule(device=devices, patient=st.one_of(st.none(), patients), index=st.integers(0, 20))
    def correct(self, device: int, patient: int | None, index: int) -> None:
        """The whole of one interval was somebody else's."""
        if patient is not None and not self.model.known(patient):
            return
        rows = self.do(
            self.scene.pool.fetch("SELECT * FROM binding WHERE device_id = $1 ORDER BY start", self.ids[device])
        )
        row = rows[index % len(rows)]
        if (row["start"] - START) % MINUTE or row["start"] == START:
            return  # boundaries between minutes are not in the model
        if row["stop"] is not None and (row["stop"] - START) % MINUTE:
            return
        start = (row["start"] - START) // MINUTE
        stop = None if row["stop"] is None else (row["stop"] - START) // MINUTE
        was = self.model.patient_at(device, start)
        self.decide(device, start, stop, patient, ends_with=was)

        async def act() -> None:
            async with transaction(self.scene.pool) as conn:
                who = await self.scene.patient(self.mrn(patient)) if patient is not None else None
                await binding.correct(
                    self.scene.parts, conn, row["binding_id"], who, by="nurse", reason="wrong patient"
                )

        self.do(act())

    @invariant()
    def every_value_belongs_to_who_was_on_the_device(self) -> None:
        if not hasattr(self, "ids"):
            return
        self.do(self.check())

    async def check(self) -> None:
        pool = self.scene.pool
        rows = await pool.fetch(
            """
            SELECT p.device_id, p.time, c.observation_id, c.voided IS NOT NULL AS voided, p.point_id
            FROM chart_point p LEFT JOIN charted c USING (point_id) WHERE p.device_id = ANY($1::text[])""",
            self.ids,
        )
        names = {await self.scene.patient(self.mrn(p)): self.model.who(p) for p in range(PATIENTS)}
        stored = await self.scene.record.read_many(
            [("Observation", r["observation_id"]) for r in rows if r["observation_id"]]
        )
        bodies = {s.id: loads(s.body) for s in stored if s.body}
        standing: dict[int, list[str]] = {}
        expected: dict[int, int | None] = {}
        for r in rows:
            standing.setdefault(r["point_id"], [])
            device, time = self.ids.index(r["device_id"]), (r["time"] - START) // MINUTE
            expected[r["point_id"]] = self.model.patient_at(device, time)
            if r["observation_id"] is None:
                continue
            body = bodies[r["observation_id"]]
            assert (body["status"] == "entered-in-error") == r["voided"]
            if not r["voided"]:
                standing[r["point_id"]].append(body["subject"]["reference"].removeprefix("Patient/"))
        for point, subjects in standing.items():
            want = expected[point]
            assert [names[s] for s in subjects] == ([] if want is None else [want])


@pytest.mark.parametrize("count", [12])
def test_charted_values_belong_to_who_was_on_the_device(cluster: Any, count: int) -> None:
    drive(cluster, count, 25)


@pytest.mark.slow
def test_charted_values_belong_to_who_was_on_the_device_for_long(cluster: Any) -> None:
    drive(cluster, 80, 40)


def drive(cluster: Any, count: int, steps: int) -> None:
    loop = asyncio.new_event_loop()
    name = "property_ward"

    async def prepare() -> Scene:
        admin = await asyncpg.connect(cluster.dsn)
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE pattern STRATEGY file_copy")
        await admin.close()
        pool = await open_pool(cluster.dsn.replace("///wardbridge", f"///{name}"), size=4)
        return await scene(pool, charting={str(HR): {"mode": "episodic"}})

    Ward.loop = loop
    Ward.scene = loop.run_until_complete(prepare())
    try:
        run_state_machine_as_test(
            Ward,
            settings=settings(
                max_examples=count, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
    finally:
        loop.run_until_complete(Ward.scene.intake.close())
        loop.run_until_complete(Ward.scene.pool.close())
        loop.close()
