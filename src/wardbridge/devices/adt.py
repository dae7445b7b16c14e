"""ADT events applied: patients, stays and Encounters follow, and every binding that depends on them.

Events are kept and replayed (:mod:`wardbridge.devices.stays`), so repeats, disorder and cancels need no
code of their own here. What cannot be applied raises Invalid with the reason; the pipeline then keeps it
as refused. HL7 v2 chapter 3: A01 A02 A03 A04 A08 A11 A12 A13 A40.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import structlog

from wardbridge.core.clock import iso
from wardbridge.core.db import Connection
from wardbridge.core.errors import Invalid
from wardbridge.devices import people, places
from wardbridge.devices.binding import rederive
from wardbridge.devices.intervals import FOREVER, Stay
from wardbridge.devices.people import Details
from wardbridge.devices.ports import Parts
from wardbridge.devices.stays import Heard, stays
from wardbridge.devices.store import facts
from wardbridge.devices.store import people as store
from wardbridge.fhir.json import dumps

log = structlog.get_logger(__name__)

APPLIED = frozenset({"A01", "A02", "A03", "A04", "A08", "A11", "A12", "A13", "A40"})
ENCOUNTER = "urn:wardbridge:visit"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


class Told(msgspec.Struct, frozen=True):
    """One ADT message in this room's words. ``place`` is ``unit^room^bed`` (PV1-3); ``merged`` are the ids
    that stop being used (MRG-1); ``occurred`` is EVN-6, else EVN-2, else MSH-7, ``recorded`` EVN-2, else
    MSH-7, in µs. ``patient_class`` is PV1-2."""

    kind: str
    patient: Details
    occurred: int
    recorded: int
    visit: str = ""
    place: str = ""
    merged: tuple[str, ...] = ()
    patient_class: str = ""


async def apply(parts: Parts, conn: Connection, told: Told, sequence: int) -> None:
    """Apply one ADT message; ``sequence`` is its place in the intake log.

    Raises Invalid when it names no patient, no time, or an event that this room does not apply.
    """
    if told.kind not in APPLIED:
        raise Invalid(f"ADT {told.kind} is not applied", "MSH-9")
    if not told.patient.ids:
        raise Invalid("names no patient", "PID-3")
    if not told.occurred:
        raise Invalid("says no time: EVN-6, EVN-2 and MSH-7 are empty", "EVN-2")
    await facts.lock(conn)
    if told.kind == "A40":
        await _merge(parts, conn, told)
        return
    if told.kind in ("A01", "A02", "A04") and not told.place:
        raise Invalid(f"ADT {told.kind} names no place", "PV1-3")
    person, news = await people.ensure(parts, conn, told.patient, told.recorded or told.occurred)
    place = await places.ensure(parts, conn, *places.parse(told.place)) if told.place else None
    event = Heard(
        told.kind, told.occurred, told.recorded or told.occurred, told.visit, place.place_id if place else "", sequence
    )
    heard = await store.add_event(conn, person.patient_id, sequence, event)
    if heard or news:
        # A device may have named this patient before anybody told us who that is.
        await follow(
            parts, conn, person.patient_id, reason=f"ADT {told.kind}", patients=[person.patient_id] if news else ()
        )


async def follow(
    parts: Parts,
    conn: Connection,
    patient_id: str,
    *,
    reason: str,
    also: Sequence[Stay] = (),
    patients: Sequence[str] = (),
) -> None:
    """Derive a patient's stays again and everything that hangs on them. ``also`` are stays that were given
    up elsewhere (a merged patient's), ``patients`` others to look after."""
    heard = await store.events(conn, patient_id)
    before = [*await store.stays(conn, patient_id), *also]
    after = stays(patient_id, heard)
    if before != after:
        await store.write_stays(conn, patient_id, after)
    await _encounters(parts, conn, patient_id, heard, after)
    changed = [s for s in (*before, *after) if (s in before) != (s in after)]
    if not changed and not patients:
        return
    affected = await facts.devices_of_places(conn, {s.place_id for s in changed if s.place_id}, {patient_id, *patients})
    since = min((s.start for s in changed), default=0)
    since = 0 if patients else since
    await rederive(parts, conn, dict.fromkeys(affected, since), by="ADT", reason=reason)


async def _merge(parts: Parts, conn: Connection, told: Told) -> None:
    if not told.merged:
        raise Invalid("a merge that names no prior id", "MRG-1")
    survivor, news = await people.ensure(parts, conn, told.patient, told.recorded or told.occurred)
    prior = tuple(map(people.canonical, told.merged))
    known = await store.named(conn, prior)
    olds = sorted({ident for ident in known.values() if ident != survivor.patient_id})
    unknown = [key for key in prior if key not in known]
    if unknown:
        # Later messages may still use the old number: it leads to the survivor from now on.
        await store.put_person(conn, survivor, unknown)
    for old in olds:
        given_up = await store.stays(conn, old)
        await store.write_stays(conn, old, [])
        await people.merge(parts, conn, old, survivor.patient_id)
        await follow(parts, conn, survivor.patient_id, reason="ADT A40", also=given_up, patients=[old])
    if (unknown or news) and not olds:
        await follow(parts, conn, survivor.patient_id, reason="ADT A40", patients=[survivor.patient_id])


async def _encounters(
    parts: Parts, conn: Connection, patient_id: str, heard: Sequence[Heard], found: Sequence[Stay]
) -> None:
    known = await store.visits(conn, patient_id)
    locations = await store.locations(conn, [s.place_id for s in found if s.place_id])
    resources: list[dict[str, Any]] = []
    written: list[tuple[str, str, str]] = []
    for visit in sorted({s.visit for s in found} | {e.visit for e in heard if e.visit} | set(known)):
        ident, digest = known.get(visit, ("", ""))
        mine = [s for s in found if s.visit == visit]
        if not mine and not ident:
            continue
        if not ident and visit:
            new = encounter(patient_id, visit, mine, locations)
            ident = await parts.record.find_or_create(conn, new, f"identifier={ENCOUNTER}|{visit}")
        ident = ident or parts.ids()
        resource = {"id": ident, **encounter(patient_id, visit, mine, locations)}
        mark = hashlib.blake2b(dumps(resource), digest_size=12).hexdigest()
        if mark != digest:
            resources.append(_with(await parts.record.current(conn, "Encounter", ident), resource))
            written.append((visit, ident, mark))
    if resources:
        await parts.record.put(conn, resources)
    for visit, ident, mark in written:
        await store.put_visit(conn, patient_id, visit, ident, mark)


def _with(known: dict[str, Any] | None, said: dict[str, Any]) -> dict[str, Any]:
    """What ADT says over what others know of the visit (reason, participants); an earlier start stays."""
    if known is None:
        return said
    period = dict(said.get("period", {}))
    begun = known.get("period", {}).get("start")
    if begun and period.get("start") and datetime.fromisoformat(begun) < datetime.fromisoformat(period["start"]):
        period["start"] = begun
    return {**known, **said, **({"period": period} if period else {})}


def encounter(patient_id: str, visit: str, found: Sequence[Stay], locations: Mapping[str, str]) -> dict[str, Any]:
    """The FHIR Encounter of one visit. Without any stay left (A11) it is ``cancelled``."""
    open_ = any(s.stop == FOREVER for s in found)
    status = "in-progress" if open_ else "finished" if found else "cancelled"
    resource: dict[str, Any] = {
        "resourceType": "Encounter",
        "status": status,
        "class": {"system": ACT, "code": "IMP", "display": "inpatient encounter"},
        "subject": {"reference": f"Patient/{patient_id}"},
    }
    if visit:
        resource["identifier"] = [{"system": ENCOUNTER, "value": visit}]
    if found:
        period = {"start": iso(found[0].start)}
        if not open_:
            period["end"] = iso(found[-1].stop)
        resource["period"] = period
        rows = []
        for stay in found:
            if stay.place_id in locations:
                span = {"start": iso(stay.start)} | ({} if stay.stop == FOREVER else {"end": iso(stay.stop)})
                rows.append(
                    {
                        "location": {"reference": f"Location/{locations[stay.place_id]}"},
                        "status": "active" if stay.stop == FOREVER else "completed",
                        "period": span,
                    }
                )
        if rows:
            resource["location"] = rows
    return resource
