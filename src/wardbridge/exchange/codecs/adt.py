"""ADT: what a hospital system says of patients, stays and places (HL7 v2.9 chapter 3).

A01 admit, A02 transfer, A03 discharge, A04 register, A08 update, A11 to A13 cancels of the first three,
A40 merge; others are read the same way and left to the caller. Reading is pure and never raises on
content: what is missing comes back as problems.
"""

from __future__ import annotations

from datetime import UTC, tzinfo

import msgspec

from wardbridge.exchange.codecs.hl7v2.dtm import parse_dtm
from wardbridge.exchange.codecs.hl7v2.errors import DATA_TYPE, REQUIRED_FIELD, UNSUPPORTED_EVENT, Problem
from wardbridge.exchange.codecs.hl7v2.message import Message, Segment
from wardbridge.exchange.codecs.hl7v2.msh import msh_of

APPLIED = frozenset({"A01", "A02", "A03", "A04", "A08", "A11", "A12", "A13", "A40"})
NULL = '""'


class PatientId(msgspec.Struct, frozen=True):
    """One identifier (CX): value, assigning authority (universal id where it has one, else name), type
    of HL7 table 0203 (MR, PI, VN ...)."""

    value: str
    authority: str = ""
    type: str = ""

    def __str__(self) -> str:
        authority = self.authority or (f"<{self.type}>" if self.type else "")
        return f"{authority}|{self.value}"


class Place(msgspec.Struct, frozen=True):
    """A location (PL): unit (point of care), room, bed, facility; '' for what is not said."""

    unit: str = ""
    room: str = ""
    bed: str = ""
    facility: str = ""

    def __bool__(self) -> bool:
        return bool(self.unit or self.room or self.bed)

    def __str__(self) -> str:
        """`unit^room^bed`, as SubjectHint.place has it, '' for no place."""
        return f"{self.unit}^{self.room}^{self.bed}".rstrip("^")


class Person(msgspec.Struct, frozen=True):
    """A name (XPN, XCN)."""

    family: str = ""
    given: str = ""
    middle: str = ""
    id: str = ""


class Merge(msgspec.Struct, frozen=True):
    """One PID and MRG pair of an A40: `prior` are the identifiers that stop being used."""

    ids: tuple[PatientId, ...]
    prior: tuple[PatientId, ...]


class AdtEvent(msgspec.Struct, frozen=True):
    """One ADT message.

    Times are microseconds since 1970 UTC, 0 where not said. `occurred` is EVN-6, else EVN-2, else MSH-7;
    `recorded` is EVN-2, else MSH-7. `birth_date` is as written, cut to the day (YYYY, YYYYMM or
    YYYYMMDD). `cleared` names fields that the sender sets to HL7 null: "" means delete, not unknown.
    """

    trigger: str
    control_id: str
    occurred: int
    recorded: int
    ids: tuple[PatientId, ...] = ()
    name: Person = Person()
    birth_date: str = ""
    sex: str = ""
    deceased: bool = False
    visit: str = ""
    account: str = ""
    patient_class: str = ""
    place: Place = Place()
    prior_place: Place = Place()
    attending: Person = Person()
    admitted: int = 0
    discharged: int = 0
    merges: tuple[Merge, ...] = ()
    cleared: tuple[str, ...] = ()


def read_adt(message: Message, zone: tzinfo = UTC) -> tuple[AdtEvent, tuple[Problem, ...]]:
    """The event of an ADT message and what is odd about it. `zone` is the site's time zone."""
    msh = msh_of(message)
    assumed = msh.zone(zone)
    problems = list(message.problems)
    evn, pid, pv1 = message.first("EVN"), message.first("PID"), message.first("PV1")

    def time(segment: Segment | None, field: int) -> int:
        text = segment.get(field) if segment is not None else ""
        if not text or text == NULL:
            return 0
        moment = parse_dtm(text, assumed)
        if moment is None and segment is not None:
            problems.append(Problem("the time cannot be read", f"{segment.name}[1]-{field}", DATA_TYPE))
        return moment.micros if moment else 0

    sent = time(message.header, 7)
    recorded = time(evn, 2) or sent
    trigger = msh.trigger or (evn.get(1) if evn else "")
    if trigger not in APPLIED:
        problems.append(Problem("this event is not applied", "MSH[1]-9", UNSUPPORTED_EVENT))
    if pid is None:
        problems.append(Problem("the patient is missing", "PID[1]", REQUIRED_FIELD))
    merges = _merges(message)
    ids = _ids(pid, 3)
    if not ids and not merges:
        problems.append(Problem("no patient identifier", "PID[1]-3", REQUIRED_FIELD))
    return (
        AdtEvent(
            trigger=trigger,
            control_id=msh.control_id,
            occurred=time(evn, 6) or recorded,
            recorded=recorded,
            ids=ids,
            name=_person(pid, 5, 0),
            birth_date=_value(pid, 7)[:8],
            sex=_value(pid, 8),
            deceased=_value(pid, 30).upper() == "Y" or bool(_value(pid, 29)),
            visit=_value(pv1, 19),
            account=_value(pid, 18),
            patient_class=_value(pv1, 2),
            place=_place(pv1, 3),
            prior_place=_place(pv1, 6),
            attending=_person(pv1, 7, 1),
            admitted=time(pv1, 44),
            discharged=time(pv1, 45),
            merges=merges,
            cleared=_cleared(pid, pv1),
        ),
        tuple(problems),
    )


def _value(segment: Segment | None, field: int, component: int = 1) -> str:
    text = segment.get(field, component).strip() if segment is not None else ""
    return "" if text == NULL else text


def _ids(segment: Segment | None, field: int) -> tuple[PatientId, ...]:
    """The identifiers of a CX field. An authority is a HD: its universal id wins over its name."""
    if segment is None:
        return ()
    found = []
    for rep in range(1, len(segment.repetitions(field)) + 1):
        value = segment.get(field, 1, 1, rep).strip()
        if not value or value == NULL:
            continue
        authority = segment.get(field, 4, 2, rep).strip() or segment.get(field, 4, 1, rep).strip()
        found.append(PatientId(value, authority, segment.get(field, 5, 1, rep).strip()))
    return tuple(found)


def _person(segment: Segment | None, field: int, shift: int) -> Person:
    """A name: XPN from its first component, XCN with the id before it (`shift` 1)."""
    parts = [_value(segment, field, number + shift) for number in (1, 2, 3)]
    own = _value(segment, field, 1) if shift else ""
    return Person(parts[0], parts[1], parts[2], own)


def _place(segment: Segment | None, field: int) -> Place:
    parts = [_value(segment, field, number) for number in (1, 2, 3, 4)]
    return Place(*parts)


def _merges(message: Message) -> tuple[Merge, ...]:
    """Every PID that is followed by an MRG: an A40 may hold several pairs."""
    found = []
    pid: Segment | None = None
    for segment in message.segments:
        if segment.name == "PID":
            pid = segment
        elif segment.name == "MRG" and pid is not None:
            found.append(Merge(_ids(pid, 3), _ids(segment, 1)))
    return tuple(found)


_CLEARABLE = (
    ("name", "PID", 5),
    ("birth_date", "PID", 7),
    ("sex", "PID", 8),
    ("place", "PV1", 3),
    ("visit", "PV1", 19),
    ("attending", "PV1", 7),
)


def _cleared(pid: Segment | None, pv1: Segment | None) -> tuple[str, ...]:
    segments = {"PID": pid, "PV1": pv1}
    return tuple(
        name
        for name, where, field in _CLEARABLE
        if (segment := segments[where]) is not None and segment.raw(field) == NULL
    )
