"""A small hospital for tests: real database, real record, real intake log, real pipeline, fake clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from wardbridge.core.clock import MINUTE, SECOND, FakeClock
from wardbridge.core.db import transaction
from wardbridge.core.ids import counted_ids
from wardbridge.devices import fleet, places
from wardbridge.devices.adt import Told
from wardbridge.devices.people import Details
from wardbridge.devices.pipeline.batch import Sinks
from wardbridge.devices.pipeline.pipeline import Pipeline
from wardbridge.devices.pipeline.sink import as_entry
from wardbridge.devices.ports import Parts
from wardbridge.devices.record import FhirRecord
from wardbridge.devices.values import Batch, Identity, Reading, SubjectHint
from wardbridge.exchange.intake.entry import Entry, Row
from wardbridge.exchange.intake.log import Intake
from wardbridge.fhir.json import loads
from wardbridge.fhir.store.record import Record

START = 1_767_225_600 * SECOND
HR, SPO2, SYS, DIA, MEAN, PEEP_SET, RATE = 147842, 150456, 150021, 150022, 150023, 16929192, 157784
NAMES = {
    HR: "MDC_ECG_HEART_RATE",
    SPO2: "MDC_PULS_OXIM_SAT_O2",
    SYS: "MDC_PRESS_BLD_NONINV_SYS",
    DIA: "MDC_PRESS_BLD_NONINV_DIA",
    MEAN: "MDC_PRESS_BLD_NONINV_MEAN",
}
UNITS = {HR: "/min", SPO2: "%", SYS: "mm[Hg]", DIA: "mm[Hg]", MEAN: "mm[Hg]"}


def reading(code: int, text: str, time: int, **more: Any) -> Reading:
    """A reading as a driver would make it."""
    try:
        number: float | None = float(text)
    except ValueError:
        number = None
    unit = UNITS.get(code, more.pop("ucum", ""))
    channel = more.pop("channel", f"69965/69966/{code}")
    return Reading(channel, code, NAMES.get(code, more.pop("refid", "")), text, number, unit, unit, time, **more)


_told = msgspec.msgpack.Decoder(Told)


def told(row: Row) -> Sequence[Told]:
    return (_told.decode(row.payload),)


@dataclass
class Scene:
    """What a test plays with. ``minute(n)`` is n minutes after the start, in µs."""

    pool: Any
    clock: FakeClock
    record: Record
    parts: Parts
    intake: Intake
    pipeline: Pipeline
    count: int = 0
    sinks: Sinks = field(default_factory=Sinks)

    def minute(self, n: float) -> int:
        return START + round(n * MINUTE)

    async def put(self, *values: Any, device: str = "MON1", received: int = 0, link: str = "mllp", **more: Any) -> int:
        """A device message into the log; its sequence."""
        self.count += 1
        batch = Batch(
            link,
            device,
            received or self.clock.now(),
            tuple(values),
            b"raw%d" % self.count,
            device,
            str(self.count),
            **more,
        )
        return (await self.intake.put(as_entry(batch))).sequence

    async def adt(
        self,
        kind: str,
        mrn: str,
        at: float,
        place: str = "",
        *,
        recorded: float | None = None,
        visit: str = "",
        merged: Sequence[str] = (),
        **details: Any,
    ) -> int:
        """An ADT message into the log. ``place`` is a bed of ward ICU, ``at`` in minutes."""
        self.count += 1
        patient = Details(
            (f"HIS|{mrn}",), details.pop("family", f"Family {mrn}"), details.pop("given", "Given"), **details
        )
        event = Told(
            kind,
            patient,
            self.minute(at),
            self.minute(at if recorded is None else recorded),
            visit or f"V{mrn}",
            f"ICU^^{place}" if place else "",
            tuple(f"HIS|{m}" for m in merged),
            "I",
        )
        body = msgspec.msgpack.encode(event)
        return (
            await self.intake.put(
                Entry("adt", "his", "HIS", str(self.count), self.clock.now(), b"adt%d" % self.count, body)
            )
        ).sequence

    async def work(self) -> None:
        """Let the pipeline deal with everything that is in the log."""
        while await self.pipeline.step():
            pass

    async def bed(self, name: str) -> str:
        async with transaction(self.pool) as conn:
            place = await places.ensure(self.parts, conn, "ICU", "", name)
        assert place is not None
        return place.place_id

    async def device(self, key: str = "MON1", bed: str = "1") -> str:
        """An accepted device that stands at a bed from the start on."""
        place = await self.bed(bed) if bed else None
        await self.put(
            Identity(key, manufacturer="Acme", model="M1", serial=f"S-{key}", type_code=69965),
            device=key,
            received=START,
        )
        await self.work()
        found = next(d for d in await fleet.list_devices(self.pool) if d.key == key)
        async with transaction(self.pool) as conn:
            await fleet.accept(self.parts, conn, found.device_id, "Practitioner/tech", place, since=START)
        return found.device_id

    async def patient(self, mrn: str) -> str:
        """The id of a patient by number."""
        return str(await self.pool.fetchval("SELECT patient_id FROM patient_key WHERE key = $1", f"HIS|{mrn}"))

    async def resources(self, kind: str) -> list[dict[str, Any]]:
        """All resources of a type, as they are now."""
        found = []
        cursor = ""
        while True:
            query = self.record.query([kind], [("_count", "500"), *([("_cursor", cursor)] if cursor else [])])
            page = await self.record.search(query)
            found += [loads(s.body) for s in page.matches if s.body]
            cursor = page.cursor
            if not cursor:
                return found

    async def observations(self, *, wrong: bool = False) -> list[dict[str, Any]]:
        """Charted Observations in order of time, without the voided ones unless ``wrong``."""
        found = [o for o in await self.resources("Observation") if wrong or o["status"] != "entered-in-error"]
        return sorted(found, key=lambda o: (o.get("effectiveDateTime", ""), o["id"]))

    async def charted(self) -> dict[tuple[str, str], str]:
        """(time, code text) of each standing Observation to its patient's id."""
        return {
            (o["effectiveDateTime"][11:19], o["code"]["text"]): o["subject"]["reference"].removeprefix("Patient/")
            for o in await self.observations()
        }


async def scene(pool: Any, *, sinks: Sinks | None = None, **more: Any) -> Scene:
    """A fresh scene on a fresh database."""
    clock = FakeClock(START)
    record = Record(pool, clock, counted_ids("r"))
    await record.load()
    parts = Parts(FhirRecord(record), clock, counted_ids("d"), **more)
    all_sinks = Sinks(sinks.alerts if sinks else (), sinks.events if sinks else (), told)
    return Scene(pool, clock, record, parts, Intake(pool, clock), Pipeline(pool, parts, all_sinks), sinks=all_sinks)


def hint(*ids: str, place: str = "", unknown: bool = False) -> SubjectHint:
    return SubjectHint(tuple(f"HIS|{i}" for i in ids), place=place, unknown=unknown)
