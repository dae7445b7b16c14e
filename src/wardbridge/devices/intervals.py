"""Who was on a device at which time: a pure function of facts (DESIGN section 2, rule 1).

A person's decision (hand) beats a patient named on the wire (pid), which beats the place. Nothing is
chosen in silence: where facts disagree the span says so (``conflict``), and where no rule can decide the
span has no patient, so that its data is kept unbound and can be claimed.

conflict: ``pid-place`` the device names another patient than the one in its bed; ``pid-unknown`` it names
one we do not know while its bed has somebody; ``place-shared`` two patients are said to be in one bed;
``hand-pid`` a person chose otherwise than the device says.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

import msgspec

FOREVER = 1 << 62


class Mode(msgspec.Struct, frozen=True):
    """From ``start`` on the device is admitted as ``state``."""

    start: int
    state: str


class Seat(msgspec.Struct, frozen=True):
    """From ``start`` on the device stands at ``place_id`` (empty: nowhere known)."""

    start: int
    place_id: str


class Stay(msgspec.Struct, frozen=True):
    """A patient in a place, [start, stop)."""

    patient_id: str
    start: int
    stop: int = FOREVER
    place_id: str = ""
    visit: str = ""


class Subject(msgspec.Struct, frozen=True):
    """From ``start`` on the device names these ids; ``patients`` are those we know by them."""

    start: int
    ids: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()


class Hand(msgspec.Struct, frozen=True):
    """A person's decision for [start, stop); later ``order`` wins. ``release`` hands back to the rules.

    An empty ``patient_id`` means taken off. An open decision ends when the patient ``ends_with`` leaves.
    """

    order: int
    start: int
    stop: int = FOREVER
    patient_id: str = ""
    ends_with: str = ""
    release: bool = False
    by: str = ""


class Facts(msgspec.Struct, frozen=True):
    """All that is known of one device. ``stays`` are of every patient that another fact leads to."""

    modes: Sequence[Mode] = ()
    seats: Sequence[Seat] = ()
    subjects: Sequence[Subject] = ()
    hands: Sequence[Hand] = ()
    stays: Sequence[Stay] = ()
    bindable: frozenset[str] = frozenset()


class Span(msgspec.Struct, frozen=True):
    """One derived interval [start, stop). ``patient_id`` is empty where nobody is bound (see ``reason``)."""

    start: int
    stop: int = FOREVER
    patient_id: str = ""
    visit: str = ""
    place_id: str = ""
    source: str = ""
    by: str = ""
    reason: str = ""
    conflict: str = ""
    others: tuple[str, ...] = ()

    @property
    def answer(self) -> tuple[str, str, str, str, str, str, str, tuple[str, ...]]:
        """Everything except the times: neighbours with one answer are one span."""
        return (
            self.patient_id,
            self.visit,
            self.place_id,
            self.source,
            self.by,
            self.reason,
            self.conflict,
            self.others,
        )


def derive(facts: Facts, since: int = 0) -> list[Span]:
    """The spans from the later of ``since`` and the first mode on, without gaps, the last one open."""
    if not facts.modes:
        return []
    begin = max(since, facts.modes[0].start)
    hands = [_ended(hand, facts.stays) for hand in facts.hands]
    spans: list[Span] = []
    for start, stop in _pieces(facts, hands, begin):
        span = _at(facts, hands, start, stop)
        if spans and spans[-1].answer == span.answer:
            span = msgspec.structs.replace(span, start=spans.pop().start)
        spans.append(span)
    return spans


def presence_end(stays: Iterable[Stay], patient_id: str, start: int) -> int:
    """When the patient, present at ``start``, left (transfers are no leaving); FOREVER where not present."""
    end = start
    for stay in sorted((s for s in stays if s.patient_id == patient_id), key=lambda s: s.start):
        if stay.start <= end < stay.stop:
            end = stay.stop
    return end if end > start else FOREVER


def at(spans: Sequence[Span], time: int) -> Span | None:
    """The span of ``spans`` (sorted) that holds ``time``."""
    index = bisect_right(spans, time, key=lambda span: span.start) - 1
    if index < 0 or spans[index].stop <= time:
        return None
    return spans[index]


def match(ids: Sequence[str], known: Mapping[str, str], values: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The patients that ids from the wire name. ``known`` maps ``authority|value`` to a patient;
    ``values`` maps the bare value to every patient that has it, and counts only where it is one alone
    and the id came without an authority."""
    found: list[str] = []
    for text in ids:
        authority, _, value = text.rpartition("|")
        patient = known.get(text)
        if patient is None and not authority:
            candidates = set(values.get(value, ()))
            patient = candidates.pop() if len(candidates) == 1 else None
        if patient is not None and patient not in found:
            found.append(patient)
    return tuple(found)


def _ended(hand: Hand, stays: Sequence[Stay]) -> Hand:
    """An open decision must not outlive the stay that it was made in."""
    if not hand.ends_with or hand.stop != FOREVER:
        return hand
    return msgspec.structs.replace(hand, stop=presence_end(stays, hand.ends_with, hand.start))


def _pieces(facts: Facts, hands: Sequence[Hand], begin: int) -> list[tuple[int, int]]:
    cuts = {begin}
    changes: tuple[Mode | Seat | Subject, ...] = (*facts.modes, *facts.seats, *facts.subjects)
    cuts.update(change.start for change in changes)
    lasting: tuple[Hand | Stay, ...] = (*hands, *facts.stays)
    for fact in lasting:
        cuts.update((fact.start, fact.stop))
    ordered = sorted(cut for cut in cuts if begin <= cut < FOREVER)
    return list(zip(ordered, [*ordered[1:], FOREVER], strict=True))


def _last(changes: Sequence[Mode | Seat | Subject], time: int) -> Mode | Seat | Subject | None:
    index = bisect_right(changes, time, key=lambda change: change.start) - 1
    return changes[index] if index >= 0 else None


def _at(facts: Facts, hands: Sequence[Hand], start: int, stop: int) -> Span:
    mode = _last(facts.modes, start)
    seat = _last(facts.seats, start)
    place = seat.place_id if isinstance(seat, Seat) else ""
    if not isinstance(mode, Mode) or mode.state != "accepted":
        return Span(start, stop, place_id=place, reason=mode.state if isinstance(mode, Mode) else "unknown")
    subject = _last(facts.subjects, start)
    named = subject if isinstance(subject, Subject) else Subject(start)
    hand = max((h for h in hands if h.start <= start < h.stop), key=lambda h: h.order, default=None)
    span = _by_hand(hand, named, start, stop, place) if hand is not None and not hand.release else None
    if span is None:
        span = _by_rule(facts, named, start, stop, place)
    return msgspec.structs.replace(span, visit=_visit(facts.stays, span.patient_id, start))


def _by_hand(hand: Hand, named: Subject, start: int, stop: int, place: str) -> Span:
    if not hand.patient_id:
        return Span(start, stop, place_id=place, source="hand", by=hand.by, reason="taken off")
    others = tuple(p for p in named.patients if p != hand.patient_id)
    return Span(
        start,
        stop,
        hand.patient_id,
        place_id=place,
        source="hand",
        by=hand.by,
        conflict="hand-pid" if others else "",
        others=others,
    )


def _by_rule(facts: Facts, named: Subject, start: int, stop: int, place: str) -> Span:
    here = (
        ()
        if place not in facts.bindable
        else tuple(sorted({s.patient_id for s in facts.stays if s.place_id == place and s.start <= start < s.stop}))
    )
    if len(named.patients) == 1:
        others = tuple(p for p in here if p != named.patients[0])
        against = "pid-place" if others and named.patients[0] not in here else ""
        return Span(
            start,
            stop,
            named.patients[0],
            place_id=place,
            source="pid",
            conflict=against,
            others=others if against else (),
        )
    if len(named.patients) > 1:
        return Span(
            start,
            stop,
            place_id=place,
            reason="the device names several patients",
            conflict="pid-place",
            others=named.patients,
        )
    if named.ids:
        return Span(
            start,
            stop,
            place_id=place,
            reason="the device names a patient who is not known",
            conflict="pid-unknown" if here else "",
            others=here,
        )
    if len(here) == 1:
        return Span(start, stop, here[0], place_id=place, source="adt")
    if here:
        return Span(
            start, stop, place_id=place, reason="several patients in one place", conflict="place-shared", others=here
        )
    return Span(start, stop, place_id=place, reason="no patient in the place" if place else "no place")


def _visit(stays: Sequence[Stay], patient_id: str, time: int) -> str:
    if patient_id:
        for stay in stays:
            if stay.patient_id == patient_id and stay.start <= time < stay.stop:
                return stay.visit
    return ""
