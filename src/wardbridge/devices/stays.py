"""Where a patient lay, from the ADT events that were heard: a pure function of the whole set.

Because the set is replayed and never patched, a repeated event changes nothing, a late one falls into
its place, and a cancel (A11, A12, A13) undoes exactly what it names: the latest event of its kind in the
same visit that was recorded before it, with the repeats of that event. HL7 v2 chapter 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from wardbridge.devices.intervals import FOREVER, Stay

CANCELS = {"A11": ("A01", "A04", "A05"), "A12": ("A02",), "A13": ("A03",)}
ADMITS = frozenset({"A01", "A04", "A05"})
MOVES = frozenset({"A02"})
LEAVES = frozenset({"A03"})
UPDATES = frozenset({"A08"})


class Heard(msgspec.Struct, frozen=True):
    """One ADT event of one patient. ``occurred`` is EVN-6, else EVN-2, else MSH-7; ``recorded`` is
    EVN-2, else MSH-7; ``order`` is the place in the intake log. ``place_id`` is empty where none was
    named."""

    kind: str
    occurred: int
    recorded: int
    visit: str = ""
    place_id: str = ""
    order: int = 0


def effective(events: Iterable[Heard]) -> list[Heard]:
    """The events that stand after cancels, in order of when they occurred."""
    said = sorted(events, key=lambda e: (e.recorded, e.order))
    standing: list[Heard] = []
    undone: set[tuple[str, int, int, str]] = set()
    for event in said:
        targets = CANCELS.get(event.kind)
        if targets is None:
            standing.append(event)
            continue
        mark = (event.kind, event.occurred, event.recorded, event.visit)
        if mark in undone:
            continue  # the same cancel said twice undoes once
        undone.add(mark)
        target = _target(standing, targets, event)
        if target is not None:
            same = (target.kind, target.occurred, target.place_id, target.visit)
            standing = [e for e in standing if (e.kind, e.occurred, e.place_id, e.visit) != same]
    return sorted(standing, key=lambda e: (e.occurred, e.recorded, e.order))


def stays(patient_id: str, events: Iterable[Heard]) -> list[Stay]:
    """The intervals of one patient, sorted, without overlap; neighbours with one answer are one.

    An update (A08) opens a stay only where nothing else is known: a system that starts in the middle of
    a stay learns of it by the first update that it hears.
    """
    found: list[Stay] = []
    present: Stay | None = None
    for event in effective(events):
        if event.kind in LEAVES:
            if present is not None and _same_visit(present.visit, event.visit):
                found.append(msgspec.structs.replace(present, stop=event.occurred))
                present = None
            continue
        if event.kind in UPDATES and (present is not None or not event.place_id):
            continue
        if event.kind not in ADMITS | MOVES | UPDATES:
            continue
        if present is not None:
            found.append(msgspec.structs.replace(present, stop=event.occurred))
        visit = event.visit or (present.visit if present is not None else "")
        place = event.place_id or (present.place_id if present is not None else "")
        present = Stay(patient_id, event.occurred, FOREVER, place, visit)
    if present is not None:
        found.append(present)
    return _joined(found)


def _target(standing: Sequence[Heard], kinds: tuple[str, ...], cancel: Heard) -> Heard | None:
    candidates = [
        e for e in standing if e.kind in kinds and _same_visit(e.visit, cancel.visit) and e.recorded <= cancel.recorded
    ]
    exact = [e for e in candidates if e.occurred == cancel.occurred]
    return max(exact or candidates, key=lambda e: (e.occurred, e.recorded, e.order), default=None)


def _same_visit(one: str, other: str) -> bool:
    return not one or not other or one == other


def _joined(found: Sequence[Stay]) -> list[Stay]:
    joined: list[Stay] = []
    for stay in found:
        if stay.stop <= stay.start:
            continue
        last = joined[-1] if joined else None
        if last is not None and (last.stop, last.place_id, last.visit) == (stay.start, stay.place_id, stay.visit):
            joined[-1] = msgspec.structs.replace(last, stop=stay.stop)
        else:
            joined.append(stay)
    return joined
