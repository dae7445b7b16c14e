"""Who is on which device: facts in, intervals out, and the chart put right after every change.

Whatever changes a fact (an ADT event, a device that names a patient, a person) ends in :func:`rederive`:
the intervals are derived again, and every charted value whose patient changed by it is corrected in the
record in the same transaction. A correction by hand, a late A02 and a claim are therefore one mechanism.

``by`` is a FHIR reference (``Practitioner/…``) or a name. All functions run in the caller's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec
import structlog

from wardbridge.core.db import Connection, Pool
from wardbridge.core.errors import Conflict, Invalid, NotFound
from wardbridge.devices import people
from wardbridge.devices.charting.issue import settle
from wardbridge.devices.intervals import FOREVER, Hand, Span, derive
from wardbridge.devices.ports import Parts
from wardbridge.devices.store import facts, points
from wardbridge.devices.store.facts import Row

log = structlog.get_logger(__name__)


class Bound(msgspec.Struct, frozen=True):
    """Who and where at one time; empty where nobody, nowhere."""

    patient_id: str = ""
    place_id: str = ""
    source: str = ""
    conflict: str = ""


class Plan(msgspec.Struct, frozen=True):
    """What to write so that the stored spans are the derived ones; ``moved``: (start, stop) of other patients."""

    gone: list[int]
    changed: list[Row]
    new: list[tuple[str, Span]]
    moved: list[tuple[int, int]]


async def patient_at(conn: Connection | Pool, device_id: str, time: int) -> Bound:
    """Who was on a device at ``time`` (µs since the epoch), by what is known now."""
    span = await facts.span_at(conn, device_id, time)
    return Bound() if span is None else Bound(span.patient_id, span.place_id, span.source, span.conflict)


async def bind(
    parts: Parts,
    conn: Connection,
    device_id: str,
    patient_id: str,
    *,
    by: str,
    at: int | None = None,
    stop: int | None = None,
    reason: str = "",
) -> None:
    """Put a patient on a device by hand from ``at`` (now) until ``stop``, or until the patient leaves.

    Raises NotFound for an unknown device or patient, Conflict when the device is not accepted, Invalid
    for an empty interval.
    """
    start = parts.clock.now() if at is None else at
    if stop is not None and stop <= start:
        raise Invalid("the end of a binding must be after its start", "stop")
    await facts.lock(conn)
    await _accepted(conn, device_id)
    patient_id = await _adopt(parts, conn, patient_id)
    end = FOREVER if stop is None else stop
    ends_with = patient_id if stop is None else ""
    await _decide(parts, conn, device_id, Hand(0, start, end, patient_id, ends_with, by=by), reason)


async def unbind(
    parts: Parts, conn: Connection, device_id: str, *, by: str, at: int | None = None, reason: str = ""
) -> None:
    """Take the device off its patient from ``at`` (now) on: until bound again, released, or that patient leaves.

    Raises NotFound for an unknown device.
    """
    start = parts.clock.now() if at is None else at
    await _accepted(conn, device_id)
    await facts.lock(conn)
    present = await patient_at(conn, device_id, start)
    await _decide(parts, conn, device_id, Hand(0, start, ends_with=present.patient_id, by=by), reason)


async def release(
    parts: Parts, conn: Connection, device_id: str, *, by: str, at: int | None = None, reason: str = ""
) -> None:
    """Give a device that was bound or taken off by hand back to the rules (place and PID)."""
    start = parts.clock.now() if at is None else at
    await _accepted(conn, device_id)
    await facts.lock(conn)
    await _decide(parts, conn, device_id, Hand(0, start, release=True, by=by), reason)


async def correct(
    parts: Parts, conn: Connection, binding_id: int, patient_id: str | None, *, by: str, reason: str
) -> None:
    """The device was on ``patient_id`` (None: on nobody) during this whole interval, not on who is bound.

    Every value charted of the interval becomes entered-in-error and is charted again for the right
    patient. Raises NotFound for an unknown interval or patient.
    """
    await facts.lock(conn)
    row = await facts.binding(conn, binding_id)
    if row is None:
        raise NotFound("no such binding: it may have been derived again meanwhile", f"binding/{binding_id}")
    patient = await _adopt(parts, conn, patient_id) if patient_id else ""
    ends_with = (patient or row.span.patient_id) if row.span.stop == FOREVER else ""
    decision = Hand(0, row.span.start, row.span.stop, patient, ends_with, by=by)
    await _decide(parts, conn, row.device_id, decision, reason)


async def claim(
    parts: Parts,
    conn: Connection,
    device_id: str,
    start: int,
    stop: int,
    patient_id: str,
    *,
    by: str,
    reason: str = "claimed",
) -> None:
    """Say whose the unbound data of [start, stop) is; it is charted as policy would have.

    Raises Conflict when part of the interval already belongs to somebody else (use :func:`correct`).
    """
    if stop <= start:
        raise Invalid("the end of a claim must be after its start", "stop")
    await facts.lock(conn)
    patient_id = await _adopt(parts, conn, patient_id)
    for row in await facts.spans(conn, [device_id], start):
        if row.span.start < stop and row.span.patient_id not in ("", patient_id):
            raise Conflict("part of this time already belongs to another patient", f"binding/{row.binding_id}")
    await _decide(parts, conn, device_id, Hand(0, start, stop, patient_id, by=by), reason)


async def rederive(parts: Parts, conn: Connection, since: Mapping[str, int], *, by: str = "", reason: str = "") -> int:
    """Derive the intervals of devices again from a time each on, and put the chart right.

    Returns how many charted values changed. Takes the lock of bindings.
    """
    if not since:
        return 0
    await facts.lock(conn)
    stored: dict[str, list[Row]] = defaultdict(list)
    for row in await facts.spans(conn, list(since), min(since.values())):
        if row.span.stop > since[row.device_id]:
            stored[row.device_id].append(row)
    begins = {
        device: min(time, stored[device][0].span.start) if stored[device] else 0 for device, time in since.items()
    }
    gone: list[int] = []
    changed: list[Row] = []
    new: list[tuple[str, Span]] = []
    moved: list[tuple[str, int, int]] = []
    for device, found in (await facts.load(conn, begins)).items():
        plan = compare(device, stored[device], derive(found, begins[device]))
        gone += plan.gone
        changed += plan.changed
        new += plan.new
        moved += [(device, start, stop) for start, stop in plan.moved]
    await facts.write_spans(conn, gone, changed, new)
    if gone or changed or new:
        await facts.touch(conn, since)
    if not moved:
        return 0
    return await settle(parts, conn, await points.due_within(conn, moved), by=by, reason=reason)


def compare(device: str, stored: Sequence[Row], derived: Sequence[Span]) -> Plan:
    """The difference of stored and derived spans: rows of one start keep their id."""
    by_start = {row.span.start: row for row in stored}
    plan = Plan([], [], [], _moved([row.span for row in stored], derived))
    for span in derived:
        row = by_start.pop(span.start, None)
        if row is None:
            plan.new.append((device, span))
        elif row.span != span:
            plan.changed.append(Row(row.binding_id, device, span))
    plan.gone.extend(row.binding_id for row in by_start.values())
    return plan


def _moved(before: Sequence[Span], after: Sequence[Span]) -> list[tuple[int, int]]:
    cuts = sorted({cut for span in (*before, *after) for cut in (span.start, span.stop)})
    found: list[tuple[int, int]] = []
    i = j = 0
    for start, stop in pairwise(cuts):
        while i < len(before) and before[i].stop <= start:
            i += 1
        while j < len(after) and after[j].stop <= start:
            j += 1
        old = _whose(before[i], start) if i < len(before) else ("", "")
        new = _whose(after[j], start) if j < len(after) else ("", "")
        if old != new:
            if found and found[-1][1] == start:
                start = found.pop()[0]
            found.append((start, stop))
    return found


def _whose(span: Span, time: int) -> tuple[str, str]:
    return (span.patient_id, span.visit) if span.start <= time and span.patient_id else ("", "")


async def _accepted(conn: Connection, device_id: str) -> None:
    state = await facts.state(conn, device_id)
    if state is None:
        raise NotFound("no such device", f"Device/{device_id}")
    if state != "accepted":
        raise Conflict(f"the device is {state}: accept it before it can be on a patient", f"Device/{device_id}")


async def _adopt(parts: Parts, conn: Connection, patient_id: str) -> str:
    ident, news = await people.adopt(parts, conn, patient_id)
    if news:
        naming = await facts.devices_of_places(conn, (), [ident])
        await rederive(parts, conn, dict.fromkeys(naming, 0), reason="a patient became known")
    return ident


async def _decide(parts: Parts, conn: Connection, device_id: str, decision: Hand, reason: str) -> None:
    await facts.add_hand(conn, device_id, decision, reason, parts.clock.now())
    changed = await rederive(parts, conn, {device_id: decision.start}, by=decision.by, reason=reason)
    log.info("binding.decided", device=device_id, charted=changed)
