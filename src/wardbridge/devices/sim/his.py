"""The simulated HIS: ADT out over MLLP (admit, update, move, discharge, merge), ORU^R01 in, acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from wardbridge.core.clock import SECOND, Clock, to_datetime
from wardbridge.devices.sim.link import END, START
from wardbridge.devices.sim.people import DOCTORS, MRN_AUTHORITY, VISIT_AUTHORITY, Person
from wardbridge.devices.sim.rows import CHARSET, Outgoing
from wardbridge.devices.sim.script import Event, Script
from wardbridge.exchange.codecs.hl7v2.ack import Disposition, build_ack, plan_acks
from wardbridge.exchange.codecs.hl7v2.build import Field, Header, build, segment
from wardbridge.exchange.codecs.hl7v2.dtm import format_dtm
from wardbridge.exchange.codecs.hl7v2.errors import Hl7Error
from wardbridge.exchange.codecs.hl7v2.msh import read_msh

STRUCTURES = {"A01": "ADT_A01", "A02": "ADT_A02", "A03": "ADT_A03", "A08": "ADT_A01", "A40": "ADT_A39"}
SEX = {"male": "M", "female": "F"}
EMERGENCY = "ED^^"


class Registrar:
    """Writes the ADT messages of the ward. Ward seconds in, messages out, each once."""

    def __init__(self, script: Script, people: Sequence[Person], start: int, speed: float) -> None:
        self._script, self._people = script, people
        self._start, self._speed = start, speed
        self._count = 0
        self._last = -1.0

    def step(self, t: float) -> list[Outgoing]:
        """What happened since the last step; the admissions come first. ``t`` in wall seconds."""
        at, said = t * self._speed, []
        if self._last < 0:
            for person, bed in zip(self._people, self._script.beds, strict=True):
                if any(event.kind == "merge" and event.bed == bed.number for event in self._script.events):
                    double = registered_twice(person)
                    said += [
                        self._message(trigger, double, EMERGENCY, t, ago=hours)
                        for trigger, hours in (("A01", 3), ("A03", 2))
                    ]
                said.append(self._message("A01", person, bed.place, t))
        for event in self._script.events:
            if self._last < event.at <= at:
                said += self._tell(event, t)
        self._last = at
        return said

    def _tell(self, event: Event, t: float) -> list[Outgoing]:
        number = self._script.patient_at(event.bed, event.at - 1e-6)
        if number is None:
            return []
        person, place = self._people[number - 1], self._place(event.bed)
        if event.kind == "update":
            return [self._message("A08", person, place, t, doctor=(person.doctor + 1) % len(DOCTORS))]
        if event.kind == "discharge":
            return [self._message("A03", person, place, t)]
        if event.kind == "merge":
            return [self._message("A40", person, place, t, merged=registered_twice(person).mrn)]
        if event.kind == "move" and self._script.patient_at(event.to_bed, event.at) == number:
            return [self._message("A02", person, self._place(event.to_bed), t, prior=place)]
        return []

    def _place(self, bed: int) -> str:
        return self._script.beds[bed - 1].place

    def _message(
        self,
        trigger: str,
        person: Person,
        place: str,
        t: float,
        prior: str = "",
        doctor: int | None = None,
        merged: str = "",
        ago: int = 0,
    ) -> Outgoing:
        """One ADT message. ``ago`` is how many hours before it is told it happened (EVN-6)."""
        self._count += 1
        now = self._start + round(t * SECOND)
        control = f"HIS{self._start // SECOND:X}{self._count:05d}"
        header = Header(
            type=("ADT", trigger, STRUCTURES[trigger]),
            control_id=control,
            time=now,
            version="2.5.1",
            sending_app="SEAHILL_HIS",
            sending_facility="SEAHILL",
            receiving_app="WARDBRIDGE",
            accept_ack="NE",
            application_ack="AL",
            charset=CHARSET,
        )
        occurred = now - ago * 3600 * SECOND
        rows = [
            segment("EVN", {1: trigger, 2: format_dtm(now), 6: format_dtm(occurred)}),
            self._pid(person),
        ]
        if merged:
            rows.append(segment("MRG", {1: (merged, "", "", tuple(MRN_AUTHORITY.split("&")), "MR")}))
        else:
            rows.append(self._pv1(person, trigger, place, prior, doctor, occurred))
        return Outgoing("adt", control, build(header, rows))

    def _pid(self, person: Person) -> str:
        return segment(
            "PID",
            {
                1: "1",
                3: (person.mrn, "", "", tuple(MRN_AUTHORITY.split("&")), "MR"),
                5: (person.family, person.given, "", "", "", "", "L"),
                7: person.born.strftime("%Y%m%d"),
                8: SEX[person.sex],
                11: (person.street, "", "Seahill", "", "SH1 4QX", "GB", "H"),
                13: (person.phone, "PRN", "PH"),
            },
        )

    def _pv1(self, person: Person, trigger: str, place: str, prior: str, doctor: int | None, now: int) -> str:
        attending = DOCTORS[person.doctor if doctor is None else doctor]
        stay = 3 if place == EMERGENCY else 36
        admitted = self._start - stay * 3600 * SECOND
        fields: dict[int, Field] = {
            1: "1",
            2: "E" if place == EMERGENCY else "I",
            3: tuple(place.split("^")),
            6: tuple(prior.split("^")),
            7: (*attending, "", "", "Dr"),
            10: "CCM",
            19: (person.visit, "", "", tuple(VISIT_AUTHORITY.split("&")), "VN"),
            44: format_dtm(admitted),
        }
        if trigger == "A03":
            fields[45] = format_dtm(now)
        return segment("PV1", fields)


def registered_twice(person: Person) -> Person:
    """The same person under a second number: registered in emergency in haste, merged later (A40)."""
    return replace(person, mrn=f"9{person.number * 2113:06d}", visit=f"E{person.visit[1:]}")


class Receiver:
    """The HIS's end for results: takes ORU^R01 over MLLP, keeps counts, answers as asked.

    ``dead`` closes every connection without an answer, ``refuse`` answers AE: what a broken HIS does.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._controls: set[str] = set()
        self.dead = False
        self.refuse = False
        self.counts: Counter[str] = Counter()
        self.last = ""

    async def start(self, host: str, port: int) -> int:
        """Listen; the port in use (for ``port`` 0). Raises OSError when it is taken."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=1 << 22)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()
        if self._server is not None:
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while not self.dead:
                frame = await reader.readuntil(END)
                for answer in self.answer(frame[frame.rfind(START) + 1 : -len(END)]):
                    writer.write(START + answer + END)
                await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError):
            self.counts["broken"] += 1
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def answer(self, raw: bytes) -> list[bytes]:
        """The acknowledgements of one message; counts it."""
        try:
            msh = read_msh(raw)
        except Hl7Error:
            self.counts["unreadable"] += 1
            return []
        self.counts[msh.type + ("^" + msh.trigger if msh.trigger else "")] += 1
        self.counts["messages"] += 1
        self.counts["repeated"] += msh.control_id in self._controls
        if len(self._controls) >= 50_000:
            self._controls.clear()
        self._controls.add(msh.control_id)
        now = self._clock.now()
        self.last = to_datetime(now).isoformat()
        disposition = Disposition("error" if self.refuse else "accept", "accept")
        number = self.counts["messages"]
        return [
            build_ack(msh, ack, f"SEAHILL{now // SECOND:X}{number:06d}{n}", now, "SEAHILL_HIS")
            for n, ack in enumerate(plan_acks(msh, disposition))
        ]
